# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections that are held, and opened, while the role runs again on both; run_ends measures what that has cost."""

from __future__ import annotations

from pair.pair import ALL, EVERY, PAUSE, TCP, Pair


def test_traffic_begins(both: Pair) -> None:
    both.forget()
    # On a busy machine the run takes longer than the 300 seconds after which IPVS forgets an idle client of UDP.
    both.peer.open("idle", TCP, count=4)
    both.peer.open("talking", pause=PAUSE)
    both.peer.ask("begin", services=ALL, every=EVERY)
