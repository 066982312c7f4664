# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of ipvsadm 1.31, and its equivalent in this collection.

The table in the guide "From ipvsadm" is made of this (``python3 -m tools.ipvsadm_table``). Where an option changes the kernel,
there are command lines and the tasks that are equal to them; tests/unit does both in memory, and the scenario
``modules`` in a real kernel.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Task(NamedTuple):
    """A task of a playbook."""

    module: str  # without the collection's name
    values: dict[str, Any]


class Case(NamedTuple):
    """Command lines, without the word ipvsadm, and the tasks that do the same."""

    lines: tuple[str, ...]
    tasks: tuple[Task, ...]
    before: tuple[str, ...] = ()  # command lines that prepare the table for both


class Row(NamedTuple):
    """An option, or a few that belong together."""

    options: tuple[str, ...]  # all forms
    here: str  # Markdown
    cases: tuple[Case, ...] = ()


WEB = {"protocol": "tcp", "address": "192.0.2.1", "port": 80}
WEB6 = {"protocol": "tcp", "address": "2001:db8::1", "port": 80}
DNS = {"protocol": "udp", "address": "192.0.2.1", "port": 53}
ADD_WEB = "-A -t 192.0.2.1:80 -s rr"
ADD_WEB6 = "-A -t [2001:db8::1]:80 -s rr"
TWO = (ADD_WEB, "-a -t 192.0.2.1:80 -r 10.0.0.2:80 -m", "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 5 -x 4 -y 1")


def service(key: dict[str, Any], **values: Any) -> Task:
    return Task("ipvs_service", {**key, **values})


def destination(key: dict[str, Any], **values: Any) -> Task:
    return Task("ipvs_destination", {"service": key, **values})


def one(line: str, *tasks: Task, before: tuple[str, ...] = ()) -> Case:
    return Case((line,), tasks, before)


