# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Sphinx makes the docs site; tools.docs runs it."""

from __future__ import annotations

import zlib
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

from tools.artefact import galaxy
from tools.checkout import CACHE

project = "lvs.director"
author = project_copyright = "The lvs.director authors"
version = release = str(galaxy()["version"])
html_title = f"lvs.director {version}"

extensions = ["sphinx_antsibull_ext", "sphinx.ext.intersphinx"]

# Where the pages point into Ansible's own documentation. Its list of labels is not fetched: these are all that is needed.
LABELS = {
    "action_plugins": ("plugins/action.html", "Action plugins"),
    "ansible_configuration_settings": ("reference_appendices/config.html", "Ansible Configuration Settings"),
    "common_return_values": ("reference_appendices/common_return_values.html", "Return Values"),
}


def inventory() -> Path:
    """Write those labels in the form of Sphinx's own lists."""
    head = "# Sphinx inventory version 2\n# Project: Ansible\n# Version: latest\n# The remainder of this file is compressed using zlib.\n"
    lines = "".join(f"{label} std:label -1 {page}#{label.replace('_', '-')} {title}\n" for label, (page, title) in LABELS.items())
    file = CACHE / "ansible-labels.inv"
    file.write_bytes(head.encode() + zlib.compress(lines.encode()))
    return file


intersphinx_mapping = {"ansible": ("https://docs.ansible.com/ansible/latest/", str(inventory()))}

# Every reference must lead somewhere.
nitpicky = True
default_role = "any"

highlight_language = "YAML+Jinja"
pygments_style = "ansible"

html_theme = "furo"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
html_use_index = False


def without_contents(_app: Sphinx, document: nodes.document) -> None:
    """Leave out the contents at the top of a page: the theme has them at its side."""
    for topic in list(document.findall(nodes.topic)):
        if "contents" in topic["classes"]:
            topic.parent.remove(topic)


def setup(app: Sphinx) -> None:
    app.connect("doctree-read", without_contents)
