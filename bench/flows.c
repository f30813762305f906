/* SPDX-License-Identifier: BSD-3-Clause */
/* Bursts of one kind: see flows.h. Everything but the burst's way into the stack goes uncounted. */
#include "flows.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

#include <ff_api.h>
#include <zstack.h>

#include "pair.h"

enum { PORT = 82, ROUNDS = 100 };

static void fail(const char *what)
{
	fprintf(stderr, "core: %s\n", what);
	exit(1);
}

static int new_socket(void)
{
	int fd = ff_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0 || ff_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		fail("no socket");
	return fd;
}

void flows_open(struct flows *f, struct pair *p)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = RTE_BE16(PORT) };
	int listener, n = 0;

	*f = (struct flows){ .p = p };
	host_enter(&p->server);
	listener = new_socket();
	if (ff_bind(listener, (struct linux_sockaddr *)&sa, sizeof(sa)) < 0 ||
	    ff_listen(listener, FLOWS) < 0)
		fail("no listener");
	host_enter(&p->client);
	sa.sin_addr.s_addr = PAIR_SERVER_IP;
	for (int i = 0; i < FLOWS; i++) {
		f->client[i] = new_socket();
		(void)ff_connect(f->client[i], (struct linux_sockaddr *)&sa, sizeof(sa));
	}
	for (int round = 0; n < FLOWS && round < ROUNDS; round++) {
		pair_round(p);
		host_enter(&p->server);
		while (n < FLOWS &&
		       (f->server[n] = ff_accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
			n++;
	}
	if (n < FLOWS)
		fail("connections do not come about");
}

static void write_segments(struct host *h, const int *fd, int each)
{
	host_enter(h);
	for (int i = 0; i < FLOWS * each; i++) {
		z_buf *b = z_alloc(fd[i / each], FLOW_SEGMENT, 0);
		void *room = b != NULL ? z_buf_append(b, FLOW_SEGMENT) : NULL;

		if (room == NULL)
			fail("no buffer");
		memset(room, i, FLOW_SEGMENT);
		if (z_write(fd[i / each], b, FLOW_SEGMENT) != FLOW_SEGMENT)
			fail("no room to send");
	}
}

static void read_all(struct host *h, const int *fd)
{
	host_enter(h);
	for (int i = 0; i < FLOWS; i++)
		(void)z_consume(fd[i], 1 << 20);
}

static void pass_time(struct pair *p)
{
	p->server.now_us = p->client.now_us += ROUND_US;
}

static void take_turns(struct host *h)
{
	do
		host_turn(h);
	while (h->n_in > 0);
}

/* What has arrived at the server must be one burst of FLOWS frames. */
static void measure(struct flows *f)
{
	if (f->p->server.n_in != FLOWS)
		fail("not a frame from each connection");
	f->received += host_input(&f->p->server);
}

/* The server's cycles are those of measure() alone. */
static void rest_of_server(struct pair *p)
{
	uint64_t counted = p->server.cycles;

	take_turns(&p->server);
	p->server.cycles = counted;
}

void flows_acks(struct flows *f)
{
	struct pair *p = f->p;

	pass_time(p);
	write_segments(&p->server, f->server, 2);
	pair_carry(p, &p->server);
	take_turns(&p->client);
	pair_carry(p, &p->client);
	measure(f);
	rest_of_server(p);
	read_all(&p->client, f->client);
	take_turns(&p->client);
	pair_carry(p, &p->client); /* windows that opened: none, as a rule */
	rest_of_server(p);
}

void flows_segments(struct flows *f)
{
	struct pair *p = f->p;

	pass_time(p);
	write_segments(&p->client, f->client, 1);
	pair_carry(p, &p->client);
	measure(f);
	rest_of_server(p);
	read_all(&p->server, f->server);
	rest_of_server(p);
	pair_carry(p, &p->server);
	take_turns(&p->client);
}