COMMANDS = (
    Row(
        ("-A", "--add-service"),
        "`ipvs_service`, or `ipvs_table` for many",
        (
            one(ADD_WEB, service(WEB, scheduler="rr")),
            Case(
                (ADD_WEB, "-a -t 192.0.2.1:80 -r 10.0.0.2:80 -m", "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 0"),
                (
                    service(
                        WEB,
                        scheduler="rr",
                        destinations=[
                            {"address": "10.0.0.1", "forward_method": "masquerade", "weight": 0},
                            {"address": "10.0.0.2", "forward_method": "masquerade"},
                        ],
                    ),
                ),
            ),
        ),
    ),
    Row(
        ("-E", "--edit-service"),
        "`ipvs_service`; omitted options keep their values, where `-E` resets them",
        (
            one("-E -t 192.0.2.1:80 -s fo -p 60", service(WEB, scheduler="fo"), before=("-A -t 192.0.2.1:80 -s rr -p 60", *TWO[1:])),
            one(
                "-E -t 192.0.2.1:80",
                service(WEB, scheduler="wlc", scheduler_flags=[], persistence_timeout=0),
                before=("-A -t 192.0.2.1:80 -s sh -b sh-port -p 60",),
            ),
        ),
    ),
    Row(
        ("-D", "--delete-service"),
        "`ipvs_service` with `state: absent`",
        (one("-D -t 192.0.2.1:80", service(WEB, state="absent"), before=(*TWO, "-A -f 1 -s rr")),),
    ),
    Row(
        ("-C", "--clear"),
        "nothing here empties a whole table; `ipvs_table` with `purge` removes unlisted services inside a scope, `ipvs_service` just one",
        (one("-C", service(WEB, state="absent"), service({"fwmark": 1}, state="absent"), before=(*TWO, "-A -f 1 -s rr")),),
    ),
    Row(
        ("-a", "--add-server"),
        "`ipvs_destination`, or `destinations` of `ipvs_service`, which also gives the order",
        (
            one("-a -t 192.0.2.1:80 -r 10.0.0.3:80", destination(WEB, address="10.0.0.3"), before=TWO),
            one("-a -t [2001:db8::1]:80 -r [2001:db8:1::3]:80", destination(WEB6, address="2001:db8:1::3"), before=(ADD_WEB6,)),
        ),
    ),
    Row(
        ("-e", "--edit-server"),
        "`ipvs_destination`; omitted options keep their values, where `-e` resets them",
        (
            one("-e -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 0 -x 4 -y 1", destination(WEB, address="10.0.0.1", weight=0), before=TWO),
            one(
                "-e -t 192.0.2.1:80 -r 10.0.0.1:80",
                destination(WEB, address="10.0.0.1", forward_method="direct", weight=1, upper_threshold=0, lower_threshold=0),
                before=TWO,
            ),
        ),
    ),
    Row(
        ("-d", "--delete-server"),
        "`ipvs_destination` with `state: absent`, or `state: drained` first; `exclusive_destinations` of `ipvs_service`",
        (
            one("-d -t 192.0.2.1:80 -r 10.0.0.1:80", destination(WEB, address="10.0.0.1", state="absent"), before=TWO),
            one(
                "-d -t 192.0.2.1:80 -r 10.0.0.1:80",
                service(WEB, destinations=[{"address": "10.0.0.2"}], exclusive_destinations=True),
                before=TWO,
            ),
        ),
    ),
    Row(
        ("-R", "--restore"),
        "`ipvs_table` with the filter `from_ipvsadm_rules`; `-R` works line by line, a task is one change, and undone if the "
        "kernel refuses a part",
    ),
    Row(("-S", "--save"), "`ipvs_info` with the filter `ipvsadm_rules`, which keeps thresholds and order"),
    Row(("-L", "-l", "--list"), "`ipvs_info`; the destinations are in the kernel's order"),
    Row(
        ("-Z", "--zero"),
        "`zero_counters: true` of `ipvs_service` for one service, of `ipvs_table` for all",
        (one("-Z -t 192.0.2.1:80", service(WEB, zero_counters=True), before=TWO),),
    ),
    Row(("-h", "--help"), "`ansible-doc lvs.director.ipvs_service`"),
    Row(("-v", "--version"), "the kernel's version of IPVS is `version` of `ipvs_info`"),
)

