/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * /zstack/ss: the endpoints of all stacks, in the order core, kind, place in its table.
 * /zstack/fds: which descriptors the application has for them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/zs_ctx.h"
#include "core/zs_look.h"
#include "core/zs_udp.h"
#include "tel/zs_tel_priv.h"

enum { PORTION = 16, FD_PLACES = 4096, FD_PORTION = 64 };

/* ---- what is asked for ---- */

struct filter {
	uint32_t kinds; /* bit per enum zs_look_kind */
	uint16_t port;	/* local or foreign; 0 = any */
	bool brief;	/* no inner state */
};

/* Words behind the first id: listen, tcp (all but listeners), udp, port=N, brief. */
static int read_filter(struct zs_tel_query *q, const char *params, struct filter *f)
{
	char word[ZS_TEL_WORD];
	uint64_t port = 0;
	int rc = 0;

	*f = (struct filter){ 0 };
	while (rc == 0 && zs_tel_word(&params, word)) {
		if (strcmp(word, "listen") == 0)
			f->kinds |= 1u << ZS_LOOK_LISTENER;
		else if (strcmp(word, "tcp") == 0)
			f->kinds |=
				1u << ZS_LOOK_TCP | 1u << ZS_LOOK_HALF | 1u << ZS_LOOK_TIME_WAIT;
		else if (strcmp(word, "udp") == 0)
			f->kinds |= 1u << ZS_LOOK_UDP;
		else if (strncmp(word, "port=", 5) == 0)
			rc = zs_tel_number(q, word + 5, UINT16_MAX, &port);
		else if (strcmp(word, "brief") == 0)
			f->brief = true;
		else
			return zs_tel_fail(q, -EINVAL,
					   "'%s' is none of listen, tcp, udp, port=N, brief", word);
	}
	f->port = (uint16_t)port;
	if (f->kinds == 0)
		f->kinds = UINT32_MAX;
	return rc;
}

static bool matches(const struct filter *f, const struct zs_look_conn *c)
{
	return (f->kinds & 1u << c->pos.kind) != 0 &&
	       (f->port == 0 || c->flow.lport == f->port || c->flow.fport == f->port);
}

/* ---- an entry ---- */

static void tell_ends(struct zs_tel_dict *t, const struct zs_flow *f)
{
	char text[ZS_TEL_ADDR];

	zs_tel_u64(t, "family", f->family);
	zs_tel_str(t, "local", zs_tel_addr(text, f->family, &f->laddr));
	zs_tel_u64(t, "local_port", f->lport);
	zs_tel_str(t, "peer", zs_tel_addr(text, f->family, &f->faddr));
	zs_tel_u64(t, "peer_port", f->fport);
}

static uint64_t ago_us(uint64_t now_us, uint64_t at_us)
{
	return now_us > at_us ? now_us - at_us : 0;
}

static void tell_path(struct zs_tel_dict *t, const struct zs_look_conn *c)
{
	const struct zs_tcp_info *i = &c->info;

	zs_tel_str(t, "cc", c->cc);
	zs_tel_u64(t, "ts", i->ts);
	zs_tel_u64(t, "sack", i->sack);
	zs_tel_u64(t, "ecn", i->ecn);
	zs_tel_u64(t, "ecn_seen", i->ect_seen);
	zs_tel_u64(t, "wscale", i->wscale);
	zs_tel_u64(t, "snd_wscale", i->snd_wscale);
	zs_tel_u64(t, "rcv_wscale", i->rcv_wscale);
	zs_tel_u64(t, "rto_us", i->rto_us);
	zs_tel_u64(t, "rtt_us", i->srtt_us);
	zs_tel_u64(t, "rttvar_us", i->rttvar_us);
	zs_tel_u64(t, "min_rtt_us", i->min_rtt_us);
	zs_tel_u64(t, "mss", i->snd_mss);
	zs_tel_u64(t, "pmtu", c->pmtu);
	zs_tel_u64(t, "rcv_mss", i->rcv_mss);
	zs_tel_u64(t, "cwnd", i->cwnd);
	zs_tel_u64(t, "ssthresh", i->ssthresh);
	zs_tel_u64(t, "snd_wnd", i->snd_wnd);
	zs_tel_u64(t, "rcv_wnd", i->rcv_wnd);
}

