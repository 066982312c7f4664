# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make matrix`: run the collection's tests, and one scenario, with each ansible-core that a controller may have.

PYTHONPATH=tests python3 -m controllers [VERSION ...]       run them
PYTHONPATH=tests python3 -m controllers --folder VERSION    print where its programs are

The collection is installed by the very ansible-core that it is tested with. The output of each part is in build/logs, and the
last line is the sum, as with `make test`.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from pathlib import Path

from lab.errors import LabError
from lab.progress import Progress
from tools import artefact
from tools.checkout import BUILD, CACHE, ROOT
from tools.run_tests import Part, run

from . import environments, versions

SCENARIO = "guides"
# The tests that run the collection: modules, filters and roles' programs, the layers under them, and the documentation.
TESTS = ("tests/unit", "tests/contract", "tests/docs_tests/test_plays.py")


def parts_of(name: str, programs: Path, installed: Path) -> list[Part]:
    """Return the commands to run with an ansible-core.

    :param programs: the folder that has its programs.
    :param installed: where it has installed the collection.
    """
    paths = f"{installed}:{ROOT / 'tests'}"
    cache = (CACHE / "controllers" / f"{name}.pytest").relative_to(ROOT)
    return [
        Part(f"units-{name}", [
            "env", f"ANSIBLE_COLLECTIONS_PATH={installed}", f"PYTHONPATH={paths}",
            str(programs / "python3"), "-m", "pytest", "-q", "-p", "tools.pytest_results", "-o", f"cache_dir={cache}", *TESTS,
        ]),
        Part(f"{SCENARIO}-{name}", [
            "env", f"GUIDES_CONTROLLER={programs}", "make", "--no-print-directory", "scenarios", f"SCENARIOS={SCENARIO}",
        ]),
    ]  # fmt: skip


def prepared(version: versions.Version, progress: Progress) -> list[Part]:
    """Make the environment of a version, install the collection with it, and return the commands to run."""
    release = versions.newest(version)
    programs = environments.environment(version, release, progress)
    installed = CACHE / "controllers" / version.name
    shutil.rmtree(installed, ignore_errors=True)
    artefact.install(BUILD / artefact.file_name(), installed, galaxy=programs / "ansible-galaxy")
    print(f"ansible-core {release}, on Python {version.python}: {programs}", flush=True)
    return parts_of(version.name, programs, installed)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m controllers", description="Run the tests with each supported ansible-core.")
    parser.add_argument("versions", nargs="*", metavar="VERSION", help="minor versions, all of them if none is named")
    parser.add_argument("--folder", action="store_true", help="only make the environments, and print where their programs are")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    progress = Progress()
    try:
        wanted = versions.wanted(options.versions)
        if options.folder:
            print("\n".join(str(environments.environment(version, versions.newest(version), progress)) for version in wanted))
            return 0
        lane = [part for version in wanted for part in prepared(version, progress)]
    except LabError as error:
        print(f"controllers: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted")
        return 130
    return run([lane], BUILD)


if __name__ == "__main__":
    sys.exit(main())
