"""What the journal found, in words for people: what happened, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from courtyard.buffer import Finding
from courtyard.drivers.base import Fault, Text

LONGEST_FACT = 160
"""Characters; SQLite may have pages of complaints."""
_NOTHING = Text("Nothing to do; the platform is told.", "无需处理；已告知平台。")
_DISK = Text(
    "Data is kept in memory until the disk works again; a power cut would lose it. Replace the card or disk soon.",
    "在磁盘恢复之前数据暂存于内存，断电会丢失。请尽快更换存储卡或硬盘。",
)
_WORN = Text(
    "The platform is told, and new records are kept as ever. A power cut may have done it; if it comes again, replace "
    "the card or disk.",
    "已告知平台，新记录照常保存。可能由断电引起；若再次出现，请更换存储卡或硬盘。",
)
WORDS: Final[dict[str, tuple[Text, Text]]] = {
    "disk.full": (
        Text("The disk is full: {detail}.", "磁盘已满：{detail}。"),
        Text(
            "Free space beside the data directory, or lower journal.quota; the gateway tries again by itself.",
            "请清理数据目录所在磁盘，或调小 journal.quota；网关会自动重试。",
        ),
    ),
    "disk.read_only": (
        Text("The disk is read-only: {detail}.", "磁盘为只读：{detail}。"),
        Text(
            "The file system was remounted read-only, mostly because the card is worn out: replace it.",
            "文件系统被重新挂载为只读，通常是存储卡寿命耗尽：请更换。",
        ),
    ),
    "disk.permission": (
        Text("The data directory may not be written: {detail}.", "没有写入数据目录的权限：{detail}。"),
        Text(
            "Give it to the gateway: chown -R courtyard:courtyard /var/lib/courtyard.",
            "请将目录交给网关用户：chown -R courtyard:courtyard /var/lib/courtyard。",
        ),
    ),
    "disk.damaged": (Text("The database is damaged: {detail}.", "数据库已损坏：{detail}。"), _DISK),
    "disk.busy": (
        Text("Another program holds the journal's database: {detail}.", "其他程序占用了数据库：{detail}。"),
        Text("Close the program that has journal.db open.", "请关闭正在打开 journal.db 的程序。"),
    ),
    "disk.io": (Text("The disk answers with an error: {detail}.", "磁盘读写出错：{detail}。"), _DISK),
    "disk.slow": (
        Text("The disk does not answer in time; alarms go on from memory.", "磁盘响应超时；报警改由内存发送。"),
        _DISK,
    ),
    "disk.ok": (Text("The disk works again.", "磁盘已恢复正常。"), _NOTHING),
    "db.damaged": (
        Text(
            "The journal was damaged ({detail}): {records} records were saved, {lost} lost; the old file is {kept}.",
            "数据库曾损坏（{detail}）：已挽救 {records} 条记录，丢失 {lost} 条；旧文件保存为 {kept}。",
        ),
        _WORN,
    ),
    "epoch.new": (
        Text("Records are numbered from 1 again, in a new epoch.", "记录在新的纪元中重新从 1 开始编号。"),
        _NOTHING,
    ),
    "rows.corrupt": (
        Text("Some stored records cannot be read; they are counted as lost.", "部分已存记录无法读取，已计为丢失。"),
        _WORN,
    ),
    "evidence.dropped": (
        Text("An old damaged database was deleted for room: {file}.", "为腾出空间，已删除旧的损坏数据库：{file}。"),
        _NOTHING,
    ),
    "close.unfinished": (
        Text("The journal could not be closed in time: {detail}.", "数据库未能及时关闭：{detail}。"),
        _NOTHING,
    ),
}
"""Code of a finding to what it means and what to do."""
_REPAIRS = Text(
    "Restart the gateway: it saves what can be read, begins a new epoch and tells the platform. Send a support bundle "
    "if it comes again.",
    "请重启网关：它会保存可读的数据，开始新的纪元并告知平台。若再次出现，请发送支持包。",
)
DEFECTS: Final[dict[str, tuple[Text, Text]]] = {
    "db.damaged": (Text("The database is damaged: {detail}.", "数据库已损坏：{detail}。"), _REPAIRS),
    "epoch.current": (
        Text("{count} epochs call themselves the present one.", "有 {count} 个纪元同时标记为当前纪元。"),
        _REPAIRS,
    ),
    "table.missing": (Text("The table {table} is missing.", "缺少数据表 {table}。"), _REPAIRS),
    "version.unknown": (
        Text("The database has version {version}, unknown here.", "数据库版本 {version} 无法识别。"),
        Text("Use the version of courtyard that wrote it, or a newer one.", "请使用写入该数据库的版本或更新的版本。"),
    ),
    "row.corrupt": (
        Text(
            "Records {first} to {last} of {lane} ({epoch}) cannot be read.",
            "{lane} 通道（{epoch}）的记录 {first}～{last} 无法读取。",
        ),
        _REPAIRS,
    ),
    "row.missing": (
        Text(
            "Records {first} to {last} of {lane} ({epoch}) are missing.",
            "{lane} 通道（{epoch}）的记录 {first}～{last} 缺失。",
        ),
        _REPAIRS,
    ),
    "row.unexpected": (
        Text(
            "Records {first} to {last} of {lane} ({epoch}) are there though they should not be.",
            "{lane} 通道（{epoch}）存在不应有的记录 {first}～{last}。",
        ),
        _REPAIRS,
    ),
    "progress.beyond": (
        Text(
            "The platform {uplink} has acknowledged records of {lane} ({epoch}) up to {last}, never written.",
            "平台 {uplink} 确认到 {lane} 通道（{epoch}）的记录 {last}，但该记录从未写入。",
        ),
        _REPAIRS,
    ),
}
"""What only `courtyard journal verify` finds."""


class _Blank(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "?"


def fault_of(finding: Finding) -> Fault:
    """The finding as a fault; a code without words of its own is shown as it is."""
    return _in_words(finding, WORDS)


def defect_of(problem: Finding) -> Fault:
    """What `courtyard journal verify` found in a journal that nobody runs or repairs meanwhile."""
    return _in_words(problem, DEFECTS)


def _in_words(finding: Finding, words: Mapping[str, tuple[Text, Text]]) -> Fault:
    fallback = (Text(f"Journal: {finding.code}", f"数据缓存：{finding.code}"), _NOTHING)
    what, cure = words.get(finding.code, fallback)
    params = _Blank({name: " ".join(str(fact).split())[:LONGEST_FACT] for name, fact in finding.params.items()})
    return Fault(f"journal.{finding.code}", Text(what.en.format_map(params), what.zh.format_map(params)), cure)
