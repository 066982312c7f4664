# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections that are held, and opened, while the role runs again on both; run_ends measures what that has cost."""

from __future__ import annotations

from pair.pair import ALL, EVERY, PAUSE, Pair


def test_traffic_begins(both: Pair) -> None:
    both.peer.open("idle", count=2)
    both.peer.open("talking", pause=PAUSE)
    both.peer.ask("begin", services=ALL, every=EVERY)
