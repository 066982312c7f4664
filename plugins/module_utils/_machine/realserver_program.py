# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The program that makes a real server again at boot: one file, made of these sources."""

from __future__ import annotations

import ast
import importlib.util
import sys
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from importlib.abc import InspectLoader

PATH = "/usr/local/lib/ipvs_realserver/realserver.py"

_PREFIX = "ansible_collections.lvs.director.plugins.module_utils."
_MAIN = f"{_PREFIX}_machine.realserver"

_PROGRAM = '''\
# Installed by lvs.director.ipvs_realserver.
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a real server of IPVS directors again, at boot. One file, made of the collection's own sources."""

import importlib.abc
import importlib.util
import sys
from typing import TYPE_CHECKING, cast

SOURCES = {sources}
PACKAGES = {{name.rsplit(".", depth)[0] for name in SOURCES for depth in range(1, name.count(".") + 1)}}


class Importer(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds in this file what is in no directory."""

    def find_spec(self, name, path=None, target=None):
        if name in SOURCES or name in PACKAGES:
            return importlib.util.spec_from_loader(name, self, origin=f"{{__file__}}: {{name}}")
        return None

    def is_package(self, name):
        return name in PACKAGES

    def get_source(self, name):
        return SOURCES.get(name, "")


if __name__ == "__main__":
    sys.meta_path.insert(0, Importer())
    from {main} import main

    sys.exit(main())
'''


def text() -> str:
    """Return the program."""
    lines = "".join(f"    {name!r}: {source!r},\n" for name, source in sorted(_sources().items()))
    return _PROGRAM.format(sources=f"{{\n{lines}}}", main=_MAIN)


def _sources() -> dict[str, str]:
    """Return the sources that the program needs, by the names of their modules."""
    sources: dict[str, str] = {}
    names = [_MAIN]
    while names:
        name = names.pop()
        spec = importlib.util.find_spec(name)
        # On a target the loader is one of zipimport.
        source = cast("InspectLoader", spec.loader).get_source(name) if spec else None
        if name in sources or source is None:
            continue
        sources[name] = source
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_PREFIX):
                names += [
                    node.module or "",
                    *(f"{node.module}.{alias.name}" for alias in node.names if f"{node.module}.{alias.name}" in sys.modules),
                ]
    return sources
