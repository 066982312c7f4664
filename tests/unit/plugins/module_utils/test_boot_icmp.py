# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for nft, and nft's failures. The scenarios modules and scheduler_swap show that the rules work."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lvs.director.plugins.module_utils._boot import icmp as _icmp
from ansible_collections.lvs.director.plugins.module_utils._boot.icmp import LIMIT, TABLE, refusals_suppressed
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError


@pytest.fixture
def nft(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A program that saves its input, and exits with the status in a file."""
    program = tmp_path / "nft"
    program.write_text(f'#!/bin/sh\n/bin/cat >>{tmp_path}/rules; [ ! -e {tmp_path}/fails ] || {{ echo "no such thing" >&2; exit 1; }}\n')
    program.chmod(0o755)
    monkeypatch.setattr(_icmp, "_ENVIRONMENT", {"PATH": str(tmp_path)})
    return tmp_path


def test_suppression_ends_with_the_block_and_by_itself(nft: Path) -> None:
    with refusals_suppressed():
        rules = (nft / "rules").read_text()
        # Every rule depends on a set whose elements expire in the kernel.
        assert rules.count(" drop\n") == rules.count(" @refusals") == 2
        assert rules.count(f"timeout {LIMIT}s") == 2
        # First removes the leftovers of a killed process.
        assert rules.index(f"delete table {TABLE}") < rules.index(f"table {TABLE} {{")
        (nft / "rules").unlink()
    assert (nft / "rules").read_text() == f"delete table {TABLE}\n"


def test_suppression_ends_with_an_error_too(nft: Path) -> None:
    with pytest.raises(ZeroDivisionError), refusals_suppressed():
        raise ZeroDivisionError
    assert (nft / "rules").read_text().endswith(f"}}\ndelete table {TABLE}\n")


def test_without_suppression_the_block_does_not_start(nft: Path) -> None:
    (nft / "fails").touch()
    with pytest.raises(IpvsUnavailableError, match="nft cannot suppress ICMP port-unreachable: no such thing"), refusals_suppressed():
        pytest.fail("it has begun")
    (nft / "nft").unlink()
    with pytest.raises(IpvsUnavailableError, match=r"Cannot run nft: .* Install the package nftables"), refusals_suppressed():
        pytest.fail("it has begun")
