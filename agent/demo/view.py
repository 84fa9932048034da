"""The demo on a terminal: what arrives upstream, in place, with what can be broken and how."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text as Styled

from courtyard.agent.demo import compound, house
from courtyard.agent.demo.actions import ACTIONS
from courtyard.agent.demo.house import DEEDS
from courtyard.agent.demo.keyboard import Keyboard
from courtyard.agent.demo.show import CALLS, Show
from courtyard.drivers.base import Text

REFRESH_S = 0.25
STALE_S = 5.0
STATES = {
    "raised": Text("raised      ", "报警"),
    "acknowledged": Text("acknowledged", "确认"),
    "returned": Text("returned    ", "恢复"),
    "cleared": Text("cleared     ", "解除"),
}
HEADINGS = (
    Text("device", "设备"),
    Text("place", "位置"),
    Text("total m³", "累计 m³"),
    Text("flow m³/h", "流量 m³/h"),
    Text("age s", "延迟 s"),
    Text("quality", "质量"),
)

PEOPLE = (
    Text("resident", "住户"),
    Text("room", "房间"),
    Text("heart rate /min", "心率 次/分"),
    Text("SpO2 %", "血氧 %"),
    Text("button battery %", "按钮电量 %"),
    Text("call for help", "求助"),
)


async def watch(show: Show, console: Console) -> None:
    """Shows the performance until it is over; types go to the stage."""
    keyboard = Keyboard(show.enter)
    with (
        keyboard.attached(),
        Live(screen(show, ""), console=console, refresh_per_second=4, screen=console.is_terminal) as live,
    ):
        while not show.over.is_set():
            live.update(screen(show, keyboard.typed))
            try:
                await asyncio.wait_for(show.over.wait(), REFRESH_S)
            except TimeoutError:
                continue


def screen(show: Show, typed: str) -> Group:
    """The whole picture at this moment."""
    with show.lock:
        parts = (_sentence(show), _readings(show), _residents(show), _alarms(show), _books(show), _page(show))
    return Group(*parts, _prompt(show, typed))


def _sentence(show: Show) -> Panel:
    return Panel(show.now_showing.say(show.language), title="Courtyard", title_align="left", border_style="cyan")


def _readings(show: Show) -> Table:
    table = Table(*(heading.say(show.language) for heading in HEADINGS), expand=True, box=None)
    now = time.monotonic()
    for unit in compound.METERS:
        record: dict[str, Any] = show.latest.get(unit.id, {"values": {}, "arrived": None})
        values, age = record["values"], None if record["arrived"] is None else now - record["arrived"]
        quality = ", ".join(sorted(set(record.get("quality", {}).values())))
        style = "dim" if age is None or age > STALE_S else ("yellow" if quality else "")
        table.add_row(
            unit.id,
            unit.place,
            _number(values.get("water.volume.total"), 3),
            _number(values.get("water.flow"), 3),
            "" if age is None else f"{age:.1f}",
            quality,
            style=style,
        )
    return table


def _residents(show: Show) -> Table:
    table = Table(*(heading.say(show.language) for heading in PEOPLE), expand=True, box=None)
    calling = {each["device"]: each for each in show.alarms if each["class"] in CALLS}
    for resident in house.RESIDENTS:
        band, button = (show.worn.get(name, {}) for name in (resident.band_id, resident.button_id))
        call = calling.get(resident.button_id)
        active = call is not None and call["state"] in ("raised", "acknowledged")
        agreed = "" if resident.agrees else Text("no consent", "未同意").say(show.language)
        table.add_row(
            resident.id,
            show.rooms.get(resident.id) or "",
            _number(band.get("vital.heart_rate"), 0) or agreed,
            _number(band.get("vital.spo2"), 0) or agreed,
            _number(button.get("battery.level"), 0),
            "" if call is None else STATES[call["state"]].say(show.language).strip(),
            style="bold red" if active else "",
        )
    return table


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _alarms(show: Show) -> Panel:
    lines = Styled()
    for alarm in reversed(show.alarms):
        text = alarm["text_zh" if show.language == "zh-CN" else "text_en"]
        active = alarm["state"] in ("raised", "acknowledged")
        state = STATES[alarm["state"]].say(show.language)
        where = f"  {alarm['place'].removeprefix(compound.PLACE + '/')}" if alarm["class"] in CALLS else ""
        lines.append(f"{alarm['at'][11:19]}Z  {state}  {text}{where}\n", style="bold red" if active else "green")
    lines.no_wrap, lines.overflow = True, "ellipsis"
    return Panel(lines, title=Text("alarms", "报警").say(show.language), title_align="left")


def _books(show: Show) -> Styled:
    platform = show.platform
    behind, missing = sum(platform.behind().values()), sum(b - a + 1 for r in platform.missing().values() for a, b in r)
    online = (show.platform.status or {}).get("online", False)
    count = sum(platform.counts.values())
    text = Text(
        f"platform: {'connected' if show.broker.running else 'DOWN'}   gateway: {'online' if online else 'OFFLINE'}   "
        f"records {count}   repeats dropped {platform.repeats}   waiting {behind}   missing {missing}",
        f"平台：{'已连接' if show.broker.running else '已断开'}   网关：{'在线' if online else '离线'}   "
        f"记录 {count}   重复剔除 {platform.repeats}   待收 {behind}   缺失 {missing}",
    )
    return Styled(text.say(show.language), style="bold red" if missing else "bold")


def _page(show: Show) -> Styled:
    login = show.first_login()
    text = Text(f"status page: http://127.0.0.1:{show.page_port}", f"状态页面：http://127.0.0.1:{show.page_port}")
    if login is not None:
        user, code = login
        more = Text(f"   user {user}   one-time code {code}", f"   用户 {user}   一次性口令 {code}")
        text = Text(text.en + more.en, text.zh + more.zh)
    return Styled(text.say(show.language))


def _prompt(show: Show, typed: str) -> Panel:
    names = "   ".join((*ACTIONS, *(f"{verb} r-1" for verb in DEEDS)))
    title = Text("type one of these and press Enter", "输入下列命令并按回车").say(show.language)
    return Panel(Styled(f"{names}\n> {typed}▏   {show.answer}"), title=title, title_align="left", border_style="cyan")
