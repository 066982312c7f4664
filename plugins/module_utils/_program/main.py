# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The command line: ``COMMANDS`` is the list of subcommands.

A command is a line there and a function that returns the exit status. The function has its own imports: a command loads only what it
needs.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsConflictError, IpvsError
from ansible_collections.lvs.director.plugins.module_utils._program.output import CONFLICT, DIFFERENT, FAILED, STATUSES, say, say_failed

_Parser = argparse.ArgumentParser


def _no_arguments(_parser: _Parser) -> None:
    pass


class Command(NamedTuple):
    """A subcommand: its words on the command line, its help, and its function."""

    words: str
    help: str
    run: Callable[[argparse.Namespace], int]
    arguments: Callable[[_Parser], None] = _no_arguments
    for_root: bool = True


def _restore_table(options: argparse.Namespace) -> int:
    from ansible_collections.lvs.director.plugins.module_utils._program.table import restore  # noqa: PLC0415 (loaded only where it is used)

    return restore(options.fallback)


def _clear_table(_options: argparse.Namespace) -> int:
    from ansible_collections.lvs.director.plugins.module_utils._program.table import clear  # noqa: PLC0415 (loaded only where it is used)

    return clear()


def _restore_network(options: argparse.Namespace) -> int:
    from ansible_collections.lvs.director.plugins.module_utils._program.network import restore  # noqa: PLC0415 (loaded only where it is used)

    return restore(options.patience)


def _clear_network(_options: argparse.Namespace) -> int:
    from ansible_collections.lvs.director.plugins.module_utils._program.network import clear  # noqa: PLC0415 (loaded only where it is used)

    return clear()


def _restore_realserver(_options: argparse.Namespace) -> int:
    from ansible_collections.lvs.director.plugins.module_utils._program.realserver import restore  # noqa: PLC0415 (loaded only where it is used)

    return restore()


def _reload_scheduler(options: argparse.Namespace) -> int:
    from ansible_collections.lvs.director.plugins.module_utils._program.table import reload_scheduler  # noqa: PLC0415 (loaded only where it is used)

    return reload_scheduler(options.scheduler, options.fallback)


def _show(options: argparse.Namespace) -> int:
    from ansible_collections.lvs.director.plugins.module_utils._program.show import show  # noqa: PLC0415 (loaded only where it is used)

    return show(as_json=options.json)


def _diff(options: argparse.Namespace) -> int:
    from ansible_collections.lvs.director.plugins.module_utils._program.show import diff  # noqa: PLC0415 (loaded only where it is used)

    return DIFFERENT if diff(as_json=options.json, saved_only=options.saved_only) else 0


def _resync(options: argparse.Namespace) -> int:
    from ansible_collections.lvs.director.plugins.module_utils._program.resync import resync, watch  # noqa: PLC0415 (loaded only where it is used)

    return watch(options.interval) if options.watch else resync(options.timeout, as_json=options.json)


def _handover(options: argparse.Namespace) -> int:
    from ansible_collections.lvs.director.plugins.module_utils._program.handover import handover  # noqa: PLC0415 (loaded only where it is used)

    return handover(options.timeout, options.tolerance, check=options.check, as_json=options.json)


def _drain(options: argparse.Namespace) -> int:
    from ansible_collections.lvs.director.plugins.module_utils._model.drain import Drain  # noqa: PLC0415 (loaded only where it is used)
    from ansible_collections.lvs.director.plugins.module_utils._program.drain import drain  # noqa: PLC0415 (loaded only where it is used)

    how = Drain(options.timeout, options.connections, options.count, options.remove, options.min_available, options.on_timeout == "fail")
    return drain(options.address, options.port, options.service, how)


def _undrain(options: argparse.Namespace) -> int:
    from ansible_collections.lvs.director.plugins.module_utils._program.drain import undrain  # noqa: PLC0415 (loaded only where it is used)

    return undrain(options.address, options.port, options.service)


def _weight(options: argparse.Namespace) -> int:
    from ansible_collections.lvs.director.plugins.module_utils._program.drain import weight  # noqa: PLC0415 (loaded only where it is used)

    return weight(options.address, options.port, options.service, options.weight)


