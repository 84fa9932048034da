"""Passwords, certificates and dead addresses: each refusal has its own name and cure, and none tells a secret."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from courtyard.agent.uplinks.broker import Will
from courtyard.agent.uplinks.connect import Connector
from courtyard.agent.uplinks.endpoint import Endpoint
from courtyard.agent.uplinks.faults import Refused
from courtyard.agent.uplinks.mqtt import Session
from courtyard.config.uplink import Uplink
from courtyard.drivers.base import Fault
from hw_sim.ports import free_port
from tests.brokers import Authority, Broker, Certificate
from tests.uplink_rig import realtime

PASSWORD = "correct-horse-battery"  # of a broker that lives for one test


class Town:
    """Brokers of every kind, made once for this module."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.authority = Authority(directory / "ca")
        self.stranger = Authority(directory / "other-ca", "Stranger CA")
        server = self.authority.issue("server")
        self.client = self.authority.issue("gw-1", hosts=("gw-1",))
        self.foreign = self.stranger.issue("gw-1", hosts=("gw-1",))
        self.brokers = {
            "plain": Broker(directory / "plain"),
            "password": Broker(directory / "password", users={"gw-1": PASSWORD}),
            "tls": Broker(directory / "tls", tls=server),
            "expired": Broker(directory / "expired", tls=self.authority.issue("expired", days=-1)),
            "other name": Broker(directory / "name", tls=self.authority.issue("elsewhere", hosts=("elsewhere",))),
            "client": Broker(directory / "client", tls=server, client_ca=self.authority),
        }

    def __getitem__(self, kind: str) -> str:
        return self.brokers[kind].url


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("town"))
    for broker in made.brokers.values():
        broker.start()
    yield made
    for broker in made.brokers.values():
        broker.kill()


def connector(url: str, directory: Path, *, credentials: Path | None = None, **settings: Any) -> Connector:
    endpoint = Endpoint.of(Uplink(name="platform", url=url, **settings), directory, credentials)
    return Connector(endpoint, "gw-1-platform", timeout_s=60.0)


def connect(maker: Connector) -> Session:
    """A session that is already closed again; raises Refused."""

    async def scenario() -> Session:
        session = await maker.open(Will("will", b""), lambda _: None)
        await session.close()
        return session

    return asyncio.run(scenario())


def refusal(maker: Connector) -> Fault:
    with pytest.raises(Refused) as caught:
        connect(maker)
    return caught.value.fault


def pair(certificate: Certificate) -> dict[str, Any]:
    return {"certificate_file": str(certificate.certificate), "key_file": str(certificate.key)}


