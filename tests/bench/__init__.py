# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: how fast the collection is, beside what people use otherwise, in a virtual machine of its own."""
