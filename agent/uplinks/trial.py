"""One connection to a platform, to see whether it would work; nothing is published there."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from courtyard.agent.uplinks.connect import Connector
from courtyard.agent.uplinks.endpoint import Endpoint
from courtyard.config.uplink import Uplink


class Reached(NamedTuple):
    """How long the way to an accepted session took, and the version of MQTT that was agreed on."""

    ms: int
    protocol: str


async def try_uplink(
    settings: Uplink, gateway: str, directory: Path, credentials: Path | None = None, *, timeout_s: float = 15.0
) -> Reached:
    """Connects, logs in and leaves, beside a connection that may be up.  Raises Refused with what is wrong."""
    began = time.monotonic()
    endpoint = Endpoint.of(settings, directory, credentials)
    connector = Connector(endpoint, f"{gateway}-{settings.name}-trial", timeout_s=timeout_s)
    session = await connector.open(None, lambda message: message.acknowledge())
    protocol = {5: "5", 4: "3.1.1"}[session.version]
    took_ms = round((time.monotonic() - began) * 1000)
    await session.close()
    return Reached(took_ms, protocol)
