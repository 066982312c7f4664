# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action group lvs.director.ipvs is every module of the collection: `module_defaults` for it reach each of them."""

from __future__ import annotations

import sys

import yaml

from tools.checkout import ROOT


def main() -> int:
    modules = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")}
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]
    listed = groups["ipvs"]
    complaints = [
        *(f"module {name} is not in action group ipvs of meta/runtime.yml" for name in sorted(modules - set(listed))),
        *(f"action group ipvs of meta/runtime.yml has {name}, no such module" for name in sorted(set(listed) - modules)),
        *(f"action group ipvs has {name} {listed.count(name)} times" for name in sorted(set(listed)) if listed.count(name) > 1),
        *([] if modules else ["there are no modules under plugins/modules"]),
    ]
    print("\n".join(complaints) or f"action group ipvs = {len(modules)} modules")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
