"""What reaches stderr: one line a message, of either style, without secrets, bounded, and counted when it repeats."""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from courtyard.agent import logs
from courtyard.config.redact import Redactor

LOG = logging.getLogger("courtyard.agent.somewhere")


class Bench:
    """A root logger that writes to memory, at a time that the test moves."""

    def __init__(self) -> None:
        self.stream, self.now_s = io.StringIO(), 1000.0
        self.handler: logging.Handler | None = None

    def start(self, style: logs.Style, *secrets: str) -> None:
        self.handler = logs.set_up(Redactor(secrets), stream=self.stream, style=style, mono_s=lambda: self.now_s)

    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()

    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line[3:]) for line in self.lines()]


@pytest.fixture
def bench() -> Iterator[Bench]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield Bench()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_the_journal_gets_priority_and_json(bench: Bench) -> None:
    bench.start("journal")
    LOG.warning("device %s is silent", "wm-1", extra={"device": "wm-1", "polls": 3})
    (line,) = bench.lines()
    assert line.startswith("<4>{")
    logged = json.loads(line[3:])
    assert logged.pop("time").endswith("Z")
    assert logged == {
        "level": "warning",
        "logger": "courtyard.agent.somewhere",
        "message": "device wm-1 is silent",
        "device": "wm-1",
        "polls": 3,
    }


@pytest.mark.parametrize(("level", "priority"), [(10, 7), (20, 6), (30, 4), (40, 3), (50, 2)])
def test_every_level_has_its_priority(bench: Bench, level: int, priority: int) -> None:
    bench.start("journal")
    logging.getLogger().setLevel(1)
    LOG.log(level, "x")
    assert bench.lines()[0].startswith(f"<{priority}>")


def test_people_get_one_line_of_text(bench: Bench) -> None:
    bench.start("plain")
    LOG.error("表 %s", "wm-1", extra={"line": "rs485-1"})
    assert bench.lines()[0][12:] == " error   agent.somewhere: 表 wm-1  line=rs485-1"


def test_colour_is_taken_back_at_the_end_of_the_line(bench: Bench) -> None:
    bench.start("colour")
    LOG.error("red")
    LOG.info("as it is")
    red, normal = bench.lines()
    assert red.endswith("\x1b[31magent.somewhere: red\x1b[0m")
    assert "\x1b" not in normal


@pytest.mark.parametrize("style", ["plain", "colour"])
def test_bytes_of_a_device_can_not_forge_a_line_or_drive_the_terminal(bench: Bench, style: logs.Style) -> None:
    bench.start(style)
    LOG.info("says %s", "hello\r\n06:00:00.000 error all is lost\x1b[2J\x9b", extra={"text": "a\nb"})
    (line,) = bench.lines()
    assert line.endswith("says hello\\x0d\\n06:00:00.000 error all is lost\\x1b[2J\\x9b  text=a\\nb")


@pytest.mark.parametrize("style", ["journal", "plain"])
def test_exceptions_are_shown_and_redacted(bench: Bench, style: logs.Style) -> None:
    bench.start(style, "hunter2hunter2")
    try:
        raise RuntimeError("refused hunter2hunter2")
    except RuntimeError:
        LOG.exception("connect")
    shown = bench.stream.getvalue()
    assert "Traceback" in shown
    assert "RuntimeError: refused ***" in shown
    assert "hunter2" not in shown


def test_secrets_are_masked_wherever_they_stand(bench: Bench) -> None:
    bench.start("journal", "s3cr3t-of-the-site")
    LOG.info(
        "with %s",
        "s3cr3t-of-the-site",
        extra={
            "password": "short",
            "url": "mqtt://gw:pw@host:1883",
            "deep": {"token": "abc", "list": ["s3cr3t-of-the-site", 5, None]},
            "password_file": "secrets/community",
        },
    )
    (logged,) = bench.objects()
    assert logged["message"] == "with ***"
    assert logged["password"] == "***"
    assert logged["url"] == "mqtt://gw:***@host:1883"
    assert logged["deep"] == {"token": "***", "list": ["***", 5, None]}
    assert logged["password_file"] == "secrets/community"


def test_fields_can_not_replace_what_the_logger_says(bench: Bench) -> None:
    bench.start("journal")
    LOG.info("truth", extra={"level": "debug", "logger": "elsewhere"})
    assert (bench.objects()[0]["level"], bench.objects()[0]["logger"]) == ("info", LOG.name)


@pytest.mark.parametrize("style", ["journal", "plain", "colour"])
def test_long_texts_are_cut_and_say_so(bench: Bench, style: logs.Style) -> None:
    bench.start(style)
    LOG.info("%s", "x" * 1_000_000)
    (line,) = bench.lines()
    assert len(line) < logs.LONGEST_TEXT + 300
    assert "characters more)" in line


def test_a_repeating_message_is_shown_a_few_times_then_counted(bench: Bench) -> None:
    bench.start("plain")
    for number in range(1000):
        LOG.warning("device %d is silent", number)
    assert len(bench.lines()) == logs.REPEATS_SHOWN
    bench.now_s += logs.REPEATS_WINDOW_S
    LOG.info("something else")
    assert bench.lines()[-2].endswith(f"{1000 - logs.REPEATS_SHOWN} more like this: device %d is silent")
    assert bench.lines()[-1].endswith("something else")
    LOG.warning("device %d is silent", 7)
    assert bench.lines()[-1].endswith("device 7 is silent")


def test_what_was_not_shown_is_told_at_the_end(bench: Bench) -> None:
    bench.start("plain")
    for _ in range(logs.REPEATS_SHOWN + 2):
        LOG.warning("again")
    assert bench.handler is not None
    bench.handler.close()
    assert bench.lines()[-1].endswith("2 more like this: again")


def test_repeats_remember_a_bounded_number_of_kinds_and_forget_no_count() -> None:
    repeats = logs.Repeats(shown=1, window_s=60, tracked=10)
    told = 0
    for number in range(500):
        told += sum(hidden for _, hidden in repeats.ended(0.0))
        kind = logs.Kind("x", 20, str(number))
        assert repeats.admit(kind, 0.0)
        assert not repeats.admit(kind, 0.0)
    told += sum(hidden for _, hidden in repeats.ended(float("inf")))
    assert told == 500


def test_set_up_again_replaces_the_handler(bench: Bench) -> None:
    bench.start("plain")
    bench.start("plain")
    LOG.info("once")
    assert len(bench.lines()) == 1


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], io.TextIOWrapper]]:
    files: list[io.TextIOWrapper] = []

    def open_one() -> io.TextIOWrapper:
        files.append((tmp_path / f"stream{len(files)}").open("w"))
        return files[-1]

    yield open_one
    for file in files:
        file.close()


def test_the_style_follows_the_stream(opened: Callable[[], io.TextIOWrapper]) -> None:
    stream = opened()
    status = os.fstat(stream.fileno())
    ours = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
    assert logs.choose_style(stream, ours) == "journal"
    assert logs.choose_style(opened(), ours) == "plain"
    assert logs.choose_style(stream, {}) == "plain"
    assert logs.choose_style(io.StringIO(), ours) == "plain"


def test_a_terminal_gets_colour_unless_told_otherwise() -> None:
    parent, child = os.openpty()
    with os.fdopen(child, "w") as terminal:
        assert logs.choose_style(terminal, {}) == "colour"
        assert logs.choose_style(terminal, {"NO_COLOR": "1"}) == "plain"
    os.close(parent)
