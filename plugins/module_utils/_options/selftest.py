# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Options of ``ipvs_selftest``."""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._options.common import Params, Spec


class WantedSelftest(NamedTuple):
    """The schedulers to test."""

    scheduler: str
    control: str  # "" if none


def selftest_module_spec() -> Spec:
    """Return the arguments of AnsibleModule for ``ipvs_selftest``."""
    return {
        "argument_spec": {
            "scheduler": {"type": "str", "default": "test"},
            "control": {"type": "str", "default": "fo"},
        },
        "supports_check_mode": True,
    }


def wanted_from_selftest_module(params: Params) -> WantedSelftest:
    """Return the options of a task of ``ipvs_selftest``.

    :raises IpvsInputError: a value is invalid.
    """
    wanted = WantedSelftest(params["scheduler"], params["control"])
    if not wanted.scheduler:
        raise IpvsInputError("scheduler", "the name of a scheduler is needed, for example test")
    if wanted.scheduler == wanted.control:
        raise IpvsInputError("control", f"{wanted.control} cannot be its own control: name another scheduler, or '' for none")
    return wanted
