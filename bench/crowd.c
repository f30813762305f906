/* SPDX-License-Identifier: BSD-3-Clause */
/* The crowd on the wire, and its listener in the server's process: see crowd.h. */
#include "crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_mbuf.h>

#include <ff_api.h>
#include <ff_event.h>

#include "pair.h"
#include "wire/zs_hdr.h"

enum { A_ROUND = 64, PORTS = 50000, FIRST_PORT = 10000, FIN = 1, SYN = 2, ACK = 16 };

static const char said[] = "are you there?";

struct frame {
	struct zs_eth_hdr eth;
	struct zs_ip4_hdr ip;
	struct zs_tcp_hdr tcp;
} ZS_WIRE;

struct crowd {
	int kq, listener, first; /* first: of the descriptors accepted, which follow one another */
	uint32_t knocked, accepted, echoes;
	int (*app)(void *arg); /* the server's application beside it */
	void *arg;
};

static void send_to_server(struct pair *p, uint32_t ip_be, uint16_t port_be, uint32_t seq,
			   uint32_t ack, uint8_t flags, const void *data, uint16_t len)
{
	struct rte_mbuf *m = host_frame(&p->server, (uint16_t)(sizeof(struct frame) + len));
	struct frame *f = rte_pktmbuf_mtod(m, struct frame *);

	*f = (struct frame){
		.eth = { .dst = p->server.mac,
			 .src = p->client.mac,
			 .type_be = RTE_BE16(ZS_ETH_IP4) },
		.ip = { .ver_ihl = 0x45,
			.len_be =
				rte_cpu_to_be_16((uint16_t)(sizeof(f->ip) + sizeof(f->tcp) + len)),
			.ttl = 64,
			.proto = ZS_PROTO_TCP,
			.src_be = ip_be,
			.dst_be = PAIR_SERVER_IP },
		.tcp = { .sport_be = port_be,
			 .dport_be = RTE_BE16(CROWD_PORT),
			 .seq_be = rte_cpu_to_be_32(seq),
			 .ack_be = rte_cpu_to_be_32(ack),
			 .doff = sizeof(f->tcp) / 4 << 4,
			 .flags = flags,
			 .wnd_be = RTE_BE16(65535) },
	};
	if (len > 0)
		memcpy(f + 1, data, len);
	host_arrive(&p->server, m);
}

/* Peer i of 11.0.0.0/8. */
static void knock(struct pair *p, uint32_t i)
{
	uint32_t ip = 0x0b000001 + i / PORTS;

	send_to_server(p, rte_cpu_to_be_32(ip), rte_cpu_to_be_16(FIRST_PORT + i % PORTS), i, 0, SYN,
		       NULL, 0);
}

static void answer(struct pair *p, struct rte_mbuf *m)
{
	const struct frame *f = rte_pktmbuf_mtod(m, const struct frame *);
	uint16_t hdr = (uint16_t)(sizeof(f->ip) + (f->tcp.doff >> 4) * 4);
	uint16_t len = (uint16_t)(rte_be_to_cpu_16(f->ip.len_be) - hdr);
	uint8_t one = (f->tcp.flags & (SYN | FIN)) != 0; /* the number that SYN or FIN takes */
	char data[sizeof(said)];

	if (len > sizeof(data) || len + one == 0)
		return;
	memcpy(data, rte_pktmbuf_read(m, sizeof(f->eth) + hdr, len, data), len);
	send_to_server(p, f->ip.dst_be, f->tcp.dport_be, rte_be_to_cpu_32(f->tcp.ack_be),
		       rte_be_to_cpu_32(f->tcp.seq_be) + len + one, ACK | (f->tcp.flags & FIN),
		       data, len);
}

static void accept_all(struct crowd *c)
{
	struct kevent ev;
	int fd;

	while ((fd = ff_accept4(c->listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		if (c->accepted++ == 0)
			c->first = fd;
		/* as a server would: it wants to hear of what comes */
		EV_SET(&ev, fd, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL);
		(void)ff_kevent(c->kq, &ev, 1, NULL, 0, NULL);
	}
}

static void hear(struct crowd *c, int fd)
{
	char data[sizeof(said) + 1];

	if (ff_read(fd, data, sizeof(data)) == sizeof(said) &&
	    memcmp(data, said, sizeof(said)) == 0)
		c->echoes++;
}

/* The server's application: accepts the crowd, and lets the one beside it have its turn. */
static int app(void *arg)
{
	struct crowd *c = arg;
	struct kevent ev[A_ROUND];
	int n = ff_kevent(c->kq, NULL, 0, ev, A_ROUND, NULL);

	for (int i = 0; i < n; i++) {
		if ((int)ev[i].ident == c->listener)
			accept_all(c);
		else
			hear(c, (int)ev[i].ident);
	}
	return c->app != NULL ? c->app(c->arg) : 0;
}

void crowd_expect(struct pair *p)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = RTE_BE16(CROWD_PORT) };
	static struct crowd crowd;
	struct kevent change;

	host_enter(&p->server);
	crowd = (struct crowd){ .app = p->server.app, .arg = p->server.arg };
	crowd.kq = ff_kqueue();
	crowd.listener = ff_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	EV_SET(&change, crowd.listener, EVFILT_READ, EV_ADD, 0, 0, NULL);
	if (ff_bind(crowd.listener, (struct linux_sockaddr *)&sa, sizeof(sa)) < 0 ||
	    ff_listen(crowd.listener, 4096) < 0 ||
	    ff_kevent(crowd.kq, &change, 1, NULL, 0, NULL) < 0) {
		perror("core: crowd");
		exit(1);
	}
	p->others = answer;
	p->others_arg = &crowd;
	p->server.app = app;
	p->server.arg = &crowd;
	crowd_grow(p, 1); /* the server learns its gateway's address before many ask for it */
}

void crowd_grow(struct pair *p, uint32_t n)
{
	struct crowd *c = p->others_arg;
	uint32_t rounds = 0;

	while (c->accepted < n) {
		for (int i = 0; i < A_ROUND && c->knocked < n; i++)
			knock(p, c->knocked++);
		pair_round(p);
		if (++rounds > n / A_ROUND + 1000) {
			fprintf(stderr, "core: only %u of %u peers were accepted\n", c->accepted,
				n);
			exit(1);
		}
	}
}

/* A few rounds: what is under way arrives, and its answers. */
static void settle(struct pair *p)
{
	for (int i = 0; i < 4; i++)
		pair_round(p);
}

uint32_t crowd_exchange(struct pair *p, uint32_t step)
{
	struct crowd *c = p->others_arg;

	c->echoes = 0;
	for (uint32_t i = 0; i < c->accepted; i += step) {
		host_enter(&p->server);
		(void)ff_write(c->first + (int)i, said, sizeof(said)); /* missed as an echo */
		if (i / step % A_ROUND == 0)
			pair_round(p);
	}
	settle(p);
	return c->echoes;
}

void crowd_leave(struct pair *p)
{
	struct crowd *c = p->others_arg;

	host_enter(&p->server);
	(void)ff_close(c->listener);
	for (uint32_t i = 0; i < c->accepted; i++) {
		host_enter(&p->server);
		(void)ff_close(c->first + (int)i);
		if (i % A_ROUND == 0)
			pair_round(p);
	}
	settle(p);
	host_enter(&p->server);
	(void)ff_close(c->kq);
	crowd_rest(p);
}

void crowd_rest(struct pair *p)
{
	const struct crowd *c = p->others_arg;

	p->server.app = c->app;
	p->server.arg = c->arg;
}
