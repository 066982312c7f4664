// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * IPVS:        First usable destination (scheduler "test")
 *
 * Authors:     The lvs.director authors
 *
 * A new connection goes to the first destination in the service's list whose
 * weight is not 0 and which is not overloaded. "Overloaded" is the kernel's
 * own flag, kept from the upper and lower connection thresholds of the
 * destination. When no destination is left, none is returned, the reason is
 * logged (rate-limited) and the client is refused.
 *
 * What it promises:
 *   - The order of the list is the only priority. IPVS links a new
 *     destination at the head, so the one added last is tried first. A weight
 *     is only a switch: 0 is off, and all others are equal.
 *   - A destination is filled up to its upper threshold before the next one
 *     sees a connection, and is left alone until it has fallen below its lower
 *     threshold.
 *   - There is no state beside the list: nothing to allocate, to age or to
 *     lose when a service or a destination is edited.
 *
 * Where it is a bad idea:
 *   - Without an upper threshold a destination is never overloaded, and the
 *     first one gets everything. This is failover, it does not balance load.
 *   - Nothing is locked between the decision here and the counting of the new
 *     connection, so CPUs that decide at the same moment may take a
 *     destination past its upper threshold by as many connections.
 *   - With persistence only the first connection of a client is scheduled. The
 *     others follow the template, overloaded destination or not.
 *   - The walk is as long as the number of unusable destinations at the head.
 *
 * In-tree, "fo" with falling weights picks the same destinations.
 */

#define pr_fmt(fmt) "IPVS: " fmt

#include <linux/module.h>
#include <linux/kernel.h>

#include <net/ip_vs.h>

/* Weight and flag change under us. Whichever value is seen was current once. */
static bool ip_vs_test_usable(const struct ip_vs_dest *dest)
{
	return atomic_read(&dest->weight) > 0 &&
	       !(dest->flags & IP_VS_DEST_F_OVERLOAD);
}

/* Called by IPVS for a new connection, inside an RCU read-side section. */
static struct ip_vs_dest *
ip_vs_test_schedule(struct ip_vs_service *svc, const struct sk_buff *skb,
		    struct ip_vs_iphdr *iph)
{
	struct ip_vs_dest *dest;

	list_for_each_entry_rcu(dest, &svc->destinations, n_list) {
		if (ip_vs_test_usable(dest))
			return dest;
	}

	ip_vs_scheduler_err(svc, "no destination available");
	return NULL;
}

/*
 * The hooks only tell that they ran. pr_debug() rather than IP_VS_DBG():
 * distributions build without CONFIG_IP_VS_DEBUG, but with dynamic debug.
 */
static int ip_vs_test_init_svc(struct ip_vs_service *svc)
{
	pr_debug("%s(): port %u fwmark %u\n", __func__, ntohs(svc->port),
		 svc->fwmark);
	return 0;
}

static void ip_vs_test_done_svc(struct ip_vs_service *svc)
{
	pr_debug("%s(): port %u fwmark %u\n", __func__, ntohs(svc->port),
		 svc->fwmark);
}

static int ip_vs_test_upd_dest(struct ip_vs_service *svc,
			       struct ip_vs_dest *dest)
{
	pr_debug("%s(): port %u fwmark %u: destination port %u weight %d\n",
		 __func__, ntohs(svc->port), svc->fwmark, ntohs(dest->port),
		 atomic_read(&dest->weight));
	return 0;
}

static struct ip_vs_scheduler ip_vs_test_scheduler = {
	.name =			"test",
	.refcnt =		ATOMIC_INIT(0),
	.module =		THIS_MODULE,
	.n_list =		LIST_HEAD_INIT(ip_vs_test_scheduler.n_list),
	.init_service =		ip_vs_test_init_svc,
	.done_service =		ip_vs_test_done_svc,
	.upd_dest =		ip_vs_test_upd_dest,
	.schedule =		ip_vs_test_schedule,
};

static int __init ip_vs_test_init(void)
{
	return register_ip_vs_scheduler(&ip_vs_test_scheduler);
}

static void __exit ip_vs_test_cleanup(void)
{
	unregister_ip_vs_scheduler(&ip_vs_test_scheduler);
	/* A packet may still be in our schedule(), let it leave. */
	synchronize_rcu();
}

module_init(ip_vs_test_init);
module_exit(ip_vs_test_cleanup);
MODULE_LICENSE("GPL");
MODULE_VERSION("1.0.0");
MODULE_AUTHOR("The lvs.director authors");
MODULE_DESCRIPTION("ipvs first usable destination scheduler");
