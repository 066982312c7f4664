# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run molecule scenarios one after another: `python3 -m tools.scenarios [NAME...]`, all of them without a name.

Molecule's output is long and goes to build/logs/scenario-NAME.log; here a line a step is printed as it begins. A
scenario that fails shows the end of its log. Whatever happens, its machines are ended.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TextIO

from tools.checkout import BUILD, ROOT
from tools.results import Result, Tally, read, record

# A scenario that hangs must not keep the others from running. Several times what the slowest one takes.
PATIENCE = 40 * 60
LOG_LINES = 60


def found() -> list[str]:
    return sorted(path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml"))


def molecule(command: str, name: str, log: Path, patience: float) -> tuple[int, str]:
    """Run a molecule command, print each step as it begins, and return its exit status and the last step."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8", prefix="lab-progress-") as lab, log.open("a", encoding="utf-8") as file:
        process = subprocess.Popen(
            ["molecule", command, "-s", name],
            cwd=ROOT,
            env={
                **os.environ,
                "NO_COLOR": "1",
                "PYTHONUNBUFFERED": "1",
                "PYTEST_ADDOPTS": "-p tools.pytest_results",
                "LAB_PROGRESS": lab.name,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        timed_out = threading.Event()

        def end_late() -> None:
            timed_out.set()
            os.killpg(process.pid, signal.SIGTERM)

        late = threading.Timer(patience, end_late)
        late.start()
        showing = threading.Thread(target=show_lab, args=(name, lab, process))
        showing.start()
        step = "start"
        started = time.monotonic()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                file.write(line)
                file.flush()
                if begun := re.search(rf"\[{re.escape(name)} > ([^\]]+)\] Executing$", line.rstrip()):
                    step = begun.group(1)
                    print(f"{name}: {step} (at {time.monotonic() - started:.0f} s)", flush=True)
            status = process.wait()
        finally:
            late.cancel()
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait()
            showing.join()
    if timed_out.is_set():
        return status or 1, f"{step}, ended after {patience:.0f} s without an end"
    return status, step


def show_lab(name: str, progress: TextIO, process: subprocess.Popen[str]) -> None:
    """Print what the lab says while machines boot and images are made; Ansible would show it at the end."""
    ended = False
    while not ended:
        ended = process.poll() is not None
        for line in progress:
            print(f"{name}: {line.rstrip()}", flush=True)
        time.sleep(0.2)


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
        molecule("destroy", name, log, 60)
        raise
    seconds = time.monotonic() - started
    after = recorded()
    tests = after.passed + after.failed + after.skipped - before.passed - before.failed - before.skipped
    said = log.read_text(encoding="utf-8", errors="replace")
    if status:
        problem = f"failed at {step}"
    elif passed_over := re.findall(rf"\[{re.escape(name)} > (\w+)\] Executed: Missing playbook", said):
        problem = f"molecule passed over {', '.join(passed_over)}, of which it has found no playbook"
    elif not tests:
        problem = "its verifier ran no test"
    else:
        print(f"{name}: passed, {tests} tests in {seconds:.0f} s", flush=True)
        record(Result(f"scenario {name}", "passed"))
        return True
    tail = said.splitlines()[-LOG_LINES:]
    print("\n".join([f"{name}: {problem} after {seconds:.0f} s; the end of its log:", *(f"    {line}" for line in tail)]), flush=True)
    record(Result(f"scenario {name}", "failed", problem))
    # Molecule destroys after a failure itself, but not after having been killed.
    molecule("destroy", name, log, 60)
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
    # As an interrupt, so that the machines are ended on the way out.
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
