# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same kernel without the scheduler, where no fallback is allowed: the service is not there, and everything else is."""

from __future__ import annotations

from typing import Any

testinfra_hosts = ["ansible://unbuilt"]


def test_the_service_does_not_exist(host: Any) -> None:
    listed = host.check_output("ipvsadm -Ln --nosort")
    assert "10.211.55.3:21" not in listed
    assert "TCP  10.211.55.4:80 wlc" in listed


def test_the_unit_fails_with_the_reason(host: Any) -> None:
    assert host.check_output("systemctl show --value --property=ActiveState ipvs-director.service") == "failed"
    said = host.check_output("journalctl --boot --no-pager --output=cat --priority=err _SYSTEMD_UNIT=ipvs-director.service")
    assert said.startswith('Service tcp 10.211.55.3:21: its scheduler "test" is missing')
    assert said.endswith("The service was not restored")
