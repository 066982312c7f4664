# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator

import pytest

from health.director import Checked


@pytest.fixture(scope="session")
def scenario() -> Checked:
    return Checked.of_the_scenario()


@pytest.fixture
def checked(scenario: Checked) -> Iterator[Checked]:
    """The director, all of whose real servers are well, before and after."""
    scenario.until_well()
    yield scenario
    scenario.mend()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(Checked.of_the_scenario().summary())
