"""Records, retained messages and commands through a real broker, and through its deaths."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from courtyard.agent.uplinks.inbox import Request
from courtyard.config.uplink import Filter
from hw_sim.throttle import Throttle
from tests.brokers import Broker
from tests.consumer import Consumer
from tests.uplink_rig import Gateway, arrives, realtime

WHOLE_S = 3.0
"""A broker has said by then what it retains, on a busy machine too."""


def numbers(consumer: Consumer, lane: str = "reading") -> list[int]:
    return [record["n"] for record in consumer.bodies(lane)]


@realtime
async def test_everything_arrives_once_in_order_and_balances(tmp_path: Path) -> None:
    with Broker(tmp_path / "broker") as broker, Consumer(broker.port, "gw-1") as consumer:
        async with Gateway(tmp_path) as gateway:
            await gateway.fill("reading", 1200)
            uplink = gateway.uplink(broker.url)
            await arrives(consumer, lambda: consumer.ledger.records >= 1200)
            await gateway.append("event", {"event": "clock.synced"})
            await gateway.append("alarm", {"alarm_id": "a"}, {"alarm_id": "b"})
            await gateway.fill("reading", 300, start=1200)
            await arrives(consumer, lambda: consumer.ledger.records >= 1503)
            await arrives(consumer, lambda: bool(consumer.on("heads")))
            report = uplink.report()
        consumer.check()
        assert numbers(consumer) == list(range(1500))
        assert [record["alarm_id"] for record in consumer.bodies("alarm")] == ["a", "b"]
        assert (consumer.ledger.repeats, consumer.ledger.disorder) == (0, 0)
        assert report.protocol == "5"
        assert report.connected_since_ms is not None
        assert (report.fault, report.refused, report.set_aside) == (None, 0, 0)


@realtime
async def test_status_is_retained_while_connected_and_says_goodbye(tmp_path: Path) -> None:
    with Broker(tmp_path / "broker") as broker:
        async with Gateway(tmp_path) as gateway:
            await gateway.append("alarm", {"alarm_id": "a"})
            gateway.uplink(broker.url)
            with Consumer(broker.port, "gw-1") as consumer:
                await arrives(consumer, lambda: bool(consumer.on("status")))
                status = msgspec.json.decode(consumer.on("status")[-1].payload)
                assert status["online"] is True
                assert status["lanes"]["alarm"] == {"epoch": gateway.journal.epoch, "head": 1}
                await gateway.stop_uplinks()
                await arrives(consumer, lambda: b'"online":false' in consumer.on("status")[-1].payload)
                goodbye = msgspec.json.decode(consumer.on("status")[-1].payload)
                assert goodbye["lanes"]["alarm"]["head"] == 1, "a goodbye tells more than the Last Will"
        with Consumer(broker.port, "gw-1") as late:
            await arrives(late, lambda: bool(late.on("status")) and bool(late.on("heads")))
            assert late.on("status")[0].retained
            assert msgspec.json.decode(late.on("heads")[0].payload)["epochs"][gateway.journal.epoch]["alarm"] == 1


@realtime
async def test_a_clean_stop_in_the_middle_of_a_drain_repeats_nothing(tmp_path: Path) -> None:
    with Broker(tmp_path / "broker") as broker, Consumer(broker.port, "gw-1") as consumer:
        line = await Throttle("127.0.0.1", broker.port, rate_bps=4e6).open()
        async with Gateway(tmp_path) as gateway:
            await gateway.fill("reading", 6_000)
            gateway.uplink(f"mqtt://127.0.0.1:{line.port}")
            await arrives(consumer, lambda: consumer.ledger.records > 500)
        assert consumer.ledger.records < 5_000
        async with Gateway(tmp_path) as gateway:
            gateway.uplink(broker.url)
            await arrives(consumer, lambda: consumer.ledger.records >= 6_000)
        await line.close()
        consumer.check()
        assert consumer.ledger.repeats == 0


@realtime
async def test_a_gateway_that_dies_is_reported_by_its_last_will(tmp_path: Path) -> None:
    with Broker(tmp_path / "broker") as broker, Consumer(broker.port, "gw-1") as consumer:
        line = await Throttle("127.0.0.1", broker.port).open()
        async with Gateway(tmp_path) as gateway:
            gateway.uplink(f"mqtt://127.0.0.1:{line.port}")
            await arrives(consumer, lambda: bool(consumer.on("status")))
            await line.refuse()
            await arrives(consumer, lambda: b'"online":false' in consumer.on("status")[-1].payload)
            assert msgspec.json.decode(consumer.on("status")[-1].payload) == {
                "v": 1,
                "gateway": "gw-1",
                "online": False,
            }
            await gateway.faults["platform"].wait("uplink.lost")
            await line.heal()
            await arrives(consumer, lambda: b'"online":true' in consumer.on("status")[-1].payload)
        await line.close()


@realtime
async def test_after_an_outage_alarms_go_first_then_what_is_new_and_the_backlog_oldest_first(tmp_path: Path) -> None:
    with Broker(tmp_path / "broker", persistence=True) as broker, Consumer(broker.port, "gw-1") as consumer:
        line = await Throttle("127.0.0.1", broker.port).open()
        async with Gateway(tmp_path) as gateway:
            gateway.uplink(f"mqtt://127.0.0.1:{line.port}")
            await arrives(consumer, lambda: bool(consumer.on("status")))
            await line.refuse()
            await gateway.faults["platform"].wait("uplink.refused")
            await gateway.fill("reading", 4000)
            await gateway.append("alarm", {"alarm_id": "during the outage"})
            await gateway.append("event", {"event": "x"})
            await line.heal()
            await arrives(consumer, lambda: consumer.ledger.records >= 4002)
        await line.close()
        consumer.check()
        assert numbers(consumer) == list(range(4000))
        lanes = [seen.lane for seen in consumer.records]
        assert lanes[0] == "alarm"
        assert lanes.index("event") < lanes.index("reading")


@realtime
async def test_a_broker_killed_while_draining_costs_repeats_but_no_record(tmp_path: Path) -> None:
    # QoS 0 towards the consumer, and the gateway let in only after it: what the broker had acknowledged but not yet
    # passed on when it was killed would be its loss, not ours.
    with Broker(tmp_path / "broker") as broker, Consumer(broker.port, "gw-1", qos=0) as consumer:
        line = await Throttle("127.0.0.1", broker.port, rate_bps=10e6).open()
        async with Gateway(tmp_path) as gateway:
            await gateway.fill("reading", 8_000, size=400)
            uplink = gateway.uplink(f"mqtt://127.0.0.1:{line.port}")
            for arrived in (1_500, 4_000):
                await arrives(consumer, lambda arrived=arrived: consumer.ledger.records >= arrived)  # type: ignore[misc]
                broker.kill()
                await line.refuse()
                await arrives(consumer, lambda: not consumer.subscribed)
                broker.start()
                await asyncio.to_thread(consumer.wait_subscribed)
                await line.heal()
            await arrives(consumer, lambda: consumer.ledger.records >= 8_000 and uplink.report().connections == 3)
        await line.close()
        consumer.check()
        assert sorted(numbers(consumer)) == list(range(8_000))


@realtime
async def test_a_dead_uplink_never_slows_another(tmp_path: Path) -> None:
    with (
        Broker(tmp_path / "one") as alive,
        Broker(tmp_path / "two") as frozen,
        Consumer(alive.port, "gw-1") as consumer,
        Consumer(frozen.port, "gw-1") as other,
    ):
        async with Gateway(tmp_path) as gateway:
            gateway.uplink("mqtt://127.0.0.1:9", "nobody")
            gateway.uplink(frozen.url, "frozen")
            gateway.uplink(alive.url, "alive")
            await arrives(other, lambda: bool(other.on("status")))
            frozen.freeze()
            await gateway.fill("reading", 3000)
            await arrives(consumer, lambda: consumer.ledger.records >= 3000)
            fault = await gateway.faults["nobody"].wait("uplink.refused")
            assert fault is not None
            frozen.thaw()
            await arrives(other, lambda: other.ledger.records >= 3000)
        consumer.check()
        other.check()
        assert consumer.ledger.repeats == 0


@realtime
async def test_each_uplink_gets_what_its_filter_wants_and_its_books_balance(tmp_path: Path) -> None:
    with (
        Broker(tmp_path / "one") as one,
        Broker(tmp_path / "two") as two,
        Consumer(one.port, "gw-1") as safety,
        Consumer(two.port, "gw-1") as water,
    ):
        async with Gateway(tmp_path) as gateway:
            await gateway.fill("reading", 200)
            await gateway.append("alarm", {"alarm_id": "a", "device": "wm-3"})
            gateway.uplink(one.url, "safety", filter=Filter(lanes=("alarm",)))
            gateway.uplink(two.url, "water", filter=Filter(devices=("wm-7",)))
            await arrives(safety, lambda: bool(safety.bodies("alarm")))
            await arrives(water, lambda: len(numbers(water)) >= 4)
            await gateway.append("reading", {"device": "wm-7", "n": -1})
            await arrives(water, lambda: len(numbers(water)) >= 5)
            await arrives(water, lambda: not water.ledger.missing())
        safety.check()
        water.check()
        assert safety.bodies("reading") == []
        assert numbers(water) == [7, 57, 107, 157, -1]
        assert list(water.ledger.covered[gateway.journal.epoch, "reading"]) == [(1, 201)]


@realtime
async def test_inventory_is_published_once_and_what_was_removed_is_emptied(tmp_path: Path) -> None:
    with Broker(tmp_path / "broker", persistence=True) as broker, Consumer(broker.port, "gw-1") as consumer:
        line = await Throttle("127.0.0.1", broker.port).open()
        async with Gateway(tmp_path) as gateway:
            url = f"mqtt://127.0.0.1:{line.port}"
            uplink = gateway.uplink(url, inventory={"wm-1": b'{"n":1}', "wm-2": b'{"n":2}'}, retained_timeout_s=WHOLE_S)
            await arrives(consumer, lambda: len(consumer.on("inventory/wm-2")) == 1)
            uplink.set_inventory({"wm-1": b'{"n":1}', "wm-2": b'{"n":3}', "wm-3": b'{"n":4}'})
            await arrives(consumer, lambda: len(consumer.on("inventory/wm-3")) == 1)
            broker.stop()
            await arrives(consumer, lambda: not consumer.subscribed)
            await line.refuse()
            broker.start()
            await asyncio.to_thread(consumer.wait_subscribed)
            await line.heal()
            await gateway.append("alarm", {"alarm_id": "start"})
            await arrives(consumer, lambda: bool(consumer.bodies("alarm")))
        await line.close()
        consumer.messages.clear()
        async with Gateway(tmp_path) as gateway:  # started again, one device fewer
            known = {"wm-1": b'{"n":1}', "wm-2": b'{"n":3}'}
            gateway.uplink(broker.url, inventory=known, retained_timeout_s=WHOLE_S)
            await arrives(consumer, lambda: any(not message.payload for message in consumer.on("inventory/wm-3")))
            await gateway.append("alarm", {"alarm_id": "end"})
            await arrives(consumer, lambda: len(consumer.bodies("alarm")) == 2)
        fresh = [message for message in consumer.messages if "/inventory/" in message.topic and not message.retained]
        assert [(message.topic.rpartition("/")[2], message.payload) for message in fresh] == [("wm-3", b"")]


@realtime
async def test_inventory_comes_again_when_the_broker_has_forgotten_everything(tmp_path: Path) -> None:
    with Broker(tmp_path / "broker") as broker, Consumer(broker.port, "gw-1") as consumer:
        async with Gateway(tmp_path) as gateway:
            gateway.uplink(broker.url, inventory={"wm-1": b'{"n":1}'})
            await arrives(consumer, lambda: len(consumer.on("inventory/wm-1")) == 1)
            broker.kill()
            await arrives(consumer, lambda: not consumer.subscribed)
            broker.start()
            await asyncio.to_thread(consumer.wait_subscribed)
            await arrives(consumer, lambda: len(consumer.on("inventory/wm-1")) == 2)


@realtime
async def test_commands_come_in_and_outcomes_go_out(tmp_path: Path) -> None:
    async def execute(request: Request) -> bytes | None:
        return b'{"outcome of":' + request.payload + b"}"

    with Broker(tmp_path / "broker") as broker, Consumer(broker.port, "gw-1") as consumer:
        async with Gateway(tmp_path) as gateway:
            uplink = gateway.uplink(broker.url, commands=execute)
            await arrives(consumer, lambda: bool(consumer.on("status")))
            for number in range(50):  # more than the broker sends unacknowledged
                await asyncio.to_thread(consumer.publish, "command", b"%d" % number)
            await arrives(consumer, lambda: len(consumer.on("outcome")) == 50)
            assert uplink.report().commands == 50
        assert {message.payload for message in consumer.on("outcome")} == {
            b'{"outcome of":%d}' % number for number in range(50)
        }


@realtime
async def test_a_platform_without_the_right_to_command_is_not_listened_to(tmp_path: Path) -> None:
    executed: list[bytes] = []

    async def execute(request: Request) -> bytes | None:
        executed.append(request.payload)
        return b"{}"

    with Broker(tmp_path / "broker") as broker, Consumer(broker.port, "gw-1") as consumer:
        async with Gateway(tmp_path) as gateway:
            gateway.uplink(broker.url, commands=execute, commands_allowed=False)
            await arrives(consumer, lambda: bool(consumer.on("status")))
            await asyncio.to_thread(consumer.publish, "command", b"{}")
            await gateway.append("alarm", {"alarm_id": "after the command"})
            await arrives(consumer, lambda: bool(consumer.bodies("alarm")))
        assert executed == []
        assert consumer.on("outcome") == []


@realtime
async def test_a_restored_backup_never_makes_a_platform_drop_a_new_alarm_as_a_repeat(tmp_path: Path) -> None:
    with Broker(tmp_path / "broker") as broker, Consumer(broker.port, "gw-1") as consumer:
        async with Gateway(tmp_path) as gateway:
            await gateway.append("alarm", {"alarm_id": "before the backup"})
            old = gateway.journal.epoch
        backup = {path.name: path.read_bytes() for path in (tmp_path / "journal").iterdir() if path.is_file()}
        async with Gateway(tmp_path) as gateway:
            await gateway.append("alarm", {"alarm_id": "after the backup"})
            gateway.uplink(broker.url)
            await arrives(consumer, lambda: len(consumer.bodies("alarm")) == 2)
            await arrives(consumer, lambda: bool(consumer.on("heads")))
        for path in (tmp_path / "journal").iterdir():
            path.unlink()
        for name, content in backup.items():
            (tmp_path / "journal" / name).write_bytes(content)
        async with Gateway(tmp_path) as gateway:
            assert gateway.journal.epoch == old
            gateway.uplink(broker.url)
            await arrives(consumer, lambda: b'"online":true' in consumer.on("status")[-1].payload)
            await gateway.append("alarm", {"alarm_id": "the new one"})
            await arrives(consumer, lambda: len(consumer.bodies("alarm")) >= 3)
            assert gateway.journal.epoch != old
        names = [record["alarm_id"] for record in consumer.bodies("alarm")]
        assert names[-1] == "the new one"


@realtime
async def test_a_second_box_with_the_same_id_is_suspected(tmp_path: Path) -> None:
    with Broker(tmp_path / "broker") as broker:
        async with Gateway(tmp_path) as gateway:
            twin = paho.Client(CallbackAPIVersion.VERSION2, "gw-1-platform", protocol=paho.MQTTv5)
            twin.reconnect_delay_set(1, 1)
            twin.connect("127.0.0.1", broker.port)
            twin.loop_start()
            gateway.uplink(broker.url)
            fault = await gateway.faults["platform"].wait("uplink.contested")
            twin.disconnect()
            twin.loop_stop()
            assert fault is not None
            assert "same gateway id" in fault.cure.en


@realtime
async def test_a_lane_that_may_not_be_published_waits_while_the_others_go_on(tmp_path: Path) -> None:
    denied = "topic readwrite courtyard/v1/gw-1/#\ntopic deny courtyard/v1/gw-1/reading\n"
    with (
        Broker(tmp_path / "broker", acl=denied) as broker,
        Consumer(broker.port, "gw-1") as consumer,
    ):
        async with Gateway(tmp_path) as gateway:
            uplink = gateway.uplink(broker.url)
            await gateway.fill("reading", 10)
            fault = await gateway.faults["platform"].wait("uplink.publish.not_authorised")
            assert fault is not None
            assert "courtyard/v1/gw-1/reading" in fault.what.en
            await gateway.append("alarm", {"alarm_id": "a"})
            await arrives(consumer, lambda: bool(consumer.bodies("alarm")))
            (broker.directory / "acl").write_text("topic readwrite courtyard/v1/gw-1/#\n")
            broker.send(signal.SIGHUP)
            await arrives(consumer, lambda: len(consumer.bodies("reading")) == 10)
            assert uplink.report().set_aside == 0
        consumer.check()
