# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replace the scheduler under the services that use it, as load.py has found it necessary.

argv[1] is base64 of JSON: {"program", "scheduler", "fallback", "steps": [what load.py has left], "check": bool}. Answers with
JSON: {"steps": [what was done, or with "check" would be done], "pending": why not, or ""}, or {"steps", "error"}.

The work is done by the program that restores the table at boot: it has the modules' own code for changing services.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import typing as t

# Its exit status where something else is in the way, which keeps nothing else from being done.
CONFLICT = 3


def swap(request: dict[str, t.Any]) -> dict[str, t.Any]:
    steps = request["steps"]
    if request["check"]:
        return {"steps": steps, "pending": ""}
    command = [request["program"], "swap", f"--scheduler={request['scheduler']}", f"--fallback={request['fallback']}"]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    except OSError as error:
        return {"steps": [], "error": f"Cannot run {request['program']}, which the tag ipvs_director_boot installs: {error.strerror}."}
    said = done.stdout.strip()
    if done.returncode == CONFLICT:
        return {"steps": [], "pending": said}
    if done.returncode:
        return {"steps": [], "error": said}
    return {"steps": [*steps, *said.splitlines()], "pending": ""}


if __name__ == "__main__":
    json.dump(swap(json.loads(base64.b64decode(sys.argv[1]))), sys.stdout)
