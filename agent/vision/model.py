"""A detector that a site brings: an ONNX file and a manifest that says how to use it.

Invariants
1. A model is used only when its file has the hash of the manifest and the golden picture gives the golden output.
2. One thread; what runs it is imported only when a model is loaded (`runtimes`).
"""

from __future__ import annotations

import hashlib
import time
import tomllib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from courtyard.agent.vision import closer
from courtyard.agent.vision.decoders import Fit, Layout, LayoutError, decode, extremes
from courtyard.agent.vision.runtimes import RUNTIMES, Runtime, Session, opened
from courtyard.agent.vision.tracker import Detection
from courtyard.drivers.base import DriverError, Fault, Text

Picture = npt.NDArray[np.uint8]
"""Height x width x RGB."""
LARGEST_MODEL: Final = 256_000_000
LARGEST_GOLDEN: Final = 64_000_000
LARGEST_MANIFEST: Final = 64_000
PADDING: Final = 114
EBIKE: Final = "ebike"
Side = Annotated[int, Meta(ge=32, le=1920, multiple_of=32)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
FileName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class Golden(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A picture (uint8, height x width x RGB) and the model's output for it (float32), as .npy files.

    `found` says what that output means: classes and their greatest scores.  Only with it are exchanged classes noticed.
    """

    picture: FileName
    output: FileName
    tolerance: Annotated[float, Meta(gt=0, le=0.1)] = 0.001
    found: dict[str, Share] = {}


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a model is used; stands beside the model, and so do the files that it names.

    `scale` multiplies each colour value (0 to 255) on its way in; `classes` maps the model's class numbers to
    `ebike`, `person` and the like; `score` is the lowest score that counts as seen in a single picture, `vote` that
    where several vote (`score` when it is not given).  `features` names an output, 1 x
    channels x rows, that tells what the model saw of each row of its first output; with it a lift can be retrained.
    With `closer` the model takes a second look at what it suspects (`closer`).
    """

    file: FileName
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    width: Side
    height: Side
    layout: Layout
    classes: Annotated[dict[str, str], Meta(min_length=1, max_length=200)]
    golden: Golden
    colours: Literal["rgb", "bgr"] = "rgb"
    scale: float = 1 / 255
    score: Share = 0.5
    vote: Share | None = None
    overlap: Share = 0.5
    features: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    closer: bool = False

    @property
    def voting(self) -> float:
        """The lowest score that counts where several looks vote."""
        return self.score if self.vote is None else self.vote


class Sight(NamedTuple):
    """What a model said of one picture: its first output, its features where it has any, how the picture lay in it."""

    output: npt.NDArray[Any]
    features: npt.NDArray[Any] | None
    fit: Fit


class Seen(NamedTuple):
    """What one look found, and how long it took.  `trial` is the greatest score of an e-bike that a lift's own head on
    trial would have left of it."""

    detections: tuple[Detection, ...]
    took_ms: float
    trial: float | None = None


class Model:
    """A model that passed its golden check.  `run` blocks for one inference: call it in a worker of its own."""

    def __init__(self, manifest: Manifest, session: Session, input_name: str, outputs: Sequence[str]) -> None:
        """`outputs` are the names of its first output and of its features, where it has any."""
        self.manifest = manifest
        self._outputs = outputs
        self._classes = {int(number): label for number, label in manifest.classes.items()}
        self._session, self._input = session, input_name

    def look(self, picture: Picture, least: float = 0.05, *, twice: bool = True) -> Seen:
        """Not `twice`: without a second look, whatever is suspected.  Raises DriverError when the output has not the
        layout of the manifest."""
        start = time.perf_counter()
        found = self._once(picture, least)
        suspected = self.suspect(found) if twice else None
        if suspected is not None:
            found = closer.judged(found, suspected, self._once(self.part(picture, suspected), least))
        return Seen(found, 1000 * (time.perf_counter() - start))

    def suspect(self, found: Sequence[Detection]) -> Detection | None:
        """What this model takes a second look at."""
        return closer.suspect(found) if self.manifest.closer else None

    def part(self, picture: Picture, suspected: Detection) -> Picture:
        """What that second look sees."""
        return closer.part(picture, suspected.box, self.manifest.width / self.manifest.height)

    def _once(self, picture: Picture, least: float) -> tuple[Detection, ...]:
        sight = self.sight(picture)
        return self.found(sight.output, sight.fit, least)

    def sight(self, picture: Picture) -> Sight:
        """What the model says, not yet decoded."""
        tensor, fit = prepare(picture, self.manifest)
        output, *features = self._session.run(self._outputs, {self._input: tensor})
        return Sight(np.asarray(output), np.asarray(features[0]) if features else None, fit)

    def found(self, output: npt.NDArray[Any], fit: Fit, least: float = 0.05) -> tuple[Detection, ...]:
        """What an output means.  Raises DriverError when it has not the layout of the manifest."""
        manifest = self.manifest
        try:
            return decode(manifest.layout, output, fit, self._classes, least, manifest.overlap)
        except LayoutError as error:
            raise _refused(
                "layout",
                f"The output is not {manifest.layout}: {error}.",
                f"输出不符合 {manifest.layout}：{error}。",
                *_ASK,
            ) from error

    def raw(self, tensor: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        """The first output for a prepared picture."""
        return np.asarray(self._session.run(self._outputs, {self._input: tensor})[0])


_ASK = ("Ask whoever made the model for a manifest that fits it.", "请向模型提供方索取与其相符的清单文件。")
_AGAIN = ("Copy the model and its manifest together again.", "请将模型与清单重新一并复制。")


def prepare(picture: Picture, manifest: Manifest) -> tuple[npt.NDArray[np.float32], Fit]:
    """The picture as the model takes it, 1 x 3 x height x width: scaled to fit, the rest grey; nearest pixel."""
    height, width = picture.shape[:2]
    ratio = min(manifest.width / width, manifest.height / height)
    across, down = max(1, round(width * ratio)), max(1, round(height * ratio))
    left, top = (manifest.width - across) // 2, (manifest.height - down) // 2
    scale = np.float32(manifest.scale)
    tensor = np.full((1, 3, manifest.height, manifest.width), np.float32(PADDING) * scale, np.float32)
    shown = picture[_nearest(height, down)].transpose(2, 0, 1)[:: -1 if manifest.colours == "bgr" else 1]
    for colour, plane in enumerate(shown):
        inside = tensor[0, colour, top : top + down, left : left + across]
        np.multiply(plane.take(_nearest(width, across), 1), scale, out=inside)
    return tensor, Fit(manifest.width, manifest.height, left, top, (across, down))


@lru_cache(16)
def _nearest(size: int, count: int) -> npt.NDArray[np.intp]:
    """Which of so many rows or columns are taken."""
    return np.minimum((np.arange(count) + 0.5) * size / count, size - 1).astype(np.intp)


def load(path: Path, runtimes: Sequence[Runtime] = RUNTIMES) -> Model:
    """The model of a manifest (TOML), run by the first of `runtimes` that is installed.  Raises DriverError that names
    what does not fit."""
    manifest = read_manifest(path)
    model = path.with_name(manifest.file)
    content = _read(model, LARGEST_MODEL)
    found = hashlib.sha256(content).hexdigest()
    if found != manifest.sha256:
        raise _refused(
            "hash",
            f"{model.name} has the hash {found[:12]}, its manifest says {manifest.sha256[:12]}.",
            f"{model.name} 的哈希为 {found[:12]}，清单中为 {manifest.sha256[:12]}。",
            *_AGAIN,
        )
    made = _open(manifest, content, runtimes)
    _check_golden(made, path)
    return made


def read_manifest(path: Path) -> Manifest:
    """Raises DriverError."""
    try:
        manifest = msgspec.convert(tomllib.loads(_read(path, LARGEST_MANIFEST).decode()), Manifest)
        if not all(number.isascii() and number.isdigit() for number in manifest.classes):
            raise ValueError("classes: keys are the model's class numbers")
        if EBIKE not in manifest.classes.values():
            raise ValueError(f"classes: none of them is {EBIKE}")
    except (ValueError, msgspec.MsgspecError) as error:
        raise _refused(
            "manifest", f"{path.name} is no manifest: {error}.", f"{path.name} 不是有效的清单：{error}。", *_ASK
        ) from error
    return manifest


def _open(manifest: Manifest, content: bytes, runtimes: Sequence[Runtime]) -> Model:
    try:
        session, input_name, names = opened(content, runtimes)
    except ImportError as error:
        raise _refused(
            "runtime",
            "Neither onnxruntime nor OpenCV is installed.",
            "未安装 onnxruntime，也未安装 OpenCV。",
            "Install it: pip install onnxruntime",
            "请安装：pip install onnxruntime",
        ) from error
    except Exception as error:  # the runtimes' own errors have no common base; all of them mean the same here
        raise _refused(
            "onnx", f"{manifest.file} cannot be loaded: {error}.", f"无法加载 {manifest.file}：{error}。", *_ASK
        ) from error
    if manifest.features is not None and manifest.features not in names[1:]:
        raise _refused(
            "features",
            f"{manifest.file} has no output {manifest.features}.",
            f"{manifest.file} 没有名为 {manifest.features} 的输出。",
            *_ASK,
        )
    wanted = names[:1] if manifest.features is None else [names[0], manifest.features]
    return Model(manifest, session, input_name, wanted)


def _check_golden(model: Model, path: Path) -> None:
    golden = model.manifest.golden
    picture, expected = (_array(path.with_name(name)) for name in (golden.picture, golden.output))
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise _refused("golden", f"{golden.picture} is no RGB picture.", f"{golden.picture} 不是 RGB 图像。", *_AGAIN)
    tensor, _ = prepare(picture, model.manifest)
    try:
        output = model.raw(tensor)
    except Exception as error:  # the runtime's own errors have no common base
        raise _refused("input", f"The model refuses its input: {error}.", f"模型拒绝输入：{error}。", *_ASK) from error
    if output.shape != expected.shape:
        apart = f"shape {output.shape}, expected {expected.shape}"
    elif np.allclose(output, expected, rtol=golden.tolerance, atol=golden.tolerance):
        _check_meaning(model, picture)
        return
    else:
        apart = f"largest difference {np.abs(output - expected).max():.3g}, allowed {golden.tolerance:g}"
    raise _refused(
        "golden",
        f"The model does not give its golden output here: {apart}.",
        f"模型在本机的输出与标准输出不符：{apart}。",
        "Do not use it on this box; another version of onnxruntime may be right.",
        "请勿在本机使用该模型；可更换 onnxruntime 版本后重试。",
    )


def _check_meaning(model: Model, picture: Picture) -> None:
    """The output is right: so must be what the manifest makes of it."""
    sight, golden = model.sight(picture), model.manifest.golden
    found = model.found(sight.output, sight.fit, 0.0)
    least, greatest = extremes(model.manifest.layout, sight.output, sight.fit)
    if not (-golden.tolerance <= least and greatest <= 1 + golden.tolerance):
        raise _refused(
            "scores",
            f"The model's scores go from {least:.3g} to {greatest:.3g}, not from 0 to 1: it lacks its last sigmoid.",
            f"模型输出的分数范围为 {least:.3g} 至 {greatest:.3g}，而非 0 至 1：缺少最后的 sigmoid。",
            *_ASK,
        )
    for label, expected in golden.found.items():
        score = max((each.score for each in found if each.label == label), default=0.0)
        if abs(score - expected) > golden.tolerance:
            raise _refused(
                "classes",
                f"The golden picture shows {label} with {expected:.3g}; with this manifest it is {score:.3g}.",
                f"标准图像中 {label} 应为 {expected:.3g}，按此清单为 {score:.3g}。",
                "The classes of the manifest are not those of the model: ask whoever made it.",
                "清单中的类别与模型不符：请联系模型提供方。",
            )


def _array(path: Path) -> npt.NDArray[Any]:
    _read(path, LARGEST_GOLDEN)
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except ValueError as error:
        raise _refused("golden", f"{path.name} is no array.", f"{path.name} 不是数组文件。", *_AGAIN) from error


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise _refused(
            "missing", f"{path} cannot be read: {error.strerror}.", f"无法读取 {path}：{error.strerror}。", *_AGAIN
        ) from error
    if len(content) > most:
        raise _refused(
            "oversize", f"{path.name} is larger than {most} bytes.", f"{path.name} 超过 {most} 字节。", *_ASK
        )
    return content


def _refused(code: str, en: str, zh: str, cure_en: str, cure_zh: str) -> DriverError:
    return DriverError(Fault(f"model.{code}", Text(en, zh), Text(cure_en, cure_zh)))
