# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controllers that the collection supports: each ansible-core with a Python of its own, and the tests that run on it."""
