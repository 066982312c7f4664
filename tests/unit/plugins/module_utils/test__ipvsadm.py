# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of ipvsadm, written and read: nothing is lost, and a rule means what it means to ipvsadm and the kernel."""

from __future__ import annotations

import re

import pytest
from ansible_collections.lvs.director.plugins.module_utils._entries import new_entries
from ansible_collections.lvs.director.plugins.module_utils._errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._ipvsadm_parse import parse_rules
from ansible_collections.lvs.director.plugins.module_utils._ipvsadm_render import (
    destination_key_rule,
    destination_rule,
    render_rules,
    service_key_rule,
    service_rule,
)
from ansible_collections.lvs.director.plugins.module_utils._model import (
    Destination,
    DestinationKey,
    Entry,
    Service,
    ServiceKey,
    parse_address,
)
from ansible_collections.lvs.director.plugins.module_utils._results import configuration
from ansible_collections.lvs.director.plugins.module_utils._steps import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    EditDestination,
    EditService,
    Step,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.memory import MemoryKernel
from contract.strategies import destinations, services, tables

WEB = ServiceKey("ipv4", "tcp", parse_address("192.0.2.1"), 80)
MARK6 = ServiceKey("ipv6", fwmark=7)


def name(address: str, port: int = 80) -> DestinationKey:
    return DestinationKey(parse_address(address), port)


def parse_one(*lines: str) -> Entry:
    (entry,) = parse_rules("\n".join(lines))
    return entry


# -- written and read -------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None, derandomize=True)
@given(table=tables())
def test_what_is_written_is_read(table: list[Entry]) -> None:
    rules = render_rules(table)
    assert parse_rules(rules) == table
    assert render_rules(parse_rules(rules)) == rules


@settings(max_examples=60, deadline=None, derandomize=True)
@given(table=tables())
def test_the_shape_of_ipvs_info_is_read(table: list[Entry]) -> None:
    assert new_entries([configuration(one) for one in table]) == table


def test_rules_are_those_of_ipvsadm_and_thresholds() -> None:
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
    """A change of one of two services and few destinations: often one that the kernel refuses."""
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


@settings(max_examples=150, deadline=None, derandomize=True)
@given(wanted=st.lists(steps(), max_size=25))
def test_commands_are_followed_as_by_the_kernel(wanted: list[Step]) -> None:
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


def test_an_edit_resets_what_it_does_not_name_and_keeps_the_place() -> None:
    entry = parse_one(
        "-A -t 192.0.2.1:80 -s sh -b sh-port -p 60",
        "-a -t 192.0.2.1:80 -r 10.0.0.1 -m -w 5 -x 4 -y 1",
        "-a -t 192.0.2.1:80 -r 10.0.0.2 -i --tun-type gue --tun-port 6080",
        "-a -t 192.0.2.1:80 -r 10.0.0.3 -m",
        "-e -t 192.0.2.1:80 -r 10.0.0.2",
        "-E -t 192.0.2.1:80",
    )
    assert entry == Entry(
        Service(WEB),
        (
            Destination(name("10.0.0.3"), "masquerade"),
            Destination(name("10.0.0.2")),
            Destination(name("10.0.0.1"), "masquerade", 5, 4, 1),
        ),
    )


def test_clear_empties_the_table() -> None:
    assert parse_rules("-A -t 192.0.2.1:80\n-A -f 7\n-C\n-A -f 7 -s rr") == [Entry(Service(ServiceKey("ipv4", fwmark=7), "rr"))]
    assert parse_rules("") == []


def test_defaults_are_those_of_ipvsadm() -> None:
    entry = parse_one("-A -t 192.0.2.1:80 -p", "-a -t 192.0.2.1:80 -r 10.0.0.1")
    assert entry == Entry(Service(WEB, "wlc", 0, 300, "255.255.255.255"), (Destination(name("10.0.0.1"), "direct", 1),))


