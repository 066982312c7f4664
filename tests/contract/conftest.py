# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel

from contract.test_contract import new_kernel


@pytest.fixture
def kernel() -> Iterator[IpvsKernel]:
    kernel = new_kernel()
    yield kernel
    kernel.close()
