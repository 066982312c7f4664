# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the measurements of the scenario forwarding into the table of docs/forwarding.md: `python3 -m tools.forwarding_table`."""

from __future__ import annotations

import json

from forwarding.table import renewed
from tools.checkout import BUILD, ROOT

DOCUMENT = ROOT / "docs" / "forwarding.md"
MEASURED = BUILD / "forwarding"
"""Where the scenario stores its measurements, one file per machine."""


def main() -> None:
    measured = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(MEASURED.glob("*.json"))]
    if not measured:
        raise SystemExit(f"forwarding_table: nothing was measured yet, {MEASURED} is empty: make scenarios SCENARIOS=forwarding")
    DOCUMENT.write_text(renewed(DOCUMENT.read_text(encoding="utf-8"), measured), encoding="utf-8")
    print(f"{DOCUMENT.relative_to(ROOT)}: {', '.join(one['kernel'] for one in measured)}")


if __name__ == "__main__":
    main()
