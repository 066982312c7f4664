# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pair of directors and the traffic through it, for the scenario `pair`.

traffic.py and network.sh run in the peer machine, everything else on the controller.
"""
