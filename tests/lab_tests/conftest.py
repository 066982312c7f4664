# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from lab_tests import fixtures

own_cache, progress = fixtures.own_cache, fixtures.progress
