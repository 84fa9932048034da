"""`courtyard vision score IMAGE…`: what a detector says of pictures, one line each, looking as it does in a lift."""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec

from courtyard.agent.cli.vision import model_of
from courtyard.agent.cli.vision_source import Unreadable, picture_of
from courtyard.drivers.base import Language, Text

EBIKE = "ebike"


def run(options: argparse.Namespace) -> int:
    """Exit status 0, or 1 when some picture could not be read.  Raises DriverError for a model that is refused."""
    model, status = model_of(options), 0
    for path in map(Path, options.targets):
        line: dict[str, object] = {"file": str(path)}
        try:
            picture = picture_of(path)
            seen = model.look(picture)
        except Unreadable as error:
            line["error"], status = error.why.say(options.lang), 1
        else:
            ebikes = [each.score for each in seen.detections if each.label == EBIKE]
            if not ebikes:  # how far below anything worth a box still orders pictures
                ebikes = [each.score for each in model.look(picture, least=0.0).detections if each.label == EBIKE]
            line[EBIKE] = round(max(ebikes, default=0.0), 6)
            line["boxes"] = [
                {"class": each.label, "score": round(each.score, 4), "box": [round(side, 4) for side in each.box]}
                for each in seen.detections
            ]
            line["ms"] = round(seen.took_ms, 1)
        print(msgspec.json.encode(line).decode() if options.json else _words(line, options.lang))
    return status


def _words(line: dict[str, object], language: Language) -> str:
    if "error" in line:
        return Text(f"{line['file']}: {line['error']}", f"{line['file']}：{line['error']}").say(language)
    return Text(
        f"{line['file']}: e-bike {line[EBIKE]}, {line['ms']} ms",
        f"{line['file']}：电动自行车 {line[EBIKE]}，耗时 {line['ms']} ms",
    ).say(language)
