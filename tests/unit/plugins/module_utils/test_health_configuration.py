# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of keepalived's checkers. The scenario `health` has keepalived itself test it, on Debian 12 and 13."""

from __future__ import annotations

import re

import pytest
from ansible_collections.lvs.director.plugins.module_utils._health.configuration import FIRST_LINE, configuration
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.health import Check, Health, HealthRules, slowest
from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationKey, ServiceKey, parse_address

from unit.health import EVERY_CHECK, NASTY, TABLE, WEB, destination, every_check, service

ONE, TWO = destination("10.0.0.1", 80), destination("10.0.0.2", 8080)
TCP = (Check("tcp"),)


def text_of(*rules: HealthRules, table: dict[ServiceKey, list[DestinationKey]] | None = None, **options: float) -> str:
    return configuration(Health(rules, **options), table or {WEB: [TWO, ONE]})  # type: ignore[arg-type]


def keys(text: str) -> dict[ServiceKey, list[DestinationKey]]:
    """Return the table that keepalived would make of a configuration."""
    found: dict[ServiceKey, list[DestinationKey]] = {}
    for block in text.split("\nvirtual_server ")[1:]:
        name = block.partition(" {")[0].split()
        family = {"inet": "ipv4", "inet6": "ipv6"}[re.findall(r"ip_family (\S+)", block)[0]]
        if name[0] == "fwmark":
            key = ServiceKey(family, fwmark=int(name[1]))
        else:
            key = service(re.findall(r"protocol (\S+)", block)[0].lower(), name[0], int([*name, "0"][1]))
            assert key.family == family
        places = (place.split() for place in re.findall(r"real_server (.+) {", block))
        found[key] = [destination(place[0], int([*place, "0"][1])) for place in places]
    return found


def test_a_configuration() -> None:
    text = text_of(HealthRules(WEB, (Check("http", (("path", "/health"), ("status", ("200",)))),)), table={WEB: [ONE]})
    assert (
        text
        == """\
net_namespace_ipvs lvs_checks
# By lvs.director. Changes are lost. The line above must be the first one: without it, the checks would write the table in service.
global_defs {
    script_user root
    enable_script_security
    lvs_flush
    lvs_notify_fifo /run/lvs.director/checks.fifo
}
virtual_server 192.0.2.1 80 {
    ip_family inet
    protocol TCP
    lvs_sched rr
    lvs_method NAT
    inhibit_on_failure
    warmup 0
    delay_loop 3
    connect_timeout 2
    retry 1
    delay_before_retry 1
    real_server 10.0.0.1 80 {
        weight 1
        HTTP_GET {
            connect_port 80
            url {
                path "/health"
                status_code 200
            }
        }
    }
}
"""
    )


def test_the_shadow_table_has_the_same_keys() -> None:
    assert keys(configuration(every_check(), TABLE)) == {key: sorted(destinations) for key, destinations in TABLE.items()}


def test_what_keepalived_cannot_express_is_left_out() -> None:
    # It would give the first one the service's port, and the second one none.
    mark = ServiceKey("ipv4", fwmark=1)
    table = {WEB: [destination("10.0.0.1", 0), ONE], mark: [destination("2001:db8::1", 8080), ONE]}
    assert keys(text_of(HealthRules(WEB, TCP), HealthRules(mark, (Check("ping"),)), table=table)) == {WEB: [ONE], mark: [ONE]}


def test_the_order_of_the_table_does_not_matter() -> None:
    rules = HealthRules(WEB, TCP)
    assert text_of(rules, table={WEB: [ONE, TWO]}) == text_of(rules, table={WEB: [TWO, ONE]})


def test_the_namespace_comes_first_and_nothing_can_end_its_line() -> None:
    # Elsewhere, keepalived ignores it and writes the table in service.
    for text in (text_of(), text_of(HealthRules(WEB, EVERY_CHECK))):
        assert text.splitlines()[0] == FIRST_LINE == "net_namespace_ipvs lvs_checks"
        assert text.count("net_namespace") == 1


def test_only_declared_services_of_the_table_have_checks() -> None:
    other = service("tcp", "192.0.2.2", 80)
    text = text_of(HealthRules(WEB, TCP), HealthRules(other, TCP), table={WEB: [ONE], service("tcp", "192.0.2.3", 80): [ONE]})
    assert keys(text) == {WEB: [ONE]}


