"""The second path of life-safety alarms: what is done when no platform says in time that it has them."""
