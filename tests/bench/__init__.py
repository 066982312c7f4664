# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: the speed of the collection compared with other tools, in a virtual machine."""
