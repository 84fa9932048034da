"""The privacy of residents: what of their health data is kept and told, and who agreed to it."""
