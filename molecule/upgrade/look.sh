#!/bin/sh
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# look.sh DIRECTORY: writes what the upgrade must leave as it is, a file a kind; and which files the role has written.
set -eu
mkdir -p "$1"
cd "$1"
export LC_ALL=C
look='ipvsadm --list --numeric'
# A line for each service, sorted, because the kernel has services in no order; its destinations follow in theirs, without the
# columns that count connections.
{
    $look --nosort
    $look --nosort --thresholds
    $look --nosort --persistent-conn
} | awk '/->/ {service = service " " $1 " " $2 " " $3 " " $4; next} {print service; service = $0} END {print service}' | sort >table
$look --timeout >timeouts
ip -oneline address show dev eth1 | awk '{print $3, $4}' | sort >addresses
nft list table inet ipvs_director >rules
sysctl net.ipv4.ip_forward net.ipv4.conf.eth1.send_redirects net.ipv4.vs.sync_threshold net.ipv4.vs.expire_nodest_conn >sysctls
cat /sys/module/ip_vs_test/srcversion >scheduler
cat /proc/sys/kernel/random/boot_id >boot
find /etc /usr/local /usr/src /var/lib/lvs.director -not -type d | sort >files
