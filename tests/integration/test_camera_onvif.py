"""The gateway asks simulated cameras over real HTTP and SOAP: logins, addresses, events, relays, and what lies."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import itertools
import ssl
import subprocess
import tracemalloc
from pathlib import Path

import pytest
from requests.exceptions import ReadTimeout
from urllib3.exceptions import ReadTimeoutError

from courtyard.drivers.base import DriverError
from courtyard.drivers.camera.onvif import OnvifCamera
from courtyard.drivers.camera.settings import Login
from courtyard.drivers.camera.transport import CameraTransport, TooSlow
from hw_sim.camera.camera import SimCamera
from hw_sim.camera.device import SERVICES
from tests.camera_rig import PASSWORD, own_process, settings, simulated

LOGIN = Login("gateway", PASSWORD)


def camera_of(simulator: SimCamera, **more: object) -> OnvifCamera:
    return OnvifCamera(settings(simulator.http.url, **more), LOGIN)


@pytest.mark.parametrize("login", ["token", "digest", "both"])
def test_either_login_reaches_everything(login: str) -> None:
    async def main() -> None:
        async with simulated(login=login) as simulator:
            camera = camera_of(simulator, relays=("relay_0",))

            def ask() -> None:
                known = camera.connect()
                assert known.identity.model == "SIM-1"
                assert abs(known.skew.total_seconds()) < 3
                address, profile = camera.stream()
                assert (profile.token, profile.width) == ("sub", 640)
                assert address == f"{simulator.media.streams}/sub"
                assert camera.snapshot("sub").startswith(b"\xff\xd8\xff")
                assert camera.relays() == ["relay_0", "relay_1"]
                camera.switch("relay_0", True)
                held = camera.subscribe()
                assert {each.topic for each in camera.pull(held)} == {"Device/Trigger/Relay"}
                assert (camera.renew(held).lease_s or 0) > 60
                camera.synchronize(held)
                assert len(camera.pull(held)) == 2
                camera.unsubscribe(held)

            await asyncio.to_thread(ask)
            assert simulator.device.relays == {"relay_0": "active", "relay_1": "inactive"}
            assert not simulator.events.subscriptions
            assert not [call for call in simulator.calls if ":" in call], "no request was refused on the way"

    asyncio.run(main())


@pytest.mark.parametrize(("prefixes", "asked"), [(("trt",), "media"), (("tr2",), "media2"), (("trt", "tr2"), "media2")])
def test_either_media_service_is_enough_and_the_newer_one_is_preferred(prefixes: tuple[str, ...], asked: str) -> None:
    async def main() -> None:
        services = {each: SERVICES[each] for each in ("tds", "tev", *prefixes)}
        async with simulated(services=services) as simulator:
            camera = camera_of(simulator, stream="tiny")
            await asyncio.to_thread(camera.connect)
            address, profile = await asyncio.to_thread(camera.stream)
            assert (address, profile.width) == (f"{simulator.media.streams}/tiny", 176)
            assert await asyncio.to_thread(camera.snapshot, "tiny")
            assert simulator.media.asked == {asked}
            assert simulator.media.protocol == "RTSP"

    asyncio.run(main())


def test_a_camera_whose_media2_refuses_is_asked_by_media() -> None:
    async def main() -> None:
        async with simulated() as simulator:
            await simulator.fault("media2")
            camera = camera_of(simulator)
            await asyncio.to_thread(camera.connect)
            address, profile = await asyncio.to_thread(camera.stream)
            assert (address, profile.token) == (f"{simulator.media.streams}/sub", "sub")
            assert simulator.media.asked == {"media"}
            assert await asyncio.to_thread(camera.snapshot, "sub")
            assert simulator.calls.count("GetProfiles") == 2, "Media2 is asked once only"
            await simulator.heal()
            await asyncio.to_thread(camera.connect)
            await asyncio.to_thread(camera.stream)
            assert simulator.media.asked == {"media", "media2"}

    asyncio.run(main())


@pytest.mark.parametrize("refused", ["GetProfiles", "GetSnapshotUri"])
def test_a_camera_with_media2_alone_says_what_it_refuses(refused: str) -> None:
    async def main() -> None:
        async with simulated(services={each: SERVICES[each] for each in ("tds", "tr2")}) as simulator:
            camera = camera_of(simulator)
            await asyncio.to_thread(camera.connect)
            await simulator.fault("media2")
            asked = {
                "GetProfiles": camera.profiles,
                "GetSnapshotUri": lambda: camera.snapshot("sub"),
            }
            with pytest.raises(DriverError) as error:
                await asyncio.to_thread(asked[refused])
            assert error.value.fault.code == "camera.refused"

    asyncio.run(main())


@pytest.mark.parametrize(("prefix", "protocol"), [("trt", "UDP"), ("tr2", "RtspUnicast")])
def test_a_stream_by_udp_is_asked_for_in_the_words_of_the_service(prefix: str, protocol: str) -> None:
    async def main() -> None:
        async with simulated(services={each: SERVICES[each] for each in ("tds", prefix)}) as simulator:
            camera = camera_of(simulator, transport="udp")
            await asyncio.to_thread(camera.connect)
            assert (await asyncio.to_thread(camera.stream))[1].token == "sub"
            assert simulator.media.protocol == protocol

    asyncio.run(main())


def test_an_unlisted_relay_is_never_asked_for() -> None:
    async def main() -> None:
        async with simulated() as simulator:
            camera = camera_of(simulator, relays=("relay_0",))
            await asyncio.to_thread(camera.connect)
            with pytest.raises(DriverError) as refused:
                await asyncio.to_thread(camera.switch, "relay_1", True)
            assert refused.value.fault.code == "camera.relay_unlisted"
            assert "SetRelayOutputState" not in simulator.calls

    asyncio.run(main())


def test_a_skewed_clock_and_lying_addresses_do_not_matter() -> None:
    async def main() -> None:
        async with simulated() as simulator:
            await simulator.fault("clock", 450)
            await simulator.fault("xaddr")
            camera = camera_of(simulator)
            known = await asyncio.to_thread(camera.connect)
            assert 445 < known.skew.total_seconds() < 455
            assert (await asyncio.to_thread(camera.stream))[1].token == "sub"
            held = await asyncio.to_thread(camera.subscribe)
            assert held.address.startswith(simulator.http.url)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("refuse", "camera.unreachable"),
        ("password", "camera.login"),
        ("huge", "camera.answer"),
        ("truncated", "camera.answer"),
        ("bomb", "camera.answer"),
    ],
)
def test_what_is_wrong_is_named(fault: str, code: str) -> None:
    async def main() -> None:
        async with simulated() as simulator:
            await simulator.fault(fault)
            camera = camera_of(simulator)
            with pytest.raises(DriverError) as failed:
                await asyncio.to_thread(camera.connect)
            said = failed.value.fault
            assert said.code == code
            assert "cam-1" in said.what.en
            assert "cam-1" in said.what.zh
            assert said.cure.en
            assert said.cure.zh
            assert PASSWORD not in repr(failed.value) + said.what.en

    asyncio.run(main())


def test_an_oversize_reply_is_never_held_whole(tmp_path: Path) -> None:
    async def main() -> None:
        async with own_process(tmp_path / "cam.sock") as (tell, address):
            camera = OnvifCamera(settings(address), LOGIN)
            await asyncio.to_thread(camera.connect)  # reads what it needs once
            await tell("fault huge")
            tracemalloc.start()
            try:
                with pytest.raises(DriverError):
                    await asyncio.to_thread(camera.connect)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert peak < 3 << 20, "of a reply of 8 MB"

    asyncio.run(main())


def test_no_subscription_left_is_named() -> None:
    async def main() -> None:
        async with simulated() as simulator:
            await simulator.fault("slots")
            camera = camera_of(simulator)
            await asyncio.to_thread(camera.connect)
            with pytest.raises(DriverError) as failed:
                await asyncio.to_thread(camera.subscribe)
            assert failed.value.fault.code == "camera.subscription"

    asyncio.run(main())


@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_a_request_that_hangs_can_be_ended(fault: str) -> None:
    async def main() -> None:
        async with simulated() as simulator:
            await simulator.fault(fault)
            camera = camera_of(simulator)
            asking = asyncio.create_task(asyncio.to_thread(camera.connect))
            done, _ = await asyncio.wait([asking], timeout=1.0)
            assert not done
            camera.transport.abort()
            async with asyncio.timeout(60):
                with pytest.raises(DriverError):
                    await asking

    asyncio.run(main())


@pytest.mark.parametrize("at_once", [1, 400])
def test_an_answer_that_drips_in_is_broken_off(at_once: int) -> None:
    """In its head, whose bytes come sooner than any time-out of the socket, and in its body."""

    async def main() -> None:
        async with simulated() as simulator:
            await simulator.fault("drip", at_once)
            leaping = itertools.count(0.0, 4.0)
            transport = CameraTransport(LOGIN, None, lambda: next(leaping))
            transport.read_s = 2.5
            ask = functools.partial(transport.post, f"{simulator.http.url}/onvif/device_service", b"<x/>", {})
            async with asyncio.timeout(10):
                with pytest.raises((TooSlow, ReadTimeout, ReadTimeoutError)):
                    await asyncio.to_thread(ask)
            transport.close()

    asyncio.run(main())


def test_a_pinned_certificate_is_required(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    subprocess.run(
        [*make, "-subj", "/CN=camera", "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
    )
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def main() -> None:
        async with simulated(tls=context) as simulator:
            await asyncio.to_thread(camera_of(simulator, certificate=fingerprint).connect)
            for pin in (None, "00" * 32):
                with pytest.raises(DriverError) as failed:
                    await asyncio.to_thread(camera_of(simulator, certificate=pin).connect)
                assert failed.value.fault.code == "camera.certificate"

    asyncio.run(main())
