/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define pr_debug(format, ...) printf("debug " pr_fmt(format), __VA_ARGS__)
#define container_of(pointer, type, member) \
	((type *)((char *)(pointer) - offsetof(type, member)))
