"""What the journal found, in words for people: what happened, and what to do."""

from __future__ import annotations

from typing import Final

from courtyard.buffer import Finding
from courtyard.drivers.base import Fault, Text

_NOTHING = Text("Nothing to do; the platform is told.", "无需处理；已告知平台。")
_DISK = Text(
    "Data is kept in memory until the disk works again; a power cut would lose it. Replace the card or disk soon.",
    "在磁盘恢复之前数据暂存于内存，断电会丢失。请尽快更换存储卡或硬盘。",
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
        _NOTHING,
    ),
    "epoch.new": (
        Text("Records are numbered from 1 again, in a new epoch.", "记录在新的纪元中重新从 1 开始编号。"),
        _NOTHING,
    ),
    "rows.corrupt": (
        Text("Some stored records cannot be read; they are counted as lost.", "部分已存记录无法读取，已计为丢失。"),
        _DISK,
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


class _Blank(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "?"


def fault_of(finding: Finding) -> Fault:
    """The finding as a fault; a code without words of its own is shown as it is."""
    fallback = (Text(f"Journal: {finding.code}", f"数据缓存：{finding.code}"), _NOTHING)
    what, cure = WORDS.get(finding.code, fallback)
    params = _Blank(finding.params)
    return Fault(f"journal.{finding.code}", Text(what.en.format_map(params), what.zh.format_map(params)), cure)
