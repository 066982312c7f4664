# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of the self-test are those of the experiment, on addresses that cannot leave the machine."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.lvs.director.plugins.module_utils._model.table import parse_address
from ansible_collections.lvs.director.plugins.module_utils._options.entries import new_entry
from ansible_collections.lvs.director.plugins.module_utils._selftest.director import options
from ansible_collections.lvs.director.plugins.module_utils._selftest.host_table import is_ours
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import loopback_service

from experiment.service import services


@pytest.mark.parametrize(("scheduler", "port"), [("test", 21), ("fo", 2121)])
def test_the_service_is_that_of_the_examples_in_another_network(scheduler: str, port: int) -> None:
    given = services()[scheduler]
    ours = loopback_service(scheduler, port)
    assert ours.address == given.address.replace("10.", "127.", 1)
    assert (ours.port, ours.scheduler) == (given.port, given.scheduler)
    for one, other in zip(ours.destinations, given.destinations, strict=True):
        assert one.address == other.address.replace("10.", "127.", 1)
        assert (one.port, one.weight) == (other.port, other.weight)
        assert (one.upper_threshold, one.lower_threshold) == (other.upper_threshold, other.lower_threshold)


def test_all_addresses_are_loopback_and_recognised() -> None:
    one = loopback_service("test", 21)
    for address in (one.address, *(destination.address for destination in one.destinations)):
        assert ipaddress.ip_address(address).is_loopback
        assert is_ours(parse_address(address))
    for other in ("127.0.0.1", "127.211.56.3", "10.211.55.3", "7fd3:3703::"):
        assert not is_ours(parse_address(other))
    assert not is_ours(b"")


def test_the_service_has_valid_module_options() -> None:
    entry = new_entry(options(loopback_service("fo", 2121)))
    assert str(entry.service.key) == "tcp 127.211.55.3:2121"
    assert entry.service.scheduler == "fo"
    assert [str(one.key) for one in entry.destinations] == [f"127.211.55.{last}:2121" for last in (253, 252, 251, 250)]
    assert {(one.forward_method, one.upper_threshold, one.lower_threshold) for one in entry.destinations} == {("masquerade", 4, 1)}
    assert [one.weight for one in entry.destinations] == [4, 3, 2, 1]
