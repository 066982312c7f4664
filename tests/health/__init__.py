# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real servers that fail in every way that a health check can see, and what the director makes of it.

The clients are those of tests/pair/traffic.py.
"""
