# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Errors, classified by cause.

Low layers raise these; only ``_runner`` turns them into a failed task. A message names the operation, the object and the reason,
and says what to do if that is known.
"""

from __future__ import annotations

from collections.abc import Iterable

NO_PERMISSION = "CAP_NET_ADMIN is needed in the network namespace: run the task as root (become: true)"
NOT_ROOT = "Run the task as root (become: true)"


class IpvsError(Exception):
    """Base class of the errors that this collection raises."""


class IpvsInputError(IpvsError):
    """The task has an invalid value. The message starts with the option's path, e.g. ``destinations[1].weight``."""

    def __init__(self, path: str, problem: str, options: Iterable[str] = ()) -> None:
        """Make an error.

        :param options: those that there are, if the task gives an unknown one.
        """
        super().__init__(f"{path}: {problem}" if path else problem)
        self.path = path
        self.options = options


class IpvsMissingError(IpvsInputError):
    """The task needs an entry that does not exist. In check mode, an earlier task may only have predicted it."""


class IpvsUnavailableError(IpvsError):
    """IPVS is not usable on the target: ``ip_vs`` is not loaded, pyroute2 is missing, or the user is not root."""


class IpvsNotReadyError(IpvsUnavailableError):
    """``ip_vs`` is not loaded or pyroute2 is missing. In check mode, an earlier task may only have predicted the change."""


class IpvsConflictError(IpvsError):
    """Another program changed the kernel's table between reading and writing."""


class IpvsRejectedError(IpvsError):
    """The kernel refused a change."""


class IpvsProtocolError(IpvsError):
    """The kernel's reply is malformed, truncated or missing."""


class IpvsVerificationError(IpvsError):
    """The kernel accepted every change, but the table read back differs from the plan."""


class IpvsExperimentError(IpvsError):
    """The self-test could not run; this says nothing about the director."""


def not_predicted(reason: object) -> str:
    """Return the warning for a check-mode run that cannot be predicted."""
    return f"This dry run cannot be predicted: {reason}. An earlier task of the play may change that"
