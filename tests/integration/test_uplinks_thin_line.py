"""A megabit to the platform and megabytes to send: who waits, and for how long."""

from __future__ import annotations

from pathlib import Path

from hw_sim.throttle import Throttle
from tests.brokers import Broker
from tests.consumer import Consumer
from tests.uplink_rig import Gateway, arrives, realtime

AHEAD = 600
"""Records of the backlog that an alarm waits for at most: what this line carries in 1.5 s."""


@realtime
async def test_alarms_and_live_readings_pass_a_backlog_on_a_megabit_line(tmp_path: Path) -> None:
    with Broker(tmp_path / "broker") as broker, Consumer(broker.port, "gw-1") as consumer:
        line = await Throttle("127.0.0.1", broker.port, rate_bps=1e6, delay_s=0.02).open()
        async with Gateway(tmp_path) as gateway:
            await gateway.fill("reading", 4_000, size=300)
            uplink = gateway.uplink(f"mqtt://127.0.0.1:{line.port}")
            await arrives(consumer, lambda: consumer.ledger.records >= 300)
            ahead = []
            for number in range(6):
                await gateway.append("alarm", {"alarm_id": f"a{number}"})
                arrived = consumer.ledger.records
                await gateway.append("reading", {"n": 10_000 + number})
                await arrives(
                    consumer,
                    lambda number=number: (  # type: ignore[misc]
                        len(consumer.bodies("alarm")) > number
                    ),
                )
                ahead.append(consumer.ledger.records - arrived)
                await arrives(
                    consumer,
                    lambda number=number: any(  # type: ignore[misc]
                        seen.record["n"] == 10_000 + number
                        for seen in consumer.records[-400:]
                        if seen.lane == "reading"
                    ),
                )
            report = uplink.report()
            assert report.backlog["reading"].records > 500, "the line must still have been busy"
            assert max(ahead) <= AHEAD, ahead
            assert report.rate_bytes_s > 0
            assert report.drain_left_s is not None
            await line.close()
        assert consumer.errors == []
