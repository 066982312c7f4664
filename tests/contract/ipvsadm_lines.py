# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines of ipvsadm, with their results. The scenario ``modules`` gives the same lines to ipvsadm itself."""

from __future__ import annotations

from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    DestinationKey,
    Entry,
    Service,
    ServiceKey,
    parse_address,
)

WEB = ServiceKey("ipv4", "tcp", parse_address("192.0.2.1"), 80)
MARK6 = ServiceKey("ipv6", fwmark=7)
SERVICE = "-A -t 192.0.2.1:80"
DESTINATION = "-a -t 192.0.2.1:80 -r 10.0.0.1"


def name(address: str, port: int = 80) -> DestinationKey:
    return DestinationKey(parse_address(address), port)


def _one_service(*texts: str) -> list[tuple[str, Entry]]:
    """Spellings of one service."""
    return [(text, Entry(Service(WEB, "rr", 0, 360, "255.255.255.0"))) for text in texts]


def _of_web(line: str, destination: Destination) -> tuple[str, Entry]:
    """A line that adds a destination."""
    return f"{SERVICE}\n-a {line}", Entry(Service(WEB), (destination,))


ACCEPTED: list[tuple[str, Entry]] = [
    *_one_service(
        "-A -t 192.0.2.1:80 -s rr -p 360 -M 255.255.255.0",
        "-A -t 192.0.2.1:http -s rr -p -M 255.255.255.0",
        "-At192.0.2.1:80 -srr -p360 -M255.255.255.0",
        "-At=192.0.2.1:80 -s=rr -p=360 -M=255.255.255.0",
        "--add-service --tcp-service=192.0.2.1:80 --scheduler=rr --persistent=360 --netmask=255.255.255.0",
        "--add-service --tcp-service 192.0.2.1:80 --scheduler rr --netmask 255.255.255.0 --persistent",
        "-A -M 255.255.255.0 -p -s rr -t 192.0.2.1:80",
        "-A \"-t\" '192.0.2.1:80' -s r'r' -p +360 -M 255.255.255.0 --",
    ),
    _of_web("-t 192.0.2.1:80 -m -r 10.0.0.1:8080 -w 2", Destination(name("10.0.0.1", 8080), "masquerade", 2)),
    _of_web("-t 192.0.2.1:80 -mr10.0.0.1:8080 -w2", Destination(name("10.0.0.1", 8080), "masquerade", 2)),
    _of_web(
        "--tcp-service=192.0.2.1:80 --masquerading --real-server=10.0.0.1:8080 --weight=2",
        Destination(name("10.0.0.1", 8080), "masquerade", 2),
    ),
    _of_web("-t 192.0.2.1:80 -m -r 10.0.0.1:http-alt -w 02", Destination(name("10.0.0.1", 8080), "masquerade", 2)),
    # If ports are not rewritten, ipvsadm silently uses the service's.
    _of_web("-t 192.0.2.1:80 -g -r 10.0.0.1:8080", Destination(name("10.0.0.1"))),
    _of_web("-t 192.0.2.1:80 -r 10.0.0.1:8080 --ipip", Destination(name("10.0.0.1"), "tunnel")),
    _of_web("-t 192.0.2.1:80 -i -r 2001:db8::1", Destination(name("2001:db8::1"), "tunnel")),
    _of_web("-t 192.0.2.1:80 -i -r [2001:DB8::1]:80", Destination(name("2001:db8::1"), "tunnel")),
    _of_web(
        "-t 192.0.2.1:80 -r 10.0.0.1 --u-threshold 4 --l-threshold=1",
        Destination(name("10.0.0.1"), upper_threshold=4, lower_threshold=1),
    ),
    _of_web(
        "-t 192.0.2.1:80 -r 10.0.0.1 -i --tun-type=gre --tun-csum",
        Destination(name("10.0.0.1"), "tunnel", tunnel_type="gre", tunnel_flags=1),
    ),
    # The service's port is known only once the service is.
    _of_web("-r 10.0.0.1 -t 192.0.2.1:80 -m", Destination(name("10.0.0.1", 0), "masquerade")),
    _of_web("-r 10.0.0.1 -t 192.0.2.1:80", Destination(name("10.0.0.1"))),
    _of_web("-r 10.0.0.1:81 -t 192.0.2.1:80 -m", Destination(name("10.0.0.1", 81), "masquerade")),
    # A firewall mark has no port, so the destination's may be any.
    (
        "-A -f 7\n-a -f 7 -r 10.0.0.1:8080\n-a -f 7 -r 10.0.0.2\n-a -f 7 -r 10.0.0.3:http -m",
        Entry(
            Service(ServiceKey("ipv4", fwmark=7)),
            (Destination(name("10.0.0.3"), "masquerade"), Destination(name("10.0.0.2", 0)), Destination(name("10.0.0.1", 8080))),
        ),
    ),
    ("-A -f 7 -6", Entry(Service(MARK6))),
    ("-Af7 --ipv6", Entry(Service(MARK6))),
    ("-A -f 4294967295", Entry(Service(ServiceKey("ipv4", fwmark=2**32 - 1)))),
    ("-A -u 192.0.2.1:domain", Entry(Service(ServiceKey("ipv4", "udp", parse_address("192.0.2.1"), 53)))),
    ("-A --sctp-service [2001:db8::1]:80", Entry(Service(ServiceKey("ipv6", "sctp", parse_address("2001:db8::1"), 80)))),
    (
        "-A -t 2001:db8::1 -p",
        Entry(Service(ServiceKey("ipv6", "tcp", parse_address("2001:db8::1"), 0), persistence_timeout=360, persistence_netmask="128")),
    ),
    # An edit resets omitted options, and keeps the place.
    (
        "-A -t 192.0.2.1:80 -s sh -b sh-port -p 60\n"
        "-a -t 192.0.2.1:80 -r 10.0.0.1 -m -w 5 -x 4 -y 1\n"
        "-a -t 192.0.2.1:80 -r 10.0.0.2 -i --tun-type gue --tun-port 6080\n"
        "-a -t 192.0.2.1:80 -r 10.0.0.3 -m\n"
        "-e -t 192.0.2.1:80 -r 10.0.0.2\n"
        "-E -t 192.0.2.1:80",
        Entry(
            Service(WEB),
            (
                Destination(name("10.0.0.3"), "masquerade"),
                Destination(name("10.0.0.2")),
                Destination(name("10.0.0.1"), "masquerade", 5, 4, 1),
            ),
        ),
    ),
    # Without -p, ipvsadm accepts a netmask and drops it.
    (f"{SERVICE} -M 255.255.0.0", Entry(Service(WEB))),
    ("-A -u 192.0.2.2:69 -M 255.255.0.0 -s lc", Entry(Service(ServiceKey("ipv4", "udp", parse_address("192.0.2.2"), 69), "lc"))),
    ("-A -t [2001:db8::1]:80 -M 64", Entry(Service(ServiceKey("ipv6", "tcp", parse_address("2001:db8::1"), 80)))),
    (f"{SERVICE} -p 60 -M 255.0.0.0\n-E -t 192.0.2.1:80 -M 255.0.0.0", Entry(Service(WEB))),
    ("-A -f 7\n-A -t 192.0.2.1:80\n-C\n-A -f 7 -s rr", Entry(Service(ServiceKey("ipv4", fwmark=7), "rr"))),
]

