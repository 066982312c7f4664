# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build files/kmod/ip_vs_test against Debian's kernels, and report the checkers' results.

archive.py    which kernels each Debian release serves, and their packages
roots.py      a directory per release to build in, and how to run a command there
checks.py     the checks of one kernel, and the verdict on their output
report.py     the table
__main__.py   the two commands: check (Debian 12 and 13 as served now), matrix (everything)
"""
