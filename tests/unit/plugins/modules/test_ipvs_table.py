# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``ipvs_table``: the whole table from one task; purges, moves, and refusals, by index."""

from __future__ import annotations

import base64
import copy
import errno
import zlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lvs.director.plugins.action.ipvs_table import packed
from ansible_collections.lvs.director.plugins.module_utils._apply import preflight
from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._model.steps import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    EditDestination,
    ZeroCounters,
)
from ansible_collections.lvs.director.plugins.module_utils._model.table import Stats
from ansible_collections.lvs.director.plugins.module_utils._options.table import SCOPE_SPEC, TABLE_SERVICE_SPEC
from ansible_collections.lvs.director.plugins.modules import ipvs_table

from contract.memory import MemoryKernel

from .conftest import Run

Options = dict[str, Any]


def service(number: int, *destinations: int, **options: Any) -> Options:
    listed = [{"address": f"10.0.0.{one}", "forward_method": "masquerade"} for one in destinations]
    return {"protocol": "tcp", "address": f"192.0.2.{number}", "port": 80, "scheduler": "sh", "destinations": listed, **options}


LAN = [{"addresses": "192.0.2.0/24"}]


def table(kernel: MemoryKernel) -> dict[str, list[int]]:
    """The table, as the last numbers of addresses."""
    return {str(key): [one.key.address[-1] for one in kernel.destinations[key]] for key in kernel.services}


def test_the_life_of_a_table(run: Run, kernel: MemoryKernel) -> None:
    states = (
        [service(1, 1, 2, 3), service(2, 4, 5)],
        [service(1, 3, 1, 2), service(2, 4, 5, persistence_timeout=60), service(3)],
        [service(3, 7), service(1, 2)],
        [],
    )
    for services in states:
        arguments = {"services": services, "purge": True, "scope": LAN}
        predicted = run("ipvs_table", check=True, **arguments)
        steps = len(kernel.steps)
        assert run("ipvs_table", check=True, **arguments) == predicted
        assert len(kernel.steps) == steps
        done = run("ipvs_table", **arguments)
        assert done == predicted, "check mode did not tell the truth"
        assert done["changed"]
        assert table(kernel) == {
            f"tcp {one['address']}:80": [int(real["address"].split(".")[3]) for real in one["destinations"]] for one in services
        }
        again = run("ipvs_table", **arguments)
        assert not again["changed"]
        assert again["diff"] == []
        assert again["added_services"] == again["changed_services"] == again["removed_services"] == []


def test_only_changed_services_are_touched_and_returned(run: Run, kernel: MemoryKernel) -> None:
    services = [service(number, *range(1, 9)) for number in range(1, 21)]
    run("ipvs_table", services=services)
    kernel.steps.clear()
    services[7]["destinations"][2]["weight"] = 9
    result = run("ipvs_table", services=services)
    assert [type(step) for step in kernel.steps] == [EditDestination]
    assert [one["address"] for one in result["changed_services"]] == ["192.0.2.8"]
    assert result["added_services"] == result["removed_services"] == []
    (changed,) = result["diff"]
    assert changed["before_header"] == changed["after_header"] == "tcp 192.0.2.8:80"
    assert changed["before"].count("\n") == 9
    assert "  -> 10.0.0.3:80 masquerade weight 9\n" in changed["after"]


