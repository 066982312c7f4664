# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of ipvsadm, written and read: nothing is lost, and a rule means the same to ipvsadm, the kernel and us."""

from __future__ import annotations

import re

import pytest
from ansible_collections.lvs.director.plugins.module_utils._ipvsadm.parse import parse_rules
from ansible_collections.lvs.director.plugins.module_utils._ipvsadm.render import (
    destination_key_rule,
    destination_rule,
    render_rules,
    service_key_rule,
    service_rule,
)
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.results import configuration
from ansible_collections.lvs.director.plugins.module_utils._model.steps import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    EditDestination,
    EditService,
    Step,
)
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    Entry,
    Service,
    ServiceKey,
    parse_address,
)
from ansible_collections.lvs.director.plugins.module_utils._options.entries import new_entries
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.ipvsadm_lines import ACCEPTED, MARK6, MISLEADING, REFUSED, SERVICE, WEB, name
from contract.memory import MemoryKernel
from contract.strategies import destinations, services, tables


def parse_one(*lines: str) -> Entry:
    (entry,) = parse_rules("\n".join(lines))
    return entry


# -- written and read -------------------------------------------------------------------------------------------------


@settings(max_examples=60, derandomize=True)
@given(table=tables())
def test_written_values_are_read_back(table: list[Entry]) -> None:
    rules = render_rules(table)
    assert parse_rules(rules) == table
    assert render_rules(parse_rules(rules)) == rules


@settings(max_examples=60, derandomize=True)
@given(table=tables())
def test_the_shape_of_ipvs_info_is_read(table: list[Entry]) -> None:
    assert new_entries([configuration(one) for one in table]) == table


def test_rules_are_those_of_ipvsadm_with_thresholds() -> None:
    table = [
        Entry(
            Service(WEB, "sh", 0x38, 300, "255.255.255.0"),
            (
                Destination(name("10.0.0.1"), "masquerade", 0, 4, 1),
                Destination(name("10.0.0.2"), "direct", 1, 0, 0),
                Destination(name("2001:db8::3"), "tunnel", 7, 9, 0, "gue", 6080, 2),
            ),
        ),
        Entry(
            Service(MARK6, "wlc", 0x8, 60, "128", "sip", True),
            (
                Destination(name("10.0.0.4", 0), "tunnel"),
                Destination(name("2001:db8::5", 0), "tunnel", tunnel_type="gre"),
            ),
        ),
        Entry(Service(ServiceKey("ipv6", "sctp", parse_address("2001:db8::1"), 80), "rr", 0, 60, "64")),
    ]
    assert render_rules(table).splitlines() == [
        "-A -t 192.0.2.1:80 -s sh -p 300 -M 255.255.255.0 -b sh-fallback,sh-port,flag-3",
        "-a -t 192.0.2.1:80 -r [2001:db8::3]:80 -i -w 7 -x 9 -y 0 --tun-type gue --tun-port 6080 --tun-remcsum",
        "-a -t 192.0.2.1:80 -r 10.0.0.2:80 -g -w 1",
        "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 0 -x 4 -y 1",
        "-A -f 7 -6 -s wlc -p 60 --pe sip -o -b flag-1",
        "-a -f 7 -6 -r [2001:db8::5]:0 -i -w 1 --tun-type gre --tun-nocsum",
        "-a -f 7 -6 -r 10.0.0.4:0 -i -w 1 --tun-type ipip",
        "-A --sctp-service [2001:db8::1]:80 -s rr -p 60 -M 64",
    ]


# -- followed as by the kernel ----------------------------------------------------------------------------------------

KEYS = [WEB, MARK6]


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """A change of one of two services with few destinations; often one that the kernel refuses."""
    key = draw(st.sampled_from(KEYS))
    kind = draw(st.sampled_from([AddService, EditService, DeleteService, *[AddDestination, EditDestination, DeleteDestination] * 2]))
    if kind in (AddService, EditService):
        return kind(draw(services(key)))
    if kind is DeleteService:
        return DeleteService(key)
    destination = draw(destinations(key, st.integers(1, 3)))
    if draw(st.integers(0, 9)) == 0:
        destination = destination._replace(lower_threshold=destination.upper_threshold + 1)
    if kind is DeleteDestination:
        return DeleteDestination(key, destination.key)
    return kind(key, destination)


