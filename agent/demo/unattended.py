"""The demo without a person: break the broker once, heal it, and prove that nothing is missing upstream."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import msgspec
from rich.console import Console

from courtyard.agent.demo import car, compound, house
from courtyard.agent.demo.audit import Verdict, compare, missing_fires, totals
from courtyard.agent.demo.show import Show
from courtyard.drivers.base import Text

BEFORE_S, OUTAGE_S = 5.0, 8.0
FIRST_READINGS_S, CALL_S, BUZZ_S, CATCH_UP_S, LIMIT_S = 60.0, 30.0, 30.0, 60.0, 240.0
"""At most: each step goes on as soon as what it waits for is there, half a minute in all on a quiet machine."""
LOOK_S = 0.2


async def check(show: Show, console: Console) -> bool:
    """Whether everything that the simulators served arrived.  Takes at most LIMIT_S."""
    began = time.monotonic()

    def tell(en: str, zh: str) -> None:
        console.print(f"[{time.monotonic() - began:5.1f} s] {Text(en, zh).say(show.language)}", highlight=False)

    async with asyncio.timeout(LIMIT_S):
        tell("waiting for a first reading of every meter and button", "等待每台水表和每个按钮的首次读数")
        if not await _until(lambda: not _silent(show), FIRST_READINGS_S):
            silent = _silent(show)
            tell(f"no reading of {', '.join(silent)}", f"没有收到 {', '.join(silent)} 的读数")
            console.print(show.agent.last_words() if show.agent else "")
            return False
        tell("an e-bike is wheeled into the lift", "电动自行车推入电梯")
        await show.control_lift(car.DEEDS["ebike in"][0])
        tell("a smoke detector fires", "感烟探测器报警")
        await show.control_panel("event fire 6 12 smoke")
        first, second, *_ = house.RESIDENTS
        tell(f"{first.id} calls for help", f"{first.id} 按下求助")
        await _do(show, "sos", first)
        if not await _until(lambda: not _uncalled(show, [("sos", first)]), CALL_S):
            tell("THE CALL FOR HELP DID NOT ARRIVE", "求助未到达平台")
            console.print(show.agent.last_words() if show.agent else "")
            return False
        await show.answer_calls()
        await asyncio.sleep(BEFORE_S)
        buzzed = await _buzzes(show, first.button)
        tell("stopping the broker", "停止消息服务器")
        await show.stop_broker()
        with show.lock:
            before = show.platform.counts["reading"]
        await show.control_panel("event fire 7 12 smoke")
        await _do(show, "fall", second)
        await asyncio.sleep(OUTAGE_S)
        served_in_outage = await _served(show)
        tell("starting the broker", "启动消息服务器")
        await show.start_broker()
        served = await _served(show)
        tell(f"waiting for all {sum(map(len, served.values()))} answers served so far", "等待此前全部应答到达平台")
        told = await show.control_panel("told")
        calls = [("sos", first), ("fall", second)]
        complete = await _until(
            lambda: (
                all(v.complete for v in _verdicts(show, served))
                and not _fires(show, told)
                and not _uncalled(show, calls)
                and _ebike(show) is not None
            ),
            CATCH_UP_S,
        )
    verdicts = _verdicts(show, served)
    _report(show, console, verdicts, before, served_in_outage)
    if fires := _fires(show, told):
        tell(f"fires missing: {', '.join(fires)}", f"火警缺失：{', '.join(fires)}")
    else:
        tell(f"{len(told)} fires told, each arrived once", f"控制器上报火警 {len(told)} 次，均到达且仅到达一次")
    if missing_calls := _uncalled(show, calls):
        tell(f"calls for help missing: {', '.join(missing_calls)}", f"求助缺失：{', '.join(missing_calls)}")
    else:
        tell(f"{len(calls)} calls for help, each arrived once", f"求助 {len(calls)} 次，均到达且仅到达一次")
    words = ("buzzed when it was answered", "已振动应答") if buzzed else ("WAS NOT TOLD OF THE ANSWER", "未收到应答")
    tell(f"the button of {first.id} {words[0]}", f"{first.id} 的按钮{words[1]}")
    ebike = _ebike(show)
    if ebike is not None:
        score = f"{ebike['details']['score']:.2f}"
        tell(f"the e-bike in the lift was seen, score {score}", f"已识别电梯内的电动自行车，分值 {score}")
    else:
        tell("THE E-BIKE IN THE LIFT WAS NOT SEEN", "未识别到电梯内的电动自行车")
        console.print(show.agent.last_words() if show.agent else "")
    complete = complete and buzzed
    if show.platform.missing() or show.platform.conflicts:
        tell(f"missing: {show.platform.missing()}, conflicts: {show.platform.conflicts}", "平台侧序号有缺失或冲突")
        return False
    if console.quiet:
        verdict = {"complete": complete, "verdicts": [each._asdict() for each in verdicts], "fires_told": len(told)}
        verdict |= {"ebike": ebike is not None, "calls": len(calls), "calls_missing": missing_calls, "buzzed": buzzed}
        print(msgspec.json.encode(verdict).decode())
    tell(*(("nothing is missing", "数据完整，无缺失") if complete else ("SOMETHING IS MISSING", "数据有缺失")))
    return complete


async def _buzzes(show: Show, button: str) -> bool:
    """Whether a button is told, soon, that its call was answered."""
    deadline = time.monotonic() + BUZZ_S
    while not await show.control_bluetooth(f"alerts {button}"):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(LOOK_S)
    return True


async def _until(condition: Callable[[], bool], limit_s: float) -> bool:
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(LOOK_S)
    return True


def _silent(show: Show) -> list[str]:
    """Meters and buttons of which nothing has arrived."""
    return sorted({*(unit.id for unit in compound.METERS), *house.WORN} - set(show.latest))


async def _do(show: Show, verb: str, resident: house.Resident) -> None:
    for command in house.commands(verb, resident):
        await show.control_bluetooth(command)


def _uncalled(show: Show, calls: list[tuple[str, house.Resident]]) -> list[str]:
    """Calls for help that did not arrive exactly once."""
    with show.lock:
        raised = [(each["device"], each["class"]) for each in show.platform.records["alarm"] if each["change"] == 1]
    return [f"{resident.button_id} {kind}" for kind, resident in calls if raised.count((resident.button_id, kind)) != 1]


def _ebike(show: Show) -> dict[str, Any] | None:
    """The alarm of the e-bike in the lift, as it was raised."""
    with show.lock:
        alarms = [each for each in show.platform.records["alarm"] if each["class"] == car.CLASS]
    return next((each for each in alarms if each["device"] == car.LIFT and each["change"] == 1), None)


def _fires(show: Show, told: list[dict[str, Any]]) -> list[str]:
    with show.lock:
        return missing_fires(told, list(show.platform.records["alarm"]))


async def _served(show: Show) -> dict[str, list[float]]:
    return {unit.id: list(await show.control(f"served {unit.id} total_m3")) for unit in compound.METERS}


def _verdicts(show: Show, served: dict[str, list[float]]) -> list[Verdict]:
    with show.lock:
        records = list(show.platform.records["reading"])
    return [compare(device, values, totals(records, device)) for device, values in served.items()]


def _report(
    show: Show, console: Console, verdicts: list[Verdict], before: int, served_in_outage: dict[str, list[float]]
) -> None:
    for verdict in verdicts:
        mark = "[green]ok[/green]" if verdict.complete else f"[red]{verdict.wrong}[/red]"
        console.print(f"  {verdict.device:<20} served {verdict.served:>4}  arrived {verdict.arrived:>4}  {mark}")
    count = show.platform.counts["reading"]
    kept = sum(map(len, served_in_outage.values())) - before
    text = Text(
        f"  {count} readings in {show.messages} messages, {show.platform.repeats} repeats dropped; "
        f"{kept} answers were served during the outage and kept",
        f"  共 {show.messages} 条消息、{count} 条读数，剔除重复 {show.platform.repeats} 条；"
        f"断网期间产生并保存 {kept} 条",
    )
    console.print(text.say(show.language), highlight=False)