SERVICES = (
    Row(
        ("-t", "--tcp-service"),
        "`protocol: tcp`, `address` and `port`; names are not looked up",
        (one("-A -t [2001:db8::1]:80 -s wlc", service(WEB6, scheduler="wlc")),),
    ),
    Row(("-u", "--udp-service"), "`protocol: udp`, `address` and `port`", (one("-A -u 192.0.2.1:53", service(DNS)),)),
    Row(
        ("--sctp-service",),
        "`protocol: sctp`, `address` and `port`",
        (one("-A --sctp-service 192.0.2.1:80", service({**WEB, "protocol": "sctp"})),),
    ),
    Row(
        ("-f", "--fwmark-service"),
        "`fwmark`",
        (
            Case(
                ("-A -f 4294967295 -s rr", "-a -f 4294967295 -r 10.0.0.1", "-a -f 4294967295 -r 10.0.0.2:8080 -m"),
                (
                    service({"fwmark": 4294967295}, scheduler="rr", destinations=[{"address": "10.0.0.1"}]),
                    destination({"fwmark": 4294967295}, address="10.0.0.2", port=8080, forward_method="masquerade"),
                ),
            ),
        ),
    ),
    Row(
        ("-6", "--ipv6"),
        "`family: ipv6`, for a firewall mark alone",
        (
            Case(
                ("-A -f 7 -6 -s rr", "-a -f 7 -6 -r 2001:db8:1::1"),
                (service({"fwmark": 7, "family": "ipv6"}, scheduler="rr", destinations=[{"address": "2001:db8:1::1"}]),),
            ),
        ),
    ),
    Row(
        ("-s", "--scheduler"),
        "`scheduler`, any that is in the kernel or has a module",
        (one("-A -t 192.0.2.1:80 -s fo", service(WEB, scheduler="fo")),),
    ),
    Row(
        ("-p", "--persistent"),
        "`persistence_timeout` in seconds, always with a value (`-p` alone is 360, whatever its manual says); "
        "0 for a service that is not persistent",
        (
            one("-A -t 192.0.2.1:80 -p", service(WEB, persistence_timeout=360)),
            one("-A -t 192.0.2.1:0 -p 60", service({**WEB, "port": 0}, persistence_timeout=60)),
        ),
    ),
    Row(
        ("-M", "--netmask"),
        "`persistence_netmask`, for IPv4 a mask or a prefix length (`-M 24` is 0.0.0.24)",
        (
            one("-A -t 192.0.2.1:80 -p 60 -M 255.255.255.0", service(WEB, persistence_timeout=60, persistence_netmask="24")),
            one("-A -t [2001:db8::1]:80 -p 60 -M 64", service(WEB6, persistence_timeout=60, persistence_netmask="64")),
            one(
                "-A -f 7 -6 -p 60 -M 48",
                service({"fwmark": 7, "family": "ipv6"}, persistence_timeout=60, persistence_netmask="48"),
            ),
        ),
    ),
    Row(
        ("--pe",),
        "`persistence_engine`, an empty string for none",
        (
            one("-A -u 192.0.2.1:53 -p 60 --pe sip", service(DNS, persistence_timeout=60, persistence_engine="sip")),
            one(
                "-E -u 192.0.2.1:53 -p 60",
                service(DNS, persistence_engine=""),
                before=("-A -u 192.0.2.1:53 -p 60 --pe sip",),
            ),
        ),
    ),
    Row(
        ("-o", "--ops"),
        "`one_packet: true`",
        (
            one("-A -u 192.0.2.1:53 -o", service(DNS, one_packet=True)),
            one("-A -f 7 -o", service({"fwmark": 7}, one_packet=True)),
        ),
    ),
    Row(
        ("-b", "--sched-flags"),
        "`scheduler_flags`, a list",
        (
            one("-A -t 192.0.2.1:80 -b flag-1,flag-2,flag-3", service(WEB, scheduler_flags=["flag-1", "flag-2", "flag-3"])),
            one(
                "-A -t 192.0.2.1:80 -s sh -b sh-fallback,sh-port",
                service(WEB, scheduler="sh", scheduler_flags=["sh-fallback", "sh-port"]),
            ),
            one(
                "-A -t 192.0.2.1:80 -s mh -b mh-fallback,mh-port",
                service(WEB, scheduler="mh", scheduler_flags=["mh-fallback", "mh-port"]),
            ),
        ),
    ),
)


def tunnel(**values: Any) -> Task:
    return destination(WEB, address="10.0.0.3", forward_method="tunnel", **values)


