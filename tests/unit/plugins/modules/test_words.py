# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own wrong inputs: what people write who know ipvsadm, keepalived or YAML less well than they think, and what they are told."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.action.ipvs_table import packed
from ansible_collections.lvs.director.plugins.filter.ipvsadm_rules import ipvsadm_rules
from ansible_collections.lvs.director.plugins.module_utils._kernel import client as _client
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsNotReadyError

from contract.memory import MemoryKernel

from .conftest import Run

Options = dict[str, Any]

WEB: Options = {"protocol": "tcp", "address": "10.0.0.74", "port": 80}
REAL: Options = {"address": "10.211.55.4", "forward_method": "masquerade"}
FOREIGN: Options = {"protocol": "tcp", "address": "10.0.0.1", "port": 25}

METHODS = "is none of masquerade, localnode, tunnel, direct"
NO_ADDRESS = "is not an IPv4 or IPv6 address"
NAMES = "Names are not resolved, because the table would change with DNS: give an address"
NO_NUMBER = "is not a whole number"
MARK = "give fwmark, and set the mark with ipvs_fwmark"
PORTS = f"A service of several ports has a firewall mark: {MARK}"
NO_LIMIT = "needs an upper_threshold, and 0 is no limit: give upper_threshold too"

# Of a destination: the options instead of REAL's, the path below it with what it has for a name, and the rest of the message.
DESTINATIONS: list[tuple[Any, str, str]] = [
    ({**REAL, "forward_method": "NAT"}, " (10.211.55.4).forward_method", f"'NAT' {METHODS}. Did you mean masquerade?"),
    ({**REAL, "forward_method": "masq"}, " (10.211.55.4).forward_method", f"'masq' {METHODS}. Did you mean masquerade?"),
    ({**REAL, "forward_method": "DR"}, " (10.211.55.4).forward_method", f"'DR' {METHODS}. Did you mean direct?"),
    ({**REAL, "forward_method": "TUN"}, " (10.211.55.4).forward_method", f"'TUN' {METHODS}. Did you mean tunnel?"),
    ({**REAL, "forward_method": "-g"}, " (10.211.55.4).forward_method", f"'-g' {METHODS}. Did you mean direct?"),
    ({**REAL, "forward_method": "Direct"}, " (10.211.55.4).forward_method", f"'Direct' {METHODS}. Did you mean direct?"),
    ({**REAL, "forward_method": "xyz"}, " (10.211.55.4).forward_method", f"'xyz' {METHODS}"),
    ({"address": "10.0.0.1/32"}, " (10.0.0.1/32).address", f"'10.0.0.1/32' {NO_ADDRESS}. Give it without the prefix length: 10.0.0.1"),
    ({"address": "::1/128"}, " (::1/128).address", f"'::1/128' {NO_ADDRESS}. Give it without the prefix length: ::1"),
    (
        {"address": "10.0.0.1:80"},
        " (10.0.0.1:80).address",
        f"'10.0.0.1:80' {NO_ADDRESS}. Give the port as an option: address: 10.0.0.1, port: 80",
    ),
    (
        {"address": "[2001:db8::1]:80"},
        " ([2001:db8::1]:80).address",
        f"'[2001:db8::1]:80' {NO_ADDRESS}. Give the port as an option: address: \"2001:db8::1\", port: 80",
    ),
    ({"address": "[2001:db8::1]"}, " ([2001:db8::1]).address", f"'[2001:db8::1]' {NO_ADDRESS}. Give it as \"2001:db8::1\""),
    (
        {"address": "web1.example.com"},
        " (web1.example.com).address",
        f"'web1.example.com' {NO_ADDRESS}. {NAMES}",
    ),
    ({"address": "10.0.0.256"}, " (10.0.0.256).address", f"'10.0.0.256' {NO_ADDRESS}"),
    ({**REAL, "weight": "heavy"}, " (10.211.55.4).weight", f"'heavy' {NO_NUMBER}"),
    ({**REAL, "weight": -1}, " (10.211.55.4).weight", "-1 is not in the range 0 to 2147483647"),
    ({**REAL, "port": 70000}, " (10.211.55.4:70000).port", "70000 is not in the range 0 to 65535"),
    ({**REAL, "lower_threshold": 3}, " (10.211.55.4).lower_threshold", f"lower_threshold 3 {NO_LIMIT}"),
    ({**REAL, "wieght": 3}, " (10.211.55.4)", "there is no option wieght. Did you mean weight?"),
    ({**REAL, "lb_kind": "NAT"}, " (10.211.55.4)", "there is no option lb_kind. Did you mean forward_method?"),
    ({"ip": "10.0.0.1"}, "", "there is no option ip. Did you mean address?"),
    (
        {**REAL, "colour": "red", "ip": "x"},
        " (10.211.55.4)",
        "there is no option colour, ip. There are address, port, forward_method, weight, upper_threshold, lower_threshold, tunnel_type, "
        "tunnel_port, tunnel_flags",
    ),
    ({"weight": 1}, ".address", "is missing"),
    ("10.211.55.4", "", "'10.211.55.4' is not a dictionary of options. Did you mean {address: 10.211.55.4}?"),
    ("10.211.55.4:8080", "", "'10.211.55.4:8080' is not a dictionary of options. Did you mean {address: 10.211.55.4, port: 8080}?"),
    ("2001:db8::1", "", "'2001:db8::1' is not a dictionary of options. Did you mean {address: \"2001:db8::1\"}?"),
    ("web1", "", "'web1' is not a dictionary of options"),
    (["x" * 300], "", f"['{'x' * 75}... is not a dictionary of options"),
]
# Of a service: what is unlike WEB, its name, the path below it, and the rest of the message.
SERVICES: list[tuple[Options, str, str, str]] = [
    ({"protocol": "TCP"}, "TCP 10.0.0.74:80", ".protocol", "'TCP' is none of tcp, udp, sctp. Did you mean tcp?"),
    ({"protocol": 6}, "6 10.0.0.74:80", ".protocol", "'6' is none of tcp, udp, sctp. Did you mean tcp?"),
    (
        {"address": "10.0.0.0/24"},
        "tcp 10.0.0.0/24:80",
        ".address",
        f"'10.0.0.0/24' {NO_ADDRESS}. A network is not an address: give one address, or {MARK}",
    ),
    (
        {"address": "10.0.0.1-10.0.0.9"},
        "tcp 10.0.0.1-10.0.0.9:80",
        ".address",
        f"'10.0.0.1-10.0.0.9' {NO_ADDRESS}. A range is not an address: give one address, or {MARK}",
    ),
    (
        {"address": "10.0.0.74:80", "port": None},
        "tcp 10.0.0.74:80",
        "",
        "parameters are required together: protocol, address, port",
    ),
    ({"port": "8000-8010"}, "tcp 10.0.0.74:8000-8010", ".port", f"'8000-8010' {NO_NUMBER}. {PORTS}"),
    ({"port": "80,443"}, "tcp 10.0.0.74:80,443", ".port", f"'80,443' {NO_NUMBER}. {PORTS}"),
    ({"port": "http"}, "tcp 10.0.0.74:http", ".port", f"'http' {NO_NUMBER}"),
    ({"sheduler": "wlc"}, "tcp 10.0.0.74:80", "", "there is no option sheduler. Did you mean scheduler?"),
    ({"lb_algo": "wlc"}, "tcp 10.0.0.74:80", "", "there is no option lb_algo. Did you mean scheduler?"),
    ({"real_servers": []}, "tcp 10.0.0.74:80", "", "there is no option real_servers. Did you mean destinations?"),
    ({"state": "presnt"}, "tcp 10.0.0.74:80", ".state", "'presnt' is none of present, absent. Did you mean present?"),
    (
        {"scheduler_flags": ["sh-prot"]},
        "tcp 10.0.0.74:80",
        ".scheduler_flags",
        "'sh-prot' is none of flag-1, flag-2, flag-3, sh-fallback, sh-port, mh-fallback, mh-port. Did you mean sh-port?",
    ),
    ({"persistence_timeout": "5m"}, "tcp 10.0.0.74:80", ".persistence_timeout", f"'5m' {NO_NUMBER}"),
    ({"address": "2001:db8::1", "port": "x"}, "tcp [2001:db8::1]:x", ".port", f"'x' {NO_NUMBER}"),
    ({"address": "a" * 99}, f"tcp {'a' * 56}...", ".address", f"'{'a' * 99}' {NO_ADDRESS}. {NAMES}"),
]
MARKED: list[tuple[Options, str]] = [
    ({"fwmark": 0}, "services[1] (fwmark 0).fwmark: 0 is not in the range 1 to 4294967295"),
    (
        {"fwmark": 7, "family": "inet6"},
        "services[1] (fwmark 7 inet6).family: 'inet6' is none of ipv4, ipv6. Did you mean ipv6?",
    ),
    ({"fwmark": 7, "port": 80}, "services[1] (fwmark 7): parameters are mutually exclusive: port|fwmark"),
    ({"port": 80}, "services[1] (port 80): one of the following is required: address, fwmark"),
    ({}, "services[1]: one of the following is required: address, fwmark"),
]
# Options of a task, and what a module says that has no list of services.
TASKS: list[tuple[str, Options, str]] = [
    ("ipvs_table", {"service": []}, "there is no option service. Did you mean services?"),
    ("ipvs_table", {"services": ["tcp 10.0.0.74:80"]}, "services[0]: 'tcp 10.0.0.74:80' is not a dictionary of options"),
    (
        "ipvs_table",
        {"services": [], "scope": [{"address": "10.0.0.0/24"}]},
        "scope[0]: there is no option address. Did you mean addresses?",
    ),
    ("ipvs_table", {"services": [], "purge": "perhaps"}, "purge: 'perhaps' is neither true nor false"),
    ("ipvs_destination", {"service": WEB, **REAL, "forward_method": "DR"}, f"forward_method: 'DR' {METHODS}. Did you mean direct?"),
    (
        "ipvs_destination",
        {"service": WEB, **REAL, "state": "drain"},
        "state: 'drain' is none of present, absent, drained. Did you mean drained?",
    ),
    (
        "ipvs_destination",
        {"service": {**WEB, "protocol": "TCP"}, **REAL},
        "service.protocol: 'TCP' is none of tcp, udp, sctp. Did you mean tcp?",
    ),
    (
        "ipvs_destination",
        {"service": "10.0.0.74:80", **REAL},
        "service: '10.0.0.74:80' is not a dictionary of options. Did you mean {address: 10.0.0.74, port: 80}?",
    ),
    (
        "ipvs_destination",
        {"service": WEB, "address": "10.0.0.1/32"},
        f"address: '10.0.0.1/32' {NO_ADDRESS}. Give it without the prefix length: 10.0.0.1",
    ),
    ("ipvs_destination", {"service": WEB}, "address: is missing"),
    (
        "ipvs_health",
        {"services": [FOREIGN, {**WEB, "checks": [{"type": "tcp", "prt": 81}]}]},
        "services[1] (tcp 10.0.0.74:80).checks[0]: there is no option prt. Did you mean port?",
    ),
    (
        "ipvs_health",
        {"services": [{**WEB, "checks": [{"type": "tcp"}], "destinations": [{**REAL, "forward_method": "DR"}]}]},
        f"services[0] (tcp 10.0.0.74:80).destinations[0] (10.211.55.4).forward_method: 'DR' {METHODS}. Did you mean direct?",
    ),
    ("ipvs_timeouts", {"tpc": 60}, "there is no option tpc. Did you mean tcp?"),
    ("ipvs_timeouts", {"tcp": 0}, "tcp: 0 is not in the range 1 to 2678400 seconds"),
    ("ipvs_sync_daemon", {"daemon": "Master", "interface": "eth1"}, "daemon: 'Master' is none of master, backup. Did you mean master?"),
]


