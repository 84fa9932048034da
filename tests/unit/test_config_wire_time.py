"""The time that polls take on a wire, computed here by hand from the standard's frame lengths."""

from __future__ import annotations

from pathlib import Path

import pytest

from courtyard.config.wire_time import Load, character_s, load
from courtyard.drivers.lines.settings import RtuTcpLine, SerialLine
from tests.config_rig import GATEWAY, LINE, METER, check


def devices(folder: Path, count: int, every: str) -> str:
    meters = "".join(
        METER.replace('"meter"', f'"m{unit}"').replace("address = 1", f'address = {unit}\nevery = "{every}"')
        for unit in range(1, count + 1)
    )
    return GATEWAY + LINE + meters


@pytest.mark.parametrize(
    ("line", "bits"),
    [
        (SerialLine("a", "p", 9600), 10),
        (SerialLine("a", "p", 9600, parity="E"), 11),
        (SerialLine("a", "p", 9600, parity="O", stop_bits=2), 12),
        (SerialLine("a", "p", 9600, data_bits=7, parity="E"), 10),
        (RtuTcpLine("a", "h", 4001, 9600), 10),
    ],
)
def test_a_character_has_start_data_parity_and_stop_bits(line: SerialLine | RtuTcpLine, bits: int) -> None:
    assert character_s(line) == bits / 9600


@pytest.mark.parametrize(("baud", "silence_ms"), [(9600, 3.5 * 10 / 9.6), (19200, 3.5 * 10 / 19.2), (38400, 1.75)])
def test_a_poll_is_request_answer_and_two_silences(baud: int, silence_ms: float, tmp_path: Path) -> None:
    """An ultraD: 17 registers in one read, 8 bytes out, 39 bytes back."""
    snapshot = check(tmp_path, devices(tmp_path, 3, "60s")).snapshot
    assert snapshot is not None
    found = load(SerialLine("bus", "p", baud), snapshot.lines["bus"].devices)
    poll_s = 47 * 10 / baud + 2 * silence_ms / 1000
    assert found.busy_s == pytest.approx(3 * poll_s)
    assert found.period_s == 60
    assert found.share == pytest.approx(3 * poll_s / 60)


def test_devices_of_the_same_type_cost_the_same(tmp_path: Path) -> None:
    snapshot = check(tmp_path, devices(tmp_path, 2, "60s") + METER.replace("address = 1", "address = 9")).snapshot
    assert snapshot is not None
    line = snapshot.lines["bus"]
    assert isinstance(line.settings, SerialLine)
    one = load(line.settings, line.devices[:1]).busy_s
    assert load(line.settings, line.devices).busy_s == pytest.approx(3 * one)


@pytest.mark.parametrize(("count", "told"), [(40, []), (45, ["line.busy"]), (55, ["line.too_slow"])])
def test_a_line_that_is_asked_too_much_is_told(count: int, told: list[str], tmp_path: Path) -> None:
    verdict = check(tmp_path, devices(tmp_path, count, "3s"))
    found = [*verdict.mistakes, *verdict.warnings]
    assert [each.code for each in found] == told
    for each in found:
        assert f"{count} devices, 9600 Bd" in each.text.en
        assert 'every = "5s"' in each.cure.en


def test_the_advice_is_enough(tmp_path: Path) -> None:
    assert check(tmp_path, devices(tmp_path, 55, "5s")).warnings == ()


@pytest.mark.parametrize(("busy", "advised"), [(0.5, 1), (40, 60), (41, 60), (43, 90), (80_000, 172_800)])
def test_advice_is_a_round_period(busy: float, advised: float) -> None:
    assert Load(1.0, busy, 60.0).period_for(0.7) == advised
