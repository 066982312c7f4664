#!/bin/sh
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# Stands where the kernel's own scripts/checker-valid.sh is missing: Debian's 7.x header packages lack it, and make
# then skips sparse without failing. Prints 1 if the checker (the arguments) understands what these headers use.
source=$(mktemp)
trap 'rm -f "$source"' EXIT
printf 'static inline int f(const int *p) { __typeof_unqual__(*p) v = *p; return v; }\n' > "$source"
case $("$@" "$source" 2>&1 || echo error) in
  *error*) echo 0 ;;
  *) echo 1 ;;
esac
