# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The self-test itself: the steps of the experiment, with client and servers in one process and one network namespace."""

from __future__ import annotations

import contextlib
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._selftest.client import Client
from ansible_collections.lvs.director.plugins.module_utils._selftest.director import PrivateDirector, PrivateKernel
from ansible_collections.lvs.director.plugins.module_utils._selftest.pair import stories, take
from ansible_collections.lvs.director.plugins.module_utils._selftest.results import step_result
from ansible_collections.lvs.director.plugins.module_utils._selftest.run import Walk
from ansible_collections.lvs.director.plugins.module_utils._selftest.server import start
from ansible_collections.lvs.director.plugins.module_utils._selftest.services import CONTROL_PORT, PORT, service


def walk_steps(scheduler: str, control: str) -> dict[str, Any]:
    """Take all steps in the network namespace of this process, and return them under ``steps``.

    :param control: the scheduler beside it, "" for none.
    :raises IpvsError: the experiment cannot be carried out.
    """
    main = service(scheduler, PORT)
    beside = service(control, CONTROL_PORT) if control else None
    services = [main, beside] if beside else [main]
    kernel = PrivateKernel()
    director, client = PrivateDirector(kernel), Client()
    start(one.port for one in services)
    for one in services:
        director.add(one)
    with contextlib.ExitStack() as walks:
        main_walk = walks.enter_context(Walk(main, director, client))
        control_walk = walks.enter_context(Walk(beside, director, client)) if beside else None
        steps = [
            step_result(number, take(main_walk, step, control_walk, control_step), control)
            for number, (step, control_step) in enumerate(stories(main, beside), 1)
        ]
    # They would go with the namespace, but a moment later, and keep their schedulers from being unloaded until then.
    for one in services:
        director.remove(one)
    kernel.close()
    return {"steps": steps}
