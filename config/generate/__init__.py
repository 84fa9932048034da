"""Files that follow from settings types, catalogue and profiles; `python -m courtyard.config.generate` writes them."""
