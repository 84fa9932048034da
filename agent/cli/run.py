"""`courtyard run [SITE]`: the gateway in the foreground."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys

from courtyard.agent import logs
from courtyard.agent.clock import SystemClock
from courtyard.agent.control import Refused
from courtyard.agent.daemon import Daemon
from courtyard.agent.memory import give_back_what_is_freed
from courtyard.agent.notify import Notifier
from courtyard.config.page import Web
from courtyard.config.redact import Redactor
from courtyard.drivers.base import Language, Text


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
        first_page=_first_page(options.page, options.lang) if options.page else Web(),
    )
    if asyncio.run(daemon.run()):  # the same command anew, in the same process: systemd keeps following it
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    return 0


def _first_page(text: str, language: Language) -> Web:
    """Where `--page` wants the page.  Raises Refused."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 1 <= int(port) <= 65535:
        refusal = Text(
            f"{text!r} in --page is no address. Write it such as 0.0.0.0:8443.",
            f"--page 中的“{text}”不是有效的地址。请写成 0.0.0.0:8443。",
        )
        raise Refused(refusal.say(language), 2)
    return Web(listen=host.strip("[]"), port=int(port))
