/* SPDX-License-Identifier: BSD-3-Clause */
/* The simulator's application: connections come, are driven by their events, and end. */
#include "zs_simapp.h"

#include <stdlib.h>

#include "zs_simapp_priv.h"
#include "zs_simpattern.h"

enum { LATE_NS = 100000 };

static void conn_over(struct zs_simconn *c)
{
	c->tcb = NULL;
	c->done_ns = zs_sim_now(c->app->h->w);
	if (c->pending != NULL)
		rte_pktmbuf_free(c->pending);
	c->pending = NULL;
	if (c->why != NULL)
		c->app->n_failed++;
	else
		c->app->n_done++;
	c->done = c->why == NULL;
}

void zs_simconn_fail(struct zs_simconn *c, const char *why)
{
	struct zs_tcb *tcb = c->tcb;

	if (tcb == NULL)
		return;
	c->why = why;
	c->error = zs_tcp_ep(tcb)->error;
	conn_over(c);
	zs_tcp_abort(c->app->h->s, tcb);
}

static void finish(struct zs_simconn *c)
{
	struct zs_tcb *tcb = c->tcb;

	if (tcb == NULL || !c->eof || !c->fin_sent || c->cfg.stay)
		return;
	if (c->cfg.rx_bytes != UINT64_MAX && c->rx_off != c->cfg.rx_bytes) {
		zs_simconn_fail(c, "stream ended early, or late");
		return;
	}
	conn_over(c);
	zs_tcp_close(c->app->h->s, tcb);
}

static void note_connected(struct zs_simconn *c)
{
	const struct zs_flow *f = zs_tcp_flow(c->tcb);
	uint64_t key = c->opener ? f->lport : f->fport;
	uint64_t there = zs_sim_scramble(key * 2 + 1), back = zs_sim_scramble(key * 2 + 2);

	c->connected = true;
	c->connected_ns = zs_sim_now(c->app->h->w);
	c->tx_key = c->opener ? there : back;
	c->rx_key = c->opener ? back : there;
	if (c->cfg.expects_echo)
		c->rx_key = c->tx_key;
}

static void conn_run(struct zs_simconn *c, unsigned int ev)
{
	enum zs_tcp_state st;

	if (c->tcb == NULL)
		return;
	st = zs_tcp_state(c->tcb);
	if (ev & ZS_EV_ERR) {
		zs_simconn_fail(c, "connection failed");
		return;
	}
	if (st == ZS_SYN_SENT || st == ZS_SYN_RCVD)
		return;
	if (!c->connected)
		note_connected(c);
	zs_simconn_read(c);
	if (c->tcb != NULL)
		zs_simconn_write(c);
	finish(c);
	if (c->tcb != NULL && zs_tcp_state(c->tcb) == ZS_CLOSED && !c->cfg.stay &&
	    !zs_tcp_fin_received(c->tcb))
		zs_simconn_fail(c, "connection closed too soon");
}

static void conn_timer(void *arg)
{
	struct zs_simconn *c = arg;

	unsigned int ev = c->late;

	c->timer_set = false;
	c->late = 0;
	zs_simhost_wake(c->app->h, 0);
	conn_run(c, ev);
}

void zs_simconn_later(struct zs_simconn *c, uint64_t t_ns)
{
	if (c->timer_set && c->timer_ns <= t_ns)
		return;
	c->timer_set = true;
	c->timer_ns = t_ns;
	zs_sim_at(c->app->h->w, t_ns, conn_timer, c);
}

static void apply_opts(struct zs_stack *s, struct zs_tcb *tcb, const struct zs_simconn_config *cfg)
{
	struct zs_tcp_opts *o = zs_tcp_opts(tcb);

	o->nodelay = cfg->nodelay;
	o->maxseg = cfg->maxseg;
	o->sndbuf = cfg->sndbuf;
	o->rcvbuf = cfg->rcvbuf;
	zs_tcp_opts_changed(s, tcb);
}

