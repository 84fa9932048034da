"""Commissioning in the page: steps from an empty box to a signed report, each usable again later."""
