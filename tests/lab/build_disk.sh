#!/bin/sh
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Turn a tar archive of a root file system into a disk image. Run under fakeroot, which keeps
# owners and device nodes between tar and mke2fs, so that nobody needs to be root.
# usage: build_disk.sh ARCHIVE DISK SIZE
archive=$1 disk=$2 size=$3
tree=$(mktemp -d "$disk.XXXXXX")
trap 'rm -rf "$tree"' EXIT
chmod 755 "$tree"
tar -C "$tree" -xpf "$archive" --numeric-owner
# No journal: a machine lives minutes, and its disk is thrown away.
mke2fs -q -t ext4 -O ^has_journal -E root_owner=0:0 -d "$tree" "$disk" "$size"
