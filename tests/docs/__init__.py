# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every block of code in the documentation, and how it is tested.

A block has a comment in front of it, ``<!-- tested: KIND [NAME] -->`` in Markdown and ``.. tested: KIND [NAME]`` in
reStructuredText. The kinds, and what is done with each:

``playbook [NAME]``, ``tasks``
    Ansible runs it, with every page's blocks in the page's order, on a director that has a kernel in memory (plays.py). Modules of
    this collection do there all that they do elsewhere, but for the kernel itself. Roles are not run: their variables go through
    the role's argument spec, and their services through the role's own ``tasks/table.yml``. ipvs_selftest, which opens connections, is
    not run either: its options are checked. What it and the roles do on machines is shown by scenarios.
``vars ROLE``
    The same for variables of a role alone.
``inventory NAME``
    ansible-inventory reads it.
``diff``
    The block before it, run with --diff, shows just that.
``rules NAME``
    Rules for the filter ``from_ipvsadm_rules``; a task of the page reads them from that file.
``keepalived``
    The next block makes the same services (test_keepalived.py).
``commands``
    Each line is one of commands.py, which says by what it is run.
``printed``
    A self-test or a walk of the demo, taken with servers in memory, prints these lines; "..." stands for some more.
"""
