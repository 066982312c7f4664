# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""python3 -m kmod check | matrix [RELEASE...]"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from lab.errors import LabError
from lab.progress import Progress
from tools import results

from . import report
from .archive import DEBIAN_12_AND_13, RELEASES, Index, Kernel
from .checks import Outcome, Result, Row, check, style
from .roots import Root, checkpatch, roots

STYLE_RELEASE = "trixie"
"""Whose kernel sources checkpatch.pl is taken from."""


def main() -> int:
    """Build and check, print the table; the exit status is 1 if something is wrong."""
    parser = argparse.ArgumentParser(prog="python3 -m kmod", description="Build and check the kernel module ip_vs_test.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="for the current kernels of Debian 12 and 13; a kernel that cannot be checked is a failure")
    matrix = commands.add_parser("matrix", help="for every kernel in Debian's archive; lists those that could not be checked")
    matrix.add_argument("releases", nargs="*", metavar="RELEASE", help=f"some of: {', '.join(RELEASES)}")
    arguments = parser.parse_args()
    progress = Progress()
    try:
        if arguments.command == "check":
            rows = _build(DEBIAN_12_AND_13, progress, everything=False)
            forgiven = {Result.OK}
        else:
            unknown = set(arguments.releases) - RELEASES.keys()
            if unknown:
                parser.error(f"no such release: {', '.join(sorted(unknown))}; there are {', '.join(RELEASES)}")
            rows = _build(arguments.releases or RELEASES, progress, everything=True)
            forgiven = {Result.OK, Result.NOT_CHECKED}
        styled = style(checkpatch(Index(RELEASES[STYLE_RELEASE], progress), progress))
    except LabError as error:
        print(f"kmod: {error}", file=sys.stderr)
        return 1
    print(report.table(rows))
    print(f"\ncheckpatch.pl --strict: {styled}")
    details = report.logs(rows, styled)
    if details:
        print(f"\n{details}")
    print(f"ip_vs_test, {len(rows)} kernels: {report.total(rows)}")
    _record({"checkpatch.pl --strict": styled}, forgiven)
    for row in rows:
        _record({f"{row.kernel.suite} {row.kernel.name}, {name}": outcome for name, outcome in row.outcomes.items()}, forgiven)
    good = styled.result is Result.OK and any(row.result is Result.OK for row in rows)
    return 0 if good and all(row.result in forgiven for row in rows) else 1


def _record(outcomes: dict[str, Outcome], forgiven: set[Result]) -> None:
    """For the sum that `make test` ends with."""
    for name, outcome in outcomes.items():
        verdict: results.Outcome = "failed"
        if outcome.result is Result.OK:
            verdict = "passed"
        elif outcome.result in forgiven:
            verdict = "skipped"
        results.record(results.Result(name, verdict, outcome.why))


def _build(releases: Iterable[str], progress: Progress, everything: bool) -> list[Row]:
    rooms: dict[Kernel, Root | str] = {}
    for name in releases:
        try:
            index = Index(RELEASES[name], progress)
            rooms |= roots(index, index.kernels() if everything else index.current_kernels(), progress)
        except LabError as error:
            if not everything:
                raise
            reason = str(error).splitlines()[0]
            rooms |= {Kernel(name, suite, "all", "-"): reason for suite in RELEASES[name].suites}
    with ThreadPoolExecutor(os.cpu_count()) as workers, progress.waiting("ip_vs_test", f"builds for {len(rooms)} kernels"):
        return list(workers.map(check, rooms.keys(), rooms.values()))


if __name__ == "__main__":
    sys.exit(main())
