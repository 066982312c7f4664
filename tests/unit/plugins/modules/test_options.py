# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of every module has an effect: a task with it behaves unlike one without it, or with another value.

The other tests check the exact effect. Here, every option must have a case, and every case an option.
"""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ansible_collections.lvs.director.plugins.module_utils._apply import drain as _drain
from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationCounters, Stats
from ansible_collections.lvs.director.plugins.module_utils._options.connections import connection_info_module_spec
from ansible_collections.lvs.director.plugins.module_utils._options.destination import destination_module_spec
from ansible_collections.lvs.director.plugins.module_utils._options.health import (
    CHECK_SPECS,
    DESTINATION_HEALTH_SPEC,
    SERVICE_SPEC,
    health_module_spec,
)
from ansible_collections.lvs.director.plugins.module_utils._options.selftest import selftest_module_spec
from ansible_collections.lvs.director.plugins.module_utils._options.service import service_module_spec
from ansible_collections.lvs.director.plugins.module_utils._options.settings import sync_daemon_module_spec, timeouts_module_spec
from ansible_collections.lvs.director.plugins.module_utils._options.table import TABLE_SERVICE_SPEC, table_module_spec
from ansible_collections.lvs.director.plugins.modules import ipvs_connection_info as _run_connection_info
from ansible_collections.lvs.director.plugins.modules.ipvs_boot import boot_module_spec
from ansible_collections.lvs.director.plugins.modules.ipvs_fwmark import fwmark_module_spec
from ansible_collections.lvs.director.plugins.modules.ipvs_handover import handover_module_spec
from ansible_collections.lvs.director.plugins.modules.ipvs_info import info_module_spec
from ansible_collections.lvs.director.plugins.modules.ipvs_machine_info import machine_info_module_spec
from ansible_collections.lvs.director.plugins.modules.ipvs_realserver import realserver_module_spec
from ansible_collections.lvs.director.plugins.modules.ipvs_scheduler import scheduler_module_spec
from ansible_collections.lvs.director.plugins.modules.ipvs_sysctl import sysctl_module_spec
from ansible_collections.lvs.director.plugins.modules.ipvs_vip import vip_module_spec
from ansible_collections.lvs.director.plugins.modules.ipvs_vrrp import vrrp_module_spec

from contract.memory import Interface, MemoryKernel

from . import (
    test_boot,
    test_drain,
    test_fwmark,
    test_handover,
    test_health,
    test_machine_info,
    test_realserver,
    test_scheduler,
    test_selftest,
    test_sysctl,
    test_vip,
    test_vrrp,
)
from .conftest import Result, Run
from .test_connection_info import LISTING, SYNC

Options = dict[str, Any]

SPECS = {
    "ipvs_service": service_module_spec(),
    "ipvs_table": table_module_spec(),
    "ipvs_destination": destination_module_spec(),
    "ipvs_info": info_module_spec(),
    "ipvs_timeouts": timeouts_module_spec(),
    "ipvs_sync_daemon": sync_daemon_module_spec(),
    "ipvs_connection_info": connection_info_module_spec(),
    "ipvs_selftest": selftest_module_spec(),
    "ipvs_realserver": realserver_module_spec(),
    "ipvs_boot": boot_module_spec(),
    "ipvs_handover": handover_module_spec(),
    "ipvs_health": health_module_spec(),
    "ipvs_scheduler": scheduler_module_spec(),
    "ipvs_machine_info": machine_info_module_spec(),
    # An action plugin alone, with its own tests: tests/unit/roles/test_preflight.py
    "ipvs_role_variables": {"argument_spec": {}},
    "ipvs_vip": vip_module_spec(),
    "ipvs_vrrp": vrrp_module_spec(),
    "ipvs_fwmark": fwmark_module_spec(),
    "ipvs_sysctl": sysctl_module_spec(),
}


class Case(NamedTuple):
    """Options of a task, and of another one that differs in one option."""

    one: Options
    other: Options
    before: tuple[Options, ...] = ()  # services that are there


WEB: Options = {"protocol": "tcp", "address": "192.0.2.1", "port": 80}
DNS: Options = {"protocol": "udp", "address": "192.0.2.1", "port": 53}
ONE: Options = {"address": "10.0.0.1", "forward_method": "masquerade"}
TWO: Options = {"address": "10.0.0.2", "forward_method": "masquerade"}
FULL: Options = {**WEB, "destinations": [ONE, TWO]}
TUNNEL: Options = {"address": "10.0.0.1", "forward_method": "tunnel"}
GUE: Options = {"address": "10.0.0.1", "forward_method": "tunnel", "tunnel_type": "gue", "tunnel_port": 6080}
MARK: Options = {"fwmark": 7}

# Of a destination, wherever it is.
DESTINATION = {
    "address": (ONE, TWO),
    "port": (ONE, {**ONE, "port": 8080}),
    "forward_method": (ONE, {**ONE, "forward_method": "direct"}),
    "weight": (ONE, {**ONE, "weight": 5}),
    "upper_threshold": (ONE, {**ONE, "upper_threshold": 4}),
    "lower_threshold": ({**ONE, "upper_threshold": 4}, {**ONE, "upper_threshold": 4, "lower_threshold": 1}),
    "tunnel_type": ({**ONE, "forward_method": "tunnel"}, {**ONE, "forward_method": "tunnel", "tunnel_type": "gre"}),
    "tunnel_port": (GUE, {**GUE, "tunnel_port": 6081}),
    "tunnel_flags": (GUE, {**GUE, "tunnel_flags": ["csum"]}),
}
# The name of a service, wherever it is.
KEY = {
    "protocol": (WEB, {**WEB, "protocol": "sctp"}),
    "address": (WEB, {**WEB, "address": "192.0.2.2"}),
    "port": (WEB, {**WEB, "port": 81}),
    "fwmark": (MARK, {"fwmark": 8}),
    "family": (MARK, {**MARK, "family": "ipv6"}),
}
# Of a service, in ipvs_service and in ipvs_table.
SERVICE = {
    **{option: Case(*values) for option, values in KEY.items()},
    "state": Case(WEB, {**WEB, "state": "absent"}, (WEB,)),
    "scheduler": Case(WEB, {**WEB, "scheduler": "fo"}),
    "scheduler_flags": Case({**WEB, "scheduler": "sh"}, {**WEB, "scheduler": "sh", "scheduler_flags": ["sh-port"]}),
    "persistence_timeout": Case(WEB, {**WEB, "persistence_timeout": 60}),
    "persistence_netmask": Case({**WEB, "persistence_timeout": 60}, {**WEB, "persistence_timeout": 60, "persistence_netmask": "24"}),
    "persistence_engine": Case({**DNS, "persistence_timeout": 60}, {**DNS, "persistence_timeout": 60, "persistence_engine": "sip"}),
    "one_packet": Case(DNS, {**DNS, "one_packet": True}),
    "destinations": Case(WEB, FULL),
    "exclusive_destinations": Case(
        {**WEB, "destinations": [ONE], "exclusive_destinations": False},
        {**WEB, "destinations": [ONE], "exclusive_destinations": True},
        (FULL,),
    ),
    "ordered": Case({**WEB, "destinations": [TWO, ONE], "ordered": False}, {**WEB, "destinations": [TWO, ONE], "ordered": True}, (FULL,)),
    **{
        f"destinations.{option}": Case({**WEB, "destinations": [one]}, {**WEB, "destinations": [other]})
        for option, (one, other) in DESTINATION.items()
    },
}
PURGE: Options = {"services": [], "purge": True, "scope": [{"addresses": "192.0.2.0/24"}]}
MARKS: tuple[Options, ...] = ({"fwmark": 7}, {"fwmark": 8}, {"fwmark": 7, "family": "ipv6"})
ACTIVE, INACTIVE = 3, 4  # connections of every destination
DRAINED: Options = {"service": WEB, "address": "10.0.0.1", "state": "drained", "drain_timeout": 20, "drain_on_timeout": "continue"}
MASTER: Options = {"daemon": "master", "interface": "eth1"}

# The kernel accepts it, but clients never reach a server on another port.
ODD: Options = {"address": "10.0.0.1", "port": 81, "forward_method": "direct"}
STRICT = {
    "ipvs_service": Case({**WEB, "destinations": [ODD]}, {**WEB, "destinations": [ODD], "strict": False}),
    "ipvs_destination": Case({"service": WEB, **ODD}, {"service": WEB, **ODD, "strict": False}, (WEB,)),
    "ipvs_table": Case({"services": [{**WEB, "destinations": [ODD]}]}, {"services": [{**WEB, "destinations": [ODD]}], "strict": False}),
}

CASES: dict[str, dict[str, Case]] = {
    "ipvs_info": {
        "gather_subset": Case({}, {"gather_subset": ["text"]}, (FULL,)),
        "services": Case({"services": [WEB]}, {"services": [DNS]}, (FULL,)),
        **{f"services.{option}": Case({"services": [one]}, {"services": [other]}, (one, other)) for option, (one, other) in KEY.items()},
    },
    "ipvs_service": {**SERVICE, "strict": STRICT["ipvs_service"], "zero_counters": Case(WEB, {**WEB, "zero_counters": True}, (WEB,))},
    "ipvs_table": {
        **{
            f"services.{option}": Case({"services": [case.one]}, {"services": [case.other]}, case.before)
            for option, case in SERVICE.items()
        },
        "services": Case({"services": []}, {"services": [WEB]}),
        "strict": STRICT["ipvs_table"],
        "purge": Case({**PURGE, "purge": False}, PURGE, (WEB,)),
        "scope": Case(PURGE, {**PURGE, "scope": [{"addresses": "198.51.100.0/24"}]}, (WEB,)),
        "scope.addresses": Case(PURGE, {**PURGE, "scope": [{"addresses": "192.0.2.9"}]}, (WEB,)),
        "scope.protocol": Case(PURGE, {**PURGE, "scope": [{"addresses": "192.0.2.0/24", "protocol": "udp"}]}, (WEB, DNS)),
        "scope.fwmarks": Case({**PURGE, "scope": [{"fwmarks": "7"}]}, {**PURGE, "scope": [{"fwmarks": "7-8"}]}, MARKS),
        "scope.family": Case({**PURGE, "scope": [{"fwmarks": "7"}]}, {**PURGE, "scope": [{"fwmarks": "7", "family": "ipv6"}]}, MARKS),
        "exclusive_destinations": Case(
            {"services": [{**WEB, "destinations": [ONE]}]},
            {"services": [{**WEB, "destinations": [ONE]}], "exclusive_destinations": True},
            (FULL,),
        ),
        "zero_counters": Case({"services": [WEB]}, {"services": [WEB], "zero_counters": True}, (WEB,)),
    },
    "ipvs_destination": {
        **{option: Case({"service": WEB, **one}, {"service": WEB, **other}, (WEB,)) for option, (one, other) in DESTINATION.items()},
        **{
            # through a tunnel, which also leads to the other family
            f"service.{option}": Case({"service": one, **TUNNEL}, {"service": other, **TUNNEL}, (one, other))
            for option, (one, other) in KEY.items()
        },
        "service": Case({"service": WEB, **ONE}, {"service": DNS, **ONE}, (WEB, DNS)),
        "strict": STRICT["ipvs_destination"],
        "state": Case({"service": WEB, **ONE}, {"service": WEB, **ONE, "state": "absent"}, (FULL,)),
        "drain_timeout": Case(DRAINED, {**DRAINED, "drain_timeout": 10}, (FULL,)),
        "drain_connections": Case(DRAINED, {**DRAINED, "drain_connections": ACTIVE + INACTIVE}, (FULL,)),
        "drain_count": Case(DRAINED, {**DRAINED, "drain_count": "active"}, (FULL,)),
        "drain_then": Case(DRAINED, {**DRAINED, "drain_then": "remove"}, (FULL,)),
        "drain_on_timeout": Case(DRAINED, {**DRAINED, "drain_on_timeout": "fail"}, (FULL,)),
        "min_available": Case(DRAINED, {**DRAINED, "min_available": 2}, (FULL,)),
    },
    "ipvs_timeouts": {
        "tcp": Case({"udp": 10}, {"udp": 10, "tcp": 60}),
        "tcp_fin": Case({"udp": 10}, {"udp": 10, "tcp_fin": 60}),
        "udp": Case({"tcp": 60}, {"tcp": 60, "udp": 10}),
    },
    "ipvs_sync_daemon": {
        "daemon": Case(MASTER, {**MASTER, "daemon": "backup"}),
        "state": Case(MASTER, {**MASTER, "state": "absent"}),
        "interface": Case(MASTER, {**MASTER, "interface": "eth2"}),
        "sync_id": Case(MASTER, {**MASTER, "sync_id": 7}),
        "maximum_length": Case(MASTER, {**MASTER, "maximum_length": 1000}),
        "group": Case(MASTER, {**MASTER, "group": "224.0.0.82"}),
        "port": Case(MASTER, {**MASTER, "port": 8849}),
        "ttl": Case(MASTER, {**MASTER, "ttl": 2}),
    },
    "ipvs_connection_info": {
        "protocol": Case({}, {"protocol": "udp"}),
        "address": Case({}, {"address": "10.211.55.4"}),
        "port": Case({}, {"port": 80}),
        "destination_address": Case({}, {"destination_address": "10.211.55.252"}),
        "destination_port": Case({}, {"destination_port": 80}),
        "client": Case({}, {"client": "10.10.1.0/24"}),
        "states": Case({}, {"states": ["FIN_WAIT"]}),
        "templates": Case({}, {"templates": "only"}),
        "origin": Case({}, {"origin": True}),
        "limit": Case({}, {"limit": 1}),
    },
}
# Options that need more than a kernel in memory, and their tests.
ELSEWHERE = {
    "ipvs_selftest": {
        "scheduler": test_selftest.test_the_scheduler_must_be_loaded,
        "control": test_selftest.test_refused_before_the_first_step,
    },
    "ipvs_handover": {
        "tolerance": test_handover.test_its_options_are_the_program_s,
        "timeout": test_handover.test_its_options_are_the_program_s,
    },
    "ipvs_boot": {
        "fallback_scheduler": test_boot.test_the_units_are_installed_enabled_and_started,
        "kernel_modules": test_boot.test_the_units_are_installed_enabled_and_started,
        "clear_on_stop": test_boot.test_clear_on_stop_is_a_boolean,
        "sysctl_file": test_boot.test_refused_at_deployment,
        "metrics": test_boot.test_a_timer_writes_metrics_into_the_exporter_s_directory,
        "metrics_directory": test_boot.test_a_timer_writes_metrics_into_the_exporter_s_directory,
        "resync": test_boot.test_resync_runs_the_program_of_today,
        "state": test_boot.test_absent_leaves_nothing,
    },
    "ipvs_realserver": {
        "state": test_realserver.test_a_real_server_is_made_once_and_removed_without_a_trace,
        "interface": test_realserver.test_a_real_server_is_made_once_and_removed_without_a_trace,
        "vips": test_realserver.test_without_addresses_everything_is_removed,
        "tunnels": test_realserver.test_unlisted_entries_are_removed,
        "tunnels.tunnel_type": test_realserver.test_unlisted_entries_are_removed,
        "tunnels.address": test_realserver.test_unlisted_entries_are_removed,
        "tunnels.tunnel_port": test_realserver.test_numbers_may_be_strings,
        "tunnels.tunnel_flags": test_realserver.test_a_single_flag_is_a_list,
        "tunnels.mtu": test_realserver.test_numbers_may_be_strings,
    },
    "ipvs_scheduler": {
        "state": test_scheduler.test_installed_does_not_load_the_scheduler,
        "source": test_scheduler.test_another_source_is_compiled_before_the_old_build_is_removed,
        "fallback_scheduler": test_scheduler.test_without_a_fallback_everything_but_the_replacement_is_done,
        "certificate": test_scheduler.test_only_builds_signed_with_the_key_count,
        "services_deleted": test_scheduler.test_check_mode_assumes_that_saved_services_and_daemons_are_gone,
    },
    "ipvs_machine_info": {
        "packages": test_machine_info.test_packages_of_debian,
        "schedulers": test_machine_info.test_schedulers_that_the_kernel_does_not_have,
        "interfaces": test_machine_info.test_interfaces_that_the_machine_does_not_have,
        "certificate": test_machine_info.test_dkms_signing_certificate,
    },
    "ipvs_destination": dict.fromkeys(
        ("ramp", *(f"ramp.{name}" for name in ("from", "steps", "every"))), test_drain.test_a_destination_comes_back_in_steps
    ),
    "ipvs_vip": {
        "vips": test_vip.test_an_address_is_added_and_saved,
        "vips.address": test_vip.test_an_address_moves_to_another_interface_or_prefix,
        "vips.interface": test_vip.test_an_address_moves_to_another_interface_or_prefix,
        "vrrp": test_vip.test_what_keepalived_has_is_neither_added_nor_saved,
        "state": test_vip.test_absent_leaves_nothing,
    },
    "ipvs_vrrp": {
        **dict.fromkeys(
            (
                "instances.name",
                "instances.router_id",
                "instances.interface",
                "instances.address",
                "instances.peers",
                "instances.priority",
                "instances.advertisement_interval",
                "instances.preempt",
                "instances.authentication",
                "instances.vips",
                "instances.vips.address",
                "instances.vips.interface",
            ),
            test_vrrp.test_each_option_is_a_line,
        ),
        "instances": test_vrrp.test_the_configuration_is_keepaliveds,
        "allow_fallback": test_vrrp.test_the_units,
        "stop_with_table": test_vrrp.test_the_units,
        "state": test_vrrp.test_the_addresses_go_with_the_instances,
    },
    "ipvs_health": {
        "services": test_health.test_everything_is_installed_and_started,
        "services.checks": test_health.test_what_names_a_service,
        "services.min_available": test_health.test_min_available,
        "services.on_failure": test_health.test_on_failure,
        "services.recover_after": test_health.test_defaults,
        "services.slow_start": test_health.test_slow_start,
        "defaults.slow_start": test_health.test_slow_start,
        "services.destinations.checks": test_health.test_destinations_that_differ,
        "services.destinations.sorry": test_health.test_destinations_that_differ,
        **dict.fromkeys(
            ("defaults", *(f"defaults.{name}" for name in ("interval", "timeout", "retries", "retry_pause", "recover_after"))),
            test_health.test_defaults,
        ),
        **{
            f"services.checks.{kind}.{option}": test_health.test_options_of_a_check
            for kind, option in {(each["type"], option) for each, _line in test_health.OPTIONS for option in each if option != "type"}
        },
        "state": test_health.test_absent_releases_and_leaves_nothing,
    },
    "ipvs_fwmark": {
        **dict.fromkeys(
            ("fwmarks", "fwmarks.fwmark", "fwmarks.addresses", "fwmarks.protocol", "fwmarks.ports"),
            test_fwmark.test_a_mark_is_a_rule_for_each_family,
        ),
        "state": test_fwmark.test_everything_is_installed_and_removed,
    },
    "ipvs_sysctl": {
        "sysctls": test_sysctl.test_parameters_are_set_now_and_at_boot,
        "state": test_sysctl.test_parameters_are_restored,
    },
}


def options_of(spec: Options, path: str = "") -> Iterator[str]:
    for name, option in spec.items():
        yield path + name
        yield from options_of(option.get("options", {}), f"{path}{name}.")


class Clock:
    """Time that passes only by sleeping."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