# -- spelled in all ways ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "-A -t 192.0.2.1:80 -s rr -p 300 -M 255.255.255.0",
        "ipvsadm -A -t 192.0.2.1:80 -s rr -p 300 -M 255.255.255.0",
        "  /sbin/ipvsadm -A -t 192.0.2.1:80 -s rr -p 300 -M 255.255.255.0  # as it was",
        "-A -t 192.0.2.1:http -s rr -p -M 255.255.255.0",
        "-At192.0.2.1:80 -srr -p300 -M255.255.255.0",
        "-At=192.0.2.1:80 -s=rr -p=300 -M=255.255.255.0",
        "--add-service --tcp-service=192.0.2.1:80 --scheduler=rr --persistent=300 --netmask=255.255.255.0",
        "--add-service --tcp-service 192.0.2.1:80 --scheduler rr --netmask 255.255.255.0 --persistent",
        "-A -M 255.255.255.0 -p -s rr -t 192.0.2.1:80",
        "-A \"-t\" '192.0.2.1:80' -s r'r' -p +300 -M 255.255.255.0 --",
        "# first\n\n   \nipvsadm -A \\\n  -t 192.0.2.1:80 -s rr \\\n\t-p -M 255.255.255.0\n# last \\",
    ],
)
def test_a_service_in_all_spellings(line: str) -> None:
    assert parse_one(line) == Entry(Service(WEB, "rr", 0, 300, "255.255.255.0"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("-m -r 10.0.0.1:8080 -w 2", Destination(name("10.0.0.1", 8080), "masquerade", 2)),
        ("-mr10.0.0.1:8080 -w2", Destination(name("10.0.0.1", 8080), "masquerade", 2)),
        ("--masquerading --real-server=10.0.0.1:8080 --weight=2", Destination(name("10.0.0.1", 8080), "masquerade", 2)),
        ("-m -r 10.0.0.1:http-alt -w 02", Destination(name("10.0.0.1", 8080), "masquerade", 2)),
        # Where ports are not rewritten, ipvsadm takes the service's without a word.
        ("-g -r 10.0.0.1:8080", Destination(name("10.0.0.1", 80))),
        ("-r 10.0.0.1:8080 --ipip", Destination(name("10.0.0.1", 80), "tunnel")),
        ("-i -r 2001:db8::1", Destination(name("2001:db8::1"), "tunnel")),
        ("-i -r [2001:DB8::1]:80", Destination(name("2001:db8::1"), "tunnel")),
        ("-r 10.0.0.1 --u-threshold 4 --l-threshold=1", Destination(name("10.0.0.1"), upper_threshold=4, lower_threshold=1)),
        ("-r 10.0.0.1 -i --tun-type=gre --tun-csum", Destination(name("10.0.0.1"), "tunnel", tunnel_type="gre", tunnel_flags=1)),
    ],
)
def test_a_destination_in_all_spellings(line: str, expected: Destination) -> None:
    assert parse_one("-A -t 192.0.2.1:80", f"-a -t 192.0.2.1:80 {line}").destinations == (expected,)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        # The service's port is known only once the service is.
        ("-a -r 10.0.0.1 -t 192.0.2.1:80 -m", name("10.0.0.1", 0)),
        ("-a -r 10.0.0.1 -t 192.0.2.1:80", name("10.0.0.1", 80)),
        ("-a -r 10.0.0.1:81 -t 192.0.2.1:80 -m", name("10.0.0.1", 81)),
    ],
)
def test_a_destination_before_its_service(line: str, expected: DestinationKey) -> None:
    assert parse_one("-A -t 192.0.2.1:80", line).destinations[0].key == expected


def test_a_firewall_mark_has_no_port_to_give() -> None:
    entry = parse_one("-A -f 7", "-a -f 7 -r 10.0.0.1:8080", "-a -f 7 -r 10.0.0.2", "-a -f 7 -r 10.0.0.3:http -m")
    assert [one.key for one in entry.destinations] == [name("10.0.0.3", 80), name("10.0.0.2", 0), name("10.0.0.1", 8080)]


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("-A -f 7 -6", MARK6),
        ("-A6 --fwmark-service=7", None),
        ("-Af7 --ipv6", MARK6),
        ("-A -f 4294967295", ServiceKey("ipv4", fwmark=2**32 - 1)),
        ("-A -u 192.0.2.1:domain", ServiceKey("ipv4", "udp", parse_address("192.0.2.1"), 53)),
        ("-A --sctp-service [2001:db8::1]:80", ServiceKey("ipv6", "sctp", parse_address("2001:db8::1"), 80)),
        ("-A -t 2001:db8::1 -p", ServiceKey("ipv6", "tcp", parse_address("2001:db8::1"), 0)),
    ],
)
def test_what_names_a_service(line: str, key: ServiceKey | None) -> None:
    if key is None:
        with pytest.raises(IpvsInputError, match="-6 is for a firewall mark and has to stand after its -f"):
            parse_rules(line)
    else:
        assert parse_one(line).service.key == key


# -- refused, with what is wrong and what to do -----------------------------------------------------------------------

