# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which forwarding methods work on a kernel: measured with real traffic between network namespaces of one machine.

`python3 -m forwarding` runs inside a guest, as root, with ip_vs loaded, and prints its results as JSON. On the host,
table.py makes the table of docs/forwarding.md of it.
"""