def test_destinations_without_checks_are_not_in_the_shadow() -> None:
    assert keys(text_of(HealthRules(WEB, TCP, {ONE: ()}))) == {WEB: [TWO]}
    assert keys(text_of(HealthRules(WEB, TCP, sorry=frozenset([ONE])))) == {WEB: [TWO]}
    assert keys(text_of(HealthRules(WEB, TCP, {ONE: TCP}, frozenset([ONE])))) == {WEB: [ONE, TWO]}
    # keepalived refuses a service without real servers.
    assert keys(text_of(HealthRules(WEB, ()))) == {}


def test_a_destination_has_its_own_checks_instead_of_those_of_the_service() -> None:
    text = text_of(HealthRules(WEB, TCP, {TWO: (Check("ping"),)}))
    first, second = text.partition("real_server 10.0.0.2")[::2]
    assert ("TCP_CHECK" in first, "PING_CHECK" in first) == (True, False)
    assert ("TCP_CHECK" in second, "PING_CHECK" in second) == (False, True)


def test_where_a_check_connects_to() -> None:
    assert "connect_port 8080\n" in text_of(HealthRules(WEB, TCP))
    assert "connect_port 81\n" in text_of(HealthRules(WEB, (Check("tcp", (("port", 81),)),)))
    assert "connect_ip 10.9.9.9\n" in text_of(HealthRules(WEB, (Check("ping", (("address", "10.9.9.9"),)),)))
    every_port = service("tcp", "192.0.2.1", 0)
    assert "connect_port 81\n" in text_of(
        HealthRules(every_port, (Check("tcp", (("port", 81),)),)), table={every_port: [destination("10.0.0.1", 0)]}
    )


def test_no_retries_are_an_option_of_each_checker() -> None:
    # Elsewhere the least that keepalived takes is 1.
    assert text_of(HealthRules(WEB, TCP), retries=0).count("            retry 0\n") == 2
    assert "    retry" not in text_of(HealthRules(WEB, TCP), retries=0).replace("            retry 0", "")


def test_a_command_gets_the_address_and_no_fractions_of_a_second() -> None:
    command = ("/usr/local/bin/check", "{address}", "{port}", "a b", "")
    text = text_of(HealthRules(WEB, (Check("command", (("command", command),)),)), table={WEB: [ONE]}, timeout=1.5)
    assert "misc_path \"/usr/local/bin/check 10.0.0.1 80 'a b' ''\"\n" in text
    assert "misc_timeout 2\n" in text


def test_a_certificate_is_verified_by_openssl() -> None:
    key = service("tcp", "2001:db8::1", 443)
    table = {key: [DestinationKey(parse_address("2001:db8::2"), 443)]}
    text = text_of(HealthRules(key, (Check("https", (("host", "example.org"), ("verify", True))),)), table=table)
    assert (
        "misc_path \"/usr/bin/openssl s_client -connect '[2001:db8::2]:443' -servername example.org -verify_hostname example.org "
        '-verify_return_error -brief"' in text
    )
    assert "SSL_GET" in text
    assert "enable_sni" in text
    assert "-noservername -verify_ip 2001:db8::2" in text_of(HealthRules(key, (Check("https", (("verify", True),)),)), table=table)


def test_a_text_to_be_found_means_nothing_else_to_keepalived() -> None:
    (pattern,) = re.findall(r'regex "(.*)"', text_of(HealthRules(WEB, (Check("http", (("body", NASTY),)),)), table={WEB: [ONE]}))
    assert not re.search(r"[\"'#!{}$]", pattern)
    unescaped = re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), pattern.encode())
    assert re.fullmatch(unescaped, NASTY.encode())


def test_a_line_that_keepalived_would_cut_is_refused() -> None:
    with pytest.raises(IpvsInputError, match=r"a line of keepalived's configuration has at most 1000 characters: shorten .*'path'"):
        text_of(HealthRules(WEB, (Check("http", (("path", "/" + "a" * 1000),)),)))


def test_how_long_a_failure_goes_unnoticed() -> None:
    assert slowest(3, 2, 1, 1) == 8
    assert slowest(1, 0.5, 0, 7) == 1.5
