"""An escalation as a sentence that an installer can read aloud."""

from __future__ import annotations

from collections.abc import Iterator

from courtyard.agent.escalation.escalations import awaited_of
from courtyard.config.quantities import duration_text
from courtyard.config.second_path import Escalation, OutputStep, SmsStep, Step
from courtyard.config.site import Site
from courtyard.drivers.base import Text


def sequences(site: Site) -> Iterator[Text]:
    """One line an escalation: `life: 0 s community; after 30 s siren-b03; after 60 s SMS to 2 numbers`."""
    for escalation in site.escalations:
        yield _sequence(site, escalation)


def _sequence(site: Site, escalation: Escalation) -> Text:
    awaited = sorted(escalation.uplinks or awaited_of(site))
    first = Text(f"0 s {' or '.join(awaited)}", f"0 秒 {'或'.join(awaited)}") if awaited else None
    steps = [first or Text("0 s nobody confirms", "0 秒 无平台可确认"), *map(step_text, escalation.steps)]
    which_en = "" if escalation.classes == ("*",) else f" ({', '.join(escalation.classes)})"
    which_zh = "" if escalation.classes == ("*",) else f"（{'、'.join(escalation.classes)}）"
    return Text(
        f"{escalation.name}{which_en}: {'; '.join(step.en for step in steps)}",
        f"{escalation.name}{which_zh}：{'；'.join(step.zh for step in steps)}",
    )


def step_text(step: Step) -> Text:
    """One step: `after 30 s siren-b03`."""
    after = _seconds(step.after_s)
    match step:
        case OutputStep():
            what = Text(step.output, step.output)
        case SmsStep():
            count = len(step.numbers)
            what = Text(f"SMS to {count} number{'s' * (count != 1)}", f"发短信至 {count} 个号码")
        case _:
            what = Text(step.uplink, step.uplink)
    return Text(f"after {after.en} {what.en}", f"{after.zh}后 {what.zh}")


def _seconds(seconds: float) -> Text:
    if seconds < 120 or seconds % 60:
        return Text(f"{seconds:g} s", f"{seconds:g} 秒")
    return Text(duration_text(seconds), f"{seconds / 60:g} 分钟")
