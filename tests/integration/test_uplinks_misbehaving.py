"""Brokers that refuse, hang up, or are old: what is named, what is set aside, and what goes on."""

from __future__ import annotations

from pathlib import Path

from tests.brokers import Broker
from tests.consumer import Consumer
from tests.scripted_broker import Answer, ScriptedBroker, disconnect
from tests.uplink_rig import Gateway, arrives, realtime

RECEIVE_MAXIMUM, MAXIMUM_QOS, MAXIMUM_PACKET_SIZE = 0x21, 0x24, 0x27


@realtime
async def test_a_broker_of_mqtt_3_1_1_alone_is_served(tmp_path: Path) -> None:
    async with ScriptedBroker(versions=(4,)) as broker, Gateway(tmp_path) as gateway:
        await gateway.fill("reading", 500)
        uplink = gateway.uplink(broker.url)
        await broker.wait(lambda: broker.ledger.records == 500)
        assert broker.connections == [5, 4]
        assert uplink.report().protocol == "3.1.1"
        assert broker.ledger.missing() == {}


@realtime
async def test_an_old_broker_that_hangs_up_on_mqtt_5_is_served_too(tmp_path: Path) -> None:
    first = [b"", None]
    async with ScriptedBroker(on_connect=lambda: first.pop(0)) as broker, Gateway(tmp_path) as gateway:
        gateway.uplink(broker.url)
        await gateway.append("alarm", {"alarm_id": "a"})
        await broker.wait(lambda: broker.ledger.records == 1)
        assert broker.connections == [5, 4]
        assert [fault.code for fault in gateway.faults["platform"].history if fault] == ["uplink.protocol.closed"]


@realtime
async def test_a_broker_that_speaks_neither_version_is_named(tmp_path: Path) -> None:
    async with ScriptedBroker(versions=()) as broker, Gateway(tmp_path) as gateway:
        gateway.uplink(broker.url)
        await gateway.faults["platform"].wait("uplink.protocol.version")


@realtime
async def test_a_broker_without_qos_1_is_named(tmp_path: Path) -> None:
    async with ScriptedBroker(properties=bytes([MAXIMUM_QOS, 0])) as broker, Gateway(tmp_path) as gateway:
        gateway.uplink(broker.url)
        await gateway.faults["platform"].wait("uplink.protocol.qos")


@realtime
async def test_the_receive_maximum_of_a_broker_is_kept(tmp_path: Path) -> None:
    def answer(topic: str, payload: bytes) -> Answer:
        return None if topic.endswith("reading") else 0

    properties = bytes([RECEIVE_MAXIMUM, 0, 7])
    async with ScriptedBroker(properties=properties, on_publish=answer) as broker, Gateway(tmp_path) as gateway:
        await gateway.fill("reading", 2_000)
        gateway.uplink(broker.url)
        await broker.wait(lambda: broker.unacknowledged >= 3)
        await gateway.fill("reading", 2_000)
        assert broker.most_unacknowledged <= 7


@realtime
async def test_a_session_taken_over_is_named(tmp_path: Path) -> None:
    def answer(topic: str, payload: bytes) -> Answer:
        return disconnect(0x8E)

    async with ScriptedBroker(on_publish=answer) as broker, Gateway(tmp_path) as gateway:
        gateway.uplink(broker.url)
        fault = await gateway.faults["platform"].wait("uplink.taken_over")
        assert fault is not None
        assert "same gateway id" in fault.cure.en


@realtime
async def test_a_record_that_a_broker_dies_of_is_found_and_stepped_over(tmp_path: Path) -> None:
    def answer(topic: str, payload: bytes) -> Answer:
        return b"" if b'"n":2,' in payload else 0

    async with ScriptedBroker(on_publish=answer) as broker, Gateway(tmp_path) as gateway:
        await gateway.fill("reading", 4)
        uplink = gateway.uplink(broker.url)
        await broker.wait(lambda: broker.ledger.records == 3)
        assert uplink.report().set_aside == 1
        assert [(gap["from"], gap["to"], gap["reason"]) for _, gap in broker.ledger.gaps] == [(3, 3, "refused")]
        assert broker.ledger.missing() == {}


@realtime
async def test_alarms_pass_while_the_guilty_record_is_looked_for(tmp_path: Path) -> None:
    def answer(topic: str, payload: bytes) -> Answer:
        return b"" if topic.endswith("reading") else 0

    async with ScriptedBroker(on_publish=answer) as broker, Gateway(tmp_path) as gateway:
        await gateway.fill("reading", 40)
        gateway.uplink(broker.url)
        for number in range(1, 4):
            await broker.wait(lambda number=number: len(broker.connections) > number)  # type: ignore[misc]
            await gateway.append("alarm", {"alarm_id": "a"})
            await broker.wait(lambda number=number: broker.ledger.records == number)  # type: ignore[misc]