static struct zs_simconn *conn_new(struct zs_simapp *app, struct zs_tcb *tcb,
				   const struct zs_simconn_config *cfg, bool opener)
{
	struct zs_simconn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		abort();
	*c = (struct zs_simconn){ .app = app, .tcb = tcb, .cfg = *cfg, .opener = opener };
	if (c->cfg.tx_chunk == 0)
		c->cfg.tx_chunk = 1448;
	c->next_read_ns = cfg->rx_from_ns;
	*app->last = c;
	app->last = &c->next;
	app->n_conns++;
	zs_tcp_ep(tcb)->owner = c;
	return c;
}

static void accept_all(struct zs_simapp *app)
{
	struct zs_tcb *tcb;

	while (app->listener != NULL && (tcb = zs_tcp_accept(app->h->s, app->listener)) != NULL)
		conn_run(conn_new(app, tcb, &app->accept_cfg, false), 0);
}

/* Once per turn: what a run raises again, such as WRITE while there are no buffers, waits a little.
 */
static void conn_event(struct zs_simconn *c, unsigned int ev)
{
	struct zs_simhost *h = c->app->h;

	if (c->turn == h->turns) {
		c->late |= ev;
		zs_simconn_later(c, zs_sim_now(h->w) + LATE_NS);
		return;
	}
	c->turn = h->turns;
	conn_run(c, ev);
}

static void app_turn(struct zs_simhost *h, void *arg)
{
	struct zs_simapp *app = arg;
	struct zs_ep *ep;
	unsigned int ev;

	while ((ep = zs_ep_next(h->s, &ev)) != NULL) {
		if (ep->kind == ZS_EP_LISTENER)
			accept_all(app);
		else if (ep->kind == ZS_EP_TCP && ep->owner != NULL)
			conn_event(ep->owner, ev);
	}
}

struct zs_simapp *zs_simapp_create(struct zs_simhost *h)
{
	struct zs_simapp *app = calloc(1, sizeof(*app));

	if (app == NULL)
		abort();
	app->h = h;
	app->last = &app->conns;
	h->app = app_turn;
	h->app_arg = app;
	return app;
}

void zs_simapp_destroy(struct zs_simapp *app)
{
	while (app->conns != NULL) {
		struct zs_simconn *c = app->conns;

		app->conns = c->next;
		free(c->kept);
		free(c);
	}
	free(app);
}

void zs_simapp_listen(struct zs_simapp *app, uint16_t port, int backlog,
		      const struct zs_simconn_config *cfg)
{
	struct zs_stack *s = app->h->s;
	const struct zs_addr any = { .q = { 0, 0 } };
	struct zs_tcb *tcb = zs_tcp_open(s, zs_sim_family());

	if (tcb == NULL || zs_tcp_bind(s, tcb, &any, port) < 0)
		abort();
	app->accept_cfg = *cfg;
	apply_opts(s, tcb, cfg);
	if (zs_tcp_listen(s, tcb, backlog, &app->listener) < 0)
		abort();
	app->listener->ep.owner = app;
}

void zs_simapp_unlisten(struct zs_simapp *app)
{
	if (app->listener != NULL)
		zs_tcp_listener_close(app->h->s, app->listener);
	app->listener = NULL;
}

struct zs_simconn *zs_simapp_connect(struct zs_simapp *app, uint32_t ip_be, uint16_t port,
				     const struct zs_simconn_config *cfg)
{
	struct zs_stack *s = app->h->s;
	const struct zs_addr to = zs_sim_addr(ip_be);
	struct zs_tcb *tcb = zs_tcp_open(s, zs_sim_family());
	struct zs_simconn *c;
	int rc;

	if (tcb == NULL)
		abort();
	c = conn_new(app, tcb, cfg, true);
	apply_opts(s, tcb, cfg);
	rc = zs_tcp_connect(s, tcb, &to, port);
	if (rc < 0)
		zs_simconn_fail(c, "zs_tcp_connect() failed");
	zs_simhost_wake(app->h, 0);
	return c;
}

void zs_simapp_resume(struct zs_simapp *app)
{
	for (struct zs_simconn *c = app->conns; c != NULL; c = c->next) {
		c->cfg.rx_every_ns = 0;
		c->next_read_ns = 0;
		conn_run(c, 0);
	}
	zs_simhost_wake(app->h, 0);
}

bool zs_simapp_idle(const struct zs_simapp *app)
{
	return app->n_done + app->n_failed == app->n_conns;
}
