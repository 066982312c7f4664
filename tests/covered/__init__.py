# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make coverage`: which lines and branches of plugins/ no test runs, neither on this machine nor on a real kernel.

coverage.py measures the unit tests here (with the programs that they start, Ansible among them), and every Python of the
guests of the scenario `modules`: the modules as Ansible runs them, and the tests that run there. It does so only where
$COVERAGE_DATA names a folder for the measurements. They are merged, and judged by the bounds of judge.py.
"""
