"""Site settings, the point catalogue and device profiles."""
