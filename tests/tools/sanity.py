# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run `ansible-test sanity` over a copy of the checkout, and make sure that it really tested something.

A copy, with a git history of its own: ansible-test wants to be in .../ansible_collections/lvs/director by its real
path, and in a folder that git ignores, as every place in a checkout for such a copy is, it finds nothing to test and
passes. With a home of its own, because ansible-test keeps its environments there, and looks there for the script that
installs pip: it would download one, from a place that is neither Debian's nor Python's package mirror.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

from tools.checkout import CACHE, ROOT, files
from tools.results import Result, record

HOME = CACHE / "sanity" / "home"
COPY = CACHE / "sanity" / "ansible_collections" / "lvs" / "director"

# Python brings a pip of its own, and that one installs the pip that ansible-test asks for. Not ensurepip.bootstrap():
# it makes pip ignore its configuration, which may say where packages come from.
GET_PIP = """\
import subprocess, sys
subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"], stdout=subprocess.DEVNULL)
packages = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", "-qq", *packages]))
"""


def make_copy() -> None:
    shutil.rmtree(COPY, ignore_errors=True)
    for name in files():
        target = COPY / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target, follow_symlinks=False)
    subprocess.run(["git", "init", "-q", COPY], check=True, timeout=60)


def make_home() -> None:
    downloads = HOME / ".ansible" / "test" / "cache"
    downloads.mkdir(parents=True, exist_ok=True)
    (downloads / f"get_pip_{pip_version().replace('.', '_')}.py").write_text(GET_PIP)
    config = HOME / ".config" / "pip" / "pip.conf"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text("[global]\n" + "".join(f"{key} = {value}\n" for key, value in pip_settings().items()))


def pip_version() -> str:
    """Return the version of pip that this ansible-test installs into its environments."""
    package = find_spec("ansible_test")
    assert package is not None
    assert package.origin is not None
    source = Path(package.origin).parent / "_internal" / "python_requirements.py"
    found = re.search(r"pip='([\d.]+)'", source.read_text())
    if not found:
        raise SystemExit(f"sanity: {source} does not say which pip it wants: has another ansible-core another way?")
    return found.group(1)


def pip_settings() -> dict[str, str]:
    """Return pip's effective settings: ansible-test passes on neither the environment nor the user's file."""
    listed = subprocess.run(["python3", "-m", "pip", "config", "list"], check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout
    settings: dict[str, str] = {}
    for authority in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if authority in os.environ:
            settings.setdefault("cert", os.environ[authority])
    if proxy := os.environ.get("https_proxy") or os.environ.get("HTTPS_PROXY"):
        settings["proxy"] = proxy
    # Lines such as global.cert='/a/path'; later ones win. pip's own order is global, user, environment.
    for key, value in re.findall(r"^[^.\s]+\.([a-z-]+)='(.*)'$", listed, re.MULTILINE):
        settings[key] = value.replace("\\n", "\n    ")
    return settings


def read_results(folder: Path) -> list[Result]:
    """Return the result of each sanity test; tests without files (such as those for Windows) are omitted."""
    results = []
    for path in sorted(folder.glob("*.xml")):
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            name = f"sanity {case.get('name')}"
            skipped = case.find("skipped")
            failure = case.find("failure")
            if failure is not None:
                results.append(Result(name, "failed", (failure.get("message") or "")[:300]))
            elif skipped is None:
                results.append(Result(name, "passed"))
            elif (reason := skipped.text or "") != "No tests applicable.":
                results.append(Result(name, "failed", f"did not run: {reason}"))
    return results


def main() -> int:
    make_copy()
    make_home()
    environment = {
        **os.environ,
        "HOME": str(HOME),
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
    }
    # Its own Ansible home and collections path: it must see the copy alone.
    for name in ("ANSIBLE_HOME", "ANSIBLE_COLLECTIONS_PATH", "PYTHONPATH"):
        environment.pop(name, None)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    with subprocess.Popen(
        ["ansible-test", "sanity", "--local", "--python", version, "--junit", "--color", "no"],
        cwd=COPY,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        output = []
        for line in process.stdout:
            output.append(line)
            # The first run makes environments for some of them, and would be silent for a minute.
            if line.startswith(("Running sanity test", "ERROR", "FATAL")):
                print(line, end="", flush=True)
    results = read_results(COPY / "tests" / "output" / "junit")
    for result in results:
        record(result)
    bad = [result for result in results if result.outcome != "passed"]
    if not results:
        # An error of its own, or "All targets skipped".
        record(Result("ansible-test sanity", "failed", "no test was run"))
        print(f"{''.join(output)}sanity: no test was run")
    elif process.returncode and not bad:
        record(Result("ansible-test sanity", "failed", f"exit status {process.returncode}"))
        print(f"{''.join(output)}sanity: all tests passed, but ansible-test ended with status {process.returncode}")
    for result in bad:
        print(f"FAILED {result.name}: {result.detail}")
    if process.returncode or bad or not results:
        return 1
    print(f"{len(results)} sanity tests passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
