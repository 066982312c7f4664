# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take out of a collection's artefact what differs from build to build: the times, and the order of its files.

`ansible-galaxy collection build` lists files in the order in which the file system has them, in FILES.json too, whose
checksum stands in MANIFEST.json; and writes the present time into the archive.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any


def rewritten(artefact: Path, seconds: int) -> bytes:
    """Return an artefact with the same files, in their names' order, all of the same time.

    :param seconds: that time, since 1970.
    """
    with tarfile.open(artefact) as archive:
        members = archive.getmembers()
        files = ((one.name, archive.extractfile(one)) for one in members)
        contents = {name: file.read() for name, file in files if file is not None}
    listed: dict[str, Any] = json.loads(contents["FILES.json"])
    listed["files"].sort(key=lambda one: one["name"])
    manifest: dict[str, Any] = json.loads(contents["MANIFEST.json"])
    contents["FILES.json"] = as_json(listed)
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(contents["FILES.json"]).hexdigest()
    contents["MANIFEST.json"] = as_json(manifest)
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
        # The manifest first, as it was: whoever only wants to know what this is need not read all of it.
        for member in sorted(members, key=lambda one: (one.name != "MANIFEST.json", one.name != "FILES.json", one.name)):
            member.mtime = seconds
            member.pax_headers = {}
            if member.isfile():
                member.size = len(contents[member.name])
                archive.addfile(member, io.BytesIO(contents[member.name]))
            else:
                archive.addfile(member)
    return gzip.compress(raw.getvalue(), mtime=seconds)


def as_json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, indent=1).encode() + b"\n"
