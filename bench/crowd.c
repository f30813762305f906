/* SPDX-License-Identifier: BSD-3-Clause */
/* The crowd on the wire, and its listener in the server's process: see crowd.h. */
#include "crowd.h"

#include <stdio.h>
#include <stdlib.h>

#include <rte_byteorder.h>
#include <rte_mbuf.h>

#include <ff_api.h>
#include <ff_event.h>

#include "pair.h"
#include "wire/zs_hdr.h"

enum { A_ROUND = 64, PORTS = 50000, FIRST_PORT = 10000, SYN = 2, ACK = 16 };

struct frame {
	struct zs_eth_hdr eth;
	struct zs_ip4_hdr ip;
	struct zs_tcp_hdr tcp;
} ZS_WIRE;

struct crowd {
	int kq, listener;
	uint32_t knocked, accepted;
	int (*app)(void *arg); /* the server's application beside it */
	void *arg;
};

static void send_to_server(struct pair *p, uint32_t ip_be, uint16_t port_be, uint32_t seq,
			   uint32_t ack, uint8_t flags)
{
	struct rte_mbuf *m = host_frame(&p->server, sizeof(struct frame));
	struct frame *f = rte_pktmbuf_mtod(m, struct frame *);

	*f = (struct frame){
		.eth = { .dst = p->server.mac,
			 .src = p->client.mac,
			 .type_be = RTE_BE16(ZS_ETH_IP4) },
		.ip = { .ver_ihl = 0x45,
			.len_be = RTE_BE16(sizeof(f->ip) + sizeof(f->tcp)),
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
	host_arrive(&p->server, m);
}

/* Peer i of 11.0.0.0/8. */
static void knock(struct pair *p, uint32_t i)
{
	uint32_t ip = 0x0b000001 + i / PORTS;

	send_to_server(p, rte_cpu_to_be_32(ip), rte_cpu_to_be_16(FIRST_PORT + i % PORTS), i, 0,
		       SYN);
}

static void answer(struct pair *p, struct rte_mbuf *m)
{
	const struct frame *f = rte_pktmbuf_mtod(m, const struct frame *);

	if (f->tcp.flags == (SYN | ACK))
		send_to_server(p, f->ip.dst_be, f->tcp.dport_be, rte_be_to_cpu_32(f->tcp.ack_be),
			       rte_be_to_cpu_32(f->tcp.seq_be) + 1, ACK);
}

/* The server's application: accepts the crowd, and lets the one beside it have its turn. */
static int app(void *arg)
{
	struct crowd *c = arg;
	struct kevent ev;

	if (ff_kevent(c->kq, NULL, 0, &ev, 1, NULL) == 1 && (int)ev.ident == c->listener) {
		int fd;

		while ((fd = ff_accept4(c->listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
			/* as a server would: it wants to hear of what comes */
			EV_SET(&ev, fd, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL);
			(void)ff_kevent(c->kq, &ev, 1, NULL, 0, NULL);
			c->accepted++;
		}
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

void crowd_rest(struct pair *p)
{
	const struct crowd *c = p->others_arg;

	p->server.app = c->app;
	p->server.arg = c->arg;
}
