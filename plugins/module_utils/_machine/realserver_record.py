# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The record that a run on a real server leaves for the next run and for the boot: the request, and what was added.

Only what the record lists is ever removed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._machine import files
from ansible_collections.lvs.director.plugins.module_utils._machine.realserver_model import Address, Port, Request, Tunnel
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError

PATH = "/var/lib/ipvs_realserver/record.json"


class Record(NamedTuple):
    """The content of the file."""

    request: Optional[Request] = None
    links: frozenset[str] = frozenset()
    addresses: frozenset[Address] = frozenset()
    ports: frozenset[Port] = frozenset()
    before: Mapping[str, str] = {}  # settings that were changed, with their earlier values


def load() -> Record:
    """Return the record; an empty one without a file.

    :raises IpvsUnavailableError: it cannot be read, or is damaged.
    """
    text = files.content(PATH)
    if text is None:
        return Record()
    try:
        return _record(json.loads(text))
    except (ValueError, LookupError, TypeError, AttributeError) as exc:
        raise IpvsUnavailableError(
            f"{PATH} is damaged, the record of what was made on this machine: {type(exc).__name__}, {exc}. Nothing was changed. Restore "
            "the file; or remove it, reboot, and run the task again"
        ) from exc


def save(record: Record) -> None:
    """Write the record, or remove the file if the record is empty.

    :raises IpvsUnavailableError: it cannot be written.
    """
    if record == Record():
        files.remove(PATH)
    else:
        files.write(PATH, json.dumps(_content(record), indent=2) + "\n", files.PRIVATE)


def _content(record: Record) -> dict[str, Any]:
    request = record.request
    return {
        "wanted": request and {**request._asdict(), "tunnels": [tunnel._asdict() for tunnel in request.tunnels]},
        "made": {"links": sorted(record.links), "addresses": sorted(record.addresses), "ports": sorted(record.ports)},
        "before": dict(record.before),
    }


def _record(content: Any) -> Record:
    wanted, made, before = content["wanted"], content["made"], content["before"]
    return Record(
        None if wanted is None else Request(_text(wanted["interface"]), _texts(wanted["vips"]), tuple(map(_tunnel, wanted["tunnels"]))),
        frozenset(_texts(made["links"])),
        frozenset((_text(interface), _text(address)) for interface, address in made["addresses"]),
        frozenset((int(family), int(port)) for family, port in made["ports"]),
        {_text(name): _text(value) for name, value in before.items()},
    )


def _tunnel(content: Any) -> Tunnel:
    flags = content.get("tunnel_flags") or []
    return Tunnel(
        _text(content["tunnel_type"]),
        _text(content["address"]),
        _number(content.get("tunnel_port")),
        # 0.1.0 wrote the variable as it was: a single flag could be a string.
        tuple(flags.split(",")) if isinstance(flags, str) else _texts(flags),
        _number(content.get("mtu")),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise TypeError(f"{values!r} is not a list")
    return tuple(map(_text, values))


def _number(value: Any) -> Optional[int]:
    return None if value is None else int(value)
