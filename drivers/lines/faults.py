"""What can be wrong with a line, and what to do about it, in words for the person on site."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import socket

from courtyard.drivers.base import Fault, Text
from courtyard.drivers.lines.settings import RtuTcpLine, TcpLine

SERIAL_GROUP = "dialout"

_TEXTS: dict[str, tuple[str, str, str, str]] = {
    "line.open.missing": (
        "The serial port {port} does not exist.",
        "串口 {port} 不存在。",
        "Plug the adapter in, or correct `port`; the ports of this box are under /dev/serial/by-id.",
        "请插好转换器，或更正 port 设置；本机串口位于 /dev/serial/by-id。",
    ),
    "line.open.permission": (
        "No permission to open {port}; it belongs to the group {group}.",
        "没有打开 {port} 的权限；该串口属于用户组 {group}。",
        "{cure}",
        "{cure_zh}",
    ),
    "line.open.busy": (
        "Another program uses the serial port {port}.",
        "串口 {port} 正被其他程序占用。",
        "Stop that program (`fuser {port}` names it); a line has exactly one owner.",
        "请停止占用串口的程序(用 fuser {port} 查看)；一条线路只能有一个使用者。",
    ),
    "line.open.not_serial": (
        "{port} cannot be used as a serial port: {reason}.",
        "{port} 不能作为串口使用：{reason}。",
        "Correct `port`, or try a speed and format that this adapter can do.",
        "请更正 port 设置，或改用该转换器支持的波特率和数据格式。",
    ),
    "line.lost.unplugged": (
        "The serial port {port} has gone while in use.",
        "串口 {port} 在使用中消失。",
        "Plug the adapter in again and check its cable; it is opened by itself when it is back.",
        "请重新插好转换器并检查线缆；恢复后会自动重新打开。",
    ),
    "line.lost.jammed": (
        "{where} takes no more bytes.",
        "{where} 无法继续发送数据。",
        "Check the adapter or the network; the line is opened again by itself.",
        "请检查转换器或网络；线路会自动重新打开。",
    ),
    "line.tcp.name": (
        "The name {host} cannot be resolved.",
        "无法解析主机名 {host}。",
        "Correct `host`, or give the IP address.",
        "请更正 host 设置，或直接填写 IP 地址。",
    ),
    "line.tcp.refused": (
        "{host} refuses connections on port {port}.",
        "{host} 拒绝了端口 {port} 的连接。",
        "Correct `port`, switch the service on in the device, or close its other connections.",
        "请更正 port 设置，在设备中启用该服务，或关闭其他已占用的连接。",
    ),
    "line.tcp.unreachable": (
        "{host} cannot be reached ({reason}).",
        "无法连接到 {host}({reason})。",
        "Check power, cable and addresses: `ping {host}`.",
        "请检查电源、网线和 IP 地址：ping {host}。",
    ),
    "line.tcp.closed": (
        "{host}:{port} has closed the connection ({reason}).",
        "{host}:{port} 断开了连接({reason})。",
        "It is opened again by itself; if this repeats, the device may allow too few connections.",
        "会自动重新连接；若反复出现，设备允许的连接数可能过少。",
    ),
}


def line_fault(code: str, /, **details: object) -> Fault:
    """The fault of that code with its details filled in."""
    what, what_zh, cure, cure_zh = (text.format(**details) for text in _TEXTS[code])
    return Fault(code, Text(what, what_zh), Text(cure, cure_zh))


def serial_fault(error: Exception, port: str) -> Fault:
    """Why a serial port could not be opened."""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ENOENT:
        return line_fault("line.open.missing", port=port)
    if number in (errno.EACCES, errno.EPERM):
        return _permission(port)
    if number in (errno.EBUSY, errno.EAGAIN):
        return line_fault("line.open.busy", port=port)
    return line_fault("line.open.not_serial", port=port, reason=_reason(error))


def tcp_fault(error: Exception, line: TcpLine | RtuTcpLine) -> Fault:
    """Why a connection could not be made."""
    if isinstance(error, socket.gaierror | UnicodeError):
        return line_fault("line.tcp.name", host=line.host)
    if isinstance(error, ConnectionRefusedError):
        return line_fault("line.tcp.refused", host=line.host, port=line.port)
    return line_fault("line.tcp.unreachable", host=line.host, reason=_reason(error))


def _permission(port: str) -> Fault:
    """Names the group whose members may open the port, and how to join it."""
    user = _user_name()
    group = _group_name(port)
    if group in ("root", ""):
        cure = (
            f"Give the port to the group {SERIAL_GROUP} with a udev rule, then: sudo usermod -aG {SERIAL_GROUP} {user}"
        )
        cure_zh = f"请用 udev 规则把串口划归用户组 {SERIAL_GROUP}，再执行：sudo usermod -aG {SERIAL_GROUP} {user}"
    else:
        cure = f"sudo usermod -aG {group} {user}, then restart the gateway."
        cure_zh = f"执行 sudo usermod -aG {group} {user}，然后重启网关。"
    return line_fault("line.open.permission", port=port, group=group or "?", cure=cure, cure_zh=cure_zh)


def _group_name(port: str) -> str:
    try:
        return grp.getgrgid(os.stat(port).st_gid).gr_name
    except (OSError, KeyError):  # the directory is closed to us too, or the group has no name
        return ""


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a dynamic user
        return str(os.geteuid())


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
