# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's command line.

PYTHONPATH=tests python3 -m lab up --state DIR < machines.json
PYTHONPATH=tests python3 -m lab ssh --state DIR NAME [command ...]
PYTHONPATH=tests python3 -m lab down --state DIR
PYTHONPATH=tests python3 -m lab image NAME
PYTHONPATH=tests python3 -m lab prune
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from . import cache, host, images
from .errors import LabError
from .lab import Lab
from .progress import Progress


def up(options: argparse.Namespace) -> None:
    """Start the machines listed on standard input; print how each is reached."""
    try:
        machines = json.load(sys.stdin)
    except json.JSONDecodeError as error:
        raise LabError(f"standard input must be a JSON list of machines: {error}") from None
    if not isinstance(machines, list) or not all(isinstance(machine, dict) for machine in machines):
        raise LabError("standard input must be a JSON list of machines, like [{\"name\": \"director\", \"lan\": \"10.211.55.2/24\"}]")
    lab = Lab(options.state).up(machines)
    print(json.dumps([
        {"instance": vm.name, "address": "127.0.0.1", "user": "root", "port": vm.port,
         "identity_file": str(vm.identity_file), "lan": vm.spec.lan}
        for vm in lab], indent=2))


def ssh(options: argparse.Namespace) -> None:
    """Become ssh, in the machine of that name."""
    command = Lab(options.state)[options.name].ssh_arguments()
    os.execvp(command[0], [*command, *options.command])


def down(options: argparse.Namespace) -> None:
    """End the machines of the state directory."""
    Lab(options.state).down()


def image(options: argparse.Namespace) -> None:
    """Print the directory of an image; build it if it is not there."""
    host.require_tools()
    print(images.image(options.name, Progress()).directory)


def prune(options: argparse.Namespace) -> None:
    """Remove unused entries from the cache."""
    cache.prune(options.unused_days * 86400.0, Progress())


def main() -> int:
    """Run a command of the command line."""
    parser = argparse.ArgumentParser(prog="python3 -m lab", description="Virtual machines for the tests.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(function: Callable[[argparse.Namespace], None]) -> argparse.ArgumentParser:
        command = commands.add_parser(function.__name__, help=function.__doc__, description=function.__doc__)
        command.set_defaults(function=function)
        return command

    for command in (add(up), add(down), attached := add(ssh)):
        command.add_argument("--state", type=Path, required=True, metavar="DIR", help="where the lab keeps its record")
    attached.add_argument("name")
    attached.add_argument("command", nargs=argparse.REMAINDER)
    add(image).add_argument("name", choices=images.RECIPES)
    add(prune).add_argument("--unused-days", type=float, default=7.0, metavar="N")
    options = parser.parse_args()
    # even if a signal ends it, up cleans up what it has started
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    try:
        options.function(options)
    except (LabError, OSError, subprocess.SubprocessError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
