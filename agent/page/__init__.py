"""Joins the status page to the gateway: its views, what people may do, and the part of the daemon that serves it."""
