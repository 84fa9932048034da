"""Opens MQTT sessions without ever blocking the loop.

Name lookup, TCP connect, TLS handshake and the reading of secrets block, so each attempt dials in a daemon thread.

Invariants
1. Nobody waits for an attempt longer than the time-out; a broker that accepts and says nothing is given up.
2. A thread that still hangs is not joined by a second one.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable

import paho.mqtt.client as paho

from courtyard.agent.uplinks import faults
from courtyard.agent.uplinks.broker import Incoming, Will
from courtyard.agent.uplinks.endpoint import Endpoint
from courtyard.agent.uplinks.faults import Refused
from courtyard.agent.uplinks.mqtt import UNSUPPORTED_VERSION, Session

CONNECT_TIMEOUT_S = 15.0


class Connector:
    """Opens sessions with one broker, one after another; MQTT 5 first, 3.1.1 where that is all there is."""

    def __init__(self, endpoint: Endpoint, client_id: str, *, timeout_s: float = CONNECT_TIMEOUT_S) -> None:
        self.endpoint = endpoint
        self._client_id = client_id
        self._timeout_s = timeout_s
        self._version = int(paho.MQTTv5)
        self._stage = ""
        self._idle = asyncio.Event()
        self._idle.set()

    async def open(self, will: Will | None, incoming: Callable[[Incoming], None]) -> Session:
        """A session that the broker has accepted, with its Last Will if it has one.  `incoming` gets every message.

        Raises Refused.
        """
        try:
            return await self._open(will, incoming)
        except Refused as refused:
            old = self._version != paho.MQTTv5
            if refused.reason == UNSUPPORTED_VERSION and not old:
                self._version = int(paho.MQTTv311)
                return await self._open(will, incoming)
            if refused.reason == UNSUPPORTED_VERSION or refused.fault.code == faults.CLOSED_EARLY.code:
                # some old brokers hang up on a version that they do not know: the other one next time
                self._version = int(paho.MQTTv5 if old else paho.MQTTv311)
            raise

    async def _open(self, will: Will | None, incoming: Callable[[Incoming], None]) -> Session:
        session = Session(self.endpoint, self._client_id, will, self._version, incoming)
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._dial(session)
                await session.start()
        except TimeoutError as error:
            session.abandon(None)
            raise self._refused(faults.TIMEOUT, seconds=self._timeout_s, stage=self._stage) from error
        except OSError as error:
            session.abandon(None)
            words, name = faults.error_words(error)
            raise self._refused(words, error=name) from error
        except BaseException:
            session.abandon(None)
            raise
        return session

    async def _dial(self, session: Session) -> None:
        await self._idle.wait()  # the last attempt may still hang in a system call
        self._idle.clear()
        loop = asyncio.get_running_loop()
        dialled: asyncio.Future[None] = loop.create_future()

        def settle(error: Exception | None) -> None:
            self._idle.set()
            if dialled.done():
                session.abandon(None)
            elif error is not None:
                dialled.set_exception(error)
            else:
                dialled.set_result(None)

        def work() -> None:
            failure: Exception | None = None
            try:
                session.dial(self._note)
            except Exception as error:  # raised again in the loop
                failure = error
            with contextlib.suppress(RuntimeError):  # the loop ended meanwhile, and the process with it
                loop.call_soon_threadsafe(settle, failure)

        threading.Thread(target=work, daemon=True, name=f"connect {self.endpoint.host}").start()
        await dialled

    def _note(self, stage: str) -> None:
        self._stage = stage

    def _refused(self, words: faults.Words, **facts: object) -> Refused:
        return Refused(words.fault(host=self.endpoint.host, port=self.endpoint.port, **facts))
