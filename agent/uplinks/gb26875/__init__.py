"""This gateway as a user information transmission device that reports to a fire-control centre (GB/T 26875.3-2011)."""
