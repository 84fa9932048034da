"""One ONVIF camera, asked from a thread: every call takes its time, at most what its transport allows.

Raises DriverError with the fault of the camera, for whatever it does.
"""

from __future__ import annotations

import datetime
import http.client
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import requests
import urllib3

from courtyard.drivers.base import DriverError
from courtyard.drivers.camera import values
from courtyard.drivers.camera.addresses import device_service, reached, stream_address
from courtyard.drivers.camera.faults import camera_error
from courtyard.drivers.camera.reply import Element, Malformed, Refused, parse
from courtyard.drivers.camera.settings import Camera, Login
from courtyard.drivers.camera.transport import READ_S, CameraTransport, TooSlow
from courtyard.drivers.camera.values import DEVICE, EVENTS, MEDIA, MEDIA2, Identity, Notification, Profile, Subscription
from courtyard.drivers.camera.wsdl import service

PULL_S = 20.0
"""So long a pull may stay open when nothing happens."""
LEASE_S = 120.0
"""Life of a subscription that is asked for; a gateway that dies leaves its slot so soon."""
MOST_PULLED = 100
_WSDL = {
    DEVICE: ("devicemgmt.wsdl", "DeviceBinding"),
    MEDIA: ("media.wsdl", "MediaBinding"),
    MEDIA2: ("media2.wsdl", "Media2Binding"),
    EVENTS: ("events.wsdl", "EventBinding"),
}

T = TypeVar("T")


class Known(NamedTuple):
    """What a camera has said of itself: who it is, how far its clock is ahead, its services as they are reached."""

    identity: Identity
    skew: datetime.timedelta
    services: dict[str, str]


class OnvifCamera:
    """`utc_now` is the gateway's clock."""

    def __init__(
        self,
        camera: Camera,
        login: Login,
        utc_now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
    ) -> None:
        self.camera, self.login, self._utc_now = camera, login, utc_now
        self.device = device_service(camera.address)
        self.transport = CameraTransport(login, camera.certificate)
        self.known = Known(Identity("", "", "", ""), datetime.timedelta(), {DEVICE: self.device})

    def connect(self) -> Known:
        """Asks for clock, services and identity; every later call uses them."""
        said = values.clock(self._ask("GetSystemDateAndTime", DEVICE, self.device, login=None))
        skew = said - self._utc_now()
        self.known = self.known._replace(skew=skew, services={DEVICE: self.device})
        claimed = self._services()
        found = {DEVICE: self.device}
        for namespace, address in claimed.items():
            if namespace in _WSDL and namespace != DEVICE:
                found[namespace] = self._reached(address)
        identity = values.identity(self._call("GetDeviceInformation"))
        self.known = Known(identity, skew, found)
        return self.known

    def clock_skew(self) -> datetime.timedelta:
        """How far the camera's clock is ahead now; also the proof that it answers."""
        skew = values.clock(self._ask("GetSystemDateAndTime", DEVICE, self.device, login=None)) - self._utc_now()
        self.known = self.known._replace(skew=skew)
        return skew

    def profiles(self) -> list[Profile]:
        return self._by_media(self._profiles)

    def stream(self) -> tuple[str, Profile]:
        """Address of the chosen stream, without login, and its profile."""
        return self._by_media(self._stream)

    def snapshot(self, profile: str) -> bytes:
        """A JPEG of now."""
        reply = self._by_media(lambda: self._call("GetSnapshotUri", self._media(), ProfileToken=profile))
        with self._named("GetSnapshotUri"):
            picture = self.transport.get_picture(reached(values.uri(reply), self.device))
            if not picture.startswith(b"\xff\xd8"):
                raise Malformed("no JPEG")
        return picture

    def relays(self) -> list[str]:
        """Tokens of the camera's relay outputs."""
        return values.relays(self._call("GetRelayOutputs"))

    def switch(self, relay: str, active: bool) -> None:
        """Only what the site lists."""
        if relay not in self.camera.relays:
            raise camera_error("camera.relay_unlisted", self.camera.id, relay=relay)
        self._call("SetRelayOutputState", RelayOutputToken=relay, LogicalState="active" if active else "inactive")

    def subscribe(self) -> Subscription:
        """A PullPoint, its address as it can be reached."""
        try:
            reply = self._call("CreatePullPointSubscription", EVENTS, InitialTerminationTime=f"PT{LEASE_S:.0f}S")
        except DriverError as error:
            if error.fault.code != "camera.refused":
                raise
            reason = str(error.__cause__ or error)
            raise camera_error("camera.subscription", self.camera.id, reason=reason) from error
        with self._named("CreatePullPointSubscription"):
            made = values.subscription(reply)
            return made._replace(address=reached(made.address, self.device))

    def pull(self, subscription: Subscription, most_s: float = PULL_S) -> list[Notification]:
        """Waits until something happens, at most `most_s`."""
        asked = {"Timeout": datetime.timedelta(seconds=most_s), "MessageLimit": MOST_PULLED}
        return values.notifications(
            self._on(subscription, "PullMessages", "PullPointSubscriptionBinding", read_s=most_s + READ_S, **asked)
        )

    def renew(self, subscription: Subscription) -> Subscription:
        reply = self._on(subscription, "Renew", "SubscriptionManagerBinding", TerminationTime=f"PT{LEASE_S:.0f}S")
        return subscription._replace(lease_s=values.lease_s(reply) or LEASE_S)

    def synchronize(self, subscription: Subscription) -> None:
        """Asks for the present states; cameras that cannot are none the worse."""
        self._on(subscription, "SetSynchronizationPoint", "PullPointSubscriptionBinding")

    def unsubscribe(self, subscription: Subscription) -> None:
        """Gives the slot back."""
        self._on(subscription, "Unsubscribe", "SubscriptionManagerBinding")

    def close(self) -> None:
        """Ends what is in flight; from any thread."""
        self.transport.close()

    def _services(self) -> dict[str, str]:
        for operation, asked in (
            ("GetServices", {"IncludeCapability": False}),
            ("GetCapabilities", {"Category": "All"}),
        ):
            try:
                found = values.services(self._call(operation, **asked))
            except DriverError as error:
                if error.fault.code != "camera.refused" or operation == "GetCapabilities":
                    raise
            else:
                if found:
                    return found
        return {}

    def _profiles(self) -> list[Profile]:
        service = self._media()
        # without a type, Media2 gives tokens and names only
        asked = {"Type": ["All"]} if service == MEDIA2 else {}
        return values.profiles(self._call("GetProfiles", service, **asked))

    def _stream(self) -> tuple[str, Profile]:
        found = self._profiles()
        chosen = values.choose(found, self.camera.stream)
        if chosen is None:
            known = ", ".join(each.token for each in found)
            raise camera_error("camera.no_stream", self.camera.id, profile=self.camera.stream, known=known)
        is_udp = self.camera.transport == "udp"
        if self._media() == MEDIA2:
            protocol = "RtspUnicast" if is_udp else "RTSP"
            reply = self._call("GetStreamUri", MEDIA2, Protocol=protocol, ProfileToken=chosen.token)
        else:
            setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "UDP" if is_udp else "RTSP"}}
            reply = self._call("GetStreamUri", MEDIA, StreamSetup=setup, ProfileToken=chosen.token)
        with self._named("GetStreamUri"):
            return stream_address(values.uri(reply), self.device), chosen

    def _media(self) -> str:
        return MEDIA2 if MEDIA2 in self.known.services else MEDIA

    def _by_media(self, ask: Callable[[], T]) -> T:
        """By Media2 where a camera has it; by Media until the next connect where that refuses what it claims."""
        try:
            return ask()
        except DriverError as error:
            has_both = {MEDIA, MEDIA2} <= self.known.services.keys()
            if not has_both or error.fault.code not in ("camera.refused", "camera.answer"):
                raise
        remaining = {name: address for name, address in self.known.services.items() if name != MEDIA2}
        self.known = self.known._replace(services=remaining)
        return ask()

    def _reached(self, address: str) -> str:
        with self._named("GetServices"):
            return reached(address, self.device)

    def _on(
        self, subscription: Subscription, operation: str, binding: str, read_s: float = READ_S, **asked: Any
    ) -> Element:
        return self._ask(
            operation,
            EVENTS,
            subscription.address,
            binding=binding,
            login=self.login,
            read_s=read_s,
            headers=subscription.parameters,
            **asked,
        )

    def _call(self, operation: str, namespace: str = DEVICE, **asked: Any) -> Element:
        address = self.known.services.get(namespace)
        if address is None:
            raise camera_error("camera.refused", self.camera.id, operation=operation, reason="no such service")
        return self._ask(operation, namespace, address, login=self.login, **asked)

    def _ask(
        self,
        operation: str,
        namespace: str,
        address: str,
        *,
        login: Login | None,
        binding: str = "",
        read_s: float = READ_S,
        headers: Sequence[Element] = (),
        **asked: Any,
    ) -> Element:
        file, standard = _WSDL[namespace]
        proxy = service(file, f"{{{namespace}}}{binding or standard}", address, self.transport, login, self.known.skew)
        if headers:
            asked["_soapheaders"] = list(headers)
        self.transport.read_s = read_s
        with self._named(operation):
            response = getattr(proxy.ws_client, operation)(**asked)
            if response.status_code == requests.codes.unauthorized:
                raise Refused("NotAuthorized", "HTTP 401")
            return parse(response.content)
        raise AssertionError  # `_named` lets nothing pass

    def _named(self, operation: str) -> _Named:
        return _Named(self.camera.id, self.login.username, operation)


