/* SPDX-FileCopyrightText: 2026 The lvs.director authors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * floor FILE: send recorded netlink messages again, wait for their answers, and print the seconds that took.
 *
 * This is what is left of a task when everything but the kernel is taken away. FILE holds what was sent in one go, one record after the
 * other: a struct record, and the messages. Answers are looked at only as far as it takes to find the last one, and a refusal.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 60 /* seconds */

struct record {
	uint32_t length; /* of the messages, in bytes */
	uint32_t last;	 /* the sequence number of the last one, whose answer is the last */
	uint32_t dump;	 /* whether that answer is a listing, which ends with NLMSG_DONE */
};

static void fail(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, errno ? strerror(errno) : "not what was expected");
	exit(1);
}

static char *contents(const char *path, long *size)
{
	FILE *file = fopen(path, "rb");
	char *data;

	if (!file || fseek(file, 0, SEEK_END) || (*size = ftell(file)) < 0)
		fail(path);
	rewind(file);
	data = malloc(*size + 1);
	if (!data || fread(data, 1, *size, file) != (size_t)*size)
		fail(path);
	fclose(file);
	return data;
}

/* Return whether a datagram holds the end of the answer. */
static int ends(char *data, int length, const struct record *record)
{
	struct nlmsghdr *message;

	for (message = (struct nlmsghdr *)data; NLMSG_OK(message, length); message = NLMSG_NEXT(message, length)) {
		if (message->nlmsg_type == NLMSG_ERROR) {
			errno = -((struct nlmsgerr *)NLMSG_DATA(message))->error;
			/* The answer to the question about a service that is not in the table yet. */
			if (errno == ESRCH && message->nlmsg_seq == record->last)
				return 1;
			fail("refused");
		}
		if (message->nlmsg_seq == record->last && (!record->dump || message->nlmsg_type == NLMSG_DONE))
			return 1;
	}
	return 0;
}

static void replay(int netlink, const char *data, long size)
{
	static char answer[1 << 16];
	struct record record;
	long offset = 0;
	ssize_t received;

	while (offset < size) {
		memcpy(&record, data + offset, sizeof(record));
		offset += sizeof(record);
		if (send(netlink, data + offset, record.length, 0) != (ssize_t)record.length)
			fail("send");
		offset += record.length;
		do {
			received = recv(netlink, answer, sizeof(answer), 0);
			if (received < 0)
				fail("recv");
		} while (!ends(answer, received, &record));
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct timeval patience = { .tv_sec = PATIENCE };
	struct timespec begun, ended;
	int netlink, one = 1;
	char *data;
	long size;

	if (argc != 2)
		fail("usage: floor FILE");
	data = contents(argv[1], &size);
	netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	if (netlink < 0 || connect(netlink, (struct sockaddr *)&kernel, sizeof(kernel)))
		fail("socket");
	setsockopt(netlink, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(netlink, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	clock_gettime(CLOCK_MONOTONIC, &begun);
	replay(netlink, data, size);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	printf("%.9f\n", (ended.tv_sec - begun.tv_sec) + (ended.tv_nsec - begun.tv_nsec) / 1e9);
	return 0;
}
