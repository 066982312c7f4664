# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make coverage`: run the tests, measure, and judge. `python3 -m covered judge` judges an earlier run."""

from __future__ import annotations

import argparse
import subprocess
import sys

from covered import data
from covered.judge import files_of, table, verdicts
from tools.checkout import ROOT
from tools.results import Result, record

# Seconds, for each of them.
LIMIT = 45 * 60.0
MEASURED = (["unit"], ["scenarios", "SCENARIOS=modules"])


def measure() -> bool:
    """Run all that is measured, and return whether all of it passed."""
    data.begin()
    make = ["make", "--no-print-directory"]
    statuses = [subprocess.run([*make, *words], cwd=ROOT, check=False, timeout=LIMIT).returncode for words in MEASURED]
    return not any(statuses)


def judge() -> bool:
    """Print and record the result of the measurements, and return whether it is good enough."""
    shares, sources = data.shares(), data.sources()
    results = [Result("what was measured", "failed", problem) for problem in data.problems(shares, sources)]
    if not results:
        files = files_of(data.merged([path for ran in shares.values() for path in ran], sources, data.FOLDER))
        print("\n".join([*table(files), f"line by line: {(data.FOLDER / 'html/index.html').relative_to(ROOT)}", ""]))
        results = verdicts(files)
    for result in results:
        print(f"{result.outcome}: {result.name}{result.detail and ': '}{result.detail}", flush=True)
        record(result)
    return all(result.outcome == "passed" for result in results)


def main() -> int:
    parser = argparse.ArgumentParser(description="Say which lines and branches of plugins/ no test runs.")
    parser.add_argument("command", nargs="?", choices=("judge",), help="judge an earlier run, and run nothing")
    passed = parser.parse_args().command == "judge" or measure()
    return 0 if judge() and passed else 1


if __name__ == "__main__":
    sys.exit(main())
