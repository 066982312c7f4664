# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every block of code in the documentation, and how it is tested.

A block has a comment in front of it, ``<!-- tested: KIND [NAME] -->`` in Markdown and ``.. tested: KIND [NAME]`` in
reStructuredText. The kinds, and the test of each:

``playbook [NAME]``, ``tasks``
    Ansible runs it, with every page's blocks in the page's order, twice. In the scenario ``guides`` on machines, as it is written
    (guides.py, reader.py); the kernel's table is as described (described.py). And, in seconds, on a director that has a kernel in
    memory (plays.py): modules of this collection do there all that they do elsewhere, but for the kernel itself; of roles, variables
    go through the argument spec and services through ``tasks/table.yml``, and of ipvs_selftest the options are checked.
``vars ROLE``
    The same for variables of a role alone.
``inventory NAME``
    ansible-inventory reads it, and the scenario ``guides`` takes its machines from it.
``diff``
    The block before it, run with --diff, shows just that.
``rules NAME``
    Rules for the filter ``from_ipvsadm_rules``; a task of the page reads them from that file.
``keepalived``
    A configuration of keepalived. The next block does the same: services of ipvs_table (``services``), or tasks. The scenario
    ``modules`` loads it with the keepalived of each Debian and compares the kernel's table (keepalived.py); ``make unit`` only
    checks that the tasks are valid (test_keepalived.py).
``services``
    The services that the ``keepalived`` block before it makes.
``commands``
    Where Ansible runs (``$``) and on a director (``#``), the scenario ``guides`` types each line. A command in a checkout is a part
    of ``make test``, or test_commands.py says where its effect is tested.
``printed``
    A self-test or a demo with servers in memory prints these lines; "..." is for omitted ones.
"""
