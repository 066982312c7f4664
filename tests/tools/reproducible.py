# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make builds reproducible: remove times, the order of files, and the user from the archive.

`ansible-galaxy collection build` lists files in the order of the file system, also in FILES.json, whose checksum is in MANIFEST.json;
and it writes the current time into the archive.
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
        # The manifest first, as before: readers of the manifest need not read the whole archive.
        for member in sorted(members, key=lambda one: (one.name != "MANIFEST.json", one.name != "FILES.json", one.name)):
            member.mtime = seconds
            member.pax_headers = {}
            if member.isfile():
                member.size = len(contents[member.name])
                archive.addfile(member, io.BytesIO(contents[member.name]))
            else:
                archive.addfile(member)
    return gzip.compress(raw.getvalue(), mtime=seconds)


def packed(folder: Path, name: str, seconds: int) -> bytes:
    """Return an archive of a directory under this name, in which all files have the same time and no owner."""

    def anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.mtime = seconds
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mode = 0o755 if member.isdir() else 0o644
        return member

    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.add(folder, name, filter=anonymous)
    return gzip.compress(raw.getvalue(), mtime=seconds)


def as_json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, indent=1).encode() + b"\n"