def _follow(_options: argparse.Namespace) -> int:
    from ansible_collections.lvs.director.plugins.module_utils._program.follow import follow  # noqa: PLC0415 (loaded only where it is used)

    return follow()


def _health(options: argparse.Namespace) -> int:
    from ansible_collections.lvs.director.plugins.module_utils._program.health import health  # noqa: PLC0415 (loaded only where it is used)

    return health(as_json=options.json)


def _release(_options: argparse.Namespace) -> int:
    from ansible_collections.lvs.director.plugins.module_utils._program.health import release  # noqa: PLC0415 (loaded only where it is used)

    return release()


def _ready(options: argparse.Namespace) -> int:
    from ansible_collections.lvs.director.plugins.module_utils._program.ready import ready  # noqa: PLC0415 (loaded only where it is used)

    return ready(refuse_fallback=options.refuse_fallback)


def _metrics(options: argparse.Namespace) -> int:
    from ansible_collections.lvs.director.plugins.module_utils._program.metrics import metrics  # noqa: PLC0415 (loaded only where it is used)

    return metrics(options.output, options.limit)


def _version(options: argparse.Namespace) -> int:
    from ansible_collections.lvs.director.plugins.module_utils._program.version import VERSION  # noqa: PLC0415 (loaded only where it is used)

    say(f'{{"version": "{VERSION}"}}' if options.json else f"ipvs-director {VERSION}")
    return 0


def _fallback(parser: _Parser) -> None:
    parser.add_argument("--fallback", default="", metavar="SCHEDULER", help="the scheduler of services while their own is missing")


def _patience(parser: _Parser) -> None:
    parser.add_argument("--patience", type=float, default=30.0, metavar="SECONDS", help="how long to wait for interfaces (default: 30)")


def _scheduler(parser: _Parser) -> None:
    parser.add_argument("--scheduler", default="test", help="the scheduler to reload (default: test)")
    _fallback(parser)