@realtime
async def test_a_record_that_is_refused_is_set_aside_after_some_tries(tmp_path: Path) -> None:
    def answer(topic: str, payload: bytes) -> Answer:
        return 0x99 if b'"n":1,' in payload else 0

    async with ScriptedBroker(on_publish=answer) as broker, Gateway(tmp_path) as gateway:
        await gateway.fill("reading", 2)
        uplink = gateway.uplink(broker.url)
        fault = await gateway.faults["platform"].wait("uplink.publish.refused")
        assert fault is not None
        assert "0x99" in fault.what.en
        await broker.wait(lambda: broker.ledger.records == 1)
        assert uplink.report().refused >= 1


@realtime
async def test_a_batch_refused_as_too_large_is_halved_and_the_connection_stays(tmp_path: Path) -> None:
    def answer(topic: str, payload: bytes) -> Answer:
        return 0x95 if len(payload) > 1200 else 0

    async with ScriptedBroker(on_publish=answer) as broker, Gateway(tmp_path) as gateway:
        await gateway.fill("reading", 4)
        uplink = gateway.uplink(broker.url)
        await broker.wait(lambda: broker.ledger.records == 4)
        assert len(broker.connections) == 1
        assert uplink.report().set_aside == 0


@realtime
async def test_a_platform_that_nobody_listens_to_is_counted(tmp_path: Path) -> None:
    async with ScriptedBroker(on_publish=lambda _topic, _payload: 0x10) as broker, Gateway(tmp_path) as gateway:
        await gateway.append("alarm", {"alarm_id": "a"})
        uplink = gateway.uplink(broker.url)
        await broker.wait(lambda: broker.ledger.records == 1)
        await gateway.append("alarm", {"alarm_id": "b"})
        await broker.wait(lambda: broker.ledger.records == 2)
        assert uplink.report().no_subscriber >= 2


@realtime
async def test_messages_fit_the_brokers_packet_size_and_an_oversize_record_is_a_gap(tmp_path: Path) -> None:
    options = ("max_packet_size 1500",)
    with Broker(tmp_path / "broker", options=options) as broker, Consumer(broker.port, "gw-1") as consumer:
        async with Gateway(tmp_path) as gateway:
            await gateway.fill("reading", 50, size=400)
            await gateway.append("reading", {"n": 50, "pad": "x" * 2000})
            await gateway.fill("reading", 50, size=400, start=51)
            uplink = gateway.uplink(broker.url)
            await arrives(consumer, lambda: consumer.ledger.records >= 100)
            assert uplink.report().set_aside == 1
        consumer.check()
        assert [record["n"] for record in consumer.bodies("reading")] == [*range(50), *range(51, 101)]
        assert [(gap["from"], gap["reason"]) for _, gap in consumer.ledger.gaps] == [(51, "oversize")]
        assert max(len(message.payload) for message in consumer.messages) <= 1500


@realtime
async def test_a_broker_that_refuses_large_payloads_without_announcing_a_size_is_served_in_halves(
    tmp_path: Path,
) -> None:
    options = ("message_size_limit 5000",)
    with Broker(tmp_path / "broker", options=options) as broker, Consumer(broker.port, "gw-1") as consumer:
        async with Gateway(tmp_path) as gateway:
            await gateway.append("reading", *({"n": n, "pad": "x" * 2000} for n in range(4)))
            await gateway.append("reading", {"n": 4, "pad": "x" * 3000})
            uplink = gateway.uplink(broker.url)
            await arrives(consumer, lambda: consumer.ledger.records >= 5)
            assert uplink.report().set_aside == 0
        consumer.check()


@realtime
async def test_a_record_too_large_for_any_message_is_a_gap(tmp_path: Path) -> None:
    with Broker(tmp_path / "broker") as broker, Consumer(broker.port, "gw-1") as consumer:
        async with Gateway(tmp_path) as gateway:
            await gateway.append("event", {"n": 0}, {"n": 1, "pad": "x" * 70_000}, {"n": 2})
            gateway.uplink(broker.url)
            await arrives(consumer, lambda: consumer.ledger.records >= 2)
        consumer.check()
        assert [record["n"] for record in consumer.bodies("event")] == [0, 2]
        assert [gap["reason"] for _, gap in consumer.ledger.gaps] == ["oversize"]
