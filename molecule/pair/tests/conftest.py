# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator

import pytest

from pair.pair import Pair


@pytest.fixture(scope="session")
def both() -> Pair:
    return Pair.of_the_scenario()


@pytest.fixture
def pair(both: Pair) -> Iterator[Pair]:
    """The pair, all of whose parts are well, before and after."""
    assert both.active
    yield both
    both.mend()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(Pair.of_the_scenario().summary())
