"""`courtyard vision score IMAGE…`: what a detector says of pictures, one line each."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from courtyard.drivers.base import DriverError, Fault, Language, Text

if TYPE_CHECKING:
    from courtyard.agent.vision.model import Picture

NO_MODEL = Fault(
    "model.none",
    Text("No detector was named.", "未指定检测模型。"),
    Text(
        "Name the manifest of an ONNX model: --model MANIFEST.toml.",
        "请指定 ONNX 模型的清单文件：--model 清单.toml。",
    ),
)
EBIKE = "ebike"


def run(options: argparse.Namespace) -> int:
    """Exit status 0, or 1 when some picture could not be read.  Raises DriverError for a model that is refused."""
    if options.model is None:
        raise DriverError(NO_MODEL)
    from courtyard.agent.vision.model import load

    model, status = load(options.model), 0
    for path in options.images:
        line: dict[str, object] = {"file": str(path)}
        try:
            seen = model.look(_picture(path))
        except (OSError, ValueError) as error:
            line["error"], status = str(error), 1
        else:
            ebikes = [each.score for each in seen.detections if each.label == EBIKE]
            line[EBIKE] = round(max(ebikes, default=0.0), 4)
            line["boxes"] = [
                {"class": each.label, "score": round(each.score, 4), "box": [round(side, 4) for side in each.box]}
                for each in seen.detections
            ]
            line["ms"] = round(seen.took_ms, 1)
        print(msgspec.json.encode(line).decode() if options.json else _words(line, options.lang))
    return status


def _picture(path: Path) -> Picture:
    import av

    try:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                return frame.to_ndarray(format="rgb24").astype("uint8", copy=False)
    except av.FFmpegError as error:
        raise ValueError(str(error)) from error
    raise ValueError("no picture")


def _words(line: dict[str, object], language: Language) -> str:
    if "error" in line:
        return Text(f"{line['file']}: unreadable, {line['error']}", f"{line['file']}：无法读取，{line['error']}").say(
            language
        )
    return Text(
        f"{line['file']}: e-bike {line[EBIKE]}, {line['ms']} ms",
        f"{line['file']}：电动自行车 {line[EBIKE]}，耗时 {line['ms']} ms",
    ).say(language)
