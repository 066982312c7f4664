# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from lab import apt, images, sources
from lab.errors import LabError
from lab.progress import Progress

ARCHIVE = ["Inst linux-image-6.1.0-1-cloud-amd64 (6.1.0-1 Debian:12/oldstable [amd64])"]


@pytest.fixture(autouse=True)
def archive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt, "solution", lambda _suite, _lines, _packages, _progress: ARCHIVE)
    monkeypatch.setattr(sources, "lines", lambda codename, *, backports: [f"deb http://mirror.test/debian {codename} main {backports}"])
    monkeypatch.setattr(sources, "proxies", list)


def key(progress: Progress, **changes: object) -> str:
    wanted = dataclasses.replace(images.recipe("debian12"), **changes)  # type: ignore[arg-type]
    return images.key(wanted, {"etc/hostname": (0o644, b"a\n")}, progress)


def test_the_same_ingredients_give_the_same_key(progress: Progress) -> None:
    assert key(progress) == key(progress)


def test_the_key_changes_with_the_packages_and_the_suite(progress: Progress) -> None:
    assert key(progress) != key(progress, packages=("python3",))
    assert key(progress) != key(progress, codename="trixie")
    assert key(progress) != key(progress, backports=True)


def test_the_key_changes_with_the_boot_loader(progress: Progress) -> None:
    assert key(progress) != key(progress, boot_loader=True)


def test_the_key_changes_with_the_versions_that_the_archive_has(progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    before = key(progress)
    monkeypatch.setattr(apt, "solution", lambda *_: [ARCHIVE[0].replace("6.1.0-1", "6.1.0-2")])
    assert key(progress) != before


def test_the_key_changes_with_the_mirror(progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    before = key(progress)
    monkeypatch.setattr(sources, "lines", lambda codename, *, backports: [f"deb http://other.test/debian {codename} main {backports}"])
    assert key(progress) != before


def test_the_key_changes_with_the_files_put_into_the_guest(progress: Progress) -> None:
    wanted = images.recipe("debian12")
    keys = {images.key(wanted, {"etc/hostname": entry}, progress) for entry in ((0o644, b"a\n"), (0o644, b"b\n"), (0o600, b"a\n"))}
    assert len(keys) == 3


def test_a_bare_image_has_no_package_that_the_role_installs() -> None:
    for bare, full in (("debian12-bare", "debian12"), ("debian13-bare", "debian13")):
        assert not set(images.recipe(bare).packages) & {"dkms", "openssl", "linux-headers-cloud-amd64", "python3-pyroute2", "gcc", "make"}
        assert set(images.recipe(bare).packages) < set(images.recipe(full).packages)


def test_two_clones_share_an_image(progress: Progress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = key(progress)
    clone = shutil.copytree(images.HERE, tmp_path / "another clone")
    for name in ("HERE", "GUEST", "CUSTOMIZE", "BUILD_DISK"):
        monkeypatch.setattr(images, name, clone / getattr(images, name).relative_to(Path(images.__file__).parent))
    assert key(progress) == before


def test_an_unknown_image_is_refused_with_the_known_names() -> None:
    names = (
        "debian12-bare, debian12, debian12-bench, debian12-monitoring, debian13-bare, debian13, debian13-bench, debian13-monitoring, "
        "debian13-backports, debian12-released, debian13-grub"
    )
    with pytest.raises(LabError, match=rf"no image is called 'debian11': there are {names}$"):
        images.recipe("debian11")
