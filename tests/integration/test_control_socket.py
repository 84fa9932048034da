"""The control socket answers, streams progress, refuses in words, and bounds its callers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from courtyard.agent.control import (
    MAX_CALLERS,
    MAX_REQUEST_BYTES,
    ControlServer,
    Progress,
    Refused,
    ask,
    daemon_listens,
)
from courtyard.drivers.base import DriverError, Fault, Text


async def echo(request: Mapping[str, Any], progress: Progress) -> Any:
    await progress({"step": 1})
    return {"echo": request["word"]}


async def refuse(request: Mapping[str, Any], progress: Progress) -> Any:
    raise DriverError(Fault("device.silent", Text("No answer.", "无应答。"), Text("Check the wiring.", "检查接线。")))


async def until_up(path: Path) -> None:
    async with asyncio.timeout(60):
        while not path.is_socket():
            await asyncio.to_thread(path.parent.stat)


def serve(tmp_path: Path, main: Any) -> None:
    async def run() -> None:
        path = tmp_path / "control.sock"
        server = asyncio.create_task(ControlServer(path, {"echo": echo, "refuse": refuse}).run())
        await until_up(path)
        try:
            await main(path)
        finally:
            server.cancel()
            await asyncio.wait([server])
        assert not path.exists()

    asyncio.run(run())


async def collect(path: Path, do: str, **arguments: Any) -> list[tuple[str, Any]]:
    return [step async for step in ask(path, do, **arguments)]


def test_request_progress_and_result(tmp_path: Path) -> None:
    async def main(path: Path) -> None:
        assert await collect(path, "echo", word="水表") == [("progress", {"step": 1}), ("result", {"echo": "水表"})]
        assert await asyncio.to_thread(daemon_listens, path)
        assert path.stat().st_mode & 0o777 == 0o660

    serve(tmp_path, main)
    assert not daemon_listens(tmp_path / "control.sock")


def test_refusals_carry_what_and_cure(tmp_path: Path) -> None:
    async def main(path: Path) -> None:
        with pytest.raises(Refused, match=r"No answer\. Check the wiring\. / 无应答。检查接线。"):
            await collect(path, "refuse")
        with pytest.raises(Refused, match="unknown request 'reset'; known: echo, refuse"):
            await collect(path, "reset")

    serve(tmp_path, main)


def test_garbage_and_oversize_requests_end_the_conversation_not_the_server(tmp_path: Path) -> None:
    async def main(path: Path) -> None:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"not json\n")
        assert b'"ok":false' in await asyncio.wait_for(reader.readline(), 60)
        writer.write(b"x" * (MAX_REQUEST_BYTES * 2) + b"\n")
        with suppress(ConnectionResetError):  # what it has not read when it hangs up
            assert await asyncio.wait_for(reader.read(), 60) == b""
        writer.close()
        assert (await collect(path, "echo", word="still here"))[-1] == ("result", {"echo": "still here"})

    serve(tmp_path, main)


def test_too_many_callers_are_told_so(tmp_path: Path) -> None:
    async def main(path: Path) -> None:
        held = [await asyncio.open_unix_connection(path) for _ in range(MAX_CALLERS)]
        for reader, writer in held:
            writer.write(b'{"do":"echo","word":"x"}\n')
            await asyncio.wait_for(reader.readline(), 60)
        with pytest.raises(Refused, match="too many callers"):
            await collect(path, "echo", word="one more")
        for _, writer in held:
            writer.close()

    serve(tmp_path, main)
