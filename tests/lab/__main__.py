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
import sys
from pathlib import Path

from . import host, images
from .errors import LabError
from .lab import Lab
from .progress import Progress


def up(options: argparse.Namespace) -> None:
    """Start the machines listed on standard input; print how each is reached."""
    lab = Lab(options.state).up(json.load(sys.stdin))
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


def main() -> int:
    """Run a command of the command line."""
    parser = argparse.ArgumentParser(prog="python3 -m lab", description="Virtual machines for the tests.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for function in (up, ssh, down, image):
        command = commands.add_parser(function.__name__, help=function.__doc__, description=function.__doc__)
        command.set_defaults(function=function)
        if function is image:
            command.add_argument("name", choices=images.RECIPES)
        else:
            command.add_argument("--state", type=Path, required=True, metavar="DIR", help="where the lab keeps its record")
        if function is ssh:
            command.add_argument("name")
            command.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    # ended by a signal, up still clears away what it has started
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    try:
        options.function(options)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
