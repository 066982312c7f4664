# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run molecule scenarios one after another: `python3 -m tools.scenarios [NAME...]`, all of them without a name.

Molecule's output is long and goes to build/logs/scenario-NAME.log; only a line for each step is printed. A failed scenario shows the
end of its log. Its machines are destroyed in any case.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TextIO

from tools.checkout import BUILD, ROOT
from tools.program import Program
from tools.results import Result, Tally, read, record

# Seconds. A hanging scenario must not keep the others from running. On busy cores the slowest one takes three quarters of it.
PATIENCE = 40 * 60.0
# One test of a scenario may run a whole pytest in a machine.
TEST_PATIENCE = 20 * 60.0
DESTROY_PATIENCE = 90.0
LOG_LINES = 60
PAUSE = 0.2


def found() -> list[str]:
    return sorted(path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml"))


def molecule(command: str, name: str, log: Path, patience: float) -> tuple[int, str]:
    """Run a molecule command, print each step as it starts, and return the exit status and the last step."""
    step = "start"
    started = time.monotonic()
    environment = {
        **os.environ,
        "NO_COLOR": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTEST_ADDOPTS": f"-p tools.pytest_results -o faulthandler_timeout={TEST_PATIENCE:.0f}",
    }
    with tempfile.NamedTemporaryFile("r", encoding="utf-8", prefix="lab-progress-") as lab, log.open("a", encoding="utf-8") as file:

        def each_line(line: str) -> None:
            nonlocal step
            file.write(line)
            file.flush()
            if begun := re.search(rf"\[{re.escape(name)} > ([^\]]+)\] Executing$", line.rstrip()):
                step = begun.group(1)
                print(f"{name}: {step} (at {time.monotonic() - started:.0f} s)", flush=True)

        program = Program(["molecule", command, "-s", name], each_line, cwd=ROOT, environment=environment | {"LAB_PROGRESS": lab.name})
        ended = threading.Event()
        showing = threading.Thread(target=show_lab, args=(name, lab, ended))
        showing.start()
        try:
            status, why = program.wait(patience)
        finally:
            program.end()
            ended.set()
            showing.join(PAUSE * 100)
    return (status or 1, f"{step}: {why}") if why else (status, step)


def show_lab(name: str, progress: TextIO, ended: threading.Event) -> None:
    """Print the lab's progress while machines boot and images are built; Ansible would show it only at the end."""
    last = False
    while not last:
        last = ended.wait(PAUSE)
        for line in progress:
            print(f"{name}: {line.rstrip()}", flush=True)


def recorded() -> Tally:
    return Tally.of(read(Path(os.environ["RESULTS_FILE"])))


def run(name: str) -> bool:
    log = BUILD / "logs" / f"scenario-{name}.log"
    log.unlink(missing_ok=True)
    print(f"{name}: log in {log.relative_to(ROOT)}", flush=True)
    before = recorded()
    started = time.monotonic()
    try:
        status, step = molecule("test", name, log, PATIENCE)
    except KeyboardInterrupt:
        print(f"{name}: interrupted, its machines are ended", flush=True)
        molecule("destroy", name, log, DESTROY_PATIENCE)
        raise
    seconds = time.monotonic() - started
    after = recorded()
    tests = after.passed + after.failed + after.skipped - before.passed - before.failed - before.skipped
    output = log.read_text(encoding="utf-8", errors="replace")
    if status:
        problem = f"failed at {step}"
    elif passed_over := re.findall(rf"\[{re.escape(name)} > (\w+)\] Executed: Missing playbook", output):
        problem = f"molecule passed over {', '.join(passed_over)}, of which it has found no playbook"
    elif not tests:
        problem = "its verifier ran no test"
    else:
        print(f"{name}: passed, {tests} tests in {seconds:.0f} s", flush=True)
        record(Result(f"scenario {name}", "passed"))
        return True
    tail = output.splitlines()[-LOG_LINES:]
    print("\n".join([f"{name}: {problem} after {seconds:.0f} s; the end of its log:", *(f"    {line}" for line in tail)]), flush=True)
    record(Result(f"scenario {name}", "failed", problem))
    # Molecule destroys after a failure itself, but not after having been killed.
    molecule("destroy", name, log, DESTROY_PATIENCE)
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description="Run molecule scenarios one after another.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="scenarios, all of them if none is named")
    wanted = parser.parse_args().names
    if unknown := sorted(set(wanted) - set(found())):
        parser.error(f"no such scenario: {', '.join(unknown)}; there are {', '.join(found())}")
    names = wanted or found()
    (BUILD / "logs").mkdir(parents=True, exist_ok=True)
    if "RESULTS_FILE" not in os.environ:
        own = BUILD / "results" / "scenarios.jsonl"
        own.parent.mkdir(parents=True, exist_ok=True)
        own.unlink(missing_ok=True)
        os.environ["RESULTS_FILE"] = str(own)
    # As an interrupt, which destroys the machines on the way out.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        good = [run(name) for name in names]
    except KeyboardInterrupt:
        return 130
    if not good:
        print("there are no scenarios under molecule/")
    return 0 if good and all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
