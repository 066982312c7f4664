# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on a build's log, above all on checks that did not run."""

from __future__ import annotations

import pytest

from kmod import report
from kmod.archive import Kernel
from kmod.checks import FLAGS, SOURCE, Outcome, Result, check, judge, packaged_version

CC = "  CC [M]  /mnt/ip_vs_test.o\n"
CHECK = "  CHECK   /mnt/ip_vs_test.c\n"
KERNEL = Kernel("trixie", "trixie-backports", "linux-headers-7.3.4+deb13-amd64", "7.3.4-1~bpo13+1")


@pytest.mark.parametrize(("name", "status", "log", "result"), [
    ("plain", 0, CC, Result.OK),
    ("plain", 0, "", Result.FAILED),
    ("plain", 2, CC, Result.FAILED),
    ("plain", 0, CC + "  CC [M]  /mnt/ip_vs_test.mod.o\n", Result.OK),
    ("plain", 0, "  CC [M]  /mnt/ip_vs_test.mod.o\n", Result.FAILED),
    ("plain", 0, CC + "WARNING: modpost: missing MODULE_DESCRIPTION() in /mnt/ip_vs_test.o\n", Result.FAILED),
    ("W=1", 0, CC + "/mnt/ip_vs_test.c:44:6: warning: no previous prototype [-Wmissing-prototypes]\n", Result.FAILED),
    ("sparse", 0, CC + CHECK, Result.OK),
    ("sparse", 0, CC, Result.FAILED),
    ("sparse", 0, CC + "Makefile:1: sparse is not available or not up to date\n", Result.NOT_CHECKED),
    ("sparse", 0, CC + CHECK + "/mnt/ip_vs_test.c:44:6: error: bad constant expression\n", Result.FAILED),
    ("plain", 0, CC + "warning: the compiler differs from the one used to build the kernel\n", Result.OK),
])
def test_verdict(name: str, status: int, log: str, result: Result) -> None:
    assert judge(name, status, log).result is result


def test_a_kernel_without_packages_is_not_checked() -> None:
    row = check(KERNEL, "the archive refuses its packages: 404 Not Found")
    assert row.result is Result.NOT_CHECKED
    assert set(row.outcomes) == set(FLAGS)
    assert "[1] not checked: the archive refuses its packages: 404 Not Found" in report.table([row])
    assert report.total([row]) == "0 ok, 0 failed, 1 not checked"


def test_the_worst_check_is_the_result() -> None:
    row = check(KERNEL, "")
    ok, unchecked, failed = (Outcome(result) for result in (Result.OK, Result.NOT_CHECKED, Result.FAILED))
    for outcomes, result in (
            ((ok, ok, ok), Result.OK), ((ok, unchecked, ok), Result.NOT_CHECKED), ((unchecked, ok, failed), Result.FAILED)):
        row.outcomes.update(zip(FLAGS, outcomes, strict=True))
        assert row.result is result


def test_the_module_and_dkms_agree_on_the_version() -> None:
    assert f'MODULE_VERSION("{packaged_version()}");' in (SOURCE / "ip_vs_test.c").read_text(encoding="utf-8")
