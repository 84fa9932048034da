"""What a site names beside itself for its lifts: a detector of its own, and what is said to people."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from courtyard.agent.vision.model import load
from courtyard.agent.vision.voice import LONGEST_S, SOUNDS
from courtyard.config.lifts import SHIPPED
from courtyard.config.positions import Path as SettingPath
from courtyard.config.site import Site
from courtyard.drivers.base import DriverError, Fault, Text

LONGEST_BYTES: Final = 16_000_000
"""Of a WAV file that is looked at: more than LONGEST_S of any quality."""


def unusable(site: Site, directory: Path) -> Iterator[tuple[SettingPath, Fault]]:
    """Every such file that will not do, by the setting that names it.  Models are loaded and tried, nothing is said."""
    if site.lifts and site.vision.model != SHIPPED:
        yield from ((("vision", key), fault) for key, fault in _model(site, directory / site.vision.model))
    for number, lift in enumerate(site.lifts):
        if lift.voice is not None and lift.voice not in SOUNDS:
            fault = voice_fault(directory / lift.voice)
            if fault is not None:
                yield ("lifts", number, "voice"), fault


def _model(site: Site, manifest: Path) -> Iterator[tuple[str, Fault]]:
    try:
        model = load(manifest)
    except DriverError as error:
        yield "model", error.fault
        return
    activated = site.vision.activated
    if activated is not None and not model.manifest.sha256.startswith(activated):
        found = model.manifest.sha256[:12]
        yield (
            "activated",
            Fault(
                "vision.activated",
                Text(
                    f"The model has the hash {found}, not {activated[:12]}.",
                    f"模型的哈希为 {found}，不是 {activated[:12]}。",
                ),
                Text(
                    "It only runs in shadow. Once its results are good, write its own hash here.",
                    "该模型只在影子模式下运行。确认结果可靠后，在此填写它自己的哈希。",
                ),
            ),
        )


def voice_fault(file: Path) -> Fault | None:
    """What keeps a WAV file from being said, None when nothing does."""
    try:
        if file.stat().st_size > LONGEST_BYTES:
            return _cannot(file, "it is too large", "文件过大")
        with wave.open(str(file)) as sound:
            frame_bytes = sound.getnchannels() * sound.getsampwidth()
            seconds = len(sound.readframes(sound.getnframes())) / frame_bytes / sound.getframerate()
    except (wave.Error, EOFError, ZeroDivisionError):
        return _cannot(file, "it is no WAV file with PCM sound", "不是 PCM 格式的 WAV 文件")
    except OSError as error:
        return _cannot(file, error.strerror or "it cannot be read", f"无法读取（{error.strerror}）")
    if seconds > LONGEST_S:
        return _cannot(file, f"it lasts {seconds:.0f} s", f"时长 {seconds:.0f} 秒")
    return None if seconds > 0 else _cannot(file, "there is nothing in it", "没有内容")


def _cannot(file: Path, en: str, zh: str) -> Fault:
    return Fault(
        "vision.voice.file",
        Text(f"{file} cannot be said: {en}.", f"无法播放 {file}：{zh}。"),
        Text(
            f'Put a WAV file of at most {LONGEST_S:.0f} s there (16 bits, PCM), or write "speech".',
            f'请放入不超过 {LONGEST_S:.0f} 秒的 WAV 文件（16 位 PCM），或填写 "speech"。',
        ),
    )
