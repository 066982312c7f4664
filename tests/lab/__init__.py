# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual machines for the demo, the scenarios and the tests: see __main__.py and lab.py."""

from .errors import LabError, MachineDied
from .lab import Lab
from .machine import Machine
from .spec import MachineSpec

__all__ = ["Lab", "LabError", "Machine", "MachineDied", "MachineSpec"]
