#!/bin/sh
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Prints the machine's state, as far as the role changes it after building the scheduler.
set -eu
export LC_ALL=C
ipvsadm --list --numeric --nosort
cut -d ' ' -f 1 /proc/modules | sort
sysctl --all --pattern '^net\.ipv[46]\.(ip_forward|vs|conf)' 2>/dev/null | sort
ip -oneline address show | sed 's/ valid_lft.*//'
systemctl list-unit-files --no-legend --no-pager | sort
find /etc/modules-load.d /etc/sysctl.d /etc/systemd /usr/local /var/lib/lvs.director 2>/dev/null | sort