class _Named:
    """Turns whatever goes wrong in a call into the fault of the camera."""

    def __init__(self, camera: str, user: str, operation: str) -> None:
        self._camera, self._user, self._operation = camera, user, operation

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        camera = self._camera
        match error:
            case Refused() if error.about_login:
                raise camera_error("camera.login", camera, user=self._user) from error
            case Refused():
                raise camera_error("camera.refused", camera, operation=self._operation, reason=str(error)) from error
            case Malformed() | ValueError():
                raise camera_error("camera.answer", camera, reason=f"{self._operation}: {error}") from error
            case requests.exceptions.SSLError():
                raise camera_error("camera.certificate", camera, reason=_root(error)) from error
            case TooSlow() | requests.exceptions.ReadTimeout() | urllib3.exceptions.ReadTimeoutError():
                raise camera_error("camera.silent", camera, reason=self._operation) from error
            case requests.exceptions.ConnectTimeout():
                raise camera_error("camera.unreachable", camera, reason="no answer") from error
            case requests.exceptions.ConnectionError():
                raise camera_error("camera.unreachable", camera, reason=_root(error)) from error
            case requests.exceptions.RequestException() | urllib3.exceptions.HTTPError() | http.client.HTTPException():
                raise camera_error(
                    "camera.answer", camera, reason=f"{self._operation}: {type(error).__name__}"
                ) from error
            case OSError():
                raise camera_error("camera.unreachable", camera, reason=_root(error)) from error


def _root(error: BaseException) -> str:
    """The first cause in the words of the system, without addresses."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror and not isinstance(seen, requests.exceptions.RequestException):
            return seen.strerror
        last, seen = seen, seen.__cause__ or seen.__context__
    return type(last).__name__
