# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files for Prometheus and Grafana ask for metrics that exist. In the scenario `monitoring`, promtool runs the tests of the rules."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ansible_collections.lvs.director.plugins.module_utils._model.settings import SyncDaemon
from ansible_collections.lvs.director.plugins.module_utils._model.table import Service, ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._program import metrics, metrics_schedulers
from ansible_collections.lvs.director.plugins.module_utils._program.metrics_saved import fallback_metrics, run_metrics, saved_metrics
from ansible_collections.lvs.director.plugins.module_utils._program.metrics_schedulers import scheduler_metrics
from ansible_collections.lvs.director.plugins.module_utils._program.metrics_sync import address_metrics, daemon_metrics, resync_metrics
from ansible_collections.lvs.director.plugins.module_utils._program.metrics_table import table_metrics
from ansible_collections.lvs.director.plugins.module_utils._program.metrics_text import PREFIX
from ansible_collections.lvs.director.plugins.module_utils._program.show import Difference
from ansible_collections.lvs.director.plugins.module_utils._sync.agent import Report

from tools.checkout import ROOT

FOLDER = ROOT / "files" / "monitoring"
GUIDE = (ROOT / "docs/docsite/rst/guide_monitoring.rst").read_text(encoding="utf-8")
# Of the node exporter: its collectors ipvs and textfile.
OF_NODE_EXPORTER = {
    "node_ipvs_backend_connections_active",
    "node_ipvs_backend_connections_inactive",
    "node_ipvs_backend_weight",
    "node_ipvs_connections_total",
    "node_textfile_mtime_seconds",
}
WORD = re.compile(r"\b(?:ipvs_director|node)[a-z_]*(?::[a-z_]+)*\b")


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


ALERTS = [rule["alert"] for rule in rules() if "alert" in rule]


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of all metrics."""
    monkeypatch.setattr(metrics_schedulers, "kernels", lambda: {"next": "6.1.0"})
    monkeypatch.setattr(metrics_schedulers, "is_installed_for", lambda *_asked: True)
    service = Service(ServiceKey("ipv4", "tcp", bytes(4), 80))
    every = [
        *metrics.own_metrics({"kernel": ""}),
        *table_metrics([], 1),
        *saved_metrics([Difference("x", [])]),
        *fallback_metrics([(service, "test")], 1),
        *scheduler_metrics(["test"]),
        *address_metrics(["192.0.2.1"], (), 1),
        *daemon_metrics([SyncDaemon("backup", "eth1", 1, 1472, bytes(4), 8848, 1)], ()),
        *resync_metrics([(Report("10.211.55.2", 1, 0, 0), 1)]),
        *run_metrics({"ipvs_table": 1.0}),
    ]
    return {PREFIX + metric.name for metric in every}


def expressions(node: Any) -> Iterator[str]:
    """Yield the queries of a dashboard."""
    if isinstance(node, list):
        for each in node:
            yield from expressions(each)
    elif isinstance(node, dict):
        for name, value in node.items():
            if name in ("expr", "query", "definition") and isinstance(value, str):
                yield value
            else:
                yield from expressions(value)


def asked_for(texts: Iterator[str] | list[str]) -> set[str]:
    return {word for text in texts for word in WORD.findall(text)}


def test_rules_ask_for_metrics_that_exist(ours: set[str]) -> None:
    asked = asked_for([rule["expr"] for rule in rules()])
    assert len(asked) > 15
    assert asked - ours - OF_NODE_EXPORTER == set()


def test_the_tests_of_rules_give_metrics_that_exist(ours: set[str]) -> None:
    tests = yaml.safe_load((FOLDER / "alerts_test.yml").read_text(encoding="utf-8"))["tests"]
    given = {WORD.findall(series["series"])[0] for test in tests for series in test["input_series"]}
    assert given - ours - OF_NODE_EXPORTER == set()


def test_each_alert_has_a_test_that_it_fires_and_one_that_it_does_not() -> None:
    tests = yaml.safe_load((FOLDER / "alerts_test.yml").read_text(encoding="utf-8"))["tests"]
    outcomes = {(case["alertname"], bool(case["exp_alerts"])) for test in tests for case in test.get("alert_rule_test", ())}
    assert outcomes == {(name, fires) for name in ALERTS for fires in (True, False)}


def test_the_dashboard_asks_for_metrics_that_exist(ours: set[str]) -> None:
    dashboard = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
    asked = asked_for(expressions(dashboard))
    assert len(asked) > 15
    assert asked - ours - OF_NODE_EXPORTER - {rule["record"] for rule in rules() if "record" in rule} == set()
    # Grafana needs both; another panel with the same number is lost.
    numbers = [panel["id"] for panel in dashboard["panels"]]
    assert len(numbers) == len(set(numbers))
    assert dashboard["uid"]
    assert dashboard["id"] is None
    # It is imported into any Grafana, whose data source has another name.
    named = {json.dumps(panel.get("datasource")) for panel in dashboard["panels"] if panel["type"] != "row"}
    assert named == {'{"type": "prometheus", "uid": "${datasource}"}'}


def test_panels_do_not_overlap() -> None:
    dashboard = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


def test_the_guide_has_each_alert_and_each_metric(ours: set[str]) -> None:
    words = set(re.findall(r"``(\w+)``", GUIDE))
    assert set(ALERTS) - words == set()
    assert {name.removeprefix(PREFIX) for name in ours} - words == set()


def test_the_guide_has_no_other_alerts() -> None:
    assert set(re.findall(r"``(IPVS\w+)``", GUIDE)) == set(ALERTS)
