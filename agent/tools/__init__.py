"""Tools for the person at the box: what ails it, and what to send to who can help."""