def test_the_right_password_lets_in(town: Town, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(PASSWORD + "\n")
    assert connect(connector(town["password"], tmp_path, username="gw-1", password_file="secret")).version == 5


def test_a_wrong_password_is_named_and_never_shown(town: Town, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("wrong-" + PASSWORD)
    fault = refusal(connector(town["password"], tmp_path, username="gw-1", password_file="secret"))
    assert fault.code == "uplink.login.not_authorised"
    assert "password_file" in fault.cure.en
    assert "密码" in fault.what.zh
    assert PASSWORD not in str(fault)


def test_a_password_changed_on_disk_is_used_at_the_next_attempt(town: Town, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("wrong")
    maker = connector(town["password"], tmp_path, username="gw-1", password_file="secret")
    refusal(maker)
    (tmp_path / "secret").write_text(PASSWORD)
    assert connect(maker).version == 5


@pytest.mark.parametrize("name", ["credential:mqtt-password", "secrets/mqtt-password"])
def test_a_systemd_credential_is_a_password_file(town: Town, tmp_path: Path, name: str) -> None:
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "mqtt-password").write_text(PASSWORD)
    given = tmp_path / "credentials"
    assert connect(connector(town["password"], tmp_path, credentials=given, username="gw-1", password_file=name))


@pytest.mark.parametrize(
    ("prepare", "code"),
    [
        (lambda path: None, "uplink.file.missing"),
        (lambda path: path.mkdir(), "uplink.file.invalid"),
        (lambda path: path.write_text(""), "uplink.file.invalid"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "uplink.file.invalid"),
    ],
    ids=["missing", "directory", "empty", "not text"],
)
def test_a_password_file_that_cannot_be_used_is_named(
    town: Town, tmp_path: Path, prepare: Callable[[Path], object], code: str
) -> None:
    prepare(tmp_path / "secret")
    fault = refusal(connector(town["password"], tmp_path, username="gw-1", password_file="secret"))
    assert fault.code == code
    assert str(tmp_path / "secret") in fault.what.en


@pytest.fixture
def nobody() -> Iterator[None]:
    """Without root's right to read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


def test_a_password_file_that_may_not_be_read_is_named(tmp_path: Path, nobody: None) -> None:
    settings = Uplink(name="p", url="mqtt://host", username="gw-1", password_file="/etc/shadow")
    with pytest.raises(Refused) as caught:
        Endpoint.of(settings, tmp_path).password()
    assert caught.value.fault.code == "uplink.file.permission"
    assert "chgrp courtyard /etc/shadow" in caught.value.fault.cure.en


def test_tls_with_its_own_authority(town: Town) -> None:
    assert connect(connector(town["tls"], town.directory, ca_file="ca/ca.pem")).version == 5


@pytest.mark.parametrize(
    ("broker", "settings", "code"),
    [
        ("tls", {}, "uplink.tls.unknown_ca"),
        ("tls", {"ca_file": "other-ca/ca.pem"}, "uplink.tls.unknown_ca"),
        ("tls", {"ca_file": "nowhere.pem"}, "uplink.file.missing"),
        ("tls", {"ca_file": "ca/ca.key"}, "uplink.file.invalid"),
        ("tls", {"ca_file": "ca/ca.pem", "certificate_file": "ca/ca.key"}, "uplink.file.invalid"),
        ("expired", {"ca_file": "ca/ca.pem"}, "uplink.tls.expired"),
        ("other name", {"ca_file": "ca/ca.pem"}, "uplink.tls.host_name"),
    ],
)
def test_certificates_that_do_not_hold_are_named(town: Town, broker: str, settings: dict[str, Any], code: str) -> None:
    assert refusal(connector(town[broker], town.directory, **settings)).code == code


def test_a_client_certificate_lets_in(town: Town) -> None:
    assert connect(connector(town["client"], town.directory, ca_file="ca/ca.pem", **pair(town.client))).version == 5


def test_a_missing_or_foreign_client_certificate_is_named(town: Town) -> None:
    without = refusal(connector(town["client"], town.directory, ca_file="ca/ca.pem"))
    foreign = refusal(connector(town["client"], town.directory, ca_file="ca/ca.pem", **pair(town.foreign)))
    assert (without.code, foreign.code) == ("uplink.tls.client", "uplink.tls.client")
    assert "certificate_file" in without.cure.en


def test_a_key_of_another_certificate_is_named(town: Town) -> None:
    mixed: dict[str, Any] = {"certificate_file": str(town.client.certificate), "key_file": str(town.foreign.key)}
    fault = refusal(connector(town["client"], town.directory, ca_file="ca/ca.pem", **mixed))
    assert fault.code == "uplink.file.invalid"
    assert "PRIVATE KEY" not in str(fault)


def test_tls_on_a_plain_port_and_plain_on_a_tls_port_are_named(town: Town) -> None:
    tls_url = f"mqtts://localhost:{town.brokers['plain'].port}"
    plain_url = f"mqtt://localhost:{town.brokers['tls'].port}"
    tls_on_plain = refusal(connector(tls_url, town.directory, ca_file="ca/ca.pem"))
    assert tls_on_plain.code in ("uplink.tls.plain", "uplink.tls", "uplink.unreachable", "uplink.protocol.closed")
    plain_on_tls = refusal(connector(plain_url, town.directory))
    assert plain_on_tls.code == "uplink.protocol.closed"
    assert "mqtts://" in plain_on_tls.cure.en


def test_a_port_where_nobody_listens_is_named(tmp_path: Path) -> None:
    assert refusal(connector(f"mqtt://127.0.0.1:{free_port()}", tmp_path)).code == "uplink.refused"


@pytest.mark.parametrize("host", ["no-such-host.invalid", "x" * 64 + ".invalid"])
def test_a_name_that_does_not_resolve_is_named(tmp_path: Path, host: str) -> None:
    assert refusal(connector(f"mqtt://{host}", tmp_path)).code == "uplink.dns"


@pytest.mark.parametrize("url", ["http://host", "mqtt://", "mqtt://host:notaport", "mqtt://user:pw@host", "host:1883"])
def test_an_address_that_is_none_is_named(tmp_path: Path, url: str) -> None:
    with pytest.raises(Refused) as caught:
        connector(url, tmp_path)
    assert caught.value.fault.code == "uplink.url"
    assert "pw" not in caught.value.fault.what.en


@realtime
async def test_a_broker_that_accepts_and_says_nothing_is_given_up_in_time(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = Endpoint.of(Uplink(name="p", url=f"mqtt://127.0.0.1:{listener.getsockname()[1]}"), tmp_path)
        with pytest.raises(Refused) as caught:
            await Connector(endpoint, "gw-1", timeout_s=0.3).open(Will("will", b""), lambda _: None)
    assert caught.value.fault.code == "uplink.timeout"
    assert "MQTT" in caught.value.fault.what.en


@realtime
async def test_a_connection_that_hangs_is_not_joined_by_a_second_one(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    os.mkfifo(secret)  # opening it blocks, as a dead network file system would
    settings = Uplink(name="p", url="mqtt://127.0.0.1:1", username="u", password_file="secret")
    maker = Connector(Endpoint.of(settings, tmp_path), "gw-1", timeout_s=0.2)
    before = set(threading.enumerate())
    for _ in range(3):
        with pytest.raises(Refused) as caught:
            await maker.open(Will("will", b""), lambda _: None)
        assert caught.value.fault.code == "uplink.timeout"
        assert "files" in caught.value.fault.what.en
    assert len(set(threading.enumerate()) - before) == 1
    pipe = os.open(secret, os.O_WRONLY)  # a reader waits, so this does not block
    secret.unlink()
    secret.write_text("password")
    os.close(pipe)
    while caught.value.fault.code == "uplink.timeout":  # 0.2 s may be short for an attempt on a busy machine
        with pytest.raises(Refused) as caught:
            await maker.open(Will("will", b""), lambda _: None)
    assert caught.value.fault.code == "uplink.refused"
