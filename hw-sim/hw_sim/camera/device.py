"""Device management service: clock, identity, services, relays (ONVIF Core Specification, section 8)."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable, Mapping

from hw_sim.camera.soap import NAMESPACES, Request, SoapFault

SERVICES = {"tds": "device", "trt": "media", "tr2": "media2", "tev": "event"}
"""Namespace prefix to the name in the service's path."""
WITHOUT_LOGIN = frozenset({"GetSystemDateAndTime", "GetServices", "GetCapabilities"})


class Device:
    """`relays` maps tokens to states; `switched` is told of every change."""

    def __init__(
        self,
        now: Callable[[], datetime.datetime],
        base: Callable[[], str],
        switched: Callable[[str, str], None],
        *,
        model: str = "SIM-1",
        serial: str = "0001",
        services: Mapping[str, str] = SERVICES,
    ) -> None:
        self._now, self._base, self._switched = now, base, switched
        self.model, self.serial, self.services = model, serial, services
        self.relays = {"relay_0": "inactive", "relay_1": "inactive"}
        self.delays_s: dict[str, float] = {}
        """Relays that are monostable: so long after the last activation they fall back."""
        self._falls: dict[str, asyncio.TimerHandle] = {}

    def answer(self, request: Request) -> str:
        match request.operation:
            case "GetSystemDateAndTime":
                return self._clock()
            case "GetServices":
                return "".join(self._service(prefix, name) for prefix, name in self.services.items())
            case "GetCapabilities":
                return self._capabilities()
            case "GetDeviceInformation":
                return (
                    f"<tds:Manufacturer>Sim</tds:Manufacturer><tds:Model>{self.model}</tds:Model>"
                    f"<tds:FirmwareVersion>1.0</tds:FirmwareVersion><tds:SerialNumber>{self.serial}</tds:SerialNumber>"
                    "<tds:HardwareId>1</tds:HardwareId>"
                )
            case "GetRelayOutputs":
                return "".join(_relay(token, self.delays_s.get(token)) for token in self.relays)
            case "SetRelayOutputState":
                return self._switch(request.text("RelayOutputToken") or "", request.text("LogicalState") or "")
        raise SoapFault("ter:ActionNotSupported", request.operation, 500)

    def _clock(self) -> str:
        at = self._now()
        return (
            "<tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings>"
            "<tt:TimeZone><tt:TZ>CST-8</tt:TZ></tt:TimeZone><tt:UTCDateTime>"
            f"<tt:Time><tt:Hour>{at.hour}</tt:Hour><tt:Minute>{at.minute}</tt:Minute>"
            f"<tt:Second>{at.second}</tt:Second></tt:Time>"
            f"<tt:Date><tt:Year>{at.year}</tt:Year><tt:Month>{at.month}</tt:Month><tt:Day>{at.day}</tt:Day></tt:Date>"
            "</tt:UTCDateTime></tds:SystemDateAndTime>"
        )

    def _service(self, prefix: str, name: str) -> str:
        return (
            f"<tds:Service><tds:Namespace>{NAMESPACES[prefix]}</tds:Namespace>"
            f"<tds:XAddr>{self._base()}/onvif/{name}_service</tds:XAddr>"
            "<tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version></tds:Service>"
        )

    def _capabilities(self) -> str:
        base = self._base()
        return (
            f"<tds:Capabilities><tt:Device><tt:XAddr>{base}/onvif/device_service</tt:XAddr></tt:Device>"
            f"<tt:Events><tt:XAddr>{base}/onvif/event_service</tt:XAddr></tt:Events>"
            f"<tt:Media><tt:XAddr>{base}/onvif/media_service</tt:XAddr></tt:Media></tds:Capabilities>"
        )

    def _switch(self, token: str, state: str) -> str:
        if token not in self.relays or state not in ("active", "inactive"):
            raise SoapFault("ter:RelayToken", f"no relay {token}")
        if token in self._falls:
            self._falls.pop(token).cancel()
        if state == "active" and token in self.delays_s:
            loop = asyncio.get_running_loop()
            self._falls[token] = loop.call_later(self.delays_s[token], self._set, token, "inactive")
        self._set(token, state)
        return ""

    def _set(self, token: str, state: str) -> None:
        if self.relays[token] != state:
            self.relays[token] = state
            self._switched(token, state)


def _relay(token: str, delay_s: float | None) -> str:
    mode = "Bistable" if delay_s is None else "Monostable"
    return (
        f'<tds:RelayOutputs token="{token}"><tt:Properties><tt:Mode>{mode}</tt:Mode>'
        f"<tt:DelayTime>PT{delay_s or 0:g}S</tt:DelayTime>"
        "<tt:IdleState>open</tt:IdleState></tt:Properties></tds:RelayOutputs>"
    )
