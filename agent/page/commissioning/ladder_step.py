"""Escalations in the page: who is told in which order, after how long, and by what, with a picture of the ladder."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from courtyard.agent.escalation.escalations import awaited_of
from courtyard.agent.page.commissioning.editor import Editor, data_of
from courtyard.agent.page.commissioning.entry_step import EntryStep, Given, Wrong, parts
from courtyard.agent.page.commissioning.proposal import Place, Proposal
from courtyard.agent.web.commissioning.model import Choice, Field, Kind
from courtyard.agent.web.commissioning.step_model import Listed, Preview, Rung
from courtyard.agent.web.model import Words
from courtyard.agent.web.words import span
from courtyard.config.quantities import duration_s
from courtyard.config.second_path import MAX_STEPS, Escalation
from courtyard.config.shape import table_of
from courtyard.config.snapshot import Snapshot

SPARE: Final = 2
"""Empty rows of the form behind those that stand."""
LEAST_ROWS: Final = 3
SMS: Final = "sms"
ALL: Final = "*"
NAME: Final = Words("Name of this escalation", "升级序列名称")
CLASSES: Final = Words("For which alarms", "适用的报警类别")
CLASSES_HELP: Final = Words(
    "fire, sos, fall and so on, with commas between; * for every alarm that endangers life.",
    "如 fire、sos、fall，以逗号分隔；* 表示所有危及生命的报警。",
)
DEVICES: Final = Words("For which devices", "适用的设备")
UPLINKS: Final = Words("Platforms that must confirm first", "首先须确认收到的平台")
UPLINKS_HELP: Final = Words(
    "Empty: whichever always gets alarms. One that confirms spares the steps below.",
    "留空表示所有常规接收报警的平台。任一平台确认后，后续步骤不再执行。",
)
NOTHING: Final = Words("nothing", "（无）")
DO: Final = Words("Step {number}: what is done", "第 {number} 步：执行什么")
AFTER: Final = Words("Step {number}: how long after the alarm", "第 {number} 步：报警后多久")
AFTER_HELP: Final = Words(
    "30s, 2m; at most 1 h. Earlier when the step before fails.", "如 30s、2m，最长 1 小时；上一步失败时立即执行。"
)
NUMBERS: Final = Words("Step {number}: phone numbers, one after the other", "第 {number} 步：依次接收短信的号码")
TEXT_MESSAGE: Final = Words("Text message (SMS)", "发送短信")
SIREN: Final = Words("Siren or lamp", "警号或警灯")
CENTRE: Final = Words("Other centre", "另一个中心")
NO_STEP: Final = Wrong(
    Words("An escalation needs a step.", "至少需要一个步骤。"),
    Words(
        "Choose what is done first: a siren, a text message or another centre.",
        "请选择首先执行的步骤：警号、短信或另一个中心。",
    ),
)
_INDEX: Final = re.compile(r"steps\.(\d+)")


class LadderStep(EntryStep):
    """Implements `courtyard.agent.web.commissioning.step_model.Ladders`."""

    kind: Kind = "escalations"

    def __init__(self, editor: Editor, snapshot: Callable[[], Snapshot]) -> None:
        super().__init__(editor)
        self._snapshot = snapshot

    async def ladders(self) -> Mapping[str, Sequence[Rung]]:
        """The rungs of every escalation, by its name."""
        data = data_of((await self._editor.read()).text)
        return {str(raw.get("name", "")): self._rungs(raw) for raw in data.get("escalations", ())}

    async def numbers(self) -> Sequence[str]:
        """Phone numbers of all escalations, each once."""
        data = data_of((await self._editor.read()).text)
        steps = [step for raw in data.get("escalations", ()) for step in raw.get("steps", ())]
        return tuple(dict.fromkeys(str(number) for step in steps for number in step.get("numbers", ())))

    def fields(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> list[Field]:
        """Name, for what, and a few rows of steps."""
        raw, settings = place.raw, table_of(Escalation).settings
        devices_help = settings["devices"].help
        fields = [
            Field("name", NAME, "text", given.get("name", str(raw.get("name", ""))), required=True),
            _several("classes", CLASSES, raw, given, CLASSES_HELP, "*"),
            _several("devices", DEVICES, raw, given, Words.of(devices_help) if devices_help else None, "*"),
            _several("uplinks", UPLINKS, raw, given, UPLINKS_HELP),
        ]
        steps, given = [step for step in raw.get("steps", ()) if isinstance(step, dict)], _closed_up(given)
        typed = {int(found[1]) + 1 for name in given if (found := _INDEX.match(name)) and given[name].strip()}
        rows = min(MAX_STEPS, max(len(steps) + SPARE, LEAST_ROWS, *typed, 0))
        choices = self._choices(data)
        for index in range(rows):
            step = steps[index] if index < len(steps) else {}
            at, number = f"steps.{index}", str(index + 1)
            do = given.get(f"{at}.do", _do(step))
            fields += [
                Field(f"{at}.do", _numbered(DO, number), "select", do, choices=choices),
                Field(
                    f"{at}.after",
                    _numbered(AFTER, number),
                    "text",
                    given.get(f"{at}.after", str(step.get("after", ""))),
                    help=AFTER_HELP if not index else None,
                ),
                _several("numbers", _numbered(NUMBERS, number), step, given, None, name=f"{at}.numbers"),
            ]
        return fields

    def given(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> Given:
        """The rows in which something is chosen."""
        steps: list[dict[str, Any]] = []
        given = _closed_up(given)
        for index in range(MAX_STEPS):
            at = f"steps.{index}"
            do, _, whom = given.get(f"{at}.do", "").partition(":")
            after = given.get(f"{at}.after", "").strip()
            after = f"{after}s" if after.isdecimal() else after
            if not do:
                continue
            step: dict[str, Any] = {"kind": do, **({"after": after} if after else {})}
            step |= {"numbers": parts(given.get(f"{at}.numbers", ""))} if do == SMS else {do: whom}
            steps.append(step)
        values: dict[str, Any] = {"name": given.get("name", "").strip(), "steps": steps}
        for key, default in (("classes", [ALL]), ("devices", [ALL]), ("uplinks", [])):
            typed = parts(given.get(key, ""))
            values[key] = typed if typed and (typed != default or key in place.raw) else None
        return Given(values, errors={} if steps else {"steps.0.do": NO_STEP})

    def entry(self, raw: Mapping[str, Any], data: Mapping[str, Any]) -> Listed:
        """Which alarms, and what is done in short."""
        rungs = self._rungs(raw)
        last = max((rung.after_s for rung in rungs), default=0.0)
        count = len(rungs) - 1
        words = Words(
            f"{count} step{'s' * (count != 1)}, the last after {span(last, 'en')}",
            f"{count} 个步骤，最后一步在报警后 {span(last, 'zh-CN')}",
        )
        return Listed(str(raw.get("name", "")), words, tuple(map(str, raw.get("classes", ("*",)))))

    def field_of(self, path: str, values: Mapping[str, Any]) -> str:
        """What is said of a step's output or uplink stands where it was chosen."""
        found = _INDEX.match(path)
        if found is None:
            return path or "name"
        field = "after" if path.endswith(".after") else "numbers" if ".numbers" in path else "do"
        return f"steps.{found[1]}.{field}"

    async def look(self, proposal: Proposal, place: Place) -> Preview:
        """The ladder as it will be."""
        return Preview((), ladder=self._rungs(place.raw))

    def _rungs(self, raw: Mapping[str, Any]) -> tuple[Rung, ...]:
        awaited = tuple(map(str, raw.get("uplinks", ()))) or tuple(sorted(awaited_of(self._snapshot().site)))
        first = (
            Words("The platforms get the alarm; one must confirm", "报警送达平台，须有一个平台确认")
            if awaited
            else Words("No platform can confirm; the steps always run", "没有可确认的平台，步骤将全部执行")
        )
        rungs = [Rung(0.0, first, awaited)]
        for step in raw.get("steps", ()):
            if not isinstance(step, dict):
                continue
            what = {"output": SIREN, SMS: TEXT_MESSAGE}.get(str(step.get("kind")), CENTRE)
            whom = step.get("numbers") or (step.get(str(step.get("kind")), ""),)
            rungs.append(Rung(duration_s(str(step.get("after", "0s"))) or 0.0, what, tuple(map(str, whom))))
        return tuple(rungs)

    def _choices(self, data: Mapping[str, Any]) -> tuple[Choice, ...]:
        outputs = [str(each.get("name")) for each in data.get("outputs", ()) if each.get("use") != "door-hold"]
        centres = [str(each.get("name")) for each in data.get("uplinks", ()) if each.get("only_escalated")]
        return (
            Choice("", NOTHING),
            *(Choice(f"output:{name}", _with(SIREN, name)) for name in outputs),
            Choice(SMS, TEXT_MESSAGE),
            *(Choice(f"uplink:{name}", _with(CENTRE, name)) for name in centres),
        )


