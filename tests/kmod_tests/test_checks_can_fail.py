# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each check fails when its kind of mistake is planted into the source: none is green because it did not look."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kmod.archive import RELEASES, Index, Kernel
from kmod.checks import FLAGS, SOURCE, Result, check, style
from kmod.roots import Root, checkpatch
from lab.progress import Progress


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the module's source."""
    return Path(shutil.copytree(SOURCE, tmp_path / "source"))


def plant(source: Path, old: str, new: str) -> None:
    """Replace a piece of the source that must be there."""
    file = source / "ip_vs_test.c"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def failures(room: tuple[Kernel, Root], source: Path, *names: str) -> dict[str, str]:
    """The checks that failed, of those named or of all, and why."""
    row = check(*room, source, names or FLAGS)
    assert set(row.outcomes) == set(names or FLAGS)
    return {name: outcome.why for name, outcome in row.outcomes.items() if outcome.result is Result.FAILED}


def test_the_source_as_it_is_passes(room: tuple[Kernel, Root], source: Path) -> None:
    row = check(*room, source)
    assert row.result is Result.OK
    assert row.compiler.startswith("gcc ")


def test_a_warning_is_seen_by_each_build(room: tuple[Kernel, Root], source: Path) -> None:
    plant(source, "\tstruct ip_vs_dest *dest;\n", "\tstruct ip_vs_dest *dest;\n\tint unused;\n")
    found = failures(room, source)
    assert set(found) == set(FLAGS)
    assert all("-Wunused-variable" in why for why in found.values())


def test_a_missing_prototype_is_seen_by_w1(room: tuple[Kernel, Root], source: Path) -> None:
    plant(source, "static bool ip_vs_test_usable", "bool ip_vs_test_usable")
    found = failures(room, source)
    assert "-Wmissing-prototypes" in found["W=1"]
    assert "sparse" in found
    assert "plain" not in found


def test_an_rcu_mistake_is_seen_by_sparse_alone(room: tuple[Kernel, Root], source: Path) -> None:
    plant(source, "\tpr_debug(", "\tif (svc->scheduler->name)\n\t\tpr_debug(")
    found = failures(room, source)
    assert set(found) == {"sparse"}
    assert "dereference of noderef expression" in found["sparse"] or "different address spaces" in found["sparse"]


def test_a_wrong_signature_does_not_build(room: tuple[Kernel, Root], source: Path) -> None:
    plant(source, "(struct ip_vs_service *svc, const struct sk_buff *skb,\n\t\t    struct ip_vs_iphdr *iph)",
          "(struct ip_vs_service *svc, const struct sk_buff *skb)")
    assert set(failures(room, source)) == set(FLAGS)


@pytest.mark.parametrize(("old", "new", "why"), [
    ('MODULE_DESCRIPTION("ipvs first usable destination scheduler");\n', "", "description"),
    ('MODULE_LICENSE("GPL")', 'MODULE_LICENSE("Proprietary")', "GPL"),
    ('MODULE_VERSION("1.0.0")', 'MODULE_VERSION("0.9")', "version='0.9'"),
    ("MODULE_AUTHOR", 'MODULE_INFO(intree, "Y");\nMODULE_AUTHOR', "own source"),
])
def test_modinfo_output_is_checked(room: tuple[Kernel, Root], source: Path, old: str, new: str, why: str) -> None:
    plant(source, old, new)
    assert why in failures(room, source, "plain")["plain"]


def test_an_uncompiled_module_is_seen(room: tuple[Kernel, Root], source: Path) -> None:
    (source / "Kbuild").write_text("", encoding="utf-8")
    assert set(failures(room, source)) == set(FLAGS)


def test_make_check_sees_warnings_and_a_missing_sparse(room: tuple[Kernel, Root], source: Path) -> None:
    kernel, root = room
    command = ("make", f"KDIR=/usr/src/{kernel.package}", "check")
    assert root.run(source, *command).returncode == 0
    plant(source, "\tpr_debug(", "\tif (svc->scheduler->name)\n\t\tpr_debug(")
    with_warning = root.run(source, *command)
    assert with_warning.returncode != 0
    assert "there are warnings" in with_warning.stdout
    # The message of 7.x kernels when they skip sparse; make succeeds.
    (source / "kernel").mkdir()
    (source / "kernel" / "Makefile").write_text("modules clean:\n\t@echo sparse is not available or not up to date\n", encoding="utf-8")
    without_sparse = root.run(source, "make", "KDIR=/mnt/kernel", "check")
    assert without_sparse.returncode != 0
    assert "sparse did not run" in without_sparse.stdout


def test_checkpatch_sees_bad_style(source: Path) -> None:
    progress = Progress()
    script = checkpatch(Index(RELEASES["trixie"], progress), progress)
    assert style(script, source).result is Result.OK
    plant(source, "\tstruct ip_vs_dest *dest;\n\n", "\tstruct ip_vs_dest *dest;\n")
    outcome = style(script, source)
    assert outcome.result is Result.FAILED
    assert "Missing a blank line after declarations" in outcome.why