static void tell_counts(struct zs_tel_dict *t, const struct zs_look_conn *c, uint64_t now_us)
{
	const struct zs_tcp_info *i = &c->info;

	zs_tel_u64(t, "bytes_sent", i->bytes_sent);
	zs_tel_u64(t, "bytes_retrans", i->bytes_retx);
	zs_tel_u64(t, "bytes_acked", i->bytes_acked);
	zs_tel_u64(t, "bytes_received", i->bytes_received);
	zs_tel_u64(t, "segs_out", i->segs_out);
	zs_tel_u64(t, "segs_in", i->segs_in);
	zs_tel_u64(t, "retrans", i->total_retx);
	zs_tel_u64(t, "backoff", i->backoff);
	zs_tel_u64(t, "probes", i->probes);
	zs_tel_u64(t, "ca_state", i->ca_state);
	zs_tel_u64(t, "inflight", i->inflight);
	zs_tel_u64(t, "sacked", i->sacked);
	zs_tel_u64(t, "lost", i->lost);
	zs_tel_u64(t, "retx_out", i->retx);
	zs_tel_u64(t, "unsent", i->unsent);
	zs_tel_u64(t, "lastsnd_us", ago_us(now_us, i->last_send_us));
	zs_tel_u64(t, "lastrcv_us", ago_us(now_us, i->last_recv_us));
}

static void tell_memory(struct zs_tel_dict *t, const struct zs_look_conn *c)
{
	zs_tel_u64(t, "snd_mem", c->snd_mem);
	zs_tel_u64(t, "snd_age_us", c->snd_age_us);
	zs_tel_u64(t, "sndbuf", c->info.sndbuf);
	zs_tel_u64(t, "rcv_mem", c->rcv_mem);
	zs_tel_u64(t, "ooo_mem", c->ooo_mem);
	zs_tel_u64(t, "taken_mem", c->info.taken_mem);
	zs_tel_u64(t, "rcvbuf", c->info.rcvbuf);
}

static void tell_inside(struct zs_tel_dict *t, const struct zs_look_conn *c, uint64_t now_us)
{
	switch ((enum zs_look_kind)c->pos.kind) {
	case ZS_LOOK_TCP:
		tell_path(t, c);
		tell_counts(t, c, now_us);
		tell_memory(t, c);
		break;
	case ZS_LOOK_HALF:
		zs_tel_u64(t, "retries", c->retries);
		zs_tel_u64(t, "left_us", c->left_us);
		break;
	case ZS_LOOK_TIME_WAIT:
		zs_tel_u64(t, "left_us", c->left_us);
		break;
	case ZS_LOOK_UDP:
		zs_tel_u64(t, "rcv_mem", c->rcv_mem);
		break;
	case ZS_LOOK_LISTENER:
	case ZS_LOOK_KINDS:
		break;
	}
}

static const char *state_of(const struct zs_look_conn *c)
{
	if (c->pos.kind == ZS_LOOK_UDP && c->state == ZS_CLOSED)
		return "UNCONNECTED";
	return zs_tcp_state_name(c->state);
}

static int make_entry(struct zs_tel_dict *t, uint16_t core, const struct zs_look_conn *c,
		      const struct filter *f, uint64_t now_us)
{
	int rc = zs_tel_entry(t);

	if (rc < 0)
		return rc;
	zs_tel_u64(t, "core", core);
	zs_tel_str(t, "proto", c->pos.kind == ZS_LOOK_UDP ? "udp" : "tcp");
	zs_tel_str(t, "state", state_of(c));
	tell_ends(t, &c->flow);
	zs_tel_u64(t, "recv_q", c->recv_q);
	zs_tel_u64(t, "send_q", c->send_q);
	if (!f->brief)
		tell_inside(t, c, now_us);
	return 0;
}

/* ---- pages ---- */

static uint64_t conn_id(uint16_t core, const struct zs_look_pos *pos)
{
	return zs_tel_id(core, (uint8_t)pos->kind, pos->index);
}

struct portion {
	struct zs_look_pos pos;
	struct zs_look_conn v[PORTION];
	int n;
	uint64_t now_us;
};

/* On the stack's loop. */
static void look(struct zs_ctx *c, void *arg)
{
	struct portion *p = arg;

	p->n = zs_look_conns(c->s, &p->pos, p->v, PORTION);
	p->now_us = zs_stack_now(c->s);
}

