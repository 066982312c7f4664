# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every kernel of the collection has to do alike: the one in memory (here) and the real one (in a VM)."""
