# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Convert the option ``scope`` of ``ipvs_table``."""

from __future__ import annotations

import ipaddress

from ansible_collections.lvs.director.plugins.module_utils._model.desired import at
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.scope import ScopePart
from ansible_collections.lvs.director.plugins.module_utils._options.common import FWMARK_MAX, Params


def scope_part(path: str, part: Params) -> ScopePart:
    """Return the part of the table that an item of ``scope`` names.

    :raises IpvsInputError: it names none.
    """
    if part["fwmarks"] is not None:
        if part["addresses"] is not None or part["protocol"] is not None:
            raise IpvsInputError(path, "a service with a firewall mark has neither address nor protocol: make this two parts")
        first, last = _range(at(path, "fwmarks"), part["fwmarks"])
        return ScopePart(path, first_fwmark=first, last_fwmark=last, family=part["family"])
    if part["family"] is not None:
        raise IpvsInputError(at(path, "family"), "goes with fwmarks; an address has its own family")
    if part["addresses"] is None:
        if part["protocol"] is None:
            raise IpvsInputError(path, "give addresses, protocol or fwmarks: an empty part covers nothing")
        return ScopePart(path, protocol=part["protocol"])
    first_address, last_address = _addresses(at(path, "addresses"), part["addresses"])
    return ScopePart(path, first_address, last_address, part["protocol"])


def _range(path: str, text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    try:
        numbers = int(first), int(last if dash else first)
    except ValueError:
        numbers = 0, 0
    if not 1 <= numbers[0] <= numbers[1] <= FWMARK_MAX:
        raise IpvsInputError(path, f"{text!r} is neither a firewall mark nor a range of them, like 100-199")
    return numbers


def _addresses(path: str, text: str) -> tuple[bytes, bytes]:
    """Return first and last address of ``10.0.0.0/24``, ``10.0.0.1-10.0.0.9`` or ``10.0.0.1``."""
    first, dash, last = text.partition("-")
    try:
        if dash:
            low, high = ipaddress.ip_address(first.strip()), ipaddress.ip_address(last.strip())
        else:
            network = ipaddress.ip_network(text.strip())
            low, high = network[0], network[-1]
    except ValueError as exc:
        raise IpvsInputError(path, f"{text!r} is neither a network like 10.0.0.0/24 nor a range like 10.0.0.1-10.0.0.9: {exc}") from None
    if low.version != high.version or low.packed > high.packed:
        raise IpvsInputError(path, f"{text!r} does not begin with its first address")
    return low.packed, high.packed
