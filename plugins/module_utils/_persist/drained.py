# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""The weights that drained destinations had, kept for when they come back.

The kernel has no place for them: a drained destination has weight 0, and one that was removed is not there. They stand
in a file of root's, so that they outlive the task that drained, and a reboot.
"""

from __future__ import annotations

import json
import os
from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationKey, ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._persist.files import DIRECTORY, VOLATILE_DIRECTORY, other_namespace, replacement

_Weights = dict[str, dict[str, int]]


def path() -> str:
    """Return the file of the network namespace in which this process runs."""
    namespace = other_namespace()
    return f"{DIRECTORY}/drained.json" if namespace is None else f"{VOLATILE_DIRECTORY}/drained-{namespace}.json"


def earlier_weight(service: ServiceKey, destination: DestinationKey) -> Optional[int]:
    """Return the weight that a destination had before it was drained, None if it was not.

    :raises IpvsUnavailableError: the file is there but cannot be read.
    """
    return _read().get(str(service), {}).get(str(destination))


def remember(service: ServiceKey, destination: DestinationKey, weight: int) -> None:
    """Keep a destination's weight.

    :raises IpvsUnavailableError: it cannot be kept.
    """
    weights = _read()
    weights.setdefault(str(service), {})[str(destination)] = weight
    _write(weights)


def forget(service: ServiceKey, destination: DestinationKey) -> None:
    """Drop a destination's weight, if there is one.

    :raises IpvsUnavailableError: the file cannot be changed.
    """
    weights = _read()
    if weights.get(str(service), {}).pop(str(destination), None) is not None:
        _write({name: kept for name, kept in weights.items() if kept})


def _read() -> _Weights:
    name = path()
    try:
        with open(name, encoding="ascii") as file:
            content = json.load(file)
        weights = content["weights"]
        return {str(service): {str(one): int(weight) for one, weight in kept.items()} for service, kept in weights.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as exc:
        raise IpvsUnavailableError(f"Cannot read the weights of drained destinations from {name}: {exc}. Mend or remove the file") from exc


def _write(weights: _Weights) -> None:
    """Without any weight there is no file: nothing of a drain is left on a machine where it has ended."""
    name = path()
    try:
        if not weights:
            os.unlink(name)
            return
        with replacement(name, json.dumps({"weights": weights}, indent=2, sort_keys=True) + "\n"):
            pass
    except OSError as exc:
        raise IpvsUnavailableError(f"Cannot keep the weights of drained destinations in {name}: {exc}. Nothing was changed") from exc
