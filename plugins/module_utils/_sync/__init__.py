# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Connection synchronisation from user space, for what the kernel's sync daemons do not do when a director returns.

The messages are the kernel's own (version 1, net/netfilter/ipvs/ip_vs_sync.c), and the kernel's backup daemon reads them.

Imports _kernel and _model.
"""
