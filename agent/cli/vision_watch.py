"""`courtyard vision watch SOURCE`: what a lift's detector would make of a recording or a live stream, with times."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from courtyard.agent.cli.vision import model_of
from courtyard.agent.cli.vision_source import FILES, reason, said
from courtyard.agent.control import Refused
from courtyard.agent.vision.votes import Policy
from courtyard.drivers.base import Language, Text

if TYPE_CHECKING:
    from courtyard.agent.vision.replay import Event, Replay

OPEN_S, READ_S = 5.0, 5.0
STREAMS = {"rtsp_transport": "tcp"}
MORE_TO_HOLD, MOST_AT = 0.1, 0.99
WORDS = {
    "seen": Text("an e-bike is seen", "看到电动自行车"),
    "warn": Text("warning", "报警"),
    "hold": Text("the door would be held", "将保持开门"),
    "over": Text("over", "解除"),
}


def run(options: argparse.Namespace) -> int:
    """Exit status 0 at the end of a recording; 1 when the source cannot be read or broke off."""
    import av

    from courtyard.agent.vision.replay import Replay

    av.logging.set_level(av.logging.PANIC)  # FFmpeg's own words may quote addresses with logins
    model = model_of(options)
    warn_at = model.manifest.voting
    policy = Policy(warn_at=warn_at, hold_at=min(MOST_AT, warn_at + MORE_TO_HOLD), commissioned=True, calibrated=True)
    for source in options.targets:
        is_stream = "://" in source
        shown = (urlsplit(source).hostname or "?") if is_stream else source
        try:
            for event in _events(source, Replay(model.look, policy), is_stream=is_stream):
                line = msgspec.json.encode(event).decode() if options.json else _line(event, options.lang)
                print(line, flush=True)
        except (OSError, IndexError, av.FFmpegError) as error:  # its own text may quote a login
            raise Refused(said(shown, reason(error, is_stream=is_stream), options.lang)) from None
    return 0


def _events(source: str, replay: Replay, *, is_stream: bool) -> Iterator[Event]:
    """What happens in a source, on its own time; what still lasts at its end is over then."""
    import av

    at_s = 0.0
    with av.open(source, options=STREAMS if is_stream else FILES, timeout=(OPEN_S, READ_S)) as container:
        for frame in container.decode(video=0):
            at_s = frame.time or 0.0
            yield from replay.show(at_s, frame.to_ndarray(format="rgb24").astype("uint8", copy=False))
    yield from replay.end(at_s)


def _line(event: Event, language: Language) -> str:
    more = f" {event.score:.2f}" if event.score is not None and event.event != "over" else ""
    return f"{event.at:9.2f} s  {WORDS[event.event].say(language)}{more}"
