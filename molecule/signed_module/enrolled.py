# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""enrolled.py CERTIFICATE: writes the firmware variable in which shim passes on enrolled certificates, with this one."""

from __future__ import annotations

import struct
import sys
import uuid
from pathlib import Path

SHIM = uuid.UUID("605dab50-e046-4300-abb6-3dd810dd8b23")
X509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")
# It persists, and both firmware and system see it; shim would rewrite it at each boot.
ATTRIBUTES = 1 | 2 | 4

# An EFI_SIGNATURE_LIST with one signature, which is its owner and the certificate.
signature = SHIM.bytes_le + Path(sys.argv[1]).read_bytes()
header = X509.bytes_le + struct.pack("<III", 28 + len(signature), 0, len(signature))
Path(f"/sys/firmware/efi/efivars/MokListRT-{SHIM}").write_bytes(struct.pack("<I", ATTRIBUTES) + header + signature)
