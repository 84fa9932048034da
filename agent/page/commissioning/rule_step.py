"""Rules of the site in the page: in words, from a beginning, tried on the recorded past before they are saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from courtyard.agent.history import History
from courtyard.agent.page.commissioning.editor import Editor
from courtyard.agent.page.commissioning.entry_step import EntryStep, Given, setting_value
from courtyard.agent.page.commissioning.fields import default_text, value_shown
from courtyard.agent.page.commissioning.proposal import Place, Proposal
from courtyard.agent.page.commissioning.rule_trial import try_rule
from courtyard.agent.page.commissioning.rule_words import KINDS, SEVERITIES, begun, offered, sentence
from courtyard.agent.web.commissioning.model import Choice, Field, Kind
from courtyard.agent.web.commissioning.step_model import Listed, Preview, Template
from courtyard.agent.web.model import Words
from courtyard.config.rule import Rule
from courtyard.config.shape import table_of
from courtyard.config.snapshot import Snapshot

ASKED: Final[Mapping[str, tuple[str, ...]]] = {
    "threshold": ("name", "devices", "point", "above", "below", "hysteresis", "for", "severity", "outputs"),
    "unreachable": ("name", "devices", "for", "severity", "outputs"),
    "reverse_flow": ("name", "devices", "hysteresis", "for", "severity", "outputs"),
    "night_flow": ("name", "devices", "start", "end", "for", "above", "severity", "outputs"),
}
"""What the form of each kind asks for, in its order."""
LABELS: Final[Mapping[str, Words]] = {
    "name": Words("Name of the rule", "规则名称"),
    "devices": Words("Devices", "设备"),
    "point": Words("What is watched", "监视的测点"),
    "above": Words("Alarm above", "高于此值报警"),
    "below": Words("Alarm below", "低于此值报警"),
    "hysteresis": Words("Over when so far back inside", "回到限值内多少后解除"),
    "for": Words("Only when it lasts for", "持续多久才报警"),
    "severity": Words("How urgent", "紧急程度"),
    "outputs": Words("Outputs that are held meanwhile", "报警期间保持的输出"),
    "start": Words("The night begins", "夜间开始"),
    "end": Words("The night ends", "夜间结束"),
}
KIND: Final = Words("Kind of rule", "规则类型")


class RuleStep(EntryStep):
    """Implements `courtyard.agent.web.commissioning.step_model.StepDesk`."""

    kind: Kind = "rules"

    def __init__(
        self,
        editor: Editor,
        snapshot: Callable[[], Snapshot],
        history: Callable[[], History | None],
        now_ms: Callable[[], int],
    ) -> None:
        super().__init__(editor)
        self._snapshot, self._history, self._now_ms = snapshot, history, now_ms

    def templates(self) -> Sequence[Template]:
        """Beginnings that fit the devices of the site."""
        return offered(self._measured())

    def fields(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> list[Field]:
        """One kind's own fields."""
        if place.is_new and "template" in given:
            taken = frozenset(str(each.get("name")) for each in data.get("rules", ()))
            given = {**given, **begun(given["template"], self._measured(), taken)}
        kind = str(place.raw.get("kind") or given.get("kind", ""))
        kind = kind if kind in ASKED else "threshold"
        settings = table_of(Rule).settings
        fields = [Field("kind", KIND, "fixed", kind, help=KINDS[kind])]
        for key in ASKED[kind]:
            setting = settings[key]
            raw = place.raw.get(key)
            text = given.get(key)
            if text is None:
                text = _shown(raw) if key in place.raw else _shown(setting.default) if key == "devices" else ""
                text = text or ("" if key in ("outputs", "for") else default_text(setting))
            help_text = Words.of(setting.help) if setting.help else None
            choices: tuple[Choice, ...] = ()
            if key == "severity":
                choices = tuple(Choice(str(each), words) for each, words in SEVERITIES.items())
            elif key == "point":
                choices = self._points(text)
            kind_of = "select" if choices else "text"
            fields.append(
                Field(key, LABELS[key], kind_of, text, setting.required or key == "point", help_text, choices)  # type: ignore[arg-type]
            )
        return fields

    def given(self, place: Place, given: Mapping[str, str], data: Mapping[str, Any]) -> Given:
        """What was typed, as the file has it."""
        kind = str(place.raw.get("kind") or given.get("kind", "threshold"))
        settings = table_of(Rule).settings
        values: dict[str, Any] = {"name": given.get("name", "").strip(), **({"kind": kind} if place.is_new else {})}
        for key in ASKED.get(kind, ASKED["threshold"])[1:]:
            values[key] = setting_value(settings[key], given.get(key, ""), written=key in place.raw)
        return Given(values)

    def entry(self, raw: Mapping[str, Any], data: Mapping[str, Any]) -> Listed:
        """A rule as a sentence."""
        about = tuple(map(str, raw.get("devices", ("*",))))
        return Listed(str(raw.get("name", "")), sentence(raw, self._snapshot().catalogue), about)

    def field_of(self, path: str, values: Mapping[str, Any]) -> str:
        """What is said of the whole rule stands at its name."""
        return path or "name"

    async def look(self, proposal: Proposal, place: Place) -> Preview:
        """What the rule would have done."""
        snapshot = proposal.verdict.snapshot
        assert snapshot is not None
        rule = next(each for each in snapshot.site.rules if each.name == proposal.name)
        trial = await try_rule(rule, snapshot, self._history(), self._now_ms())
        return Preview((), trial=trial)

    def _measured(self) -> dict[str, frozenset[str]]:
        return {name: frozenset(each.points) for name, each in self._snapshot().devices.items() if each.points}

    def _points(self, chosen: str) -> tuple[Choice, ...]:
        """What the devices of the site measure, and what is chosen already."""
        catalogue = self._snapshot().catalogue
        measured = set().union(*self._measured().values(), {chosen} & set(catalogue))
        labels = {point: Words.of(catalogue[point].label) for point in sorted(measured) if point in catalogue}
        watched = {point: words for point, words in labels.items() if catalogue[point].type not in ("text", "enum")}
        return tuple(
            Choice(point, Words(f"{words.en} ({point})", f"{words.zh}（{point}）")) for point, words in watched.items()
        )


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value_shown(value)
