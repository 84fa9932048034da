"""What must hold for a pair of limits, wherever a site gives one."""

from __future__ import annotations

from courtyard.config.convert import Draft
from courtyard.config.mistakes import Findings


def check_limits(draft: Draft, findings: Findings) -> None:
    """Reports a table without `above` and `below`, and one where every value would be an alarm."""
    if "above" not in draft.values or "below" not in draft.values:
        return
    above, below = draft.get("above"), draft.get("below")
    if above is None and below is None:
        findings.add("rule.needs_limit", (*draft.path, "above"))
    elif above is not None and below is not None and above <= below:
        findings.add("rule.limits_crossed", (*draft.path, "above"), above=f"{above:g}", below=f"{below:g}")
