"""Asking the running gateway: what may stand between a command and its answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from courtyard.agent.control import Refused
from courtyard.drivers.base import Language, Text

NONE: Final = Text(
    "No gateway answers at {socket}. Start it (sudo systemctl start courtyard), or name its socket with --socket.",
    "{socket} 处没有运行中的网关。请启动网关（sudo systemctl start courtyard），或用 --socket 指定其套接字。",
)
LOCKED: Final = Text(
    "No permission for {socket}. Use sudo, or join the group courtyard: sudo usermod -aG courtyard $USER.",
    "没有访问 {socket} 的权限。请使用 sudo，或加入 courtyard 组：sudo usermod -aG courtyard $USER。",
)
LATE: Final = Text(
    "The gateway at {socket} does not answer in time. Look at its log: journalctl -u courtyard -n 50.",
    "{socket} 处的网关未按时应答。请查看日志：journalctl -u courtyard -n 50。",
)


@contextmanager
def asked(socket: Path, language: Language) -> Iterator[None]:
    """Raises Refused, in words, when no gateway answers at this socket, none may be asked, or none in time."""
    try:
        yield
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise Refused(NONE.say(language).format(socket=socket)) from error
    except PermissionError as error:
        raise Refused(LOCKED.say(language).format(socket=socket)) from error
    except TimeoutError as error:
        raise Refused(LATE.say(language).format(socket=socket)) from error
