"""Reports to a fire-control centre through a real journal and real sockets; nothing is lost, whatever breaks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hw_sim.centre import Centre
from hw_sim.ports import free_port
from tests.gb26875_uplink_rig import Box
from tests.uplink_rig import realtime


def points(centre: Centre) -> set[int]:
    """Component addresses of which a fire was reported."""
    return {report.words[3] for report in centre.reports if report.kind == 2 and report.words[4] & 2}


@realtime
async def test_a_fire_is_reported_with_its_place(tmp_path: Path) -> None:
    box, centre = Box(tmp_path), await Centre().open()
    box.uplink(url=f"tcp://127.0.0.1:{centre.port}")
    await box.alarm("2-6-12", component_type=42, system_type=1)
    await centre.wait(lambda: any(report.kind == 2 for report in centre.reports))
    report = next(report for report in centre.reports if report.kind == 2)
    assert (report.words, report.text) == ((1, 2, 42, 6 << 16 | 12, 3), "3号楼6层走廊")
    assert centre.reports[0].kind == 21
    await box.stop()
    await centre.close()
    assert centre.errors == []


@realtime
async def test_cut_connections_and_a_restart_lose_nothing(tmp_path: Path) -> None:
    box, centre = Box(tmp_path), await Centre().open()
    for point in range(200):
        await box.alarm(f"1-1-{point}")
    box.uplink(url=f"tcp://127.0.0.1:{centre.port}")
    await centre.wait(lambda: len(points(centre)) >= 20)
    centre.drop()
    await centre.wait(lambda: centre.connections >= 2)
    await box.stop()
    box.start()
    box.uplink(url=f"tcp://127.0.0.1:{centre.port}")
    for point in range(200, 230):
        await box.alarm(f"1-1-{point}")
    await centre.wait(lambda: len(points(centre)) == 230)
    assert points(centre) == {1 << 16 | point for point in range(230)}
    assert centre.errors == []
    await box.stop()
    await centre.close()


@realtime
async def test_a_centre_that_comes_late_gets_everything_in_order(tmp_path: Path) -> None:
    box, port = Box(tmp_path), free_port()
    box.uplink(url=f"tcp://127.0.0.1:{port}")
    for point in range(20):
        await box.alarm(f"1-1-{point}")
    centre = await Centre().open(port=port)
    await centre.wait(lambda: len(points(centre)) == 20)
    fires = [report.words[3] & 0xFFFF for report in centre.reports if report.kind == 2]
    assert fires == list(range(20))
    assert "line.tcp.refused" in box.faults
    await box.stop()
    await centre.close()


@realtime
async def test_several_centres_at_once_and_a_dead_one_slows_nobody(tmp_path: Path) -> None:
    box, centres = Box(tmp_path), [await Centre().open() for _ in range(3)]
    centres[0].set_mood(["silent"])
    for number, centre in enumerate(centres):
        box.uplink(f"centre-{number}", url=f"tcp://127.0.0.1:{centre.port}")
    for point in range(50):
        await box.alarm(f"1-1-{point}")
    for centre in centres[1:]:  # the silent one stays silent: who waited for it would wait for ever
        await centre.wait(lambda centre=centre: len(points(centre)) == 50)  # type: ignore[misc]
    assert centres[0].reports == []
    await box.stop()
    for centre in centres:
        await centre.close()


@pytest.mark.parametrize("udp", [False, True], ids=["tcp", "udp"])
def test_a_confirmation_is_a_receipt(tmp_path: Path, udp: bool) -> None:
    @realtime
    async def main() -> None:
        box, centre = Box(tmp_path), await Centre().open(udp=udp)
        box.uplink(url=f"{'udp' if udp else 'tcp'}://127.0.0.1:{centre.port}")
        receipt: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        box.gateway.book.listen(
            lambda alarm: receipt.set_result(None) if alarm.received and not receipt.done() else None
        )
        await box.alarm()
        await centre.wait(lambda: len(points(centre)) == 1)
        await receipt
        alarm = next(iter(box.gateway.book))
        assert list(alarm.received) == ["centre"]
        await box.stop()
        await centre.close()

    main()
