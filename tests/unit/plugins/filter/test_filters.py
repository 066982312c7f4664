# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters as templates see them: input, output, and errors of one sentence."""

from __future__ import annotations

import importlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.lvs.director.plugins.filter.from_ipvsadm_rules import from_ipvsadm_rules
from ansible_collections.lvs.director.plugins.filter.ipvsadm_rules import ipvsadm_rules
from ansible_collections.lvs.director.plugins.filter.without_checks import without_checks
from ansible_collections.lvs.director.plugins.module_utils._model.results import configuration, service_result
from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationCounters, Entry, Observed, Stats
from hypothesis import given, settings

from contract.strategies import tables

FILTERS = ["from_ipvsadm_rules", "ipvsadm_rules", "vrrp_instances", "vrrp_unknown_hosts", "without_checks"]
WEB: dict[str, Any] = {"protocol": "tcp", "address": "192.0.2.1", "port": 80}


@settings(max_examples=40, deadline=None, derandomize=True)
@given(table=tables())
def test_results_of_ipvs_info_can_be_written_and_read(table: list[Entry]) -> None:
    counters = DestinationCounters(1, 2, 3, Stats(4))
    services = [service_result(Observed(one, Stats(5), {other.key: counters for other in one.destinations})) for one in table]
    assert from_ipvsadm_rules(ipvsadm_rules(services)) == [configuration(one) for one in table]


def test_missing_or_null_values_have_defaults() -> None:
    sparse = {**WEB, "destinations": [{"address": "10.0.0.1"}, {"address": "10.0.0.2", "weight": None, "upper_threshold": "4"}]}
    assert ipvsadm_rules([sparse, {"fwmark": 1, "destinations": None}]) == (
        "-A -t 192.0.2.1:80 -s wlc\n"
        "-a -t 192.0.2.1:80 -r 10.0.0.2:80 -g -w 1 -x 4 -y 0\n"
        "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -g -w 1\n"
        "-A -f 1 -s wlc\n"
    )
    assert ipvsadm_rules([]) == ""
    assert from_ipvsadm_rules("") == []


