"""A command's bytes as a command; what is wrong with them in words."""

from __future__ import annotations

import msgspec

from courtyard.agent.commands.kinds import KINDS, Kind
from courtyard.agent.records import MAX_COMMAND_BYTES, VERSION, Command, CommandId
from courtyard.agent.refusal import Refusal
from courtyard.drivers.base import Text


class _OnlyId(msgspec.Struct):
    id: CommandId


_decode_command = msgspec.json.Decoder(Command).decode
_decode_arguments = {kind.args: msgspec.json.Decoder(kind.args).decode for kind in KINDS.values()}
_decode_id = msgspec.json.Decoder(_OnlyId).decode


def read_command(payload: bytes) -> Command:
    """Raises Refusal for what is too large, no JSON, or no command of this version."""
    if len(payload) > MAX_COMMAND_BYTES:
        raise Refusal(
            "message.too_large",
            Text(
                f"A command has at most {MAX_COMMAND_BYTES} bytes; this one has {len(payload)}.",
                f"命令最多 {MAX_COMMAND_BYTES} 字节；本命令为 {len(payload)} 字节。",
            ),
        )
    try:
        return _decode_command(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _invalid("message.invalid", error) from None


def read_id(payload: bytes) -> str | None:
    """The id of a message that is no valid command, if it has one."""
    if len(payload) > MAX_COMMAND_BYTES:
        return None
    try:
        return _decode_id(payload).id
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None  # no id, no outcome: the event tells of the message


def read_arguments(command: Command, kind: Kind) -> msgspec.Struct:
    """Raises Refusal for arguments that are not of this kind."""
    try:
        return _decode_arguments[kind.args](command.args)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _invalid("args.invalid", error) from None


def _invalid(code: str, error: Exception) -> Refusal:
    return Refusal(
        code,
        Text(f"Not a valid command (v{VERSION}): {error}", f"不是有效的命令（v{VERSION}）：{error}"),
    )