def _closed_up(given: Mapping[str, str]) -> dict[str, str]:
    """Rows without a gap: a row of the form is then the step of the file with its number."""
    if not any(_INDEX.match(name) for name in given):
        return dict(given)
    rows = [row for row in range(MAX_STEPS) if given.get(f"steps.{row}.do")]
    closed = {name: text for name, text in given.items() if not _INDEX.match(name)}
    for new, old in enumerate(rows):
        closed |= {f"steps.{new}.{part}": given.get(f"steps.{old}.{part}", "") for part in ("do", "after", "numbers")}
    for row in range(len(rows), MAX_STEPS):
        closed |= {f"steps.{row}.{part}": "" for part in ("do", "after", "numbers")}
    return closed


def _several(
    key: str,
    label: Words,
    raw: Mapping[str, Any],
    given: Mapping[str, str],
    help_text: Words | None,
    default: str = "",
    *,
    name: str = "",
) -> Field:
    stands = ", ".join(map(str, raw[key])) if key in raw else default
    return Field(name or key, label, "text", given.get(name or key, stands), help=help_text)


def _do(step: Mapping[str, Any]) -> str:
    kind = str(step.get("kind", ""))
    return kind if kind in ("", SMS) else f"{kind}:{step.get(kind, '')}"


def _numbered(words: Words, number: str) -> Words:
    return Words(words.en.format(number=number), words.zh.format(number=number))


def _with(words: Words, name: str) -> Words:
    return Words(f"{words.en} {name}", f"{words.zh} {name}")
