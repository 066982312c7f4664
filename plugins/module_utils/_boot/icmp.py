# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Suppress ICMP port-unreachable while a service has no scheduler.

While a service changes its scheduler, the kernel has none for it for a grace period (milliseconds). It drops the first
packet of a client that connects in that moment, and answers with "port unreachable", upon which the client gives up. Without
that answer the client sends its packet again, as if it had been lost, and is served then: TCP after a second.

No packet of a client is touched, neither of an established connection nor of a new one. The answer is one that this machine
itself would give, and that nobody may rely on: ICMP is rate-limited anyway.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError

TABLE = "inet lvs_director_scheduler"
# Seconds after which the kernel ends it, should this process be killed.
LIMIT = 30

# Only elements of sets can expire; rules cannot. Deleted first, in case a killed process has left it.
# By ICMP's code: nft 1.1 (Debian 13) takes no rule that has both a set of protocols and one of them.
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
    """Suppress these answers for the block, of at most LIMIT seconds.

    :raises IpvsUnavailableError: it cannot be done; the block was not begun.
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