def rule_of(step: Step) -> str:
    if isinstance(step, (AddService, EditService)):
        return service_rule("-A" if isinstance(step, AddService) else "-E", step.service)
    if isinstance(step, DeleteService):
        return service_key_rule("-D", step.key)
    if isinstance(step, DeleteDestination):
        return destination_key_rule("-d", step.service, step.key)
    return destination_rule("-a" if isinstance(step, AddDestination) else "-e", step.service, step.destination)


@settings(max_examples=150, derandomize=True)
@given(wanted=st.lists(steps(), max_size=25))
def test_commands_have_the_kernels_effect(wanted: list[Step]) -> None:
    kernel = MemoryKernel()
    rules: list[str] = []
    for step in wanted:
        rule = rule_of(step)
        if kernel.apply([step]) is None:
            rules.append(rule)
        else:
            with pytest.raises(IpvsInputError, match=rf"^line {len(rules) + 1} \("):
                parse_rules("\n".join([*rules, rule]))
    assert parse_rules("\n".join(rules)) == [observed.entry for observed in kernel.read_table()]


def test_clear_empties_the_table() -> None:
    assert parse_rules(f"{SERVICE}\n-A -f 7\n-C") == []
    assert parse_rules("") == []


def test_defaults_are_those_of_ipvsadm() -> None:
    entry = parse_one("-A -t 192.0.2.1:80 -p", "-a -t 192.0.2.1:80 -r 10.0.0.1")
    assert entry == Entry(Service(WEB, "wlc", 0, 360, "255.255.255.255"), (Destination(name("10.0.0.1"), "direct", 1),))


@pytest.mark.parametrize(("lines", "entry"), ACCEPTED)
def test_lines_in_all_spellings(lines: str, entry: Entry) -> None:
    assert parse_rules(lines) == [entry]


@pytest.mark.parametrize(
    "text",
    [
        "ipvsadm -A -f 7 -s rr",
        "  /sbin/ipvsadm -A -f 7 -s rr  # as it was",
        "# first\n\n   \nipvsadm -A \\\n  -f 7 \\\n\t-s rr\n# last \\",
        "#!/bin/sh\r\nipvsadm -A -f 7 -s rr\r\n",
        "ipvsadm -A -f 7 -s rr # not continued \\\n# nor this \\\n-a -f 7 -r 10.0.0.1\n-d -f 7 -r 10.0.0.1",
    ],
)
def test_lines_of_a_script(text: str) -> None:
    assert parse_rules(text) == [Entry(Service(ServiceKey("ipv4", fwmark=7), "rr"))]


# -- refused, with the fault and the remedy ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        *REFUSED,
        *MISLEADING,
        ("ipvsadm", "there is no command in it: it lists the table, which lvs.director.ipvs_info does"),
        ("echo 1 > /proc/x", "'echo' is not ipvsadm: give only the lines that are"),
        ("sudo ipvsadm -C", "'sudo' is not ipvsadm"),
        ("ipvsadm -A -t $VIP:80", "no shell replaces what is in '$VIP:80': give the value itself"),
        ("ipvsadm -D -t 192.0.2.1:80 || true", "unexpected word '||': all but the options' values are options here, and there is no shell"),
        (f'{SERVICE} -s "rr', "cannot be split into words (no closing quotation)"),
        (f"{SERVICE} \\", "cannot be split into words (no escaped character)"),
    ],
)
def test_refusals(lines: str, message: str) -> None:
    last = lines.splitlines()[-1]
    shown = re.escape(f"line {len(lines.splitlines())} ({last}): ")
    with pytest.raises(IpvsInputError, match=f"^{shown}.*{re.escape(message)}"):
        parse_rules(lines)


def test_the_number_of_a_line_counts_all_lines() -> None:
    with pytest.raises(IpvsInputError, match=r"^line 4 \(ipvsadm -A -t www:80\): "):
        parse_rules("#!/bin/sh\n\n# the service\nipvsadm -A \\\n  -t www:80\n")


def test_a_service_that_is_listed_twice_is_refused() -> None:
    web = {"protocol": "tcp", "address": "192.0.2.1", "port": 80}
    with pytest.raises(IpvsInputError, match=r"^services\[2\]: tcp 192\.0\.2\.1:80 is listed already, as services\[0\]$"):
        new_entries([web, {"fwmark": 1}, web])


def test_errors_of_a_service_name_its_place() -> None:
    with pytest.raises(IpvsInputError, match=r"^services\[1\]\.destinations\[0\]\.weight: -1 is not in the range"):
        new_entries([{"fwmark": 1}, {"fwmark": 2, "destinations": [{"address": "10.0.0.1", "weight": -1}]}])
