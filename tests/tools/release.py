# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make release VERSION=x.y.z`: prepare a release, or build a prepared one.

The first run writes the version into galaxy.yml, and the changelog from the fragments. Once that is committed, the second run builds
all files to upload from that commit alone, into build/release/x.y.z. It builds the artefact twice: building the commit again gives the
same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from tools import artefact, docs, reproducible
from tools.checkout import BUILD, CACHE, ROOT

VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout.strip()


def released() -> dict[str, dict[str, object]]:
    """Return the releases that the changelog has."""
    content = yaml.safe_load((ROOT / "changelogs" / "changelog.yaml").read_text(encoding="utf-8"))
    releases: dict[str, dict[str, object]] = content["releases"]
    return releases


def prepare(version: str) -> None:
    """Write the version and the changelog into the checkout."""
    if not list((ROOT / "changelogs" / "fragments").glob("*.yml")):
        raise SystemExit("release: changelogs/fragments is empty: there is nothing to release")
    path = ROOT / "galaxy.yml"
    text, found = re.subn(r"^version: .*$", f"version: {version}", path.read_text(encoding="utf-8"), flags=re.M)
    if found != 1:
        raise SystemExit("release: galaxy.yml has no line with a version")
    path.write_text(text, encoding="utf-8")
    artefact.quietly("antsibull-changelog", "release", "--version", version, "--date", git("log", "-1", "--format=%cs"))
    # It would only be found by ansible-lint, which does not like it.
    (ROOT / "changelogs" / ".plugin-cache.yaml").unlink(missing_ok=True)


def build(version: str) -> Path:
    """Build everything that is uploaded, from the commit, and return the folder."""
    folder = BUILD / "release" / version
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    made = folder / artefact.file_name()
    seconds = int(git("log", "-1", "--format=%ct"))
    copies = []
    with tempfile.TemporaryDirectory(prefix="release.", dir=CACHE) as work:
        for number in ("first", "second"):
            copy, target = Path(work) / number, Path(work) / f"{number}.built"
            checked_out(copy)
            artefact.quietly("ansible-galaxy", "collection", "build", "--output-path", target, copy)
            copies.append(reproducible.rewritten(target / made.name, seconds))
        if copies[0] != copies[1]:
            raise SystemExit("release: two builds of the same commit differ")
        made.write_bytes(copies[0])
        installed = Path(work) / "installed"
        artefact.install(made, installed)
        artefact.quietly("ansible-galaxy", "collection", "verify", "--offline", "-p", installed, "lvs.director")
        site = Path(work) / "docs"
        docs.build(site)
        (folder / f"docs-{version}.tar.gz").write_bytes(reproducible.packed(site, "docs", seconds))
    shutil.copy(ROOT / "CHANGELOG.md", folder)
    (folder / "SHA256SUMS").write_text(
        "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(folder.iterdir())), encoding="ascii"
    )
    return folder


def checked_out(target: Path, commit: str = "HEAD") -> None:
    """Write the files of a commit into a new directory, and nothing else that is in the checkout.

    :raises SystemExit: the clone does not have the commit.
    """
    packed = subprocess.run(["git", "archive", "--format=tar", commit], cwd=ROOT, check=False, capture_output=True, timeout=60)
    if packed.returncode:
        raise SystemExit(
            f"release: this clone has no commit {commit}: {packed.stderr.decode().strip()}. "
            "If it is a shallow clone, git fetch --unshallow completes it"
        )
    target.mkdir()
    subprocess.run(["tar", "-x", "-C", target], check=True, input=packed.stdout, timeout=60)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make release VERSION=x.y.z", description="Prepare a release, or build the one that is prepared.")
    parser.add_argument("version", nargs="?", default="", metavar="x.y.z")
    version = parser.parse_args().version
    if not VERSION.fullmatch(version):
        print(f"release: {version!r} is not a version: make release VERSION=x.y.z")
        return 2
    if git("status", "--porcelain"):
        print("release: there is something here that is not committed. A release is made of a commit")
        return 1
    if version not in released():
        prepare(version)
        print(
            f"release: {version} is in galaxy.yml and in CHANGELOG.md now. Read it, mend it if need be, and then:\n"
            f"  git add -A && git commit -m 'release: {version}' && make release VERSION={version}"
        )
        return 0
    if artefact.galaxy()["version"] != version:
        print(f"release: {version} is released already; the version in galaxy.yml is {artefact.galaxy()['version']}")
        return 1
    folder = build(version)
    print((folder / "SHA256SUMS").read_text(encoding="ascii"), end="")
    print(
        f"release: built twice with the same bytes, into {folder.relative_to(ROOT)}. To publish it:\n"
        f"  git tag {version}\n"
        f"  ansible-galaxy collection publish {(folder / artefact.file_name()).relative_to(ROOT)}\n"
        f"and put docs-{version}.tar.gz where the documentation is served, and CHANGELOG.md beside the tag."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
