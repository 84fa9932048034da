"""`courtyard run [SITE]`: the gateway in the foreground."""

from __future__ import annotations

import argparse
import asyncio
import gc

from courtyard.agent import logs
from courtyard.agent.clock import SystemClock
from courtyard.agent.daemon import Daemon
from courtyard.agent.memory import give_back_what_is_freed
from courtyard.agent.notify import Notifier
from courtyard.config.redact import Redactor


def run(options: argparse.Namespace) -> int:
    """Exit status 0 after a clean stop; 1 when it cannot run (the reason is said)."""
    redactor = Redactor()
    logs.set_up(redactor, style="journal" if options.json else None)
    gc.freeze()
    give_back_what_is_freed()
    daemon = Daemon(
        options.site,
        options.data,
        options.socket,
        clock=SystemClock(),
        notifier=Notifier.from_environment(),
        redactor=redactor,
    )
    asyncio.run(daemon.run())
    return 0