def test_purge_stays_in_its_scope(run: Run, kernel: MemoryKernel) -> None:
    foreign = [
        {"protocol": "tcp", "address": "10.96.0.1", "port": 443, "destinations": [{"address": "10.0.0.9"}]},
        {"fwmark": 7, "destinations": [{"address": "10.0.0.9"}]},
        {"fwmark": 8, "family": "ipv6"},
        {"protocol": "udp", "address": "192.0.2.77", "port": 53},
        {"protocol": "tcp", "address": "2001:db8::1", "port": 53},
    ]
    run("ipvs_table", services=[*foreign, service(1, 1), service(2, 2)])
    before = table(kernel)
    kernel.steps.clear()

    def purge(*scope: Options) -> set[str]:
        result = run("ipvs_table", services=[], purge=True, scope=list(scope), check=True)
        return {one["address"] or f"{one['fwmark']} {one['family']}" for one in result["removed_services"]}

    assert purge({"addresses": "192.0.2.0/24"}) == {"192.0.2.1", "192.0.2.2", "192.0.2.77"}
    assert purge({"addresses": "192.0.2.2-192.0.2.77"}) == {"192.0.2.2", "192.0.2.77"}
    assert purge({"addresses": "192.0.2.2"}) == {"192.0.2.2"}
    assert purge({"addresses": "192.0.2.0/24", "protocol": "tcp"}) == {"192.0.2.1", "192.0.2.2"}
    assert purge({"protocol": "udp"}) == {"192.0.2.77"}
    assert purge({"addresses": "2001:db8::/32"}) == {"2001:db8::1"}
    assert purge({"addresses": "0.0.0.0/0"}) == {"10.96.0.1", "192.0.2.1", "192.0.2.2", "192.0.2.77"}
    assert purge({"fwmarks": "7"}) == {"7 ipv4"}
    assert purge({"fwmarks": "1-100"}) == {"7 ipv4", "8 ipv6"}
    assert purge({"fwmarks": "1-100", "family": "ipv6"}) == {"8 ipv6"}
    assert purge({"fwmarks": "9-100"}, {"addresses": "192.0.2.1"}) == {"192.0.2.1"}
    assert not kernel.steps
    result = run("ipvs_table", services=[service(2, 2)], purge=True, scope=LAN)
    assert {one["address"] for one in result["removed_services"]} == {"192.0.2.1", "192.0.2.77"}
    del before["tcp 192.0.2.1:80"], before["udp 192.0.2.77:53"]
    assert table(kernel) == before


def test_unlisted_services_stay_without_purge(run: Run, kernel: MemoryKernel) -> None:
    run("ipvs_table", services=[service(1, 1, 2, 3), service(2, 4)])
    assert not run("ipvs_table", services=[service(1, 1)])["changed"]
    run("ipvs_table", services=[service(1, 1)], exclusive_destinations=True)
    assert table(kernel) == {"tcp 192.0.2.1:80": [1], "tcp 192.0.2.2:80": [4]}
    run("ipvs_table", services=[service(2, 5, exclusive_destinations=True)])
    assert table(kernel)["tcp 192.0.2.2:80"] == [5]
    # A service without a list leaves its destinations alone.
    one = service(1)
    del one["destinations"]
    assert not run("ipvs_table", services=[one, service(2, 5)], purge=True, scope=LAN)["changed"]
    run("ipvs_table", services=[service(2, 6, exclusive_destinations=False)], purge=True, scope=LAN)
    assert table(kernel) == {"tcp 192.0.2.2:80": [6, 5]}
    run("ipvs_table", services=[service(2, state="absent")])
    assert not kernel.services


@pytest.mark.parametrize(
    ("scheduler", "ordered", "moves"),
    [
        ("sh", None, True),
        ("mh", None, True),
        ("dh", None, True),
        ("rr", None, False),
        ("fo", None, False),
        ("rr", True, True),
        ("sh", False, False),
    ],
)
def test_moved_destinations(run: Run, kernel: MemoryKernel, scheduler: str, ordered: bool | None, moves: bool) -> None:
    run("ipvs_table", services=[service(1, 1, 2, 3, scheduler=scheduler)])
    kernel.steps.clear()
    result = run("ipvs_table", services=[service(1, 3, 1, 2, scheduler=scheduler, ordered=ordered)])
    assert result["changed"] == moves
    assert [type(step) for step in kernel.steps] == ([DeleteDestination, AddDestination] if moves else [])
    run("ipvs_table", services=[service(1, 9, 2, 8, scheduler=scheduler, ordered=ordered)])
    assert table(kernel)["tcp 192.0.2.1:80"] == ([9, 2, 8, 3, 1] if moves else [9, 8, 1, 2, 3])


@pytest.mark.parametrize(("value", "warned"), [("0", False), ("1", True), (None, False)])
def test_a_move_while_connections_expire(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None, warned: bool
) -> None:
    sysctl = tmp_path / "expire_nodest_conn"
    if value:
        sysctl.write_text(f"{value}\n")
    monkeypatch.setattr(preflight, "EXPIRE_NODEST_CONN", str(sysctl))
    run("ipvs_table", services=[service(1, 1, 2, 3)])
    for check in (True, False):
        result = run("ipvs_table", services=[service(1, 3, 1, 2)], check=check)
        warnings = result.get("warnings", [])
        assert bool(warnings) == warned
        assert all("10.0.0.3:80 of service tcp 192.0.2.1:80. A connection" in text for text in warnings)
    # To add and to delete moves nothing.
    assert "warnings" not in run("ipvs_table", services=[service(1, 4, 3, 1, exclusive_destinations=True)])


