# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A browser without a window, for pages that this checkout has made: measures them, and makes pictures of them."""
