"""Allow-listed actuators, held only by leases that end by themselves."""
