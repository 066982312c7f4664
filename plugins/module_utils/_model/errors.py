# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""What can go wrong, by whose fault it is.

Low layers raise these; ``_runner`` alone turns them into a failed task. The text of an error says what was being
done to which object, why it cannot be, and what to do about it where that is known.
"""

from __future__ import annotations

NO_PERMISSION = "CAP_NET_ADMIN is needed in the network namespace: run the task as root (become: true)"
NOT_ROOT = "Run the task as root (become: true)"


class IpvsError(Exception):
    """Base of all errors that this collection raises on purpose."""


class IpvsInputError(IpvsError):
    """The values in the task are wrong. The text starts with the option's path, e.g. ``destinations[1].weight``."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}" if path else problem)
        self.path = path


class IpvsMissingError(IpvsInputError):
    """The task is about an entry that is not there. In a dry run, an earlier task may only have predicted it."""


class IpvsUnavailableError(IpvsError):
    """The target cannot do IPVS now: ``ip_vs`` is not loaded, pyroute2 is missing, or the user is not root."""


class IpvsNotReadyError(IpvsUnavailableError):
    """``ip_vs`` is not loaded or pyroute2 is missing. In a dry run, an earlier task may only have predicted the change."""


class IpvsConflictError(IpvsError):
    """The kernel's table was changed by someone else between reading and writing."""


class IpvsRejectedError(IpvsError):
    """The kernel refused a change."""


class IpvsProtocolError(IpvsError):
    """The kernel's answer cannot be understood, was cut off, or did not come."""


class IpvsVerificationError(IpvsError):
    """Every change was accepted, but the table that was read back is not the one that was asked for."""


class IpvsExperimentError(IpvsError):
    """The experiment could not be carried out; that says nothing about the director."""


def not_predicted(reason: object) -> str:
    """Return the warning of a dry run that cannot be predicted."""
    return f"This dry run cannot be predicted: {reason}. An earlier task of the play may change that"