/* Entries of one core from p->pos on. 1: the page is full; 0; -errno. */
static int tell_core(struct zs_tel_query *q, uint16_t core, struct portion *p,
		     const struct filter *f, struct zs_tel_page *page)
{
	while (p->pos.kind < ZS_LOOK_KINDS) {
		int rc = zs_tel_ask(q, core, look, p);

		for (int i = 0; rc == 0 && i < p->n; i++) {
			struct zs_tel_dict t;

			if (!matches(f, &p->v[i]))
				continue;
			rc = make_entry(&t, core, &p->v[i], f, p->now_us);
			if (rc == 0 && !zs_tel_page_add(page, conn_id(core, &p->v[i].pos), &t))
				return 1;
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int tell_conns(struct zs_tel_query *q, const char *params, struct rte_tel_data *d)
{
	uint64_t from;
	struct zs_tel_page page;
	int rc = zs_tel_page_from(&page, d, q, &params, &from);
	struct portion p = { .pos = { from >> 32 & 0xff, (uint32_t)from } };
	struct filter f;

	if (rc == 0)
		rc = read_filter(q, params, &f);
	for (uint64_t core = from >> 40; rc == 0 && core < q->n; core++) {
		rc = tell_core(q, (uint16_t)core, &p, &f, &page);
		p.pos = (struct zs_look_pos){ 0, 0 };
	}
	return zs_tel_page_end(&page, rc);
}

/* ---- descriptors ---- */

struct fds {
	uint32_t next; /* place in the table */
	bool end;
	int n;
	struct {
		uint32_t place;
		int fd;
		uint64_t conn;
	} v[FD_PORTION];
};

static const struct zs_ep *ep_of(const struct zs_sock *sk)
{
	switch ((enum zs_sock_kind)sk->kind) {
	case ZS_SK_TCP:
		return sk->tcb != NULL ? zs_tcp_ep(sk->tcb) : NULL;
	case ZS_SK_LISTENER:
		return &sk->lst->ep;
	case ZS_SK_UDP:
		return sk->udp != NULL ? &sk->udp->ep : NULL;
	}
	return NULL;
}

/* On the stack's loop. */
static void look_fds(struct zs_ctx *c, void *arg)
{
	struct fds *p = arg;
	uint32_t end = p->next + FD_PLACES;

	p->n = 0;
	for (; p->next < c->fds.cap && p->next < end && p->n < FD_PORTION; p->next++) {
		const struct zs_fd *f = &c->fds.slot[p->next];
		const struct zs_ep *ep = f->kind == ZS_FD_SOCK ? ep_of(f->obj) : NULL;
		struct zs_look_pos pos;

		if (ep == NULL)
			continue;
		pos = zs_look_at(c->s, ep);
		p->v[p->n].place = p->next;
		p->v[p->n].fd = c->fds.base + (int)p->next;
		p->v[p->n++].conn = conn_id(c->index, &pos);
	}
	p->end = p->next >= c->fds.cap;
}

static int tell_fds_of(struct zs_tel_query *q, uint16_t core, struct fds *p,
		       struct zs_tel_page *page)
{
	for (p->end = false; !p->end;) {
		int rc = zs_tel_ask(q, core, look_fds, p);

		for (int i = 0; rc == 0 && i < p->n; i++) {
			struct zs_tel_dict t;

			rc = zs_tel_entry(&t);
			if (rc < 0)
				break;
			zs_tel_u64(&t, "core", core);
			zs_tel_u64(&t, "fd", (uint64_t)p->v[i].fd);
			zs_tel_u64(&t, "conn", p->v[i].conn);
			if (!zs_tel_page_add(page, zs_tel_id(core, 0, p->v[i].place), &t))
				return 1;
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int tell_fds(struct zs_tel_query *q, const char *params, struct rte_tel_data *d)
{
	uint64_t from;
	struct zs_tel_page page;
	int rc = zs_tel_page_from(&page, d, q, &params, &from);
	struct fds p = { .next = (uint32_t)from };

	for (uint64_t core = from >> 40; rc == 0 && core < q->n; core++) {
		rc = tell_fds_of(q, (uint16_t)core, &p, &page);
		p.next = 0;
	}
	return zs_tel_page_end(&page, rc);
}

int zs_tel_add_conns(void)
{
	static const struct zs_tel_cmd cmds[] = {
		{ "/zstack/ss", tell_conns,
		  "Connections and sockets, a page of them. Parameters: from "
		  "id[,listen][,tcp][,udp]"
		  "[,port=N][,brief]" },
		{ "/zstack/fds", tell_fds,
		  "The application's descriptors, and the id of what each stands for in "
		  "/zstack/ss. "
		  "Parameter: from id" },
	};

	return zs_tel_add(cmds, sizeof(cmds) / sizeof(cmds[0]));
}
