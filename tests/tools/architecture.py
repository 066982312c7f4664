# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python3 -m tools.architecture`: update the list of packages and their files in docs/architecture.md.

It has their docstrings and imports.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from tools.checkout import ROOT

DOCUMENT = ROOT / "docs" / "architecture.md"
MODULE_UTILS = ROOT / "plugins" / "module_utils"
BEGIN = "<!-- begin of what python3 -m tools.architecture writes -->\n"
END = "<!-- end of what python3 -m tools.architecture writes -->\n"
PREFIX = "ansible_collections.lvs.director.plugins.module_utils."


def docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def files() -> dict[str, list[Path]]:
    """Return the files of each package; a module beside the packages is one with its own name."""
    found: dict[str, list[Path]] = {}
    for path in sorted(MODULE_UTILS.rglob("*.py")):
        found.setdefault(path.relative_to(MODULE_UTILS).parts[0].removesuffix(".py"), []).append(path)
    return found


def imports(paths: list[Path]) -> set[str]:
    """Return the packages that files import from, their own included."""
    found = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PREFIX):
                found.add(str(node.module).removeprefix(PREFIX).partition(".")[0])
    return found


def arrows() -> dict[str, set[str]]:
    """Return the imports of each package; packages come after those they import."""
    packages = files()
    direct = {name: imports(paths) - {name} for name, paths in packages.items()}

    def below(name: str) -> set[str]:
        return direct[name].union(*map(below, direct[name]))

    return {name: direct[name] for name in sorted(packages, key=lambda name: (len(below(name)), name))}


def listed() -> str:
    """Return the packages, each with its files."""
    packages = files()
    text = ""
    for name, imported in arrows().items():
        paths = packages[name]
        if paths[0].stem == name:
            text += f"### `{name}.py`\n\n{marked(docstring(paths[0]))}\n\n"
            continue
        imported_text = ", ".join(f"`{other}`" for other in sorted(imported)) or "no other package"
        purpose = docstring(paths[0].with_name("__init__.py")).partition("\n\n")[0]
        text += f"### `{name}`\n\n{marked(purpose)} It imports {imported_text}.\n\n"
        text += "| file | what it is for |\n| --- | --- |\n"
        for path in paths:
            if path.stem != "__init__":
                text += f"| `{path.name}` | {marked(docstring(path).partition(chr(10))[0]).replace('|', chr(92) + '|')} |\n"
        text += "\n"
    return text


def marked(text: str) -> str:
    """Return a docstring as Markdown."""
    return text.replace("``", "`").replace(" <-> ", " ↔ ").replace(" -> ", " → ").replace("<linux/ip_vs.h>", "`<linux/ip_vs.h>`")


def renewed(document: str) -> str:
    before, _begin, rest = document.partition(BEGIN)
    _old, _end, after = rest.partition(END)
    return f"{before}{BEGIN}\n{listed()}{END}{after}"


def main() -> int:
    DOCUMENT.write_text(renewed(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
