"""What the control socket answers."""

from __future__ import annotations

import asyncio
import subprocess
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from courtyard.agent.ble_scan import looks, wearables
from courtyard.agent.candidates import as_data, candidates
from courtyard.agent.control import Handler, Progress, Refused
from courtyard.agent.drills.drill import Result, Stage, Wish
from courtyard.agent.drills.evidence import Evidence
from courtyard.agent.identification import SIGN
from courtyard.agent.pairing import PairingDesk
from courtyard.agent.refusal import Refusal
from courtyard.agent.supervisor import Supervisor
from courtyard.agent.wiring import Gateway
from courtyard.buffer import JournalError
from courtyard.drivers.base import DriverError, Fault
from courtyard.drivers.modbus.scan import Progress as Step
from courtyard.drivers.modbus.scan import scan

PROGRESS_EVERY_S = 0.5
LONGEST_DRILL_S = 3600.0
MOST_FRAMES = 200


def handlers(
    gateway: Gateway, supervisor: Supervisor, reload: Callable[[], Awaitable[str]], evidence: Evidence
) -> Mapping[str, Handler]:
    """Handlers by request name; `evidence` keeps the list of drills."""

    async def status(request: Mapping[str, Any], progress: Progress) -> Any:
        journal = await gateway.journal.status()
        return {
            "gateway": gateway.status(),
            "parts": supervisor.status(),
            "faults": {subject: _fault(fault) for subject, fault in gateway.faults.items()},
            "alarms": gateway.book.urgent(),
            "journal": journal,
            "uplinks": [uplink.report() for uplink in gateway.upstream],
            "counters": gateway.lines.counters(),
            "dropped": gateway.pipeline.dropped(),
            "escalations": gateway.second_path.escalations.open,
            "lifts": gateway.lifts.states(),
        }

    async def frames(request: Mapping[str, Any], progress: Progress) -> Any:
        """The last frames of meters; those of wearables and panels stay on the box."""
        meters = [name for name, device in gateway.snapshot.devices.items() if device.family == "modbus"]
        return {name: gateway.lines.frames(name) for name in meters[:MOST_FRAMES]}

    async def read(request: Mapping[str, Any], progress: Progress) -> Any:
        device = _device(gateway, request)
        try:
            reading = await gateway.lines.read(device)
        except DriverError as error:
            if not request.get("raw"):
                raise
            return {"fault": _fault(error.fault), "frames": gateway.lines.frames(device)}
        return {"reading": reading, "frames": gateway.lines.frames(device) if request.get("raw") else []}

    async def identify(request: Mapping[str, Any], progress: Progress) -> Any:
        device = _device(gateway, request)
        await gateway.identification.show(device)
        return {"device": device, "seconds": SIGN.for_s}

    async def scan_line(request: Mapping[str, Any], progress: Progress) -> Any:
        name, found = str(request.get("line")), 0
        if name not in gateway.snapshot.lines:
            raise Refused(f"no line {name!r} in the site / 站点中没有线路 {name!r}")
        units = [int(unit) for unit in request.get("units", range(1, 248))]
        tries: dict[str, Any] = {key: tuple(request[key]) for key in ("bauds", "parities") if request.get(key)}
        steps: deque[Step] = deque(maxlen=1)

        async def tell() -> None:
            while True:
                await asyncio.sleep(PROGRESS_EVERY_S)
                if steps:
                    await progress({"done": steps[0].done, "total": steps[0].total})

        async with gateway.lines.at_rest(name) as line, asyncio.TaskGroup() as group:
            telling = group.create_task(tell())
            known = await asyncio.to_thread(candidates, (gateway.snapshot.directory / "profiles",))
            async for each in scan(line, units=units, candidates=known, progress=steps.append, **tries):
                found += 1
                await progress({"found": as_data(each)})
            telling.cancel()
        return {"found": found}

    async def scan_ble(request: Mapping[str, Any], progress: Progress) -> Any:
        profiles = await asyncio.to_thread(wearables, (gateway.snapshot.directory / "profiles",))
        count = 0
        async with gateway.lines.watching(request.get("line")) as driver:
            async for rows in looks(driver, float(request.get("seconds", 10.0)), profiles):
                count = len(rows)
                await progress({"seen": rows})
        return {"found": count}

    async def reload_site(request: Mapping[str, Any], progress: Progress) -> Any:
        return await reload()

    async def drill(request: Mapping[str, Any], progress: Progress) -> Any:
        async def tell(stage: Stage) -> None:
            await progress(stage)

        wish = Wish(
            _device(gateway, request),
            str(request.get("class", "fire"))[:64],
            str(request.get("by", "?"))[:64],
            request.get("full") is True,
            min(max(float(request.get("wait_s", 60.0)), 1.0), LONGEST_DRILL_S),
        )
        try:
            result: Result = await gateway.drills.run(wish, tell)
        except (Refusal, JournalError) as error:
            raise Refused(" / ".join(error.text) if isinstance(error, Refusal) else str(error)) from error
        try:
            kept = await asyncio.to_thread(evidence.append_apart, result)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            gateway.recorder.event("drill.not_kept", {"id": result.id, "error": str(error)[:200]}, test=True)
            raise Refused(f"the drill was done but not kept: {error} / 演练已完成，但未能保存记录：{error}") from error
        details = {"id": result.id, "passed": result.passed, **kept._asdict()}
        gateway.recorder.event("drill.ended", details, device=result.device, test=True)
        return {"drill": result, "passed": result.passed, "kept": kept._asdict()}

    return {
        "drill": drill,
        "status": status,
        "frames": frames,
        "read": read,
        "identify": identify,
        "scan": scan_line,
        "scan_ble": scan_ble,
        "reload": reload_site,
        **PairingDesk(gateway.lines, lambda: gateway.snapshot, gateway.recorder).handlers(),
    }


def _device(gateway: Gateway, request: Mapping[str, Any]) -> str:
    name = str(request.get("device"))
    if name not in gateway.snapshot.devices:
        raise Refused(f"no device {name!r} in the site / 站点中没有设备 {name!r}")
    return name


def _fault(fault: Fault) -> dict[str, Any]:
    return {"code": fault.code, "what": fault.what._asdict(), "cure": fault.cure._asdict()}
