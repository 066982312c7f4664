# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Output and exit statuses of the commands."""

from __future__ import annotations

import os
import sys

DIFFERENT = 1
FAILED = 1
# argparse uses 2, for a wrong command line.
CONFLICT = 3  # something else is in the way; nothing has changed
INCOMPLETE = 4  # some entries cannot be restored and were named; all others were restored

STATUSES = (
    "Exit status: 0 done; 1 failed, or different; 2 wrong command line; 3 something else is in the way and nothing has changed; "
    "4 some entries cannot be restored and were named, all others were restored."
)


def say_failed(reason: object) -> int:
    """Print why a command failed, and return the exit status."""
    level = "<3>" if "JOURNAL_STREAM" in os.environ else ""
    sys.stderr.write(f"{level}ipvs-director: {reason}\n")
    return FAILED


def say(text: str) -> None:
    """Print a line at once: the journal has it when it happens."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
