"""`courtyard check SITE`: every mistake of a site file at once; offline."""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec

from courtyard.agent.escalation.sequence import sequences
from courtyard.config.mistakes import Mistake
from courtyard.config.present import as_data, present
from courtyard.config.read import check_site
from courtyard.config.snapshot import InstalledDevice, Snapshot
from courtyard.config.syntax import parse
from courtyard.config.text_file import read_text
from courtyard.drivers.base import Language, Text


def run(options: argparse.Namespace) -> int:
    """Exit status 0 when the site can run (warnings allowed), 2 when it cannot.

    Says it in the site's own language, unless `--lang` asks for another.
    """
    verdict = check_site(options.site)
    language = options.lang or verdict.language
    findings = (*verdict.mistakes, *verdict.warnings, *_of_lifts(options.site, verdict.snapshot))
    if options.json:
        told = list(sequences(verdict.snapshot.site)) if verdict.snapshot is not None else []
        answer = {"valid": verdict.snapshot is not None, "findings": as_data(findings)}
        print(msgspec.json.encode({**answer, "escalations": [sequence._asdict() for sequence in told]}).decode())
    else:
        if findings:
            print(present(findings, language))
        if verdict.snapshot is not None:
            print(_summary(verdict.snapshot, language))
    return 0 if verdict.snapshot is not None else 2


def _of_lifts(path: Path, snapshot: Snapshot | None) -> list[Mistake]:
    """Warnings about files that only the watch of the lifts can judge."""
    if snapshot is None or not snapshot.site.lifts:
        return []
    from courtyard.agent.vision.named_files import unusable

    _, findings = read_text(path)
    parse(findings)
    for setting, fault in unusable(snapshot.site, path.parent):
        findings.tell(fault, setting)
    return findings.mistakes


def _summary(snapshot: Snapshot, language: Language) -> str:
    site = snapshot.site
    panels = [device for device in snapshot.devices.values() if device.family in ("fire", "fire-modbus")]
    text = Text(
        f"{site.gateway.id}: {len(site.lines)} lines, {len(site.devices)} devices, {len(panels)} fire panels, "
        f"{len(site.uplinks)} uplinks, "
        f"{len(site.rules)} rules, {len(site.outputs)} outputs. The site can run.",
        f"{site.gateway.id}：{len(site.lines)} 条线路，{len(site.devices)} 台设备，{len(panels)} 台消防控制器，"
        f"{len(site.uplinks)} 个平台，"
        f"{len(site.rules)} 条规则，{len(site.outputs)} 个输出。站点文件可以使用。",
    )
    aloud = (f"  {sequence.say(language)}" for sequence in sequences(site))
    return "\n".join((*(_panel(panel, language) for panel in panels), *aloud, text.say(language)))


def _panel(panel: InstalledDevice, language: Language) -> str:
    known = len({*panel.driver.names, *panel.driver.places})
    words = Text(f"line {panel.line}, {known} parts named", f"线路 {panel.line}，已命名部件 {known} 个")
    return f"  {panel.id}  {panel.title.say(language)}  {panel.place}  {words.say(language)}"
