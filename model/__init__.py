"""Makes the shipped e-bike detector.  Not part of the product: `make model` runs it in a venv of its own."""
