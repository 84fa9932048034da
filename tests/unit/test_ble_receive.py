"""From advertisements to news: repeats, replays, presses, conditions, counters over restarts."""

from __future__ import annotations

import msgspec
import pytest

from courtyard.drivers.ble.adverts.beacon_rule import BeaconRule, Identity
from courtyard.drivers.ble.memory import MOST_PRESSES, Memory, restarted
from courtyard.drivers.ble.observation import SEVERITY, Event, Observation
from courtyard.drivers.ble.receive import Advertisement, Heard, receive
from courtyard.drivers.ble.setup import Setup
from tests.ble_radio import bthome, bthome_sealed, ibeacon, mibeacon_sealed

KEY, ADDRESS = bytes(range(16)), bytes.fromhex("A4C138010203")
PLAIN = Setup(ADDRESS, calls={"press": "sos", "long_press": "sos"})
SEALED = Setup(ADDRESS, KEY, calls={"press": "sos"})
PRESS = bytes.fromhex("3a01")


def packet(number: int) -> bytes:
    return bytes([0, number]) + PRESS


class Ear:
    """Hears one device and keeps what it told."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.memory = Memory()
        self.events: list[Event] = []

    def hear(
        self, now_ms: int, *, uuid: int = 0xFCD2, data: bytes = b"", company: dict[int, bytes] | None = None
    ) -> Heard:
        services = {uuid: data} if data else {}
        heard = receive(Advertisement(services, company or {}), self.setup, self.memory, now_ms)
        self.memory = heard.memory
        self.events += [event for observation in heard.observations for event in observation.events]
        return heard

    def calls(self) -> list[tuple[str, bool]]:
        return [(event.kind, event.active) for event in self.events]


def test_a_press_is_told_once_however_often_its_packet_is_repeated() -> None:
    ear = Ear(PLAIN)
    for now_ms in range(0, 5000, 100):
        ear.hear(now_ms, data=bthome(packet(7)))
    assert ear.calls() == [("sos", True)]
    assert ear.events[0].momentary
    assert ear.events[0].details == {"press": "press"}
    assert ear.memory.repeats == 49


def test_every_press_with_a_number_of_its_own_is_told() -> None:
    ear = Ear(PLAIN)
    for number in range(1000):
        ear.hear(number * 1000, data=bthome(packet(number % 256)))
        ear.hear(number * 1000 + 100, data=bthome(packet(number % 256)))
    assert ear.calls() == [("sos", True)] * 1000


def test_packets_that_arrive_in_turns_are_told_once() -> None:
    ear = Ear(PLAIN)
    for now_ms in range(0, 2000, 100):
        ear.hear(now_ms, data=bthome(packet(7 + now_ms // 100 % 2)))
    assert ear.calls() == [("sos", True)] * 2


def test_the_same_number_and_press_after_other_packets_is_a_new_press() -> None:
    ear = Ear(PLAIN)
    ear.hear(0, data=bthome(packet(7)))
    for second in range(1, 20):
        ear.hear(second * 1000, data=bthome(bytes([0, 7 + second, 1, 90])))
    ear.hear(20_000, data=bthome(packet(7)))
    assert ear.calls() == [("sos", True)] * 2


def test_without_a_number_a_press_within_three_seconds_is_a_repeat_and_a_later_one_is_new() -> None:
    ear = Ear(PLAIN)
    for now_ms in (0, 2900, 5800, 8800, 20_000):
        ear.hear(now_ms, data=bthome(PRESS))
    assert ear.calls() == [("sos", True)] * 3


def test_a_press_is_new_although_the_state_in_between_was_repeated_all_day() -> None:
    ear = Ear(PLAIN)
    ear.hear(0, data=bthome(PRESS))
    for now_ms in range(1000, 60_000, 1000):
        ear.hear(now_ms, data=bthome(b"\x3a\x00"))
    ear.hear(60_000, data=bthome(PRESS))
    assert ear.calls() == [("sos", True)] * 2


def test_a_press_that_the_site_does_not_call_help_stays_a_button() -> None:
    ear = Ear(PLAIN)
    ear.hear(0, data=bthome(b"\x3a\x02"))
    assert ear.calls() == [("button", True)]


def test_a_repeated_packet_is_a_measurement_again_after_a_minute() -> None:
    ear = Ear(PLAIN)
    found = [ear.hear(now_ms, data=bthome(b"\x02\xca\x09")) for now_ms in range(0, 120_001, 2000)]
    assert [len(heard.observations) for heard in found].count(1) == 3
    assert all(heard.repeated == (not heard.observations) for heard in found)


def test_conditions_are_told_when_they_change() -> None:
    ear = Ear(PLAIN)
    for now_ms, state in enumerate((0, 1, 1, 1, 0, 0)):
        ear.hear(now_ms * 10_000, data=bthome(bytes([0, now_ms, 0x29, state])))
    assert ear.calls() == [("smoke", False), ("smoke", True), ("smoke", False)]


def test_an_encrypted_press_is_told_once_and_its_recording_never_again() -> None:
    ear = Ear(SEALED)
    first, second = (bthome_sealed(PRESS, KEY, ADDRESS, counter) for counter in (5, 6))
    for now_ms in (0, 100, 200):
        ear.hear(now_ms, data=first)
    ear.hear(5000, data=second)
    assert ear.calls() == [("sos", True)] * 2
    for now_ms in (6000, 3_600_000):
        heard = ear.hear(now_ms, data=first)
        assert [refusal.code for refusal in heard.refusals] == ["replayed"]
    assert ear.hear(7_200_000, data=second).refusals[0].code == "replayed"
    assert ear.calls() == [("sos", True)] * 2
    assert ear.memory.refused == {"replayed": 3}


def test_counters_hold_over_a_restart() -> None:
    ear = Ear(SEALED)
    ear.hear(1_000_000, data=bthome_sealed(PRESS, KEY, ADDRESS, 500))
    kept = msgspec.msgpack.encode(ear.memory)
    ear.memory = restarted(msgspec.msgpack.decode(kept, type=Memory), 10)
    ear.hear(20, data=bthome_sealed(PRESS, KEY, ADDRESS, 499))
    assert ear.memory.refused == {"replayed": 1}
    ear.hear(30, data=bthome_sealed(PRESS, KEY, ADDRESS, 501))
    assert ear.calls() == [("sos", True)] * 2


def test_a_counter_that_begins_anew_is_believed_only_where_the_site_says_so() -> None:
    strict, lenient = Ear(SEALED), Ear(msgspec.structs.replace(SEALED, restarts_below=100))
    for ear in (strict, lenient):
        for now_ms, counter in ((0, 4000), (1000, 100), (2000, 99), (3000, 98), (4000, 100)):
            ear.hear(now_ms, data=bthome_sealed(PRESS, KEY, ADDRESS, counter))
    assert (len(strict.events), strict.memory.refused) == (1, {"replayed": 4})
    assert (len(lenient.events), lenient.memory.refused) == (4, {"replayed": 1})


def test_wrong_keys_and_plain_packets_of_a_device_with_a_key_are_counted() -> None:
    ear = Ear(SEALED)
    ear.hear(0, data=bthome_sealed(PRESS, bytes(16), ADDRESS, 5))
    ear.hear(1, data=bthome_sealed(PRESS, KEY, bytes(6), 5))
    ear.hear(2, data=bthome(packet(1)))
    ear.hear(3, data=b"\x45")
    assert ear.memory.refused == {"key": 2, "downgrade": 1, "truncated": 1}
    assert ear.events == []
    assert ear.memory.counters == {}


def test_a_forged_counter_does_not_lock_the_device_out() -> None:
    ear = Ear(SEALED)
    ear.hear(0, data=bthome_sealed(PRESS, bytes(16), ADDRESS, 2**32 - 1))
    ear.hear(1, data=bthome_sealed(PRESS, KEY, ADDRESS, 1))
    assert ear.calls() == [("sos", True)]


def test_mibeacon_counters_are_checked_in_the_same_way() -> None:
    ear = Ear(SEALED)
    button = bytes.fromhex("0110 03 000000")
    for now_ms, counter in ((0, 0x1FF), (50, 0x1FF), (1000, 0x200), (2000, 0x1FF)):
        ear.hear(now_ms, uuid=0xFE95, data=mibeacon_sealed(button, KEY, ADDRESS, counter))
    assert ear.calls() == [("sos", True)] * 2
    assert ear.memory.refused == {"replayed": 1}


def test_a_beacon_that_changes_calls_for_help_beside_its_other_data() -> None:
    space = bytes(range(16))
    ear = Ear(Setup(ADDRESS, rule=BeaconRule(Identity(space, b"\x00\x01"), Identity(space, b"\x00\x02"))))
    heard = ear.hear(0, uuid=0x180F, data=b"\x5a", company={0x004C: ibeacon(space, 1, 1)})
    assert [observation.values for observation in heard.observations] == [{"battery.level": 90.0}]
    for now_ms in range(1000, 3000, 100):
        ear.hear(now_ms, company={0x004C: ibeacon(space, 2, 1)})
    ear.memory = restarted(ear.memory, 0)
    ear.hear(100, company={0x004C: ibeacon(space, 1, 1)})
    ear.hear(40_000, company={0x004C: ibeacon(space, 1, 1)})
    assert ear.calls() == [("sos", True), ("sos", False)]


def test_families_that_are_not_known_say_nothing() -> None:
    ear = Ear(PLAIN)
    heard = ear.hear(0, uuid=0x1234, data=b"\x01", company={0x0059: b"\x02"})
    assert heard == Heard((), (), False, Memory())


def test_a_memory_stays_small_whatever_is_heard() -> None:
    ear = Ear(PLAIN)
    for number in range(500):
        ear.hear(
            number, data=bthome(bytes([0, number % 256]) + PRESS * (number % 100 + 1) + b"\x29\x01" * (number % 50))
        )
    assert len(ear.memory.presses) <= MOST_PRESSES
    assert len(ear.memory.conditions) <= 8
    assert len(msgspec.msgpack.encode(ear.memory)) < 4096


@pytest.mark.parametrize("kind", sorted(SEVERITY))
def test_an_event_becomes_a_signal(kind: str) -> None:
    signal = Event(kind, False, "button-1", True, {"press": "press"}).signal("tag-7", at_ms=5, mono_ms=6, raw_hex="40")
    assert (signal.device, signal.kind, signal.active, signal.severity) == ("tag-7", kind, False, SEVERITY[kind])
    assert (signal.details, signal.at_ms, signal.mono_ms) == ({"momentary": True, "press": "press"}, 5, 6)
    assert (SEVERITY[kind] == 1) == (kind in {"sos", "fall", "smoke", "gas"})


def test_an_observation_without_values_is_no_reading() -> None:
    assert Observation().reading("tag-7", at_ms=1, mono_ms=2) is None