def _json(parser: _Parser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def _diff_arguments(parser: _Parser) -> None:
    _json(parser)
    parser.add_argument("--saved-only", action="store_true", help="leave out services that are only in the kernel")


def _resync_arguments(parser: _Parser) -> None:
    _json(parser)
    parser.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS", help="how long to wait for others (default: 60)")
    parser.add_argument("--watch", action="store_true", help="stay, tell others of this director's connections, and hear them")
    parser.add_argument("--interval", type=float, default=60.0, metavar="SECONDS", help="with --watch: between two rounds (default: 60)")


def _handover_arguments(parser: _Parser) -> None:
    _json(parser)
    parser.add_argument("--check", action="store_true", help="compare the tables only")
    parser.add_argument(
        "--timeout",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="until the other director must have everything (default: 60)",
    )
    parser.add_argument("--tolerance", type=int, default=0, metavar="NUMBER", help="how many connections may be missing there (default: 0)")


def _ready_arguments(parser: _Parser) -> None:
    parser.add_argument("--refuse-fallback", action="store_true", help="no services with another scheduler in place of their own")


def _metrics_arguments(parser: _Parser) -> None:
    parser.add_argument("--output", default="", metavar="FILE", help="replace this file, instead of printing")
    parser.add_argument(
        "--limit", type=int, default=1000, metavar="NUMBER", help="of destinations and services with series of their own (default: 1000)"
    )


def _real_server(parser: _Parser) -> None:
    parser.add_argument("address", metavar="ADDRESS", help="the real server's IPv4 or IPv6 address")
    parser.add_argument("--port", type=int, help="only its destinations with this port (default: all)")
    parser.add_argument("--service", default="", help="only in this service, named as by show: 'tcp 192.0.2.1:80' (default: all)")


def _drain_arguments(parser: _Parser) -> None:
    _real_server(parser)
    parser.add_argument("--timeout", type=int, default=300, metavar="SECONDS", help="how long to wait for connections (default: 300)")
    parser.add_argument("--connections", type=int, default=0, metavar="NUMBER", help="drained with so many connections (default: 0)")
    parser.add_argument("--count", choices=["all", "active"], default="all", help="which connections count (default: all)")
    parser.add_argument("--min-available", type=int, default=1, metavar="NUMBER", help="others that must be in service (default: 1)")
    parser.add_argument("--remove", action="store_true", help="remove it then")
    parser.add_argument("--on-timeout", choices=["fail", "continue"], default="fail", help="if connections are left (default: fail)")


def _weight_arguments(parser: _Parser) -> None:
    _real_server(parser)
    parser.add_argument("weight", type=int, metavar="WEIGHT", help="0 for no new connections")


COMMANDS: tuple[Command, ...] = (
    Command("restore table", "restore services, destinations and timeouts; needs no network", _restore_table, _fallback),
    Command(
        "restore network", "start sync daemons and add virtual addresses, once their interfaces are there", _restore_network, _patience
    ),
    Command("restore realserver", "make this machine a real server again: addresses, tunnels and settings", _restore_realserver),
    Command("clear table", "delete the saved services, and no others, and reset the timeouts", _clear_table),
    Command("clear network", "remove the saved virtual addresses and stop the saved sync daemons", _clear_network),
    Command("show", "show the table in scheduling order, full servers, and what differs from the saved table", _show, _json),
    Command("diff", "compare the saved table with the kernel's; exit status 1 if they differ", _diff, _diff_arguments),
    Command(
        "reload-scheduler", "load the installed build of a scheduler in place of the loaded one, in service", _reload_scheduler, _scheduler
    ),
    Command("resync", "get the connections of the directors that serve the addresses, and end what is stale", _resync, _resync_arguments),
    Command("ready", "exit status 0 if the table was restored: this director may become master", _ready, _ready_arguments),
    Command("handover", "give the virtual addresses to another director, once it has every connection", _handover, _handover_arguments),
    Command("metrics", "print what Prometheus's node exporter does not know, in its text format", _metrics, _metrics_arguments),
    Command("drain", "take a real server out of all services when its connections have ended", _drain, _drain_arguments),
    Command("undrain", "bring a drained real server back into all services", _undrain, _real_server),
    Command("weight", "give a real server a weight in all services", _weight, _weight_arguments),
    Command("follow", "hold destinations whose health checks fail, and bring them back, until stopped", _follow),
    Command("health", "show what the health checks find", _health, _json),
    Command("release", "bring back all destinations that are held, and forget why", _release),
    Command("version", "print the version", _version, _json, for_root=False),
)


def parser() -> _Parser:
    """Return the parser of the command line; it puts the ``Command`` into ``command``."""
    top = _Parser(
        prog="ipvs-director",
        description="The IPVS table of this director: restore it, clear it, show it, and compare it with what is saved.",
        epilog=STATUSES,
    )
    groups = {"": top.add_subparsers(metavar="COMMAND", required=True)}
    for command in COMMANDS:
        verb, _space, noun = command.words.rpartition(" ")
        if verb not in groups:
            nouns = [each.words.partition(" ")[2] for each in COMMANDS if each.words.startswith(f"{verb} ")]
            made = groups[""].add_parser(verb, help=f"{', '.join(nouns)}: {verb} --help")
            groups[verb] = made.add_subparsers(metavar="|".join(nouns), required=True)
        subparser = groups[verb].add_parser(noun, help=command.help, description=command.help[0].upper() + command.help[1:] + ".")
        command.arguments(subparser)
        subparser.set_defaults(command=command)
    return top


def main(arguments: Sequence[str]) -> int:
    """Run a command line and return the exit status."""
    options = parser().parse_args(arguments)
    command: Command = options.command
    if command.for_root and os.geteuid():
        return say_failed("only root can do this: run it with sudo")
    try:
        return command.run(options)
    except IpvsConflictError as exc:
        say_failed(exc)
        return CONFLICT
    except IpvsError as exc:
        return say_failed(exc)
    except BrokenPipeError:
        # The reader is gone, such as head(1). Without this, Python would complain again when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
