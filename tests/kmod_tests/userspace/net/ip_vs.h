/* SPDX-License-Identifier: GPL-2.0-or-later */
/* As much of the kernel's <net/ip_vs.h>, and of what it includes, as ip_vs_test.c uses. */
#include <arpa/inet.h>

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD_INIT(name) { &(name), &(name) }
#define list_for_each_entry_rcu(entry, head, member) \
	for (entry = container_of((head)->next, __typeof__(*(entry)), member); \
	     &(entry)->member != (head); \
	     entry = container_of((entry)->member.next, __typeof__(*(entry)), member))

typedef struct {
	int counter;
} atomic_t;

#define ATOMIC_INIT(value) { value }
#define atomic_read(atomic) ((atomic)->counter)

#define IP_VS_DEST_F_OVERLOAD 0x0002

struct ip_vs_dest {
	struct list_head n_list;
	unsigned short port;
	volatile unsigned int flags;
	atomic_t weight;
};

struct ip_vs_service {
	unsigned int fwmark;
	unsigned short port;
	struct list_head destinations;
};

struct sk_buff;
struct ip_vs_iphdr;
struct module;

struct ip_vs_scheduler {
	struct list_head n_list;
	char *name;
	atomic_t refcnt;
	struct module *module;
	int (*init_service)(struct ip_vs_service *svc);
	void (*done_service)(struct ip_vs_service *svc);
	int (*add_dest)(struct ip_vs_service *svc, struct ip_vs_dest *dest);
	int (*del_dest)(struct ip_vs_service *svc, struct ip_vs_dest *dest);
	int (*upd_dest)(struct ip_vs_service *svc, struct ip_vs_dest *dest);
	struct ip_vs_dest *(*schedule)(struct ip_vs_service *svc,
				       const struct sk_buff *skb,
				       struct ip_vs_iphdr *iph);
};

int register_ip_vs_scheduler(struct ip_vs_scheduler *scheduler);
int unregister_ip_vs_scheduler(struct ip_vs_scheduler *scheduler);
void ip_vs_scheduler_err(struct ip_vs_service *svc, const char *message);
void synchronize_rcu(void);
