# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Suppress ICMP port-unreachable while a service has no scheduler.

While a service changes its scheduler, it has none for an RCU grace period (milliseconds). The kernel drops the first packet of
a client that connects just then and replies with "port unreachable", and the client gives up. Without that reply the client
retransmits and gets through: with TCP, after one second.

Client packets are not affected, on new or established connections. Only ICMP errors that this machine sends are dropped, and
nobody can rely on those: they are rate-limited anyway.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError

TABLE = "inet lvs_director_scheduler"
# Seconds after which the kernel lifts it, in case this process is killed.
LIMIT = 30

# Set elements can expire, rules cannot. The table is deleted first, in case a killed process left it behind.
# Matches the ICMP code: nft 1.1 (Debian 13) rejects a rule with both a set of protocols and one of them.
_RULES = f"""
add table {TABLE}
delete table {TABLE}
table {TABLE} {{
    set refusals {{
        type icmp_code
        flags timeout
        elements = {{ port-unreachable timeout {LIMIT}s }}
    }}
    set refusals6 {{
        type icmpv6_code
        flags timeout
        elements = {{ port-unreachable timeout {LIMIT}s }}
    }}
    chain output {{
        type filter hook output priority raw
        icmp type destination-unreachable icmp code @refusals drop
        icmpv6 type destination-unreachable icmpv6 code @refusals6 drop
    }}
}}
"""
_ENVIRONMENT = {"PATH": os.pathsep.join(("/usr/sbin", "/sbin", "/usr/bin", "/bin")), "LC_ALL": "C"}


@contextlib.contextmanager
def refusals_suppressed() -> Iterator[None]:
    """Suppress these replies during the block, for at most LIMIT seconds.

    :raises IpvsUnavailableError: nft failed; the block was not entered.
    """
    _nft(_RULES)
    try:
        yield
    finally:
        _nft(f"delete table {TABLE}\n")


def _nft(rules: str) -> None:
    try:
        done = subprocess.run(["nft", "-f", "-"], env=_ENVIRONMENT, input=rules, capture_output=True, check=False, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired as exc:
        raise IpvsUnavailableError(f"nft -f - did not end within {LIMIT} seconds, and was killed") from exc
    except OSError as exc:
        raise IpvsUnavailableError(f"Cannot run nft: {exc.strerror}. Install the package nftables") from exc
    if done.returncode:
        raise IpvsUnavailableError(f"nft cannot suppress ICMP port-unreachable: {done.stderr.strip() or f'exit status {done.returncode}'}")
