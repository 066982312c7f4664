# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of the lab, with messages that a user can act on."""


class LabError(Exception):
    """A foreseeable failure: the message says who, what, why and what to do."""


class MachineDied(LabError):
    """A virtual machine ended, or its kernel panicked, while it was needed."""
