#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_health
short_description: Check the real servers of IPVS (LVS) services
version_added: 0.2.0
author:
  - The lvs.director authors (@lvs-director)
description:
  - Declares health checks. The checkers of the distribution's keepalived run them (C(ipvs-director-checks.service)), and
    C(ipvs-director-health.service) does to the table what they find. A destination whose check fails is held - it has weight
    0 in the kernel, and keeps the weight that it is to have for everything that reads or changes the table. A task that
    runs meanwhile is not changed, and a weight that it sets is what the destination comes back with.
  - keepalived keeps its own table in another network namespace (C(lvs_checks)), and never writes the one in service. Neither its
    C(keepalived.conf) nor its service C(keepalived.service) are touched, so VRRP (M(lvs.director.ipvs_vrrp)) runs beside it.
  - The checks of a service apply to each of its destinations, whichever task added it, and from then on. A service that is not in
    the table, or not listed here, is not checked.
  - Several checks of a destination must all succeed.
  - Each task replaces what an earlier one has declared.
  - Runs C(keepalived --config-test) on all checks before any change. A bad one changes nothing.
extends_documentation_fragment:
  - lvs.director._attributes
  - lvs.director._attributes.machine
options:
  services:
    description:
      - Services with their checks. Required with O(state=present); ignored with O(state=absent).
      - Takes the list of M(lvs.director.ipvs_table) with some options more. Its options that are not listed here, such as
        C(scheduler) or C(weight), are allowed and have no effect, so one list can serve both modules; give M(lvs.director.ipvs_table)
        the result of P(lvs.director.without_checks#filter).
    type: list
    elements: dict
    suboptions:
      state:
        description:
          - A service with V(absent) has no checks.
        type: str
        choices: [present, absent]
        default: present
      protocol:
        description:
          - Protocol of the service; given together with O(services[].address) and O(services[].port).
        type: str
        choices: [tcp, udp, sctp]
      address:
        description:
          - Virtual address of the service, IPv4 or IPv6.
        type: str
      port:
        description:
          - Port of the service. V(0) stands for all ports.
        type: int
      fwmark:
        description:
          - Firewall mark of the service, instead of O(services[].protocol), O(services[].address) and O(services[].port).
        type: int
      family:
        description:
          - Address family of a service with a firewall mark; the default is V(ipv4).
        type: str
        choices: [ipv4, ipv6]
      checks:
        description:
          - Checks of each destination that has no O(services[].destinations[].checks). Without any, the destination is never held.
        type: list
        elements: dict
        suboptions:
          type:
            description:
              - V(tcp) opens a connection.
              - V(http) and V(https) send a GET request of HTTP/1.0. Without other options, any status from 200 to 299 is a success.
              - V(smtp) expects 220 from the server, sends HELO, and expects 250.
              - V(dns) sends a query over UDP. Any answer without an error is a success, even an empty one.
              - V(udp) sends a datagram. Without C(response), it only fails if the real server says that the port is closed.
              - V(ping) sends an ICMP echo request. keepalived allows this by the sysctl C(net.ipv4.ping_group_range).
              - V(command) runs a program as root. Exit status 0 is a success.
            type: str
            choices: [tcp, http, https, smtp, dns, udp, ping, command]
            required: true
          port:
            description:
              - Port to connect to, for all types but V(ping) and V(command). The default is that of the destination. Required if the
                service has no port - for port 0 and for firewall marks.
            type: int
          address:
            description:
              - Address to connect to, for all types but V(command). The default is that of the destination. The service itself
                cannot be checked this way; its packets would go through the table.
            type: str
          path:
            description:
              - For V(http) and V(https), what to get. The default is V(/). Without blanks, quotes, backslashes and C($).
            type: str
          host:
            description:
              - For V(http) and V(https), the name in the Host header, and for V(https) also the one in TLS (SNI). The default of the
                header is the address; there is none for SNI.
            type: str
          status:
            description:
              - For V(http) and V(https), statuses that are a success, V(200) or ranges like V(200-299). A redirect is not followed.
            type: list
            elements: str
          digest:
            description:
              - For V(http) and V(https), the MD5 digest of the answer without its headers, as C(genhash) prints it.
            type: str
          body:
            description:
              - For V(http) and V(https), a text that the answer must contain after its headers.
            type: str
          verify:
            description:
              - For V(https), whether the certificate must be valid. keepalived does not verify any, so with V(true) C(openssl s_client)
                runs at each interval as well. It verifies the chain, the dates, and the name in C(host), or else the address.
            type: bool
          ca_file:
            description:
              - With C(verify), a file of certificates to trust instead of the system's.
            type: str
          helo:
            description:
              - For V(smtp), the name in HELO. The default is V(smtpchecker.keepalived.org).
            type: str
          name:
            description:
              - For V(dns), the name to ask for. The default is V(.), the root.
            type: str
          record_type:
            description:
              - For V(dns), the type to ask for. The default is V(SOA).
            type: str
            choices: [A, NS, CNAME, SOA, MX, TXT, AAAA, RRSIG, DNSKEY]
          payload:
            description:
              - For V(udp), the bytes to send, in hexadecimal digits; quote digits alone. Must not end in V(ff). The default is 32 bytes
                without a meaning.
            type: str
          response:
            description:
              - For V(udp), how an answer must begin, in hexadecimal digits; V(x) stands for any digit. V(any) means any answer.
            type: str
          command:
            description:
              - For V(command), the program with its absolute path, and its arguments. C({address}) and C({port}) in an argument stand
                for those of the destination.
              - Without quotes, backslashes and C($); what needs them goes into a script.
              - keepalived only runs a program that nobody but root can change. It is ended after the timeout, in whole seconds.
            type: list
            elements: str
      min_available:
        description:
          - Number of destinations, or percentage of them like V(50%), that stay available however many fail. A failing destination
            is not held if fewer would be left.
          - Drained destinations and weight 0 do not count, and sorry servers only while all others fail.
          - The default is V(1). V(0) allows that none is left, and clients are refused at once.
        type: str
      on_failure:
        description:
          - V(hold) gives the destination weight 0. Its connections and persistent clients stay; see the guide for the sysctls that
            change this.
        type: str
        choices: [hold]
      recover_after:
        description:
          - Seconds that a destination must be well without interruption before it is no longer held. The default is
            O(defaults.recover_after).
        type: float
      slow_start:
        description:
          - Seconds in which a destination that comes back gets its whole weight, a tenth more each time. A share is at least weight 1,
            so give weights that can be divided, such as V(100). The default is O(defaults.slow_start).
        type: float
      destinations:
        description:
          - Destinations that differ from the others. They need not be listed for being checked.
        type: list
        elements: dict
        suboptions:
          address:
            description:
              - IPv4 or IPv6 address of the real server.
            type: str
            required: true
          port:
            description:
              - Port of the real server. The default is the service's port.
            type: int
          checks:
            description:
              - Checks of this destination instead of O(services[].checks), with the same options. An empty list means that it is not
                checked, and never held.
            type: list
            elements: dict
          sorry:
            description:
              - A sorry server. It gets traffic only while no other destination of the service is available. It is not checked, unless
                it has O(services[].destinations[].checks).
            type: bool
  defaults:
    description:
      - How often and how patiently to check, for all services.
      - A failure is noticed after at most C(interval + (retries + 1) * timeout + retries * retry_pause) seconds, a refused
        connection after C(interval + retries * retry_pause).
    type: dict
    suboptions:
      interval:
        description:
          - Seconds between two checks.
        type: float
        default: 3.0
      timeout:
        description:
          - Seconds to wait for a connection, and then again for an answer.
        type: float
        default: 2.0
      retries:
        description:
          - How often a failed check is repeated before the destination counts as failed. When the checks start, one failure is enough.
        type: int
        default: 1
      retry_pause:
        description:
          - Seconds between these.
        type: float
        default: 1.0
      recover_after:
        description:
          - Seconds that a destination must be well without interruption before it is no longer held.
          - The default is the longest time in which a failure is noticed, 8 with the other defaults. Less is refused; whenever the
            checks start, all destinations seem well until then.
        type: float
      slow_start:
        description:
          - Seconds in which a destination that comes back gets its whole weight. V(0) gives it at once.
        type: float
        default: 0.0
  state:
    description:
      - V(absent) gives all held destinations their weight back, and removes the checks with their units, files and network namespace.
        The package keepalived stays.
    type: str
    choices: [present, absent]
    default: present
notes:
  - The directors of a pair check for themselves, and may find different things; see the guide.
  - While either of the units does not run, the table stays as it is.
  - Masquerading destinations of port 0 in a service with a port are not checked, because keepalived cannot name them. Give them
    their port.
  - Keeps the declaration in C(/var/lib/lvs.director/health.json), and keepalived's configuration in C(/etc/lvs.director/checks.conf).
seealso:
  - module: lvs.director.ipvs_table
  - module: lvs.director.ipvs_info
"""

EXAMPLES = r"""
- name: Hold web servers that do not answer
  lvs.director.ipvs_health:
    services:
      - protocol: tcp
        address: 192.0.2.10
        port: 80
        checks:
          - {type: http, path: /health, status: [200]}
        # Never hold more than half of them.
        min_available: 50%
        destinations:
          # Its own check instead of the one above.
          - {address: 10.0.0.12, port: 80, checks: [{type: tcp, port: 8080}]}
          # Gets traffic only while no other is available.
          - {address: 10.0.0.99, sorry: true}

- name: Ask name servers for a name, more often than by default
  lvs.director.ipvs_health:
    services:
      - protocol: udp
        address: 192.0.2.10
        port: 53
        checks:
          - {type: dns, name: www.example.org, record_type: A}
        on_failure: hold
        recover_after: 30
        slow_start: 60
    defaults:
      interval: 1
      timeout: 1
      retries: 1
      retry_pause: 0.5
      recover_after: 10
      slow_start: 0

- name: Verify certificates and answers, and run a program
  lvs.director.ipvs_health:
    services:
      - protocol: tcp
        address: 192.0.2.10
        port: 443
        checks:
          - type: https
            host: www.example.org
            path: /health
            body: all is well
            verify: true
            ca_file: /etc/ssl/certs/example.pem
          - {type: command, command: [/usr/local/bin/check-shop, "{address}", "{port}"]}

- name: Check what a firewall mark stands for, at the ports and addresses where it can be checked
  lvs.director.ipvs_health:
    services:
      - fwmark: 7
        family: ipv6
        checks:
          - {type: http, port: 80, digest: 9b3a0c85a887a256d6939da88aabd8cd}
          - {type: smtp, port: 25, helo: director.example.org}
          # A request of SIP, in hexadecimal digits, and how the answer begins.
          - {type: udp, port: 5060, payload: "4f5054494f4e53", response: 534950}
      # Of this one, none any more.
      - {fwmark: 8, state: absent}

- name: Check real servers at another address
  lvs.director.ipvs_health:
    services:
      - protocol: tcp
        address: 192.0.2.10
        port: 25
        destinations:
          - {address: 10.0.0.11, checks: [{type: ping}, {type: tcp, address: 10.9.0.11}]}
        checks:
          - {type: tcp, address: 10.9.0.10}

- name: Check nothing any more
  lvs.director.ipvs_health:
    state: absent
"""

RETURN = r"""
steps:
  description: The changes, in order; in check mode, the predicted ones.
  returned: success
  type: list
  elements: str
  sample: [write /var/lib/lvs.director/health.json, restart ipvs-director-health.service]
"""

from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._machine import health
from ansible_collections.lvs.director.plugins.module_utils._machine.program import sources
from ansible_collections.lvs.director.plugins.module_utils._machine.steps import converge, result
from ansible_collections.lvs.director.plugins.module_utils._options.health import health_from_module, health_module_spec
from ansible_collections.lvs.director.plugins.module_utils._runner import Result, run_without_kernel


def _act(params: dict[str, Any], check_mode: bool) -> Result:
    if params["state"] == "absent":
        return result(converge(health.plan_absent, check_mode=check_mode))
    declared = health_from_module(params)
    program = sources()
    return result(converge(lambda: health.plan(declared, program, check_mode=check_mode), check_mode=check_mode))


def _bring_along() -> None:
    """Never called. Ansible sends a module together with its imports, and the program is built from the files that were sent."""
    import ansible_collections.lvs.director.plugins.module_utils._program.everything  # noqa: F401, PLC0415


def main() -> None:
    run_without_kernel(health_module_spec(), _act)


if __name__ == "__main__":
    main()
