"""The second path as a part of the gateway: the modem is looked at before it is needed; check reads it aloud."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from courtyard.agent.__main__ import main as courtyard
from courtyard.agent.condition import Condition
from courtyard.agent.outputs.outputs import Outputs
from courtyard.agent.second_path import SecondPath
from courtyard.config.snapshot import Snapshot
from courtyard.drivers.base import Fault
from hw_sim.modem import Modem
from tests.config_rig import check
from tests.contracts.fake_journal import FakeJournal
from tests.escalation_sites import SITE
from tests.gateway_rig import Gateway


class Box:
    """A second path whose conditions and faults are written down."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.said: asyncio.Queue[Condition] = asyncio.Queue()
        self.faults: list[str | None] = []
        self.secrets: list[str] = []
        gateway = Gateway(FakeJournal(), snapshot.site)
        outputs = Outputs(snapshot.site.outputs, gateway.recorder, self._write, lambda _: None)
        self.path = SecondPath(
            gateway.recorder,
            gateway.book,
            outputs,
            lambda: self.snapshot,
            say=self.said.put_nowait,
            health=self._health,
            credentials=None,
            learn_secrets=lambda secrets: self.secrets.extend(secrets),
        )

    async def _write(self, *_: object) -> None: ...

    def _health(self, subject: str, fault: Fault | None) -> None:
        assert subject == "modem"
        self.faults.append(fault.code if fault else None)


def site(folder: Path, more: str = "") -> Snapshot:
    (folder / "pin").write_text("1234\n")
    snapshot = check(folder, SITE.replace('"/dev/ttyACM0"', f'"{folder / "modem"}"{more}')).snapshot
    assert snapshot is not None
    return snapshot


def test_a_modem_without_network_is_an_alarm_until_it_is_mended(tmp_path: Path) -> None:
    async def main() -> None:
        box = Box(site(tmp_path))
        watching = asyncio.create_task(box.path.watch_modem())
        async with asyncio.timeout(30):
            first = await box.said.get()
            assert (first.alarm_class, first.active, first.severity) == ("modem_fault", True, 2)
            assert box.faults == ["line.open.missing"]
            modem = await Modem(tmp_path / "modem").open()
            box.path.look()
            second = await box.said.get()
        assert (second.active, box.faults[-1]) == (False, None)
        watching.cancel()
        await asyncio.wait((watching,))
        await modem.close()

    asyncio.run(main())


def test_a_pin_is_read_from_its_file_and_never_shown(tmp_path: Path) -> None:
    async def main() -> None:
        box = Box(site(tmp_path, '\npin_file = "pin"'))
        modem = await Modem(tmp_path / "modem", pin="1234").open()
        async with asyncio.timeout(20):
            await box.path.send("119", "火警")
        assert [message.text for message in modem.sent] == ["火警"]
        assert box.secrets == ["1234"]
        await modem.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("en", "life: 0 s community; after 30 s siren; after 60 s SMS to 2 numbers; after 60 s fire"),
        ("zh-CN", "life：0 秒 community；30 秒后 siren；60 秒后 发短信至 2 个号码；60 秒后 fire"),
    ],
)
def test_check_reads_the_sequence_aloud(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str, line: str
) -> None:
    path = tmp_path / "site.toml"
    path.write_text(SITE, "utf-8")
    assert courtyard(["check", str(path), "--lang", language]) == 0
    assert line in capsys.readouterr().out