def test_the_order_of_the_steps_over_services(run: Run, kernel: MemoryKernel) -> None:
    run("ipvs_table", services=[service(1, 1), service(2, 2)])
    kernel.steps.clear()
    kernel.stats[next(iter(kernel.services))] = Stats(1)
    run("ipvs_table", services=[service(2, 3), service(3, 1)], purge=True, scope=LAN)
    assert [type(step) for step in kernel.steps] == [AddDestination, AddService, AddDestination, DeleteDestination, DeleteService]


def test_counters_are_zeroed(run: Run, kernel: MemoryKernel) -> None:
    run("ipvs_table", services=[service(1, 1), service(2, 2)])
    first, second = kernel.services
    for arguments, left, step in (
        ({"services": [service(1, 1)], "zero_counters": True}, {second}, ZeroCounters(first)),
        ({"zero_counters": True}, set(), ZeroCounters(None)),
    ):
        kernel.stats = {first: Stats(3), second: Stats(4)}
        kernel.steps.clear()
        predicted = run("ipvs_table", check=True, **arguments)
        assert predicted["changed"]
        assert predicted["diff"] == [
            {"before_header": "counters", "after_header": "counters", "before": "", "after": f"({step})\n"}
        ]
        assert run("ipvs_table", **arguments) == predicted
        assert kernel.steps == [step]
        assert set(kernel.stats) == left
        assert not run("ipvs_table", **arguments)["changed"]
    result = run("ipvs_service", protocol="tcp", address="192.0.2.1", port=80, zero_counters=True)
    assert not result["changed"]
    kernel.stats = {first: Stats(3), second: Stats(4)}
    result = run("ipvs_service", protocol="tcp", address="192.0.2.1", port=80, zero_counters=True)
    assert result["changed"]
    assert result["service"]["stats"]["connections"] == 0
    assert set(kernel.stats) == {second}