Outcome = Callable[[str, Case, Options], Any]


@pytest.fixture
def outcome(run: Run, kernel: MemoryKernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """Return a function that runs a task on a fresh machine, and returns its result and the machine's state."""
    for name, text in (("CONNECTIONS", LISTING), ("CONNECTIONS_WITH_ORIGIN", SYNC)):
        (tmp_path / name).write_text(text)
        monkeypatch.setattr(_run_connection_info, name, str(tmp_path / name))

    def outcome(name: str, case: Case, arguments: Options) -> Any:
        vars(kernel).update(vars(MemoryKernel()), interfaces={"eth1": Interface(1500), "eth2": Interface(1500)})
        (tmp_path / "quiescent.json").unlink(missing_ok=True)
        monkeypatch.setattr(_drain, "time", Clock())
        for service in case.before:
            run("ipvs_service", **service)
        kernel.stats = {key: Stats(7) for key in kernel.services}
        holds = DestinationCounters(ACTIVE, INACTIVE)
        kernel.counters = {(key, one.key): holds for key, destinations in kernel.destinations.items() for one in destinations}
        result: Result = run(name, **arguments)
        refused = (
            "min_available" in arguments
            or arguments.get("drain_on_timeout") == "fail"
            or (case in STRICT.values() and "strict" not in arguments)
        )
        assert bool(result.get("failed")) == refused, result.get("msg")
        result.pop("invocation", None)
        return copy.deepcopy((result, kernel.services, kernel.destinations, kernel.timeouts, kernel.daemons, kernel.stats))

    return outcome


def test_every_module_has_cases() -> None:
    package = importlib.import_module("ansible_collections.lvs.director.plugins.modules")
    assert set(SPECS) == {path.stem for path in Path(next(iter(package.__path__))).glob("ipvs_*.py")}


@pytest.mark.parametrize("name", SPECS)
def test_every_option_has_a_case(name: str) -> None:
    expected = set(options_of(SPECS[name]["argument_spec"]))
    if name == "ipvs_table":
        # AnsibleModule does not know them: see _options/table.py.
        expected |= set(options_of(TABLE_SERVICE_SPEC, "services."))
    if name == "ipvs_health":
        # Those of ipvs_table have no effect: test_health.test_options_of_the_table_are_taken_and_ignored.
        expected |= {*options_of(SERVICE_SPEC, "services."), *options_of(DESTINATION_HEALTH_SPEC, "services.destinations.")}
        expected |= {f"services.checks.{kind}.{option}" for kind, spec in CHECK_SPECS.items() for option in spec}
    assert set(CASES.get(name, {})) | set(ELSEWHERE.get(name, {})) == expected


@pytest.mark.parametrize(
    ("name", "case"), [pytest.param(name, case, id=f"{name}.{option}") for name, cases in CASES.items() for option, case in cases.items()]
)
def test_every_option_has_an_effect(outcome: Outcome, name: str, case: Case) -> None:
    one = outcome(name, case, case.one)
    assert outcome(name, case, case.one) == one
    assert outcome(name, case, case.other) != one
