# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The common behaviour of all kernels of the tests: the one in memory (here) and the real one (in a VM)."""