DESTINATIONS = (
    Row(
        ("-r", "--real-server"),
        "`address` and `port` of a destination; the default port is the service's",
        (
            one(
                "-a -t 192.0.2.1:80 -r 10.0.0.3:8080 -m",
                destination(WEB, address="10.0.0.3", port=8080, forward_method="masquerade"),
                before=TWO,
            ),
        ),
    ),
    Row(
        ("-g", "--gatewaying"),
        "`forward_method: direct`, the default of a new destination. `-g` and `-i` ignore a port other than the "
        "service's; here it is an error",
        (one("-a -t 192.0.2.1:80 -r 10.0.0.3 -g", destination(WEB, address="10.0.0.3", forward_method="direct"), before=TWO),),
    ),
    Row(
        ("-i", "--ipip"),
        "`forward_method: tunnel`",
        (
            one("-a -t 192.0.2.1:80 -r 10.0.0.3 -i", tunnel(), before=TWO),
            one(
                "-a -t 192.0.2.1:80 -r 2001:db8:1::3 -i",
                destination(WEB, address="2001:db8:1::3", forward_method="tunnel"),
                before=TWO,
            ),
            one(
                "-a -t [2001:db8::1]:80 -r 10.0.0.3 -i",
                destination(WEB6, address="10.0.0.3", forward_method="tunnel"),
                before=(ADD_WEB6,),
            ),
        ),
    ),
    Row(
        ("-m", "--masquerading"),
        "`forward_method: masquerade`",
        (
            one(
                "-a -t 192.0.2.1:80 -r 10.0.0.3 -m",
                destination(WEB, address="10.0.0.3", forward_method="masquerade"),
                before=TWO,
            ),
        ),
    ),
    Row(
        ("-w", "--weight"),
        "`weight`, 0 to 2147483647",
        (one("-a -t 192.0.2.1:80 -r 10.0.0.3 -w 0", destination(WEB, address="10.0.0.3", weight=0), before=TWO),),
    ),
    Row(
        ("-x", "--u-threshold"),
        "`upper_threshold`",
        (one("-a -t 192.0.2.1:80 -r 10.0.0.3 -x 4", destination(WEB, address="10.0.0.3", upper_threshold=4), before=TWO),),
    ),
    Row(
        ("-y", "--l-threshold"),
        "`lower_threshold`, not above `upper_threshold`",
        (
            one(
                "-a -t 192.0.2.1:80 -r 10.0.0.3 -x 4 -y 1",
                destination(WEB, address="10.0.0.3", upper_threshold=4, lower_threshold=1),
                before=TWO,
            ),
        ),
    ),
    Row(
        ("--tun-type",),
        "`tunnel_type`",
        (
            one("-a -t 192.0.2.1:80 -r 10.0.0.3 -i --tun-type ipip", tunnel(tunnel_type="ipip"), before=TWO),
            one("-a -t 192.0.2.1:80 -r 10.0.0.3 -i --tun-type gre", tunnel(tunnel_type="gre"), before=TWO),
        ),
    ),
    Row(
        ("--tun-port",),
        "`tunnel_port`, with `tunnel_type: gue`",
        (
            one(
                "-a -t 192.0.2.1:80 -r 10.0.0.3 -i --tun-type gue --tun-port 6080",
                tunnel(tunnel_type="gue", tunnel_port=6080),
                before=TWO,
            ),
        ),
    ),
    Row(
        ("--tun-nocsum",),
        "`tunnel_flags: [nocsum]`",
        (
            one(
                "-e -t 192.0.2.1:80 -r 10.0.0.3 -i --tun-type gre --tun-nocsum",
                tunnel(tunnel_flags=["nocsum"]),
                before=(*TWO, "-a -t 192.0.2.1:80 -r 10.0.0.3 -i --tun-type gre --tun-csum"),
            ),
        ),
    ),
    Row(
        ("--tun-csum",),
        "`tunnel_flags: [csum]`",
        (
            one(
                "-a -t 192.0.2.1:80 -r 10.0.0.3 -i --tun-type gre --tun-csum",
                tunnel(tunnel_type="gre", tunnel_flags=["csum"]),
                before=TWO,
            ),
            one(
                "-a -f 7 -6 -r 10.0.0.3 -i --tun-type gue --tun-port 6080 --tun-csum",
                destination(
                    {"fwmark": 7, "family": "ipv6"},
                    address="10.0.0.3",
                    forward_method="tunnel",
                    tunnel_type="gue",
                    tunnel_port=6080,
                    tunnel_flags=["csum"],
                ),
                before=("-A -f 7 -6 -s rr",),
            ),
        ),
    ),
    Row(
        ("--tun-remcsum",),
        "`tunnel_flags: [remcsum]`, with `tunnel_type: gue`",
        (
            one(
                "-a -t 192.0.2.1:80 -r 10.0.0.3 -i --tun-type gue --tun-port 6080 --tun-remcsum",
                tunnel(tunnel_type="gue", tunnel_port=6080, tunnel_flags=["remcsum"]),
                before=TWO,
            ),
        ),
    ),
)