@pytest.mark.parametrize("pack", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize(("real", "path", "message"), DESTINATIONS)
def test_a_destination_among_many(run: Run, kernel: MemoryKernel, real: Any, path: str, message: str, pack: bool) -> None:
    """As the issue has it: which of 100 services, which of its destinations, and what was meant."""
    eight = [{"address": f"10.1.1.{one}"} for one in range(8)]
    many = [{**WEB, "address": f"10.0.0.{1 + number}", "destinations": list(eight)} for number in range(100)]
    many[73]["destinations"][3] = real
    result = run("ipvs_table", services=packed(many) if pack else many)
    assert result["msg"] == f"services[73] (tcp 10.0.0.74:80).destinations[3]{path}: {message}"
    assert not kernel.steps


@pytest.mark.parametrize(("real", "path", "message"), DESTINATIONS)
def test_a_destination_of_a_service(run: Run, kernel: MemoryKernel, real: Any, path: str, message: str) -> None:
    result = run("ipvs_service", **WEB, destinations=[{"address": "10.1.1.1"}, real])
    assert result["msg"] == f"destinations[1]{path}: {message}"
    assert not kernel.steps


@pytest.mark.parametrize(("options", "name", "path", "message"), SERVICES)
def test_a_service(run: Run, options: Options, name: str, path: str, message: str) -> None:
    assert run("ipvs_table", services=[FOREIGN, {**WEB, **options}])["msg"] == f"services[1] ({name}){path}: {message}"
    alone = f"{path.removeprefix('.')}: {message}" if path else message
    assert run("ipvs_service", **{**WEB, **options})["msg"] == alone


@pytest.mark.parametrize(("options", "message"), MARKED)
def test_a_service_with_a_mark(run: Run, options: Options, message: str) -> None:
    assert run("ipvs_table", services=[FOREIGN, options])["msg"] == message


@pytest.mark.parametrize(("name", "options", "message"), TASKS)
def test_a_task(run: Run, name: str, options: Options, message: str) -> None:
    assert run(name, **options)["msg"] == message


@pytest.mark.parametrize(("options", "name", "path", "message"), SERVICES)
def test_the_filter_says_the_same(options: Options, name: str, path: str, message: str) -> None:
    if "state" in options or "destinations" in message:
        return  # a table of the kernel has none
    with pytest.raises(Exception, match=r"lvs\.director\.ipvsadm_rules: ") as caught:
        ipvsadm_rules([FOREIGN, {**WEB, **options}])
    assert str(caught.value).endswith(f"services[1] ({name}){path}: {message}")


def test_a_warning_names_the_service_too(run: Run) -> None:
    odd = {**WEB, "destinations": [{"address": "10.0.0.1"}, {"address": "10.0.0.2", "port": 81}]}
    for pack in (packed, list):
        (warning,) = run("ipvs_table", check=True, services=pack([FOREIGN, odd]), strict=False)["warnings"]
        assert warning.startswith(
            "services[1] (tcp 10.0.0.74:80).destinations[1] (10.0.0.2:81).port: 81 differs from the service's port 80"
        )
    (warning,) = run("ipvs_service", **odd, strict=False)["warnings"]
    assert warning.startswith("destinations[1] (10.0.0.2:81).port: 81 differs from")


def test_a_threshold_beside_the_kernel_s(run: Run) -> None:
    """Alone, lower_threshold goes with the upper one that is there."""
    run("ipvs_service", **WEB, destinations=[{**REAL, "upper_threshold": 5}])
    assert run("ipvs_service", **WEB, destinations=[{**REAL, "lower_threshold": 3}])["changed"]
    result = run("ipvs_table", services=[{**WEB, "destinations": [{**REAL, "lower_threshold": 7}]}])
    assert result["msg"].endswith(".destinations[0] (10.211.55.4).lower_threshold: lower_threshold 7 is above upper_threshold 5")


@pytest.mark.parametrize("reason", [IpvsNotReadyError("ip_vs is not loaded"), ImportError("No module named 'pyroute2'")])
@pytest.mark.parametrize("check", [False, True])
def test_values_are_judged_before_the_kernel_is_asked(run: Run, monkeypatch: pytest.MonkeyPatch, reason: Exception, check: bool) -> None:
    def opened() -> None:
        raise reason

    monkeypatch.setattr(_client, "NetlinkKernel", opened)
    monkeypatch.setattr("ansible.module_utils.common.respawn.has_respawned", lambda: True)
    for name, options in (
        ("ipvs_table", {"services": [{**WEB, "destinations": [{**REAL, "weight": -1}]}]}),
        ("ipvs_service", {**WEB, "destinations": [{**REAL, "weight": -1}]}),
        ("ipvs_destination", {"service": WEB, **REAL, "weight": -1}),
        ("ipvs_destination", {"service": WEB, "address": "10.0.0.1", "state": "drained", "min_available": -1}),
        ("ipvs_timeouts", {"tcp": -1}),
        ("ipvs_sync_daemon", {"daemon": "master", "interface": "eth1", "sync_id": -1}),
    ):
        assert ": -1 is not in the range " in run(name, check=check, **copy.deepcopy(options))["msg"]
    # What only the whole entry shows, in check mode.
    alone = {"services": [{**WEB, "destinations": [{**REAL, "lower_threshold": 3}]}]}
    assert (NO_LIMIT in run("ipvs_table", check=check, **alone)["msg"]) == check


def test_a_task_without_errors_does_not_compile_the_words() -> None:
    """In a process of its own, where no test has imported them."""
    program = """
import json, sys
from ansible.module_utils.testing import patch_module_args
from ansible_collections.lvs.director.plugins.module_utils._kernel import client
from ansible_collections.lvs.director.plugins.modules import ipvs_table
from contract.memory import MemoryKernel
client.NetlinkKernel = MemoryKernel
with patch_module_args({"services": json.loads(sys.argv[1]), "_ansible_check_mode": True}):
    try:
        ipvs_table.main()
    except SystemExit as ended:
        code = ended.code
print(code, *(name for name in sys.modules if name.endswith((".words", ".hints"))))
"""
    for weight, code, names in ((1, 0, 0), ("x", 1, 2)):
        services = json.dumps([{**WEB, "destinations": [{**REAL, "weight": weight}]}])
        done = subprocess.run([sys.executable, "-c", program, services], check=False, capture_output=True, text=True, timeout=60)
        said = done.stdout.splitlines()[-1].split()
        assert (int(said[0]), len(said) - 1) == (code, names), done.stdout + done.stderr
