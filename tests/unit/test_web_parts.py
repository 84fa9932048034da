"""The page's pure parts: the sentence, the drawing, words, pieces, streams in virtual time, what feeds them."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import jinja2
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from courtyard.agent.latest import Latest
from courtyard.agent.memory import give_back_what_is_freed, trim
from courtyard.agent.page.certificate import CERTIFICATE, KEY, tls_context
from courtyard.agent.page.settings import tables
from courtyard.agent.page.tail import LINES, LogTail
from courtyard.agent.page.watch import Watch
from courtyard.agent.web import words
from courtyard.agent.web.compound import Draughtsman, draw
from courtyard.agent.web.drawing import cells
from courtyard.agent.web.live import CREDIT_S, EVERY_S, LEAST_S, SHARE, Live, Subject, digest
from courtyard.agent.web.model import Trouble, Words
from courtyard.agent.web.overview import headline
from courtyard.agent.web.render import Rendered, Renderer
from courtyard.buffer.types import LaneStatus, Status
from courtyard.config.redact import Redactor
from courtyard.drivers.base import Reading
from tests.config_rig import GOOD, check
from tests.gateway_rig import elapse, virtual
from tests.web_rig import FakeViews, Stage, compound, meter


def trouble(severity: Any, what: str, *, acknowledged: bool = False) -> Trouble:
    text = Words(what, what)
    return Trouble(severity, "x", text, text, text, 1000, acknowledged=acknowledged)


def test_the_sentence_names_the_worst_that_nobody_has_taken_on() -> None:
    assert headline([]).mood == "well"
    taken, fire, leak = trouble(1, "taken", acknowledged=True), trouble(2, "fire"), trouble(3, "leak")
    told = headline([fire, leak, taken])
    assert (told.mood, told.sentence.en, told.more) == ("danger", "fire", 1)
    assert headline([leak, taken]).mood == "warn"
    assert headline([taken]).mood == "busy"


def test_every_device_has_its_place_in_the_drawing_and_no_two_share_one() -> None:
    devices = compound()
    drawn = draw(devices)
    assert [building.segment for building in drawn] == ["b01", "b02", "b03", ""]
    shown = [device.id for building in drawn for cell in building.cells for device in cell.devices]
    assert sorted(shown) == sorted(device.id for device in devices)
    for building in drawn:
        spots = [(cell.x, cell.y) for cell in building.cells]
        assert len(set(spots)) == len(spots)
        assert all(
            0 <= cell.x <= building.width - 30 and 0 <= cell.y <= building.height - 22 for cell in building.cells
        )
    assert drawn[0].state == "alarm"


@given(
    st.lists(st.from_regex(r"(b[0-9]{1,2}(/u[0-9])?(/fb?[0-9]{1,2})?(/r[0-9]{3})?)?(/x-[a-z]{1,4})?", fullmatch=True))
)
def test_any_places_can_be_drawn(places: list[str]) -> None:
    devices = [meter(number, place.strip("/")) for number, place in enumerate(places)]
    drawn = draw(devices)
    assert sum(len(cell.devices) for building in drawn for cell in building.cells) == len(devices)


@given(st.text(max_size=40))
def test_a_name_cannot_leave_its_cell(name: str) -> None:
    printable = "".join(char for char in name if char.isprintable())
    (building,) = draw([msgspec.structs.replace(meter(1, "b01/u01/f01/r101"), name=printable, state="fault")])
    (link,) = ElementTree.fromstring(f"<svg>{cells(building, 'en')}</svg>")
    assert [each.tag for each in link] == ["title", "rect", "text"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1234.567, "1\u202f234.567"), (0.0, "0"), (-0.25, "-0.25"), (12, "12"), (1e-7, "1e-07"), (20.0, "20")],
)
def test_numbers_are_short(value: float, shown: str) -> None:
    assert words.number(value) == shown


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9))
def test_a_shown_number_is_the_number(value: float) -> None:
    shown = float(words.number(value).replace("\u202f", ""))
    assert shown == pytest.approx(value, rel=1e-3, abs=1e-4)


def test_places_and_spans_are_words() -> None:
    path = "370213/005/012/0007/b03/u02/f06/r601"
    assert words.place(path, "zh-CN") == "3号楼2单元6层601室"
    assert words.place(path, "en") == "Block 3, unit 2, floor 6, room 601"
    assert words.place("370213/005/012/0007", "en") == "compound"
    assert words.place("370213/005/012/0007/b01/x-lift1", "zh-CN") == "1号楼 lift1"
    assert words.place("370213/005/012/0007/b01/x-lift1", "en") == "Block 1, lift1"
    assert words.place("x-garage/b02", "zh-CN") == "garage 2号楼"
    assert [words.span(seconds, "en") for seconds in (None, 0, 59, 3600, 90_061)] == [
        "–",
        "0 s",
        "59 s",
        "1 h",
        "1 d 1 h",
    ]
    assert [words.size(count) for count in (0, 999, 1000, 45_000_000, 999_960, 2e12)] == [
        "0 B", "999 B", "1.0 kB", "45.0 MB", "1.0 MB", "2.0 TB",
    ]  # fmt: skip


LIST = """{% call live("list", "ul") %}{% for each in devices %}{% call live(each.id, "li") -%}
{{ each.state }}{% endcall %}{% endfor %}{% endcall %}"""


def rendered(views: FakeViews) -> Rendered:
    renderer = Renderer(jinja2.DictLoader({"list": LIST}))
    return renderer.page("list", "en", ZoneInfo("UTC"), {"devices": views.devices()})


def test_only_the_piece_that_changed_travels() -> None:
    views = FakeViews([meter(1, "b01"), meter(2, "b01")])
    before = rendered(views)
    views.all_devices[1] = msgspec.structs.replace(views.all_devices[1], state="fault")
    after = rendered(views)
    assert after.changed(before.bare()) == {"wm-0002": '<li data-live="wm-0002">fault</li>'}
    assert digest(before) != digest(after)
    views.all_devices.append(meter(3, "b01"))
    assert list(rendered(views).changed(after.bare())) == ["list"]


def test_a_stream_tells_changes_and_ends_with_its_session() -> None:
    async def run() -> None:
        stage = Stage(FakeViews([meter(1, "b01"), meter(2, "b01")]))
        session = stage.accounts.open("viewer").token
        pieces: list[Any] = []
        over = asyncio.Event()

        async def send(message: Any) -> None:
            body = message.get("body", b"")
            if body.startswith(b"data: "):
                pieces.append(msgspec.json.decode(body[6:])["pieces"])
            if message["type"] == "http.response.body" and not message.get("more_body"):
                over.set()

        async def receive() -> Any:
            await asyncio.Event().wait()

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": "/devices",
            "raw_path": b"/devices", "query_string": b"live=x", "scheme": "http", "root_path": "",
            "headers": [(b"cookie", f"courtyard_session={session}".encode())],
            "client": ("192.0.2.7", 5), "server": ("box", 80),
        }  # fmt: skip
        open_page = asyncio.create_task(stage.asgi(scope, receive, send))
        await elapse(3)
        assert len(pieces) == 1
        stage.views.all_devices[0] = msgspec.structs.replace(stage.views.all_devices[0], state="fault")
        await elapse(3)
        assert list(pieces[1]) == ["device-wm-0001"]
        assert stage.app.live.streams == 1
        stage.accounts.sessions.clear()
        async with asyncio.timeout(60):
            await over.wait()
            await open_page
        assert stage.app.live.streams == 0

    virtual(run)


def test_one_rendering_serves_all_who_look_at_the_same() -> None:
    async def run() -> int:
        count = 0

        def render(seen: float) -> Rendered:
            nonlocal count
            count += 1
            return rendered(FakeViews([meter(1, "b01")]))

        clock = asyncio.get_running_loop().time

        live = Live(lambda: 0)

        async def look() -> None:
            async for _ in live._run(Subject("k", clock, render), "", str, lambda: asyncio.sleep(0, True)):
                pass

        lookers = [asyncio.create_task(look()) for _ in range(20)]
        await elapse(10)
        for each in lookers:
            each.cancel()
        await asyncio.wait(lookers)
        return count

    assert virtual(run) <= 21


class Core:
    """A core whose time is told, not taken."""

    def __init__(self) -> None:
        self.spent_s = 0.0

    def taken(self) -> float:
        return self.spent_s


def test_one_costly_page_does_not_make_the_others_late_and_all_take_no_more_than_their_share() -> None:
    async def run() -> None:
        loop, core = asyncio.get_running_loop(), Core()
        live = Live(lambda: 0, core.taken)
        costly_s, cheap_s, cheap_pages = 0.06, 0.002, 19
        drawn: dict[str, list[float]] = {}

        async def look(key: str, cost_s: float) -> None:
            def render(seen: float) -> Rendered:
                drawn.setdefault(key, []).append(loop.time())
                core.spent_s += cost_s
                return Rendered({"a": str(seen)}, "")

            async for _ in live._run(Subject(key, loop.time, render), "", str, lambda: asyncio.sleep(0, True)):
                pass

        lookers = [asyncio.create_task(look(str(number), cheap_s)) for number in range(cheap_pages)]
        lookers.append(asyncio.create_task(look("costly", costly_s)))
        await elapse(120)
        for each in lookers:
            each.cancel()
        await asyncio.wait(lookers)
        assert core.spent_s <= SHARE * 120 + CREDIT_S + (cheap_pages + 1) * costly_s
        for number in range(cheap_pages):
            times = drawn[str(number)]
            assert max(after - before for before, after in pairwise(times)) <= 2 * EVERY_S

    virtual(run)


def test_a_page_that_was_held_up_once_is_late_by_no_more_than_must_be_paid_back() -> None:
    async def run() -> None:
        loop, core = asyncio.get_running_loop(), Core()
        live, held_up_s, drawn = Live(lambda: 0, core.taken), 0.1, list[float]()

        def render(seen: float) -> Rendered:
            drawn.append(loop.time())
            core.spent_s += CREDIT_S + held_up_s if len(drawn) == 10 else 0.001
            return Rendered({"a": str(seen)}, "")

        async def look(key: str, draw: Callable[[float], Rendered]) -> None:
            async for _ in live._run(Subject(key, loop.time, draw), "", str, lambda: asyncio.sleep(0, True)):
                pass

        others = [asyncio.create_task(look(str(n), lambda seen: Rendered({}, ""))) for n in range(4)]
        lookers = [*others, asyncio.create_task(look("k", render))]
        await elapse(60)
        for each in lookers:
            each.cancel()
        await asyncio.wait(lookers)
        waits = [after - before for before, after in pairwise(drawn)]
        assert EVERY_S + 2 * LEAST_S < max(waits) <= held_up_s / SHARE + EVERY_S
        assert waits[-1] <= EVERY_S + 2 * LEAST_S

    virtual(run)


def test_a_change_is_on_its_way_with_the_next_look_on_each_of_twenty_pages() -> None:
    async def run() -> list[float]:
        loop, shown, late = asyncio.get_running_loop(), [0.0], list[float]()
        core = Core()
        live = Live(lambda: 0, core.taken)

        def render(seen: float) -> Rendered:
            core.spent_s += 0.003
            return Rendered({"a": str(seen)}, "")

        async def look(key: str) -> None:
            async for sent in live._run(
                Subject(key, lambda: shown[0], render), "", str, lambda: asyncio.sleep(0, True)
            ):
                if sent.startswith(b"data: ") and shown[0]:
                    late.append(loop.time() - shown[0])

        lookers = [asyncio.create_task(look(str(number % 15))) for number in range(20)]
        for _ in range(60):
            await elapse(0.77)
            shown[0] = loop.time()
        for each in lookers:
            each.cancel()
        await asyncio.wait(lookers)
        return late

    late = virtual(run)
    assert len(late) >= 59 * 20
    assert max(late) <= EVERY_S + 2 * LEAST_S


def test_a_page_whose_values_are_the_same_is_not_rendered_again() -> None:
    async def run() -> int:
        count, shown = 0, [meter(1, "b01")]

        def render(seen: list[Any]) -> Rendered:
            nonlocal count
            count += 1
            return rendered(FakeViews(seen))

        live = Live(lambda: 0)
        subject = Subject("k", lambda: list(shown), render)

        async def look() -> None:
            async for _ in live._run(subject, "", str, lambda: asyncio.sleep(0, True)):
                pass

        looking = asyncio.create_task(look())
        await elapse(10)
        assert count == 1
        shown[0] = msgspec.structs.replace(shown[0], state="fault")
        await elapse(10)
        looking.cancel()
        await asyncio.wait([looking])
        return count

    assert virtual(run) == 2


def test_a_piece_of_one_value_is_made_once_for_each_language_and_again_for_another_value() -> None:
    made: list[str] = []
    source = "{% call live('row', 'li', of=of) %}{{ told(lang) }}{% endcall %}"

    def told(language: str) -> str:
        made.append(language)
        return language

    renderer = Renderer(jinja2.DictLoader({"row": source}))

    def page(of: int, language: Any) -> str:
        return renderer.page("row", language, ZoneInfo("UTC"), {"of": of, "told": told}).html

    assert page(1, "en") == page(1, "en") == '<li data-live="row">en</li>'
    assert page(1, "zh-CN") == '<li data-live="row">zh-CN</li>'
    page(2, "en")
    assert made == ["en", "zh-CN", "en"]


def test_a_building_that_looks_as_before_is_the_same_drawing() -> None:
    devices = compound()
    draughtsman = Draughtsman()
    before = draughtsman.draw(tuple(devices))
    devices[0] = msgspec.structs.replace(devices[0], at_ms=1)
    assert [one is other for one, other in zip(draughtsman.draw(tuple(devices)), before, strict=True)] == [True] * 4
    devices[0] = msgspec.structs.replace(devices[0], state="alarm")
    after = draughtsman.draw(tuple(devices))
    assert [one is other for one, other in zip(after, before, strict=True)] == [False, True, True, True]
    assert after == draw(devices)


# What feeds the page


def test_the_latest_good_values_stay_when_a_device_falls_silent() -> None:
    latest = Latest()
    good, bad = Reading("m", 1, 1, {"water.flow": 1.0}), Reading("m", 2, 2, {"water.flow": None})
    latest.note(good)
    latest.note(bad)
    assert latest.of("m") == (bad, good)
    latest.keep(["other"])
    assert latest.of("m") is None


def test_the_log_tail_is_bounded_and_without_secrets() -> None:
    tail = LogTail(Redactor(["hunter22"]))
    logger = logging.Logger("courtyard.agent.daemon")
    logger.addHandler(tail)
    for number in range(LINES + 5):
        logger.info("line %d password=%s %s", number, "abcdef", "hunter22")
    lines = tail.lines()
    assert (len(lines), lines[-1].message, lines[-1].logger) == (
        LINES,
        f"line {LINES + 4} password=*** ***",
        "agent.daemon",
    )


def test_the_watch_tells_how_fast_the_disk_fills(tmp_path: Path) -> None:
    head, now = [0], [0.0]

    async def status() -> Status:
        lane = LaneStatus("e", head[0], 100, 50_000, None)
        return Status("e", True, 1000, 10, {"reading": lane}, (), {}, ())

    watch = Watch(status, tmp_path, mono_s=lambda: now[0], cpu_s=lambda: now[0] / 10)

    async def run() -> None:
        for _ in range(8):
            await watch.look()
            assert watch.machine is not None
            head[0] += 100
            now[0] += 10

    asyncio.run(run())
    assert watch.pace_bytes_s() == pytest.approx(5000)
    assert watch.machine is not None
    assert watch.machine.cpu_share == pytest.approx(0.1)
    assert watch.machine.memory > 1_000_000


def test_settings_are_told_with_their_lines_and_defaults(tmp_path: Path) -> None:
    verdict = check(tmp_path, GOOD)
    assert verdict.snapshot is not None
    shown = tables(verdict.snapshot.site, tmp_path / "site.toml")
    gateway = {setting.name: setting for setting in next(each for each in shown if each.title == "[gateway]").settings}
    assert (gateway["id"].value, gateway["id"].line) == ('"gw-0007"', 2)
    assert (gateway["timezone"].value, gateway["timezone"].line) == ('"Asia/Shanghai"', None)
    meters = [each for each in shown if each.title == "[[devices]]"]
    every = {setting.name: setting for setting in meters[0].settings}["every"]
    assert (every.value, every.line) == ('"60s"', None)


def test_the_box_makes_its_certificate_once(tmp_path: Path) -> None:
    async def run() -> ssl.SSLContext:
        return await tls_context(tmp_path / "page", "gw-0007")

    assert asyncio.run(run()).minimum_version >= ssl.TLSVersion.TLSv1_2
    made = (tmp_path / "page" / CERTIFICATE).read_bytes()
    assert os.stat(tmp_path / "page" / KEY).st_mode & 0o777 == 0o600
    asyncio.run(run())
    assert (tmp_path / "page" / CERTIFICATE).read_bytes() == made


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_gaps_between_what_is_in_use_go_back_to_the_system() -> None:
    blocks = [bytes([number % 256]) * 60_000 for number in range(400)]
    kept = blocks[::8]
    del blocks
    before = resident_bytes()
    assert trim()
    assert before - resident_bytes() > 5_000_000
    assert len(kept) == 50


def test_the_memory_of_a_large_block_goes_back_to_the_system() -> None:
    assert give_back_what_is_freed()
    before = resident_bytes()
    for _ in range(3):
        block = bytearray(b"x") * (24 << 20)
        assert resident_bytes() - before > 20 << 20
        del block
    assert resident_bytes() - before < 4 << 20
