# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide *Health checks*: keepalived's checks beside ours are what keepalived gets, and the times are those of the formula."""

from __future__ import annotations

import re

import pytest
import yaml
from ansible_collections.lvs.director.plugins.module_utils._health.configuration import configuration
from ansible_collections.lvs.director.plugins.module_utils._model.health import TYPES, slowest
from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationKey, parse_address
from ansible_collections.lvs.director.plugins.module_utils._options.health import DEFAULTS_SPEC, health_from_module

from tools.checkout import ROOT

PAGE = (ROOT / "docs/docsite/rst/guide_health.rst").read_text(encoding="utf-8")
ROWS = re.findall(r"^   \* - ``([A-Z]+_[A-Z]+ \{.*\})``\n     - ``(\{.*\})``$", PAGE, re.MULTILINE)
DEFAULTS = {name: option.get("default") for name, option in DEFAULTS_SPEC.items()}


@pytest.mark.parametrize(("theirs", "ours"), ROWS, ids=[ours for _theirs, ours in ROWS])
def test_a_check_is_what_keepalived_gets(theirs: str, ours: str) -> None:
    # Quoted as in a task, where YAML would take digits for a number.
    check = yaml.safe_load(ours)
    service = {"protocol": "tcp", "address": "192.0.2.1", "port": 80, "checks": [check]}
    health = health_from_module({"services": [service], "defaults": DEFAULTS})
    text = configuration(health, {health.rules[0].key: [DestinationKey(parse_address("10.0.0.1"), 80)]})
    (checker,) = re.findall(r"weight 1\n(.*)\n    }\n}\n", text, re.DOTALL)
    assert checker.split() == theirs.split()


def test_every_type_has_its_rows() -> None:
    assert {yaml.safe_load(ours)["type"] for _theirs, ours in ROWS} == set(TYPES)
    table = PAGE.partition("What each type sends\n")[2].partition("How fast is fast\n")[0]
    assert re.findall(r"^   \* - ``(\w+)``$", table, re.MULTILINE)[1:] == list(TYPES)


def test_the_times_are_those_of_the_formula() -> None:
    interval, timeout, retries, pause = (DEFAULTS[name] for name in ("interval", "timeout", "retries", "retry_pause"))
    table = PAGE.partition("How fast is fast\n")[2]
    slow = slowest(interval, timeout, retries, pause)
    assert re.findall(r"^     - (\d+) s$", table, re.MULTILINE) == [
        f"{value:g}" for value in (interval + retries * pause, slow, slow, interval + slow)
    ]
    assert f"the times are {1 + 0.5} and {slowest(1, 1, 1, 0.5)} seconds" in table.replace("\n", " ")


def test_every_keyword_of_a_checker_is_explained() -> None:
    """keepalived.conf(5)'s, of 2.2.7 and 2.3.3."""
    words = (
        "connect_ip connect_port bindto bind_port bind_if connect_timeout fwmark retry delay_before_retry warmup delay_loop alpha "
        "HTTP_GET SSL_GET virtualhost http_protocol enable_sni url path digest status_code regex TCP_CHECK SMTP_CHECK helo_name DNS_CHECK "
        "type name PING_CHECK UDP_CHECK payload require_reply min_reply_length max_reply_length MISC_CHECK misc_path misc_timeout "
        "misc_dynamic user FILE_CHECK BFD_CHECK quorum hysteresis omega inhibit_on_failure sorry_server"
    )
    table = PAGE.partition("From keepalived's checks\n")[2].partition("From ldirectord\n")[0]
    assert [word for word in words.split() if not re.search(rf"(?<![\w-]){word}(?![\w-])", table)] == []
