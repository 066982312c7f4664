# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Labels of services and destinations, as the node exporter's own ``ipvs`` collector writes them: series of both can be joined. Pure.

The collector reads /proc/net/ip_vs: the protocol is TCP, UDP or FWM, the mark has eight hexadecimal digits, and a service by mark has no
address, and port 0.
"""

from __future__ import annotations

from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationKey, ServiceKey, format_address
from ansible_collections.lvs.director.plugins.module_utils._program.metrics_text import Labels


def service_labels(key: ServiceKey) -> Labels:
    """Return the labels of a service."""
    return {
        "local_address": "" if key.fwmark else format_address(key.address),
        "local_port": str(key.port),
        "proto": "FWM" if key.fwmark else (key.protocol or "").upper(),
        "local_mark": f"{key.fwmark:08X}" if key.fwmark else "",
    }


def destination_labels(service: ServiceKey, key: DestinationKey) -> Labels:
    """Return the labels of a destination."""
    return {**service_labels(service), "remote_address": format_address(key.address), "remote_port": str(key.port)}
