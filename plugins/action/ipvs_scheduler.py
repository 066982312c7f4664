# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The controller's part of ``ipvs_scheduler``: carries the source of the kernel module to the target."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

from ansible.errors import AnsibleActionFail
from ansible.plugins.action.normal import ActionModule as NormalAction

SOURCE = Path(__file__).parents[2] / "files" / "kmod" / "ip_vs_test"
# What DKMS needs, and nothing that a build by hand may have left beside it.
PATTERNS = ("*.[ch]", "Kbuild", "dkms.conf")


class ActionModule(NormalAction):
    """Runs the module as any other one, with the files of ``source`` in place of the directory's name."""

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        """Run the task."""
        source = self._task.args.get("source") or SOURCE
        if self._task.args.get("state") != "absent" and not isinstance(source, dict):
            self._task.args = {**self._task.args, "source": read(Path(str(source)).expanduser())}
        result: dict[str, Any] = NormalAction.run(self, tmp, task_vars)
        return result


def read(directory: Path) -> dict[str, str]:
    """Return the source in a directory of the controller, by file name."""
    try:
        return {path.name: path.read_text(encoding="utf-8") for pattern in PATTERNS for path in sorted(directory.glob(pattern))}
    except (OSError, ValueError) as exc:
        raise AnsibleActionFail(f"Cannot read the source of the scheduler in {directory} on the controller: {exc}") from exc