# Lines whose last one ipvsadm or the kernel also refuses, and our message.
REFUSED: list[tuple[str, str]] = [
    ("-A6 --fwmark-service=7", "-6 is for a firewall mark and must follow its -f"),
    ("-A -t 192.0.2.1:80 -6", "-6 is for a firewall mark and must follow its -f"),
    (f"{SERVICE} -- -s rr", "unexpected word '-s' after --"),
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
    ("-A -t [2001:db8::1]:80 -p -M /64", "-M: '/64' is not a prefix length from 1 to 128"),
    ("-A -t [2001:db8::1]:80 -M 129", "-M (persistence_netmask): '129' is not a prefix length from 1 to 128"),
    ("-A -t 192.0.2.1:0 -M 255.255.0.0", "-t: 0 stands for all ports and needs a persistent service"),
    ("-A -t [2001:db8::1]:80 -p -M 129", "-M (persistence_netmask): '129' is not a prefix length from 1 to 128"),
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
    (f"{SERVICE}\n{SERVICE}", "service tcp 192.0.2.1:80 already exists, added by line 1 (-A -t 192.0.2.1:80); -E edits one"),
    ("-E -t 192.0.2.1:80", "there is no service tcp 192.0.2.1:80 at this point: -A adds one"),
    ("-D -f 7 -6", "there is no service fwmark 7 (ipv6) at this point"),
    (DESTINATION, "there is no service tcp 192.0.2.1:80 at this point: -A adds one"),
    (f"{SERVICE}\n{DESTINATION}\n{DESTINATION}", "tcp 192.0.2.1:80 has destination 10.0.0.1:80 already, added by line 2"),
    (f"{SERVICE}\n-d -t 192.0.2.1:80 -r 10.0.0.1", "tcp 192.0.2.1:80 has no destination 10.0.0.1:80 at this point: -a adds one"),
    # Only adding and editing replaces another port by the service's.
    (f"{SERVICE}\n{DESTINATION}:8080\n-d -t 192.0.2.1:80 -r 10.0.0.1:8080", "has no destination 10.0.0.1:8080 at this point"),
    (f"{SERVICE}\n-e -t 192.0.2.1:80 -r 10.0.0.1", "tcp 192.0.2.1:80 has no destination 10.0.0.1:80 at this point: -a adds one"),
    (f"{SERVICE}\n{DESTINATION}\n-C\n{DESTINATION}", "there is no service tcp 192.0.2.1:80 at this point"),
]

# Lines that ipvsadm accepts, but with another meaning than they seem to have.
MISLEADING: list[tuple[str, str]] = [
    (f"{SERVICE} -p -M 24", "-M: '24' is not a netmask like 255.255.255.0, which ipvsadm needs for IPv4"),
    ("-A -f 7 -p -M 255.0.0.0 -6", "-M precedes the option that makes the service ipv6, and is lost in ipvsadm: put it last"),
]
