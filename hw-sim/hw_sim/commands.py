"""What a running fleet can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hw_sim.boards import RelayBoard
from hw_sim.control import Command
from hw_sim.fleet import Fleet
from hw_sim.wire import Side


class FleetCommands:
    """The commands of one fleet; `table` is what a `ControlServer` serves."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.table: Mapping[str, Command] = {
            "describe": Command(lambda words: fleet.describe(), "lines, endpoints and devices"),
            "fault": Command(self.fault, "DEVICE KIND [VALUE] [times N]: a unit misbehaves, for ever or for N answers"),
            "heal": Command(self.heal, "DEVICE|all [KIND]"),
            "unplug": Command(self.unplug, "LINE [b]: pull the adapter; an endpoint refuses connections"),
            "replug": Command(self.replug, "LINE [b]"),
            "drop": Command(self.drop, "ENDPOINT: cut its connections, accept new ones"),
            "line": Command(
                self.line, "LINE echo on|off, noise P, drop P, late MS, inject HEX, silence, counters, forget"
            ),
            "device": Command(self.device, "DEVICE leak L_PER_H, counter reset, set FIELD VALUE, ... (per model)"),
            "get": Command(self.get, "DEVICE [FIELD...]: what the registers say now"),
            "writes": Command(self.writes, "DEVICE: every write it accepted"),
            "held": Command(self.held, "closed relays of all relay boards, with seconds"),
            "served": Command(self.served, "[DEVICE [FIELD|FROM_NUMBER]]: counts; values of a field; answers"),
            "quit": Command(lambda words: fleet.stopped.set(), "end the simulator"),
        }

    def fault(self, words: list[str]) -> None:
        name, kind, rest, times = words[0], words[1], words[2:], None
        if rest[-2:-1] == ["times"]:
            rest, times = rest[:-2], int(rest[-1])
        self.fleet.devices[name].faults.set(kind, float(rest[0]) if rest else None, times)

    def heal(self, words: list[str]) -> None:
        for name in self.fleet.devices if words[0] == "all" else words[:1]:
            self.fleet.devices[name].faults.heal(words[1] if len(words) > 1 else None)

    async def unplug(self, words: list[str]) -> None:
        if words[0] in self.fleet.endpoints:
            await self.fleet.endpoints[words[0]].close()
        else:
            self.fleet.lines[words[0]].unplug(_side(words))

    async def replug(self, words: list[str]) -> None:
        if words[0] in self.fleet.endpoints:
            server = self.fleet.endpoints[words[0]]
            await server.open(server.host)
        else:
            self.fleet.lines[words[0]].replug(_side(words))

    def drop(self, words: list[str]) -> None:
        self.fleet.endpoints[words[0]].drop_connections()

    def line(self, words: list[str]) -> object:
        name, *rest = words
        line = self.fleet.lines[name]
        match rest:
            case ["echo", ("on" | "off") as state]:
                line.faults.echo = state == "on"
            case ["noise", share]:
                line.faults.noise = float(share)
            case ["drop", share]:
                line.faults.drop = float(share)
            case ["late", ms]:
                line.faults.late_s = float(ms) / 1000
            case ["inject", *data]:
                line.inject(bytes.fromhex("".join(data)))
            case ["silence"]:
                return line.shortest_silence_s()
            case ["forget"]:
                line.forget()
            case ["counters"]:
                counters: dict[str, Any] = line.counters()
                station = self.fleet.stations.get(name)
                if station is not None:
                    counters |= {"bad_frames": station.bad_frames, "hurried": station.hurried}
                return counters
            case _:
                raise ValueError(f"line does not know {' '.join(rest)!r}")
        return None

    def device(self, words: list[str]) -> object:
        return self.fleet.devices[words[0]].command(words[1:], self.fleet.clock())

    def get(self, words: list[str]) -> dict[str, float]:
        device = self.fleet.devices[words[0]]
        device.refresh(self.fleet.clock())
        return {name: device.get(name) for name in (words[1:] or device.fields)}

    def writes(self, words: list[str]) -> list[dict[str, Any]]:
        return [write._asdict() for write in self.fleet.devices[words[0]].writes]

    def held(self, words: list[str]) -> dict[str, dict[str, float]]:
        now = self.fleet.clock()
        return {
            name: {str(relay): round(seconds, 3) for relay, seconds in board.held(now).items()}
            for name, board in self.fleet.devices.items()
            if isinstance(board, RelayBoard)
        }

    def served(self, words: list[str]) -> object:
        served = self.fleet.served
        served.flush()
        if not words:
            logs = {name: {"count": log.count, "clean": log.clean} for name, log in served.logs.items()}
            return {"complete": served.complete, "devices": logs}
        log, fields = served.logs[words[0]], self.fleet.devices[words[0]].fields
        if words[1:] and words[1] in fields:
            return log.values(fields[words[1]])
        first = int(words[1]) if words[1:] else 1
        return [answer._asdict() | {"payload": answer.payload.hex()} for answer in log if answer.number >= first]


def _side(words: list[str]) -> Side:
    return "b" if words[1:] == ["b"] else "a"
