"""The status page: what is wrong, since when, what to do; on a phone, offline, in Chinese and English.

The page knows the gateway only through the ports of `model`; the wiring provides them.  Nothing in here is imported
before a site asks for a page.
"""
