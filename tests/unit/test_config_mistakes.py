"""Every message about a site file: what brings it up, where it points, what it offers, in both languages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest

from courtyard.config.messages import messages
from courtyard.config.mistakes import Mistake
from tests.blestack_sites import MISTAKES as WEARABLES
from tests.config_rig import GATEWAY, GOOD, LINE, METER, POINT, PROFILE, RULE, changed, check
from tests.escalation_sites import MISTAKES
from tests.presence_sites import MISTAKES as PRESENCE

ULTRAD = 'profile = "water/ultrad"'
RESIDENT = '[[residents]]\nid = "r-1"\nwearables = ["meter"]\n'
OWN = changed(ULTRAD, 'profile = "own/type"')


class Case(NamedTuple):
    """A site text in which « marks where the mistake must be found, if it has a place."""

    text: str
    nearest: str | None = None
    files: Mapping[str, str] = MappingProxyType({})


def point(lines: str, base: str = POINT) -> dict[str, str]:
    """A profile of the site with one point to which `lines` are added."""
    return {"profiles/own/type.toml": PROFILE + base + lines}


def without(key: str) -> str:
    return "".join(line for line in POINT.splitlines(keepends=True) if not line.startswith(key))


CASES: dict[str, Case] = {
    "toml.full_width": Case(changed('id = "meter"', "id = «“meter”")),
    "toml.unquoted": Case(changed("address = 1", "address = 1\nevery = «60s")),
    "toml.leading_zero": Case(changed("address = 1", "address = 0«7")),
    "toml.boolean": Case(changed("address = 1", "address = 1\nname = «True")),
    "toml.empty_value": Case(changed("address = 1", "address =«")),
    "toml.unclosed_text": Case(changed('id = "meter"', '«id = "meter')),
    "toml.unclosed_bracket": Case(changed('outputs = ["siren"]', '«outputs = ["siren"\nseverity = 2')),
    "toml.backslash": Case(changed('"/dev/ttyUSB0"', '"C:\\p«orts"')),
    "toml.no_equals": Case(changed('id = "meter"', "«meter")),
    "toml.duplicate_key": Case(changed("address = 1", "address = 1\n«address = 2")),
    "toml.duplicate_table": Case(GOOD + "«[gateway]\n"),
    "toml.too_deep": Case(GOOD + "«name = " + "[" * 5000),
    "toml.syntax": Case(changed('outputs = ["siren"]', 'outputs = ["siren" «"horn"]')),
    "toml.more": Case("\n".join("nonsense" for _ in range(30))),
    "key.unknown": Case(changed("address = 1", "«adress = 1"), "address"),
    "key.missing": Case(changed("address = 1\n", "").replace("[[devices]]", "«[[devices]]", 1)),
    "table.missing": Case(GOOD.replace(GATEWAY, "")),
    "value.wrong": Case(changed("address = 1", "address = 1\nevery = «60"), "60s"),
    "value.list_wanted": Case(changed(RULE, RULE.replace("[[rules]]", "«[rules]"))),
    "value.table_wanted": Case(changed(GATEWAY, GATEWAY.replace("[gateway]", "«[[gateway]]"))),
    "secret.inline": Case(changed('name = "community"', 'name = "community"\n«password = "s3cret"')),
    "secret.in_url": Case(changed('"mqtts://', '«"mqtts://me:s3cret@')),
    "name.twice": Case(changed('id = "board"', 'id = «"meter"')),
    "reference.line": Case(changed('line = "bus"', 'line = «"buss"'), "bus"),
    "reference.device": Case(changed('device = "board"', 'device = «"bord"'), "board"),
    "reference.output": Case(changed('["siren"]', '[«"sirene"]'), "siren"),
    "reference.target": Case(changed('target = "siren"', 'target = «"sire"'), "siren"),
    "output.not_releasable": Case(
        changed('kind = "coil"', 'kind = "register", minimum = 1').replace('target = "siren"', 'target = «"siren"')
    ),
    "output.shared": Case(GOOD + '[[outputs]]\nname = "horn"\ndevice = "board"\ntarget = «"siren"\n'),
    "resident.device_twice": Case(GOOD + RESIDENT + 'buttons = [«"meter"]\n'),
    "resident.not_vital": Case(GOOD + RESIDENT + 'limits = [{ point = «"water.flow", above = 3 }]\n'),
    "resident.limit_twice": Case(
        GOOD + RESIDENT + 'limits = [{ point = "vital.spo2", below = 90 }, { point = «"vital.spo2", above = 120 }]\n'
    ),
    "resident.no_wearable": Case(
        GOOD + '[[residents]]\nid = "r-1"\n«limits = [{ point = "vital.spo2", below = 90 }]\n'
    ),
    "web.plain": Case(GOOD + "[web]\ntls = «false\n"),
    "pattern.nothing": Case(changed("above = 3", 'above = 3\ndevices = ["meter", «"wm-*"]')),
    "pattern.no_point": Case(changed('name = "community"', 'name = "community"\nfilter.points = [«"weather.*"]')),
    "line.port_twice": Case(changed(LINE, LINE + LINE.replace('"bus"', '"bus2"').replace('port = "', 'port = «"'))),
    "line.address_twice": Case(changed("address = 2", "address = «1")),
    "line.address_range": Case(changed("address = 2", "address = «248")),
    "line.unused": Case(changed(LINE, LINE + '[[lines]]\nname = «"spare"\nkind = "tcp"\nhost = "10.0.0.1"\n')),
    "line.too_slow": Case(
        changed(LINE, LINE + "baud = «300\n").replace("address = 1\n", 'address = 1\nevery = "1s"\n')
    ),
    "line.busy": Case(
        changed(LINE, LINE + "baud = «1200\n").replace("address = 1\n", 'address = 1\nevery = "550ms"\n')
    ),
    "journal.reserve": Case(GOOD + '[journal]\nquota = "2MB"\nalarm_reserve = «"2MB"\n'),
    "uplink.key_alone": Case(changed('name = "community"', 'name = "community"\nkey_file = «"key"')),
    "uplink.password_alone": Case(changed('name = "community"', 'name = "community"\npassword_file = «"pw"')),
    "uplink.plain": Case(
        changed('url = "mqtts:', 'username = "me"\npassword_file = "pw"\nurl = «"mqtt:'), files={"pw": "s3cret"}
    ),
    "uplink.tls_unused": Case(changed('url = "mqtts:', 'ca_file = «"ca"\nurl = "mqtt:'), files={"ca": "-"}),
    "rule.needs_point": Case(changed('point = "water.flow"\n', "").replace("[[rules]]", "«[[rules]]")),
    "rule.needs_limit": Case(changed("above = 3\n", "").replace("[[rules]]", "«[[rules]]")),
    "rule.limits_crossed": Case(changed("above = 3", "above = «3\nbelow = 3")),
    "rule.night_short": Case(
        changed(
            'kind = "threshold"\npoint = "water.flow"\nabove = 3',
            'kind = "night_flow"\nstart = "23:00"\nend = «"01:00"',
        )
    ),
    "rule.unused": Case(
        changed('kind = "threshold"\npoint = "water.flow"', 'kind = "unreachable"').replace("above = 3", "«above = 3")
    ),
    "rule.not_read": Case(changed('point = "water.flow"', 'point = «"water.pressure"')),
    "profile.missing": Case(changed(ULTRAD, 'profile = «"water/ultra"'), "water/ultrad"),
    "profile.broken": Case(changed(ULTRAD, 'profile = «"own/type"'), files=point("scale = 0\n")),
    "profile.hides": Case(
        changed(ULTRAD, 'profile = «"water/ultrad"'), files={"profiles/water/ultrad.toml": PROFILE + POINT}
    ),
    "profile.option_missing": Case(
        changed(ULTRAD, 'profile = "water/tuf-2000"').replace("[[devices]]", "«[[devices]]", 1)
    ),
    "profile.option_unknown": Case(
        changed(ULTRAD, 'profile = "water/tuf-2000"\noptions = { «multiplyer = 1 }'), "multiplier"
    ),
    "profile.no_points": Case(
        changed(ULTRAD, 'profile = "water/pulse-collector"').replace("[[devices]]", "«[[devices]]", 1)
    ),
    "profile.fixed": Case(
        changed(ULTRAD, f'{ULTRAD}\n«points = [{{ point = "relay.1", address = 0, type = "bool" }}]')
    ),
    "device.polled_rarely": Case(
        changed(
            ULTRAD,
            'profile = "fire/detector"\npoints = [{ point = "smoke.detected", address = 0, type = "bool" }]\n'
            '«every = "30s"',
        )
    ),
    "profile.empty": Case(OWN, files={"profiles/own/type.toml": PROFILE}),
    "profile.wrong_limits": Case(
        OWN,
        files=point('[[writes]]\nname = "a"\nkind = "register"\naddress = 0\nminimum = «2\nmaximum = 1\n'),
    ),
    "point.prefix": Case(
        GOOD, files={"points.toml": '«["water.colour"]\ntype = "number"\nunit = "1"\nen = "Colour"\nzh = "颜色"\n'}
    ),
    "catalogue.unit": Case(
        GOOD, "kPa", {"points.toml": '["site.p"]\ntype = "number"\nunit = «"kpa"\nen = "P"\nzh = "压力"\n'}
    ),
    "point.unknown": Case(OWN, "water.flow", point("", POINT.replace('"water.flow"', '«"water.flo"'))),
    "point.twice": Case(OWN, files={"profiles/own/type.toml": PROFILE + POINT + POINT.replace('= "w', '= «"w')}),
    "point.unit": Case(OWN, files=point("", POINT.replace('"L/h"', '«"kPa"'))),
    "point.unit_missing": Case(OWN, files=point("", "«" + without("unit"))),
    "point.unit_unused": Case(
        OWN,
        files=point("", POINT.replace("water.flow", "water.leak").replace('= "L', '= «"L').replace("uint16", "bool")),
    ),
    "point.kind": Case(OWN, files=point("as_text = true\n", "«" + without("unit"))),
    "point.value": Case(
        OWN,
        "open",
        point('map = { 1 = «"opn" }\n', without("unit").replace("water.flow", "valve.state")),
    ),
    "point.code": Case(
        OWN, files=point('map = { «one = "open" }\n', without("unit").replace("water.flow", "valve.state"))
    ),
    "point.scale": Case(OWN, files=point("scale = «0\n")),
    "point.option": Case(
        OWN,
        "factor",
        point('scale_option = «"facto"\n[[options]]\nname = "factor"\ntitle_en = "F"\ntitle_zh = "系数"\n'),
    ),
    "point.bits": Case(OWN, files=point("mask = «1\n", POINT.replace("uint16", "float32"))),
    "point.too_long": Case(
        OWN,
        files=point('fraction = { address = 125, type = "uint16" }\n', POINT.replace("address = 0", "address = «0")),
    ),
    "point.past_end": Case(OWN, files=point("", POINT.replace("address = 0", "address = «65535").replace("16", "32"))),
    "point.bit_function": Case(OWN, files=point("function = 1\n", POINT.replace('"uint16"', '«"uint16"'))),
    "point.limits": Case(OWN, files=point("minimum = «5\nmaximum = 5\n")),
    "secret_file.missing": Case(
        changed('name = "community"', 'name = "community"\nusername = "me"\npassword_file = «"absent"')
    ),
    "secret_file.empty": Case(
        changed('name = "community"', 'name = "community"\nusername = "me"\npassword_file = «"pw"'), files={"pw": ""}
    ),
    "secret_file.open": Case(
        changed('name = "community"', 'name = "community"\nusername = "me"\npassword_file = «"pw"'), files={"pw": "x"}
    ),
    "credential.unseen": Case(
        changed('name = "community"', 'name = "community"\nusername = "me"\npassword_file = «"credential:pw"')
    ),
    **{code: Case(text, "fire" if code == "reference.uplink" else None) for code, text in MISTAKES.items()},
    **{code: Case(text, files=files) for code, (text, files) in WEARABLES.items()},
    **{code: Case(text) for code, text in PRESENCE.items()},
}
ELSEWHERE = {
    "file.missing", "file.unreadable", "file.too_large", "file.encoding", "secret_file.hidden", "credential.missing",
    "line.no_modbus", "line.peers", "line.open_to_all",
    "reference.relay", "reference.camera", "vision.votes",
    *(code for code in messages() if code.startswith(("panel.", "names.", "camera.", "lift."))),
}  # fmt: skip
"""Messages that need more than texts; see test_config_files.py, test_camera_config.py, test_firewire_config.py and
test_lift_guard_config.py."""


def test_every_message_has_a_case() -> None:
    assert {*CASES, *ELSEWHERE} == set(messages())


def test_the_good_site_is_good(tmp_path: Path) -> None:
    verdict = check(tmp_path)
    assert (verdict.mistakes, verdict.warnings) == ((), ())
    assert verdict.snapshot is not None


def marked(case: Case) -> tuple[Case, str | None, tuple[int, int] | None]:
    """The case without its mark, the file in which the mark stood, and its line and column."""
    for name, text in {"site.toml": case.text, **case.files}.items():
        if "«" in text:
            before = text[: text.index("«")].split("\n")
            texts = {file: content.replace("«", "") for file, content in case.files.items()}
            return Case(case.text.replace("«", ""), case.nearest, texts), name, (len(before), len(before[-1]) + 1)
    return case, None, None


@pytest.mark.parametrize("code", CASES)
def test_a_mistake_says_what_and_where(code: str, tmp_path: Path) -> None:
    case, file, spot = marked(CASES[code])
    verdict = check(tmp_path, case.text, case.files)
    reported = [each for each in (*verdict.mistakes, *verdict.warnings) if each.code == code]
    assert reported, [each.code for each in verdict.mistakes]
    first = reported[0]
    assert first.severity == messages()[code].severity
    assert (verdict.snapshot is None) == bool(verdict.mistakes)
    if spot is not None:
        assert file is not None
        assert Path(first.file) == tmp_path / file
        assert (first.line, first.column) == spot
    if case.nearest is not None:
        assert first.nearest == case.nearest
        assert case.nearest in first.cure.en
        assert case.nearest in first.cure.zh
    assert_complete(first)


def assert_complete(mistake: Mistake) -> None:
    """Both languages are filled in, and nothing secret is shown."""
    for text in (mistake.text, mistake.cure):
        assert re.search(r"[\u4e00-\u9fff]", text.zh)
        assert not re.search(r"[\u4e00-\u9fff]", text.en.replace("自定义", ""))
        assert not re.search(r"\{[a-z_]*\}", text.en + text.zh)
    assert "s3cret" not in repr(mistake)


@pytest.mark.parametrize("rate", ["0", "-1", "inf", "nan", "1e400"])
def test_bounds_of_numbers_are_kept(rate: str, tmp_path: Path) -> None:
    verdict = check(tmp_path, OWN, point(f"max_rate_per_h = {rate}\n"))
    assert [each.path for each in verdict.mistakes] == ["devices[0].profile", "points[0].max_rate_per_h"]
    assert verdict.mistakes[-1].allowed == ("a number, more than 0", "数字，大于 0")


def test_a_misspelt_key_is_not_also_missing(tmp_path: Path) -> None:
    verdict = check(tmp_path, changed("address = 1", "adress = 1"))
    assert [each.code for each in verdict.mistakes] == ["key.unknown"]


def test_all_mistakes_come_at_once(tmp_path: Path) -> None:
    text = GOOD
    for old, new in (
        ('id = "gw-0007"', 'id = "GW 7"'),
        ('kind = "serial"', 'kind = "serail"'),
        ('line = "bus"', 'line = "buss"'),
        ("address = 1", "address = 300"),
        ('target = "siren"', 'target = "sire"'),
        ("above = 3", 'above = "3"'),
        ('["siren"]', '["horn"]'),
    ):
        text = text.replace(old, new, 1)
    verdict = check(tmp_path, text)
    assert [(each.path, each.nearest) for each in verdict.mistakes] == [
        ("gateway.id", "gw-7"),
        ("lines[0].kind", "serial"),
        ("devices[0].line", "bus"),
        ("devices[0].address", None),
        ("outputs[0].target", "siren"),
        ("rules[0].above", "3"),
        ("rules[0].outputs[0]", None),
    ]
    lines = [each.line or 0 for each in verdict.mistakes]
    assert lines == sorted(lines)


def test_errors_of_writing_come_all_at_once_and_hide_no_wrong_value(tmp_path: Path) -> None:
    text = (
        changed('id = "gw-0007"', "id = gw-0007")
        .replace('id = "board"', "id = “board”")
        .replace("address = 1\n", 'address = "x"\n')
        .replace("above = 3", "above =")
    )
    verdict = check(tmp_path, text)
    assert [each.code for each in verdict.mistakes] == [
        "toml.unquoted",
        "value.wrong",
        "toml.full_width",
        "toml.empty_value",
    ]
    for each in verdict.mistakes:
        assert each.line is not None
        assert {"toml.unquoted": "gw-", "value.wrong": '"x"', "toml.full_width": "“", "toml.empty_value": "above"}[
            each.code
        ] in text.splitlines()[each.line - 1]


@pytest.mark.parametrize(
    ("written", "offered"), [('"2:00"', "02:00"), ('"2：30"', "02:30"), ("02:00:00", "02:00"), ('"25:00"', None)]
)
def test_a_time_of_day_that_is_written_otherwise(written: str, offered: str | None, tmp_path: Path) -> None:
    night = changed('kind = "threshold"\npoint = "water.flow"\nabove = 3', f'kind = "night_flow"\nstart = {written}')
    assert [(each.path, each.nearest) for each in check(tmp_path, night).mistakes] == [("rules[0].start", offered)]


@pytest.mark.parametrize(
    ("written", "offered"),
    [
        ("every = 60", "60s"),
        ('every = "60"', "60s"),
        ('every = "5 minutes"', "5m"),
        ('every = "1 hour"', "1h"),
        ('every = "90 sec"', "90s"),
        ("every = 0.5", "0.5s"),
        ('every = "soon"', None),
        ('address = "17"', "17"),
        ("id = 17", "17"),
        ('place = "B03/U02"', "b03/u02"),
    ],
)
def test_what_was_probably_meant_is_offered(written: str, offered: str | None, tmp_path: Path) -> None:
    key = written.partition(" ")[0]
    meter = "".join(line for line in METER.splitlines(keepends=True) if not line.startswith(key)) + written + "\n"
    verdict = check(tmp_path, changed(METER, meter))
    assert [(each.path, each.nearest) for each in verdict.mistakes] == [(f"devices[0].{key}", offered)]


@pytest.mark.parametrize(("written", "meant"), [("interval", "every"), ("slave_id", "address"), ("model", "profile")])
def test_words_of_other_products_are_understood(written: str, meant: str, tmp_path: Path) -> None:
    lines = [line for line in METER.splitlines() if not line.startswith(meant)]
    verdict = check(tmp_path, changed(METER, "\n".join([*lines, f"{written} = 1", ""])))
    assert [(each.code, each.nearest) for each in verdict.mistakes] == [("key.unknown", meant)]
