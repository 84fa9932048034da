"""What is wrong with a fire-control centre, and what to do."""

from __future__ import annotations

from courtyard.agent.uplinks.faults import PLATFORM, PLATFORM_ZH, Words

SILENT = Words(
    "uplink.gb26875.silent",
    "The fire-control centre at {url} confirmed nothing, three times 10 s.",
    "消防监控中心 {url} 连续三次（每次 10 秒）未确认。",
    "Check that address and centre of `station` are what the centre has registered. " + PLATFORM,
    "请确认 station 中的 address 和 centre 与中心登记一致。" + PLATFORM_ZH,
)
DENIED = Words(
    "uplink.gb26875.denied",
    "The fire-control centre at {url} refuses a report.",
    "消防监控中心 {url} 拒绝了上报的信息。",
    "Check that the centre knows the systems and parts of this site; the record is kept here. " + PLATFORM,
    "请确认中心已登记本站点的系统和部件；该记录仍保存在本机。" + PLATFORM_ZH,
)
