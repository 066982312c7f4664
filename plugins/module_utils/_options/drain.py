# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Convert the drain options of ``ipvs_destination``."""

from __future__ import annotations

from ansible_collections.lvs.director.plugins.module_utils._model.drain import Drain
from ansible_collections.lvs.director.plugins.module_utils._model.uapi import INT_MAX, MAX_TIMEOUT
from ansible_collections.lvs.director.plugins.module_utils._options.common import Params, number


def drain_from_destination_module(params: Params) -> Drain:
    """Return the drain options of a task of ``ipvs_destination``.

    :raises IpvsInputError: a value is invalid.
    """
    return Drain(
        timeout=number(params, "", "drain_timeout", 0, MAX_TIMEOUT, " seconds"),
        connections=number(params, "", "drain_connections", 0, INT_MAX),
        counted=params["drain_count"],
        remove=params["drain_then"] == "remove",
        min_available=number(params, "", "min_available", 0, INT_MAX),
        fail_on_timeout=params["drain_on_timeout"] == "fail",
    )