REFUSED: list[tuple[Options, str]] = [
    ({"services": [service(1), service(2), service(1, 1)]},
     "services[2] (tcp 192.0.2.1:80): tcp 192.0.2.1:80 is listed already, as services[0]"),
    (
        {"services": [service(2), service(1, 1, 2, 1)]},
        "services[1] (tcp 192.0.2.1:80).destinations[2] (10.0.0.1): 10.0.0.1:80 is listed already, as services[1].destinations[0]",
    ),
    ({"services": [service(1, 1, 2), service(2, 3, persistence_netmask="24")]},
     "services[1] (tcp 192.0.2.2:80).persistence_netmask: the service is not persistent: give persistence_timeout too"),
    ({"services": [service(1), {"protocol": "tcp", "address": "192.0.2.1"}]},
     "services[1] (tcp 192.0.2.1): parameters are required together: protocol, address, port"),
    ({"services": [{"port": 80}]}, "services[0] (port 80): one of the following is required: address, fwmark"),
    ({"services": [{"fwmark": 1, "port": 80}]}, "services[0] (fwmark 1): parameters are mutually exclusive: port|fwmark"),
    ({"services": [service(1, sheduler="rr")]}, "services[0] (tcp 192.0.2.1:80): there is no option sheduler. Did you mean scheduler?"),
    ({"services": [service(1, protocol="tpc")]},
     "services[0] (tpc 192.0.2.1:80).protocol: 'tpc' is none of tcp, udp, sctp. Did you mean tcp?"),
    ({"services": [service(1, port="http")]}, "services[0] (tcp 192.0.2.1:http).port: 'http' is not a whole number"),
    ({"services": [service(1, port=True)]}, "services[0] (tcp 192.0.2.1:True).port: True is not a whole number"),
    ({"services": [service(1, one_packet="maybe")]}, "services[0] (tcp 192.0.2.1:80).one_packet: 'maybe' is neither true nor false"),
    ({"services": [service(1, scheduler=["rr"])]}, "services[0] (tcp 192.0.2.1:80).scheduler: ['rr'] is not a text"),
    ({"services": [service(1, scheduler_flags=["sh-prot"])]},
     "services[0] (tcp 192.0.2.1:80).scheduler_flags: 'sh-prot' is none of flag-1, "),
    ({"services": [service(1, scheduler_flags={})]}, "services[0] (tcp 192.0.2.1:80).scheduler_flags: {} is not a list"),
    ({"services": [service(1, destinations=[{"weight": 1}])]}, "services[0] (tcp 192.0.2.1:80).destinations[0].address: is missing"),
    ({"services": [service(1, destinations=["10.0.0.1"])]},
     "services[0] (tcp 192.0.2.1:80).destinations[0]: '10.0.0.1' is not a dictionary of options. Did you mean {address: 10.0.0.1}?"),
    ({"services": [service(1, destinations=[{"address": "10.0.0.1"}, {"address": "10.0.0.2", "wieght": 1}])]},
     "services[0] (tcp 192.0.2.1:80).destinations[1] (10.0.0.2): there is no option wieght. Did you mean weight?"),
    ({"services": [service(1, destinations=[{"address": "10.0.0.1", "weight": 1}, {"address": "10.0.0.2", "weight": -1}])]},
     "services[0] (tcp 192.0.2.1:80).destinations[1] (10.0.0.2).weight: -1 is not in the range 0 to 2147483647"),
    ({"services": [service(1, destinations=[{"address": "10.0.0.1", "port": 65536, "forward_method": "masquerade"}])]},
     "services[0] (tcp 192.0.2.1:80).destinations[0] (10.0.0.1:65536).port: 65536 is not in the range 0 to 65535"),
    ({"services": [service(1, 1, 2), service(2, destinations=[{"address": "10.0.0.1", "upper_threshold": 4, "lower_threshold": 9}])]},
     "services[1] (tcp 192.0.2.2:80).destinations[0] (10.0.0.1).lower_threshold: lower_threshold 9 is above upper_threshold 4"),
    ({"services": [service(1, 1), service(2, scheduler="tset")]},
     'Cannot add service tcp 192.0.2.2:80: scheduler "tset" is not known to the kernel: no module ip_vs_tset'),
    ({"services": [service(1, exclusive_destinations=True, destinations=None)]},
     "services[0] (tcp 192.0.2.1:80).exclusive_destinations: give destinations too; an empty list removes them all"),
    ({"services": [service(1)], "scope": [{"addresses": "198.51.100.0/24"}]},
     "services[0] (tcp 192.0.2.1:80): tcp 192.0.2.1:80 is outside of the declared scope"),
    ({"services": [], "purge": True}, "purge is True but all of the following are missing: scope"),
    ({"services": [], "purge": True, "scope": []}, "scope: is empty: say in which part of the table to delete"),
    ({"purge": True, "scope": LAN}, "purge is True but all of the following are missing: services"),
    ({"purge": True, "scope": LAN, "services": None}, "purge is True but all of the following are missing: services"),
    ({}, "services: is missing: list the services, or give zero_counters: true"),
    ({"zero_counters": False}, "services: is missing: list the services"),
    ({"services": None}, "services: is missing: list the services"),
    ({"scope": LAN, "exclusive_destinations": True}, "services: is missing: list the services"),
    ({"services": [], "scope": [{}]}, "scope[0]: give addresses, protocol or fwmarks"),
    ({"services": [], "scope": [{"addresses": "192.0.2.1/24"}]}, "scope[0].addresses: '192.0.2.1/24' is neither a network like"),
    ({"services": [], "scope": [{"addresses": "192.0.2.9-192.0.2.1"}]}, "does not begin with its first address"),
    ({"services": [], "scope": [{"addresses": "192.0.2.9-2001:db8::1"}]}, "does not begin with its first address"),
    ({"services": [], "scope": [{"fwmarks": "9-1"}]}, "scope[0].fwmarks: '9-1' is neither a firewall mark nor a range"),
    ({"services": [], "scope": [{"fwmarks": "0"}]}, "scope[0].fwmarks: '0' is neither a firewall mark nor a range"),
    ({"services": [], "scope": [{"fwmarks": "x"}]}, "scope[0].fwmarks: 'x' is neither a firewall mark nor a range"),
    ({"services": [], "scope": [{"fwmarks": "1", "protocol": "tcp"}]}, "scope[0]: a service with a firewall mark has neither"),
    ({"services": [], "scope": [{"addresses": "192.0.2.1", "family": "ipv4"}]}, "scope[0].family: goes with fwmarks"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
@pytest.mark.parametrize("check", [True, False])
def test_refused_before_anything_is_touched(run: Run, kernel: MemoryKernel, arguments: Options, message: str, check: bool) -> None:
    result = run("ipvs_table", check=check, **copy.deepcopy(arguments))
    assert result["failed"]
    assert message in result["msg"]
    assert not kernel.steps


def test_mixed_families_and_a_sync_daemon(run: Run, kernel: MemoryKernel) -> None:
    kernel.daemons.append(SyncDaemon("master", "eth1", 0, 1472, b"\xe0\0\0\x51", 8848, 1))
    mixed = service(2, destinations=[{"address": "2001:db8::9", "forward_method": "tunnel"}])
    result = run("ipvs_table", services=[service(1, 1), mixed])
    assert "Cannot add destination [2001:db8::9]:80 to service tcp 192.0.2.2:80: its family is not the service's" in result["msg"]
    assert not kernel.steps


def test_values_are_converted_as_ansible_does(run: Run, kernel: MemoryKernel) -> None:
    words = {"port": "80", "persistence_timeout": "60", "one_packet": "no", "scheduler_flags": "flag-1,flag-2"}
    real = {"address": "10.0.0.1", "weight": "7", "upper_threshold": "9", "port": "80", "tunnel_flags": ["csum"],
            "forward_method": "tunnel", "tunnel_type": "gre"}  # fmt: skip
    run("ipvs_table", services=[service(1, **words, destinations=[real, {"address": "10.0.0.2", "weight": "7"}])])
    (found,) = run("ipvs_info")["services"]
    assert (found["port"], found["persistence_timeout"], found["one_packet"]) == (80, 60, False)
    assert found["scheduler_flags"] == ["sh-fallback", "sh-port"]
    assert [one["weight"] for one in found["destinations"]] == [7, 7]
    assert found["destinations"][0]["tunnel_flags"] == ["csum"]


def test_services_may_come_packed(run: Run) -> None:
    """As the action plugin sends them: everything is judged and done as for dictionaries."""
    services = [service(1, 1, 2), service(2, 3, state="absent")]
    predicted = run("ipvs_table", check=True, services=services)
    done = run("ipvs_table", services=packed(services))
    assert done == predicted
    assert done["invocation"]["module_args"]["services"] == "2 services"
    refused = run("ipvs_table", services=packed([services[0], service(2, "x")]))
    assert refused["msg"].startswith("services[1] (tcp 192.0.2.2:80).destinations[0] (10.0.0.x).address: '10.0.0.x' is not an IPv4")
    assert refused["invocation"]["module_args"]["services"] == "2 services"
    refused = run("ipvs_table", services=packed([services[0], 7]))
    assert refused["msg"] == "services[1]: 7 is not a dictionary of options"


def test_an_empty_list_may_be_packed(run: Run) -> None:
    """An empty list is not the same as no list: with a scope, all is purged."""
    run("ipvs_table", services=[service(1, 1)])
    purge: dict[str, Any] = {"purge": True, "scope": [{"protocol": "tcp"}]}
    assert run("ipvs_table", check=True, services=packed([]), **purge) == run("ipvs_table", check=True, services=[], **purge)
    assert len(run("ipvs_table", services=packed([]), **purge)["removed_services"]) == 1


def test_values_without_json_are_not_packed() -> None:
    services = [service(1, weight={1, 2})]
    assert packed(services) is services


@pytest.mark.parametrize("text", ["", "x", "eJxLBAA=", 7, base64.b64encode(zlib.compress(b"no JSON")).decode()])
def test_a_damaged_package_is_refused(run: Run, kernel: MemoryKernel, text: object) -> None:
    refused = run("ipvs_table", services=[{"packed": text, "number": 1}])
    assert refused["failed"]
    assert "damaged on the way" in refused["msg"]
    assert not kernel.steps


def test_a_weight_is_not_a_boolean(run: Run) -> None:
    """True equals 1, but is no weight, not even after a destination of weight 1."""
    real = {"address": "10.0.0.1", "weight": 1}
    refused = run("ipvs_table", services=[service(1, destinations=[real, {"address": "10.0.0.2", "weight": True}])])
    assert refused["msg"] == "services[0] (tcp 192.0.2.1:80).destinations[1] (10.0.0.2).weight: True is not a whole number"


def state(kernel: MemoryKernel) -> tuple[Any, Any]:
    return dict(kernel.services), {key: list(value) for key, value in kernel.destinations.items()}


BEFORE = [service(1, 1, 2, 3, persistence_timeout=0), service(2, 4, scheduler="rr"), service(3, 5)]
AFTER = [service(1, 6, 3, 1, persistence_timeout=9), service(2, 4, 7, scheduler="wrr"), service(4, 1)]


def test_a_refusal_at_any_step_leaves_the_table_unchanged(run: Run, kernel: MemoryKernel) -> None:
    run("ipvs_table", services=BEFORE)
    before = state(kernel)
    kernel.steps.clear()
    run("ipvs_table", services=AFTER, purge=True, scope=LAN)
    number_of_steps = len(kernel.steps)
    assert number_of_steps > 8
    for refused in range(number_of_steps):
        run("ipvs_table", services=BEFORE, purge=True, scope=LAN)
        assert state(kernel) == before
        kernel.steps.clear()
        kernel.refuse = lambda step, refused=refused: errno.ENOMEM if len(kernel.steps) == refused + 1 else 0  # type: ignore[misc]
        result = run("ipvs_table", services=AFTER, purge=True, scope=LAN)
        kernel.refuse = lambda step: 0
        assert result["failed"]
        assert f"Cannot {kernel.steps[refused]}: Cannot allocate memory (ENOMEM)" in result["msg"]
        assert "The earlier changes were undone" in result["msg"] or "Nothing was changed" in result["msg"]
        assert state(kernel) == before


class Killed(BaseException):
    """Like SIGKILL: no code of the module runs after it."""


def test_the_next_run_completes_one_killed_at_any_step(run: Run, kernel: MemoryKernel) -> None:
    run("ipvs_table", services=BEFORE)
    kernel.steps.clear()
    run("ipvs_table", services=AFTER, purge=True, scope=LAN)
    after, number_of_steps = state(kernel), len(kernel.steps)
    for fatal in range(1, number_of_steps + 1):
        run("ipvs_table", services=BEFORE, purge=True, scope=LAN)
        kernel.steps.clear()

        def kill(_step: object, fatal: int = fatal) -> None:
            if len(kernel.steps) == fatal:
                raise Killed

        kernel.meanwhile = kill
        with pytest.raises(Killed):
            run("ipvs_table", services=AFTER, purge=True, scope=LAN)
        kernel.meanwhile = lambda step: None
        run("ipvs_table", services=AFTER, purge=True, scope=LAN)
        assert state(kernel) == after


def test_documented_values_are_returned_and_accepted() -> None:
    options = yaml.safe_load(ipvs_table.DOCUMENTATION)["options"]

    def shape(options: Options, values: str) -> Options:
        return {
            name: (
                option.get("type", "str"),
                option.get("elements"),
                option.get("choices"),
                option.get("required", False),
                option.get("default"),
                shape(option.get(values) or {}, values),
            )
            for name, option in options.items()
        }

    assert shape(options["services"]["suboptions"], "suboptions") == shape(TABLE_SERVICE_SPEC, "options")
    assert shape(options["scope"]["suboptions"], "suboptions") == shape(SCOPE_SPEC, "options")


def test_returned_keys(run: Run) -> None:
    documented = yaml.safe_load(ipvs_table.RETURN)
    result = run("ipvs_table", services=[service(1, 1)])
    assert set(documented) == set(result) - {"changed", "diff", "invocation"}
    changed = run("ipvs_table", services=[service(1, 2)])
    removed = run("ipvs_table", services=[], purge=True, scope=LAN)
    for key, one in (("added_services", result), ("changed_services", changed), ("removed_services", removed)):
        assert [sample.keys() for sample in documented[key]["sample"]] == [found.keys() for found in one[key]]
