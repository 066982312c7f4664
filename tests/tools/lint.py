# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run every linter over the checkout, even if some fail.

A linter that checks no files passes easily. So it gets its files from git's list, and an empty list is a failure; if a linter finds its
files itself, its output must prove it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from tools.checkout import COLLECTION, ROOT, files
from tools.results import Result, record

# Seconds per linter; the slowest takes two minutes on an idle core.
LIMIT = 600.0


@dataclass(frozen=True)
class Linter:
    name: str
    command: Sequence[str]
    files: Sequence[str] | None = None  # given to it; None: it finds them itself
    looked_at: str = ""  # a pattern that its output must match, if it finds its files itself

    def run(self) -> tuple[bool, str]:
        """Return whether the linter passed, and its output."""
        if self.files is not None and not self.files:
            return False, "there are no files for it"
        try:
            ended = subprocess.run(
                [*self.command, *(self.files or [])],
                cwd=ROOT,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=LIMIT,
            )
        except subprocess.TimeoutExpired:
            return False, f"{self.command[0]} did not end within {LIMIT:.0f} s"
        except OSError as exc:
            return False, f"cannot run {self.command[0]}: {exc.strerror}"
        # Modules are checked as installed, and mended in the checkout.
        output = ended.stdout.replace(f"{COLLECTION.relative_to(ROOT)}/", "").strip()
        if ended.returncode:
            return False, output or f"exit status {ended.returncode}, without a word"
        if self.looked_at and not re.search(self.looked_at, output):
            return False, f"nothing in its output shows that it looked at anything ({self.looked_at}):\n{output}"
        return True, output


# Only tests: pytest supplies their arguments, so they need no types.
NOT_TYPED = {"integration", "unit"}


def is_shell(name: str) -> bool:
    first = (ROOT / name).open("rb").readline()
    return re.match(rb"#!\s*/(usr/)?bin/(env )?(ba|da)?sh\b", first) is not None


def linters() -> list[Linter]:
    names = files()
    yaml = [name for name in names if name.endswith((".yml", ".yaml")) or name in (".yamllint", ".ansible-lint")]
    python = [name for name in names if name.endswith(".py")]
    # The packages of tools under tests/; the packages of tests need no types.
    packages = sorted({name.split("/")[1] for name in python if re.fullmatch(r"tests/[a-z]+/[a-z_]+\.py", name)} - NOT_TYPED)
    shell = [name for name in names if is_shell(name)]
    colourless = ["env", "NO_COLOR=1", "TERM=dumb"]
    return [
        # The slow ones first: they run beside the others.
        Linter("ansible-lint", [*colourless, "ansible-lint"], looked_at=r"Passed: 0 failure\(s\), 0 warning\(s\) in [1-9]\d* files"),
        Linter(
            "mypy",
            ["mypy", "-p", "ansible_collections.lvs.director.plugins", *(w for p in packages for w in ("-p", p))],
            looked_at=r"no issues found in [1-9]\d* source files",
        ),
        Linter("antsibull-docs", ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "all", "."]),
        Linter("docs", ["python3", "-m", "tools.docs"], looked_at=r"index\.html, [1-9]\d* pages"),
        Linter("galaxy-importer", ["python3", "-m", "tools.importer"], looked_at=r"imported, [1-9]\d* parts, no warning"),
        Linter("reuse", ["reuse", "lint"], looked_at=r"Files with license information: ([1-9]\d*) / \1\b"),
        Linter("antsibull-changelog", ["antsibull-changelog", "lint"]),
        Linter("yamllint", ["yamllint", "--strict", "-f", "parsable"], yaml),
        Linter("action groups", ["python3", "-m", "tools.action_groups"]),
        Linter("ruff", ["ruff", "check", "--no-cache", "--output-format", "concise"], python),
        # What ruff misses: parts of the standard library that are newer than the targets' Python.
        Linter("vermin", ["vermin", "--no-tips", "-t=3.9-", "--violations"], [name for name in python if name.startswith("plugins/")]),
        Linter("shellcheck", ["shellcheck"], shell),
    ]


def main() -> int:
    failed = 0

    def timed(linter: Linter) -> tuple[Linter, bool, str, float]:
        started = time.monotonic()
        return (linter, *linter.run(), time.monotonic() - started)

    with ThreadPoolExecutor(max_workers=2) as pool:
        for ended in as_completed([pool.submit(timed, linter) for linter in linters()]):
            linter, good, output, seconds = ended.result()
            print(f"{'ok    ' if good else 'FAILED'} {linter.name} ({seconds:.1f} s)", flush=True)
            if not good:
                failed += 1
                print("".join(f"    {line}\n" for line in output.splitlines()), flush=True)
            record(Result(linter.name, "passed" if good else "failed", "" if good else output[-300:]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