SERVICE = "-A -t 192.0.2.1:80"
DESTINATION = "-a -t 192.0.2.1:80 -r 10.0.0.1"


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        # words
        ("ipvsadm", "there is no command in it: it lists the table, which lvs.director.ipvs_info does"),
        ("echo 1 > /proc/x", "'echo' is not ipvsadm: give only the lines that are"),
        ("sudo ipvsadm -C", "'sudo' is not ipvsadm"),
        ("ipvsadm -A -t $VIP:80", "no shell replaces what is in '$VIP:80': give the value itself"),
        ("ipvsadm -D -t 192.0.2.1:80 || true", "unexpected word '||': all but the options' values are options here, and there is no shell"),
        (f"{SERVICE} -- -s rr", "unexpected word '-s' after --"),
        (f'{SERVICE} -s "rr', "cannot be taken apart into words (no closing quotation)"),
        (f"{SERVICE} \\", "cannot be taken apart into words (no escaped character)"),
        # options
        ("-t 192.0.2.1:80 -A", "it does not begin with a command: -A -E -D -C -a -e -d"),
        (f"{SERVICE} --scheduller rr", "unknown option --scheduller: ipvsadm(8) 1.31 has none of that name"),
        (f"{SERVICE} -k", "unknown option -k"),
        (f"{SERVICE} -s", "-s needs a value"),
        (f"{SERVICE} -s sh -b", "-b needs a value; ipvsadm -S has no word for the third flag of sh and mh and writes it so: -b flag-3"),
        (f"{SERVICE} -p ''", "-p is given an empty value"),
        (f"{SERVICE} --ops=1", "--ops has no value, but here it is given '1'"),
        (f"{SERVICE} -o=1", "-o has no value, but here it is given '1'"),
        (f"{SERVICE} -E", "-E is a second command, after -A: give each its line"),
        (f"{SERVICE} -s rr --scheduler wrr", "--scheduler after -s: only one of them can be given, once"),
        (f"{SERVICE} -u 192.0.2.1:80", "-u after -t: only one of them can be given, once"),
        (f"{SERVICE} -w 1", "-w does not go with -A"),
        ("-C -t 192.0.2.1:80", "-t does not go with -C"),
        (f"{DESTINATION} -p", "-p does not go with -a"),
        ("-d -t 192.0.2.1:80 -r 10.0.0.1 -m", "-m does not go with -d"),
        ("-D -t 192.0.2.1:80 -r 10.0.0.1", "-r does not go with -D"),
        ("-A -s rr", "-A needs the service: give one of -t, -u, --sctp-service, -f"),
        ("-a -t 192.0.2.1:80", "-a needs the real server: give -r"),
        # values
        ("-A -t www:80", "-t: 'www' is not an IPv4 or IPv6 address. Names are not looked up: write the address, as ipvsadm -S -n does"),
        ("-A -t 80", "-t: '80' is not an IPv4 or IPv6 address"),
        ("-A -t 192.0.2.1:", "-t: port '' is neither a number nor a name of tcp in /etc/services"),
        ("-A -t 192.0.2.1:gopherr", "-t: port 'gopherr' is neither a number nor a name of tcp in /etc/services"),
        ("-A -t 192.0.2.1:65536", "-t: 65536 is not in the range 0 to 65535"),
        ("-A -t [2001:db8::1]", "-t: '[2001:db8::1]' is not of the form [IPv6 address]:port"),
        ("-A -t [192.0.2.1]:80", "-t: '[192.0.2.1]:80' is not of the form [IPv6 address]:port"),
        ("-A -t 192.0.2.1", "-t: 0 stands for all ports and needs a persistent service: give -p (persistence_timeout) too"),
        ("-A -f 0", "-f: 0 is not in the range 1 to 4294967295"),
        ("-A -f -5", "-f: -5 is how ipvsadm -S prints the mark 4294967291, and -R refuses it: write that"),
        (f"{SERVICE} -p 0", "-p 0: a service that is not persistent has no -p"),
        (f"{SERVICE} -p 2678401", "-p (persistence_timeout): 2678401 is not in the range 0 to 2678400 seconds"),
        (f"{SERVICE} -p 5m", "-p: '5m' is not a number"),
        (f"{SERVICE} -p -M 24", "-M: '24' is not a netmask like 255.255.255.0, which ipvsadm needs for IPv4"),
        ("-A -t [2001:db8::1]:80 -p -M /64", "-M: '/64' is not a prefix length from 1 to 128"),
        ("-A -t [2001:db8::1]:80 -p -M 129", "-M (persistence_netmask): '129' is not a prefix length from 1 to 128"),
        ("-A -f 7 -p -M 255.0.0.0 -6", "-M stands before what makes the service ipv6, where ipvsadm forgets it: put it behind"),
        (f"{SERVICE} -M 255.0.0.0", "-M (persistence_netmask): the service is not persistent: give -p (persistence_timeout) too"),
        (f"{SERVICE} -b flag-4", "-b: 'flag-4' is none of flag-1, flag-2, flag-3, sh-fallback"),
        (f"{SERVICE} -b sh-port", "-b (scheduler_flags): sh-port belongs to -s (scheduler) sh, the service's is wlc"),
        (f"{SERVICE} -o", "-o (one_packet): one-packet scheduling is only for UDP, not for tcp"),
        (f"{SERVICE} -s a/b", "-s (scheduler): 'a/b' is not a name of 1 to 15 letters"),
        (f"{SERVICE}\n-a -t 192.0.2.1:80 -r db1", "-r: 'db1' is not an IPv4 or IPv6 address"),
        (f"{SERVICE}\n-a -r 10.0.0.1:http -t 192.0.2.1:80", "the protocol is not known: put the service before -r"),
        (f"{SERVICE}\n{DESTINATION}:65536 -m", "-r: 65536 is not in the range 0 to 65535"),
        (f"{SERVICE}\n{DESTINATION}:65536", "-r: 65536 is not in the range 0 to 65535"),
        (f"{SERVICE}\n-a -t 192.0.2.1:80 -r 224.0.0.1", "-r: 224.0.0.1 is a multicast address, a real server cannot have it"),
        (f"{SERVICE}\n-a -t 192.0.2.1:80 -r 2001:db8::1", "-r: 2001:db8::1 is ipv6 and the service is ipv4: only forward_method tunnel"),
        (f"{SERVICE}\n{DESTINATION} -w -1", "-w (weight): -1 is not in the range 0 to 2147483647"),
        (f"{SERVICE}\n{DESTINATION} -x 1 -y 2", "-y (lower_threshold) 2 is above -x (upper_threshold) 1"),
        (f"{SERVICE}\n{DESTINATION} --tun-type gre", "--tun-type (tunnel_type): only forward_method tunnel has tunnels, not direct"),
        (f"{SERVICE}\n{DESTINATION} -i --tun-type vxlan", "--tun-type: 'vxlan' is none of ipip, gue, gre"),
        (f"{SERVICE}\n{DESTINATION} -i --tun-type gue", "--tun-port (tunnel_port): --tun-type (tunnel_type) gue needs the UDP port"),
        (f"{SERVICE}\n{DESTINATION} -i --tun-csum --tun-nocsum", "--tun-nocsum after --tun-csum: only one of them can be given"),
        # the table
        (f"{SERVICE}\n{SERVICE}", "service tcp 192.0.2.1:80 is there already, added by line 1 (-A -t 192.0.2.1:80); -E edits one"),
        ("-E -t 192.0.2.1:80", "there is no service tcp 192.0.2.1:80 at this point: -A adds one"),
        ("-D -f 7 -6", "there is no service fwmark 7 (ipv6) at this point"),
        (DESTINATION, "there is no service tcp 192.0.2.1:80 at this point: -A adds one"),
        (f"{SERVICE}\n{DESTINATION}\n{DESTINATION}", "tcp 192.0.2.1:80 has destination 10.0.0.1:80 already, added by line 2"),
        (f"{SERVICE}\n-d -t 192.0.2.1:80 -r 10.0.0.1", "tcp 192.0.2.1:80 has no destination 10.0.0.1:80 at this point: -a adds one"),
        # Only what adds and edits takes the service's port for another one.
        (f"{SERVICE}\n{DESTINATION}:8080\n-d -t 192.0.2.1:80 -r 10.0.0.1:8080", "has no destination 10.0.0.1:8080 at this point"),
        (f"{SERVICE}\n-e -t 192.0.2.1:80 -r 10.0.0.1", "tcp 192.0.2.1:80 has no destination 10.0.0.1:80 at this point: -a adds one"),
        (f"{SERVICE}\n{DESTINATION}\n-C\n{DESTINATION}", "there is no service tcp 192.0.2.1:80 at this point"),
    ],
)
def test_refusals(rules: str, message: str) -> None:
    last = rules.splitlines()[-1]
    shown = re.escape(f"line {rules.count(chr(10)) + 1} ({last}): ")
    with pytest.raises(IpvsInputError, match=f"^{shown}.*{re.escape(message)}"):
        parse_rules(rules)


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
