"""What the check of a site file says, as the page shows it."""

from __future__ import annotations

from courtyard.agent.web.model import Mistake, Words
from courtyard.config.mistakes import Mistake as SiteMistake


def mistake_view(mistake: SiteMistake) -> Mistake:
    """One mistake or warning."""
    return Mistake(
        mistake.severity,
        mistake.file,
        mistake.line,
        mistake.path,
        mistake.excerpt.strip(),
        Words.of(mistake.text),
        Words.of(mistake.cure),
    )
