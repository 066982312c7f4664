# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pytest plugin (`-p tools.pytest_results`): records each test once, by its worst phase; see results.py.

It also records the start of each test, to name one that hangs, and applies pytest's limit (`faulthandler_timeout` in pytest.ini) to
the teardown of a failed test as well.
"""

from __future__ import annotations

import faulthandler
import os

import pytest

from tools.results import Outcome, Result, record

# Plugins named with -p are imported before pytest starts to capture output.
STDERR = os.dup(2)


class Recorder:
    def __init__(self) -> None:
        # Tests of the recorder itself would record their results there, too.
        self._file = os.environ.pop("RESULTS_FILE", "")
        self._outcomes: dict[str, tuple[Outcome, str]] = {}

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._record(Result(nodeid, "begun"))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        # pytest stops its clock when a test fails. This one it stops when the test has been torn down.
        if limit := float(item.config.getini("faulthandler_timeout") or 0.0):
            faulthandler.dump_traceback_later(limit, file=STDERR, exit=True)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        outcome, detail = self._outcomes.get(report.nodeid, ("passed", ""))
        if report.failed:
            outcome, detail = "failed", f"{report.when}: {report.longreprtext.splitlines()[-1:]}"
        elif report.skipped and outcome == "passed":
            outcome, detail = "skipped", str(report.longrepr)
        self._outcomes[report.nodeid] = (outcome, detail)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        outcome, detail = self._outcomes.pop(nodeid)
        self._record(Result(nodeid, outcome, detail))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        # A file that cannot be imported, or that skips itself whole, has tests that did not run.
        if report.failed:
            self._record(Result(report.nodeid, "failed", "cannot be collected"))
        elif report.skipped:
            self._record(Result(report.nodeid, "skipped", str(report.longrepr)))

    def _record(self, result: Result) -> None:
        if self._file:
            record(result, self._file)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Recorder(), "results-recorder")
