"""The `courtyard` command."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from courtyard.agent.cli.parser import build, command_first, preferred_language
from courtyard.agent.control import Refused
from courtyard.agent.version import VERSION
from courtyard.drivers.base import DriverError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.  Exit status: 0 done, 1 failed, 2 wrong use or a bad site file, 130 interrupted."""
    given = command_first(sys.argv[1:] if arguments is None else arguments)
    options = build(preferred_language(given), VERSION).parse_args(given)
    command = importlib.import_module(options.command)
    try:
        return int(command.run(options))
    except DriverError as error:
        fault = error.fault
        print(f"courtyard: {fault.what.say(options.lang)}\n  {fault.cure.say(options.lang)}", file=sys.stderr)
        return 1
    except Refused as error:
        print(f"courtyard: {error}", file=sys.stderr)
        return error.exit_status
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
