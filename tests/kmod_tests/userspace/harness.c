// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The scheduler's real source, run in user space.
 *
 * Each line of standard input is a service: a weight and the flags of each
 * destination, from the head of the list. Printed is the position of the
 * chosen one, or "none", and before it whatever the scheduler logged.
 */

#include "ip_vs_test.c"

#include <stdlib.h>
#include <string.h>

static struct ip_vs_scheduler *registered;

int register_ip_vs_scheduler(struct ip_vs_scheduler *scheduler)
{
	printf("register %s\n", scheduler->name);
	registered = scheduler;
	return 0;
}

int unregister_ip_vs_scheduler(struct ip_vs_scheduler *scheduler)
{
	printf("unregister %s\n", scheduler->name);
	return 0;
}

void synchronize_rcu(void)
{
	printf("synchronize_rcu\n");
}

void ip_vs_scheduler_err(struct ip_vs_service *svc, const char *message)
{
	printf("error %s\n", message);
}

static void schedule(char *line)
{
	struct ip_vs_dest destinations[16] = {0}, *chosen;
	struct ip_vs_service svc = { .destinations = LIST_HEAD_INIT(svc.destinations) };
	int count = 0;

	for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n")) {
		struct ip_vs_dest *dest = &destinations[count++];

		dest->weight.counter = atoi(word);
		dest->flags = atoi(strtok(NULL, " \n"));
		dest->n_list.prev = svc.destinations.prev;
		dest->n_list.next = &svc.destinations;
		svc.destinations.prev->next = &dest->n_list;
		svc.destinations.prev = &dest->n_list;
	}
	chosen = registered->schedule(&svc, NULL, NULL);
	if (chosen)
		printf("%td\n", chosen - destinations);
	else
		printf("none\n");
}

int main(void)
{
	struct ip_vs_service svc = { .port = htons(21) };
	struct ip_vs_dest dest = { .port = htons(2121), .weight = { 7 } };
	char line[256];

	if (ip_vs_test_init() || registered->init_service(&svc) ||
	    registered->upd_dest(&svc, &dest))
		return 1;
	while (fgets(line, sizeof(line), stdin))
		schedule(line);
	registered->done_service(&svc);
	ip_vs_test_cleanup();
	return 0;
}
