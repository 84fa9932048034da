"""A form that carries a file (multipart/form-data, RFC 7578): its fields and the bytes of its file."""

from __future__ import annotations

from email import message_from_bytes
from email.message import Message
from typing import Final

from starlette.requests import Request

from courtyard.agent.web.form import MOST_FIELDS, UNREADABLE
from courtyard.agent.web.model import Refused, Words

MOST_FILE_BYTES: Final = 1_000_000
TOO_LARGE: Final = Words("The file is larger than 1 MB. Split it.", "文件超过 1 MB，请拆分。")


async def upload(request: Request) -> tuple[dict[str, str], bytes]:
    """The text fields, and the content of the one file; empty where there is none.  Raises Refused."""
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0] != "multipart/form-data" or len(kind) > 300:
        raise Refused(UNREADABLE)
    head = f"Content-Type: {kind}\r\n\r\n".encode("latin-1", "replace")
    return parse(head + await request.body())


def parse(message: bytes) -> tuple[dict[str, str], bytes]:
    """The same, of a whole MIME message.  Raises Refused."""
    parts = message_from_bytes(message).get_payload()
    if not isinstance(parts, list) or len(parts) > MOST_FIELDS:
        raise Refused(UNREADABLE)
    fields, content = dict[str, str](), b""
    for part in parts:
        name = part.get_param("name", header="content-disposition") if isinstance(part, Message) else None
        payload = part.get_payload(decode=True) if isinstance(part, Message) else None
        if not isinstance(part, Message) or not isinstance(name, str) or not isinstance(payload, bytes):
            raise Refused(UNREADABLE)
        if part.get_filename() is not None:
            content = payload
        else:
            fields[name] = payload.decode("utf-8", "replace")
    if len(content) > MOST_FILE_BYTES:
        raise Refused(TOO_LARGE)
    return fields, content
