#!/bin/sh
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# look.sh DIRECTORY: writes everything the role could change on a machine, one file for each kind.
set -eu
mkdir -p "$1"
cd "$1"
export LC_ALL=C
# nf_conntrack_count says how many connections there are at the moment.
sysctl --all --pattern '^net\.' 2>/dev/null | grep -v nf_conntrack_count | sort >sysctls
# First, because it loads nf_tables, which stays loaded. Only the modules of IPVS are compared.
nft list ruleset >rules
ipvsadm --list --numeric --nosort --stats >table
ipvsadm --list --timeout >>table
cut -d ' ' -f 1 /proc/modules | sort >modules
dkms status >builds
ip -oneline address show | sed 's/ valid_lft.*//' >addresses
systemctl list-unit-files --no-legend --no-pager | sort >units
systemctl list-units --failed --no-legend --no-pager >failed
# DKMS makes a key when it first builds anything; it is DKMS's, and later modules are signed with it too.
find /etc /usr/src /usr/local /var/lib/dkms /var/lib/lvs.director /lib/modules/ -not -name 'mok.*' \
    -printf '%p %M %u %l\n' 2>/dev/null | sort >files
# Files in the places where the role writes, and depmod's output.
find /etc /usr/local /lib/modules/*/modules.* -type f -not -path '/etc/ssh/*' -exec sha256sum {} + | sort -k 2 >contents
