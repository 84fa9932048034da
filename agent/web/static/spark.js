// Sparklines.
