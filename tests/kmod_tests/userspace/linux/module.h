/* SPDX-License-Identifier: GPL-2.0-or-later */
#define __init
#define __exit
#define THIS_MODULE ((struct module *)0)
#define module_init(function)
#define module_exit(function)
#define MODULE_LICENSE(text)
#define MODULE_VERSION(text)
#define MODULE_AUTHOR(text)
#define MODULE_DESCRIPTION(text)
