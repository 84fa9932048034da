"""The drain policy: whose turn, how much at a time, how a guilty record is found."""

from __future__ import annotations

import pytest

from courtyard.agent.uplinks import send
from courtyard.agent.uplinks.send import Backoff, Care, Window, order
from courtyard.buffer.types import Block


def block(first: int, last: int, epoch: str = "e1") -> Block:
    seqs = range(first, last + 1)
    return Block(epoch, "boot", "reading", first, last, seqs, [b"{}"] * len(seqs), (), 0)


def test_alarms_come_first_old_or_new_then_all_that_is_new_then_the_backlog() -> None:
    assert order(("alarm", "event", "reading")) == (
        ("alarm", "live"),
        ("alarm", "backlog"),
        ("event", "live"),
        ("reading", "live"),
        ("event", "backlog"),
        ("reading", "backlog"),
    )


class Line:
    """A line of fixed speed and delay, as arithmetic: messages are acknowledged in order."""

    def __init__(self, window: Window, bytes_s: float, round_trip_s: float) -> None:
        self.window, self.bytes_s, self.round_trip_s = window, bytes_s, round_trip_s
        self.now = self.free_at = 0.0
        self.flights: list[tuple[float, send.Sent]] = []
        self.longest_queue_s = 0.0
        self.delivered = 0

    def run(self, seconds: float) -> None:
        """Sends as fast as the window lets."""
        end = self.now + seconds
        while self.now < end:
            while size := self.window.room():
                self.free_at = max(self.free_at, self.now) + size / self.bytes_s
                self.longest_queue_s = max(self.longest_queue_s, self.free_at - self.now)
                self.flights.append((self.free_at + self.round_trip_s, self.window.sent(size, self.now)))
            self.now, sent = self.flights.pop(0)
            self.window.acknowledged(sent, self.now)
            self.delivered += sent.size


def test_a_thin_line_is_kept_busy_with_a_quarter_of_a_second_in_flight() -> None:
    line = Line(Window(), bytes_s=125_000, round_trip_s=0.04)
    line.run(10)
    line.longest_queue_s = 0.0
    before = line.delivered
    line.run(10)
    assert line.window.rate_bytes_s == pytest.approx(125_000, rel=0.1)
    assert line.delivered - before > 0.95 * 125_000 * 10
    assert line.longest_queue_s < 0.3
    assert line.window.room() <= line.window.window_bytes / 4


def test_a_fast_line_is_limited_by_the_number_of_messages_of_full_size() -> None:
    line = Line(Window(), bytes_s=200e6, round_trip_s=0.0005)
    line.run(0.5)
    line.flights.clear()
    window = Window()
    window.rate_bytes_s = line.window.rate_bytes_s
    sizes = []
    while size := window.room():
        window.sent(size, 1.0)
        sizes.append(size)
    assert sizes == [send.MAX_MESSAGE_BYTES] * send.MAX_MESSAGES


def test_a_line_that_gets_thinner_is_noticed_within_seconds() -> None:
    line = Line(Window(), bytes_s=1_250_000, round_trip_s=0.02)
    line.run(5)
    line.bytes_s = 60_000
    line.run(8)
    line.longest_queue_s = 0.0
    line.run(2)
    assert line.longest_queue_s < 0.4


def test_little_to_send_never_lowers_the_measured_rate() -> None:
    window = Window()
    window.rate_bytes_s = 1e6
    for second in range(100):
        assert window.room()
        window.acknowledged(window.sent(200, float(second)), second + 0.05)
    assert window.rate_bytes_s == 1e6


def test_one_message_may_always_be_sent_even_a_large_one_on_a_dead_slow_line() -> None:
    window = Window()
    window.rate_bytes_s = 100.0
    assert window.room() == send.FLOOR_BYTES // send.MESSAGES_A_WINDOW
    window.sent(60_000, 0.0)
    assert window.room() == 0


@pytest.mark.parametrize("allowed", [1, 2, 20])
def test_the_brokers_receive_maximum_and_packet_size_are_kept(allowed: int) -> None:
    window = Window(messages=allowed, message_bytes=3000)
    window.rate_bytes_s = 1e9
    sizes = []
    while size := window.room():
        window.sent(size, 0.0)
        sizes.append(size)
    assert sizes == [3000] * allowed


def test_two_disconnects_at_the_same_head_halve_the_batch_until_the_guilty_record_is_alone() -> None:
    care, guilty, tried, first, aside = Care(), 77, [], 1, None
    while aside is None:
        current = block(first, min(128, first + (care.most or 128) - 1))
        if first <= guilty <= current.last:
            tried.append(len(current.seqs))
            if care.disconnected(current) == "aside":
                aside = current
        else:
            care.acknowledged(current, "backlog")
            first = current.last + 1
    assert (aside.first, aside.last) == (guilty, guilty)
    assert tried == [128, 128, 64, 64, 32, 32, 16, 16, 8, 8, 4, 4, 2, 2, 1, 1, 1]
    care.set_aside()
    assert care.most is None


def test_disconnects_at_different_heads_mean_a_bad_line_not_a_bad_record() -> None:
    care = Care()
    for first in range(1, 100):
        assert care.disconnected(block(first, 200)) == "again"
    assert care.most is None


def test_suspicion_ends_behind_the_batch_that_raised_it_and_live_records_do_not_end_it() -> None:
    care = Care()
    care.disconnected(block(1, 100))
    care.disconnected(block(1, 100))
    assert care.most == 50
    care.acknowledged(block(500, 510), "live")
    care.acknowledged(block(1, 50), "backlog")
    assert care.most == 50
    care.acknowledged(block(51, 100), "backlog")
    assert care.most is None


def test_suspicion_ends_when_its_records_are_gone() -> None:
    care = Care()
    care.disconnected(block(1, 100))
    care.disconnected(block(1, 100))
    care.acknowledged(block(1, 9, epoch="e2"), "backlog")
    assert care.most is None


def test_a_refused_batch_is_halved_at_once_and_a_refused_record_set_aside_after_some_tries() -> None:
    care, now, sizes, verdict = Care(), 0.0, [], "again"
    current = block(1, 8)
    pauses = []
    while verdict == "again":
        sizes.append(len(current.seqs))
        verdict = care.refused(current, 0x83, now)
        pauses.append(care.not_before - now)
        now = care.not_before
        current = block(1, min(8, care.most or 8))
    assert sizes == [8, 4, 2, 1, 1, 1]
    assert pauses == [1, 2, 4, 8, 16, 32]


@pytest.mark.parametrize("reason", sorted(send.PAUSING))
def test_a_matter_of_the_account_pauses_and_sets_nothing_aside(reason: int) -> None:
    care, now = Care(), 0.0
    for _ in range(200):
        assert care.refused(block(1, 1), reason, now) == "again"
        assert 1 <= care.not_before - now <= send.LAST_PAUSE_S
        now = care.not_before
    assert care.most is None
    care.acknowledged(block(1, 1), "backlog")
    care.refused(block(2, 2), reason, now)
    assert care.not_before == now + send.FIRST_PAUSE_S


def test_waiting_times_double_from_one_second_to_a_minute_with_jitter() -> None:
    longest, shortest = Backoff(lambda: 1.0), Backoff(lambda: 0.0)
    assert [longest.wait_s() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert [shortest.wait_s() for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    longest.reset()
    assert longest.wait_s() == 1