LISTINGS = (
    Row(("-c", "--connection"), "`ipvs_connection_info`"),
    Row(("--timeout",), "`timeouts` of `ipvs_info`"),
    Row(("--daemon",), "`sync_daemons` of `ipvs_info`"),
    Row(("--stats",), "`stats` of each service and destination in `ipvs_info`: the counters"),
    Row(("--rate",), "`stats` of each service and destination in `ipvs_info`: the values ending in `_per_second`"),
    Row(("--thresholds",), "`upper_threshold` and `lower_threshold` of each destination in `ipvs_info`"),
    Row(
        ("--persistent-conn",),
        "`persistent_connections` of each destination in `ipvs_info`; with `-c`, the engine's data in `ipvs_connection_info`",
    ),
    Row(("--tun-info",), "`tunnel_type`, `tunnel_port` and `tunnel_flags` of each destination in `ipvs_info`"),
    Row(("--sort",), "Jinja's filter `sort` on the result of `ipvs_info`"),
    Row(("--nosort",), "always: the order of `ipvs_info` is the kernel's"),
    Row(("-n", "--numeric"), "always: `ipvs_info` does not look up addresses and ports"),
    Row(("-X", "--exact"), "always: `ipvs_info` does not round"),
)


def master(state: str = "present", **values: Any) -> Task:
    return Task("ipvs_sync_daemon", {"daemon": "master", "interface": "lo", **values, "state": state})


OTHERS = (
    Row(
        ("--set",),
        "`ipvs_timeouts` with `tcp`, `tcp_fin` and `udp`; an omitted one keeps its value, as with 0",
        (
            one("--set 600 60 0", Task("ipvs_timeouts", {"tcp": 600, "tcp_fin": 60})),
            one("--set 0 0 120", Task("ipvs_timeouts", {"udp": 120})),
        ),
    ),
    Row(
        ("--start-daemon",),
        "`ipvs_sync_daemon` with `daemon: master` or `daemon: backup`",
        (
            one("--start-daemon master --mcast-interface lo", master()),
            one(
                "--start-daemon backup --mcast-interface lo",
                Task("ipvs_sync_daemon", {"daemon": "backup", "interface": "lo"}),
            ),
        ),
    ),
    Row(
        ("--stop-daemon",),
        "`ipvs_sync_daemon` with `state: absent`",
        (
            one(
                "--stop-daemon master",
                Task("ipvs_sync_daemon", {"daemon": "master", "state": "absent"}),
                before=("--start-daemon master --mcast-interface lo",),
            ),
        ),
    ),
    Row(("--mcast-interface",), "`interface`", (one("--start-daemon master --mcast-interface lo", master()),)),
    Row(("--syncid",), "`sync_id`", (one("--start-daemon master --mcast-interface lo --syncid 7", master(sync_id=7)),)),
    Row(
        ("--sync-maxlen",),
        "`maximum_length`",
        (one("--start-daemon master --mcast-interface lo --sync-maxlen 1400", master(maximum_length=1400)),),
    ),
    Row(
        ("--mcast-group",),
        "`group`",
        (one("--start-daemon master --mcast-interface lo --mcast-group 224.0.0.82", master(group="224.0.0.82")),),
    ),
    Row(("--mcast-port",), "`port`", (one("--start-daemon master --mcast-interface lo --mcast-port 8849", master(port=8849)),)),
    Row(("--mcast-ttl",), "`ttl`", (one("--start-daemon master --mcast-interface lo --mcast-ttl 2", master(ttl=2)),)),
)

GROUPS = {
    "Commands": COMMANDS,
    "Virtual services": SERVICES,
    "Real servers": DESTINATIONS,
    "Listings": LISTINGS,
    "Timeouts and synchronisation": OTHERS,
}
ROWS = tuple(row for rows in GROUPS.values() for row in rows)


def is_setting(line: str) -> bool:
    """Return whether a command line is about something else than services and destinations; no filter reads those."""
    return line.startswith(("--set", "--start-daemon", "--stop-daemon", "-Z"))