@pytest.mark.parametrize(
    ("services", "message"),
    [
        ({"services": []}, "a list of services is needed, as ipvs_info returns it, not dict"),
        ("-A -f 1", "a list of services is needed, as ipvs_info returns it, not str"),
        (None, "a list of services is needed, as ipvs_info returns it, not NoneType"),
        ([WEB, "web"], "services[1]: a dictionary is needed, not str"),
        ([{"address": "192.0.2.1"}], "services[0] (192.0.2.1): parameters are required together: protocol, address, port"),
        ([{}], "services[0]: one of the following is required: address, fwmark"),
        ([{**WEB, "schedular": "rr"}], "services[0] (tcp 192.0.2.1:80): there is no option schedular. Did you mean scheduler?"),
        (
            [{**WEB, "destinations": [{"addres": "10.0.0.1"}]}],
            "services[0] (tcp 192.0.2.1:80).destinations[0]: there is no option addres. Did you mean address?",
        ),
        ([{**WEB, "port": "http"}], "services[0] (tcp 192.0.2.1:http).port: 'http' is not a whole number"),
        ([{**WEB, "protocol": "icmp"}], "services[0] (icmp 192.0.2.1:80).protocol: 'icmp' is none of tcp, udp, sctp"),
        (
            [{"fwmark": 1}, {"fwmark": 2, "destinations": [{"address": "::1", "weight": -1}]}],
            "services[1] (fwmark 2).destinations[0] (::1).weight: -1 is not in the range 0 to 2147483647",
        ),
        ([WEB, WEB], "services[1] (tcp 192.0.2.1:80): tcp 192.0.2.1:80 is listed already, as services[0]"),
    ],
)
def test_invalid_services(services: Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        ipvsadm_rules(services)
    assert str(caught.value).startswith(f"lvs.director.ipvsadm_rules: {message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (["-A -f 1"], "a text is needed (of a command's result its stdout), not list"),
        ("\n-A -t www:80", "line 2 (-A -t www:80): -t: 'www' is not an IPv4 or IPv6 address"),
    ],
)
def test_invalid_rules(text: Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        from_ipvsadm_rules(text)
    assert str(caught.value).startswith(f"lvs.director.from_ipvsadm_rules: {message}")


@pytest.mark.parametrize("name", FILTERS)
def test_the_documentation_is_that_of_the_filter(name: str) -> None:
    module = importlib.import_module(f"ansible_collections.lvs.director.plugins.filter.{name}")
    assert yaml.safe_load(module.DOCUMENTATION)["name"] == name
    assert list(module.FilterModule().filters()) == [name]


def test_the_sample_is_what_the_filter_returns() -> None:
    module = importlib.import_module("ansible_collections.lvs.director.plugins.filter.from_ipvsadm_rules")
    sample = yaml.safe_load(module.RETURN)["_value"]["sample"]
    assert from_ipvsadm_rules("-A -t 192.0.2.1:80 -p\n-a -t 192.0.2.1:80 -r 198.51.100.1 -m") == sample


def test_the_example_is_what_the_filter_returns() -> None:
    module = importlib.import_module("ansible_collections.lvs.director.plugins.filter.ipvsadm_rules")
    task = yaml.safe_load(module.EXAMPLES)[2]
    shown = [line.removeprefix("    # ") for line in module.EXAMPLES.splitlines() if line.startswith("    # ")]
    assert ipvsadm_rules(task["vars"]["services"]).splitlines() == shown


def test_in_a_playbook(tmp_path: Path) -> None:
    rules = "-A -t 192.0.2.1:80 -s fo\n-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1\n"
    tasks = [
        {
            "ansible.builtin.assert": {
                "that": [
                    "services[0].destinations[0].address == '10.0.0.1'",
                    "services | lvs.director.ipvsadm_rules == rules",
                    "(services | map('combine', {'scheduler': 'rr'}) | lvs.director.ipvsadm_rules) == rules | replace('-s fo', '-s rr')",
                ]
            },
        },
        {"ansible.builtin.debug": {"msg": "{{ 'ipvsadm -A -t www:80' | lvs.director.from_ipvsadm_rules }}"}, "register": "bad"},
    ]
    variables = {"rules": rules, "services": "{{ rules | lvs.director.from_ipvsadm_rules }}"}
    play = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": tasks}
    (tmp_path / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    ended = subprocess.run(
        ["ansible-playbook", "-i", "localhost,", "-c", "local", "play.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    words = ended.stdout + ended.stderr
    assert ended.returncode == 2, words
    assert "All assertions passed" in words
    # The text appears once, not once for each error in the chain.
    assert "line 1 (ipvsadm -A -t www:80): -t: 'www' is not an IPv4 or IPv6 address" in words
    (failed,) = [line for line in words.splitlines() if line.startswith("fatal: ")]
    assert failed.count("'www' is not an IPv4 or IPv6 address") == 1
    assert words.count("'www' is not an IPv4 or IPv6 address") <= 3
    assert "Traceback" not in words


def test_checks_are_left_out_and_nothing_else() -> None:
    destination = {"address": "10.0.0.1", "weight": 5}
    checks: dict[str, Any] = {"checks": [], "min_available": 1, "on_failure": "hold", "recover_after": 9}
    service = {**WEB, **checks, "destinations": [{**destination, "checks": [], "sorry": True}, destination]}
    assert without_checks([service, WEB]) == [{**WEB, "destinations": [destination, destination]}, WEB]
    assert service["destinations"][0]["sorry"] is True
    # What is not a list of dictionaries is refused by the module.
    for other in (None, "x", {"checks": []}, ["x", None], [{**WEB, "destinations": "x"}], [{**WEB, "destinations": ["x"]}]):
        assert without_checks(other) == other
