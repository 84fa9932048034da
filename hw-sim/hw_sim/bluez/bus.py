"""A private message bus: a dbus-daemon of its own, which ends with whoever started it."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
from pathlib import Path
from types import TracebackType

_READY_S = 60.0
_CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_type="signal"/>
{denied}
<allow send_requested_reply="true" send_type="method_return"/><allow send_requested_reply="true" send_type="error"/>
<allow receive_type="method_call"/><allow receive_type="method_return"/><allow receive_type="error"/>
<allow receive_type="signal"/></policy>
<limit name="max_connections_per_user">{connections}</limit>
<limit name="max_completed_connections">{connections}</limit>
<limit name="max_match_rules_per_connection">4096</limit>
<limit name="max_replies_per_connection">4096</limit></busconfig>
"""


class PrivateBus:
    """Starts in `folder`; `address` is what DBUS_SYSTEM_BUS_ADDRESS takes.  A context manager.

    `connections` is how many connections a user may have; 256 is what a system bus allows.  `allowed` False: nobody may
    speak to bluetoothd, as a user outside its group.
    """

    def __init__(self, folder: Path, connections: int = 256, *, allowed: bool = True) -> None:
        self.socket = folder / "bus"
        self.address = f"unix:path={self.socket}"
        self._configuration = folder / "bus.conf"
        self._connections = connections
        self._denied = "" if allowed else '<deny send_destination="org.bluez"/>'
        self._daemon: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> PrivateBus:
        """Raises OSError when there is no dbus-daemon or it does not start."""
        program = shutil.which("dbus-daemon")
        if program is None:
            raise OSError("dbus-daemon is missing; install the package of that name 缺少 dbus-daemon，请安装同名软件包")
        words = {"socket": self.socket, "connections": self._connections, "denied": self._denied}
        self._configuration.write_text(_CONFIGURATION.format(**words))
        said, says = os.pipe()
        options = ["--nofork", "--nopidfile", f"--config-file={self._configuration}", f"--print-address={says}"]
        try:
            # with an output of its own: whoever reads ours must see that it ends when we do
            self._daemon = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL, pass_fds=(says,))
            os.close(says)
            # it tells its address when it listens; the socket is there a moment before, and refuses
            if not (select.select([said], [], [], _READY_S)[0] and os.read(said, 1)):
                self.__exit__(None, None, None)
                raise OSError("dbus-daemon did not start")
        finally:
            os.close(said)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._daemon is not None:
            self._daemon.terminate()
            self._daemon.wait(_READY_S)
            self._daemon = None
        for path in (self.socket, self._configuration):
            path.unlink(missing_ok=True)


def bluetoothctl(folder: Path, version: str = "5.66") -> Path:
    """Puts a `bluetoothctl` that tells its version into a folder for $PATH: clients ask it how old the stack is."""
    program = folder / "bluetoothctl"
    program.write_text(f'#!/bin/sh\necho "bluetoothctl: {version}"\n')
    os.chmod(program, 0o755)
    return folder
