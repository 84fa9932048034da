"""`courtyard vision calibrate LIFT`: a lift's own threshold from what its ordinary traffic scored."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import msgspec

from courtyard.agent.cli.users import become_owner
from courtyard.agent.control import Refused
from courtyard.agent.records import instant
from courtyard.agent.vision.scores import calibrate, calibration_file, is_enough, read_scores, scores_file, write
from courtyard.drivers.base import Text


def run(options: argparse.Namespace) -> int:
    """Exit status 0 when the threshold is set."""
    become_owner(options.data, options.lang)
    folder: Path = options.data / "vision"
    for lift in options.targets:
        scores = read_scores(folder, lift)
        if scores is None:
            raise Refused(
                Text(
                    f"Nothing was counted for {lift} yet. Let the gateway watch it for a day; it saves now and then.",
                    f"尚无 {lift} 的统计。请让网关监护一天；统计每十分钟保存一次。",
                ).say(options.lang)
            )
        if not is_enough(scores) and not options.anyway:
            hours = scores.watched_s / 3600
            raise Refused(
                Text(
                    f"{lift} was watched for {hours:.1f} h, {scores.looks} looks: too little for a threshold. "
                    "Wait until it is a day, or take what there is with --anyway.",
                    f"{lift} 仅监护了 {hours:.1f} 小时、识别 {scores.looks} 次，不足以标定。"
                    "请等满一天，或用 --anyway 强制标定。",
                ).say(options.lang)
            )
        made = calibrate(scores, time.time_ns() // 1_000_000)
        write(calibration_file(folder, lift, made.model), made)
        scores_file(folder, lift).replace(scores_file(folder, lift).with_suffix(".used"))
        if options.json:
            print(msgspec.json.encode(made).decode())
            continue
        since, until = instant(made.since_ms), instant(made.until_ms)
        print(
            Text(
                f"{lift}: threshold {made.threshold}; 99.9 % of {made.looks} looks stayed below {made.quantile} "
                f"from {since} to {until}. A running gateway follows at once.",
                f"{lift}：阈值 {made.threshold}；{since} 至 {until} 共 {made.looks} 次识别，"
                f"99.9% 低于 {made.quantile}。运行中的网关立即采用。",
            ).say(options.lang)
        )
    return 0
