# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services under experiment, as the user's playbook gives them to the role."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import Destination, Service

PLAYBOOK = Path(__file__).parents[2] / "examples" / "overload.yml"


def services(playbook: Path = PLAYBOOK) -> dict[str, Service]:
    """The playbook's services by the name of their scheduler."""
    (play,) = yaml.safe_load(playbook.read_text())
    given = (service_from(values) for values in play["vars"]["ipvs_director_services"])
    return {service.scheduler: service for service in given}


def service_from(values: dict[str, Any]) -> Service:
    destinations = tuple(
        Destination(
            address=destination["address"],
            port=destination.get("port", values["port"]),
            weight=destination.get("weight", 1),
            upper_threshold=destination["upper_threshold"],
            lower_threshold=destination["lower_threshold"],
        )
        for destination in values["destinations"]
    )
    return Service(values["address"], values["port"], values["scheduler"], destinations)
