# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dry runs that depend on the predicted change of an earlier task: they warn and do not fail."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.lvs.director.plugins.module_utils._kernel import client as _client
from ansible_collections.lvs.director.plugins.module_utils._kernel import connections
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsNotReadyError, IpvsUnavailableError
from ansible_collections.lvs.director.plugins.modules import ipvs_connection_info

from contract.memory import MemoryKernel

from .conftest import Run, sides

WEB: dict[str, Any] = {"protocol": "tcp", "address": "192.0.2.1", "port": 80}
REAL: dict[str, Any] = {"address": "10.0.0.1", "forward_method": "masquerade"}
UNREADY = [IpvsNotReadyError("IPVS is not available: ip_vs is not loaded"), ImportError("No module named 'pyroute2'")]
TASKS: list[tuple[str, dict[str, Any], bool]] = [
    ("ipvs_service", {**WEB, "destinations": [REAL]}, True),
    ("ipvs_service", {**WEB, "state": "absent"}, False),
    ("ipvs_destination", {"service": WEB, **REAL}, True),
    ("ipvs_destination", {"service": WEB, **REAL, "state": "absent"}, False),
    ("ipvs_destination", {"service": WEB, "address": "10.0.0.1", "state": "drained"}, True),
    ("ipvs_table", {"services": [{**WEB, "scheduler": "test"}], "purge": True, "scope": [{"protocol": "tcp"}]}, True),
    ("ipvs_table", {"zero_counters": True}, False),
    ("ipvs_timeouts", {"tcp": 60}, True),
    ("ipvs_timeouts", {"tcp": 900}, False),
    ("ipvs_sync_daemon", {"daemon": "master", "interface": "lo"}, True),
    ("ipvs_info", {"gather_subset": ["services", "text", "timeouts", "sync_daemons"]}, False),
    ("ipvs_connection_info", {}, False),
    ("ipvs_connection_info", {"origin": True}, False),
    ("ipvs_selftest", {}, False),
]


@pytest.fixture(params=UNREADY, ids=["not loaded", "no pyroute2"])
def bare(request: pytest.FixtureRequest, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened() -> None:
        raise request.param

    monkeypatch.setattr(_client, "NetlinkKernel", opened)
    monkeypatch.setattr("ansible.module_utils.common.respawn.has_respawned", lambda: True)
    for name in ("CONNECTIONS", "CONNECTIONS_WITH_ORIGIN"):
        monkeypatch.setattr(connections, name, "/nowhere")
        monkeypatch.setattr(ipvs_connection_info, name, "/nowhere")


@pytest.mark.parametrize(("name", "arguments", "changed"), TASKS)
@pytest.mark.usefixtures("bare")
def test_a_machine_that_is_not_ready(run: Run, name: str, arguments: dict[str, Any], changed: bool) -> None:
    result = run(name, check=True, **arguments)
    assert not result.get("failed"), result["msg"]
    assert result["changed"] == changed
    assert any("cannot be predicted" in text for text in result["warnings"])
    # All keys are there, for the tasks after it.
    module = __import__(f"ansible_collections.lvs.director.plugins.modules.{name}", fromlist=["RETURN"])
    assert set(yaml.safe_load(module.RETURN)) <= set(result)
    assert run(name, **arguments)["failed"]


def test_predicted_services_are_reported(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened() -> None:
        raise UNREADY[0]

    monkeypatch.setattr(_client, "NetlinkKernel", opened)
    result = run("ipvs_table", check=True, services=[{**WEB, "scheduler": "test", "destinations": [REAL]}])
    assert result["added_services"] == [{**WEB, "fwmark": None, "family": "ipv4"}]
    assert "-> 10.0.0.1:80 masquerade" in sides(result)[1]


def test_without_root_the_error_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """No earlier task of a play changes that."""

    def opened() -> None:
        raise IpvsUnavailableError("permission denied")

    monkeypatch.setattr(_client, "NetlinkKernel", opened)
    assert run("ipvs_info", check=True)["msg"] == "permission denied"


def test_a_destination_of_a_service_yet_to_be_added(run: Run, kernel: MemoryKernel) -> None:
    assert run("ipvs_service", check=True, **WEB)["changed"]
    result = run("ipvs_destination", check=True, service=WEB, **REAL)
    assert result["changed"]
    (warning,) = result["warnings"]
    assert "cannot be predicted: service: there is no service tcp 192.0.2.1:80" in warning
    assert result["destination"] is None
    assert not kernel.steps


def test_a_scheduler_that_the_role_would_load(run: Run, kernel: MemoryKernel) -> None:
    """The rest of the prediction is complete."""
    run("ipvs_service", **WEB)
    kernel.steps.clear()
    arguments = {"services": [{**WEB, "port": 81, "scheduler": "test"}], "purge": True, "scope": [{"protocol": "tcp"}]}
    result = run("ipvs_table", check=True, **arguments)
    assert [one["port"] for one in result["removed_services"]] == [80]
    assert 'scheduler "test" is not known to the kernel' in result["warnings"][0]
    assert 'scheduler "test" is not known to the kernel' in run("ipvs_table", **arguments)["msg"]
    assert run("ipvs_table", check=True, services=[{**WEB, "scheduler": "tset"}])["failed"]
    assert not kernel.steps
