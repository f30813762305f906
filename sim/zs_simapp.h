/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Applications on zs_tcp.h for the simulator: each connection sends a stream of a known pattern and
 * checks the one it receives. Driven by the endpoints' events alone, so that a lost event shows as
 * a stall. Sender, receiver, echo, half-close and slow reader are settings of one state machine.
 *
 * The stream from the opener of a connection to its acceptor, and the one back, have keys that
 * follow from the opener's port, so that both ends know them.
 */
#ifndef ZS_SIMAPP_H
#define ZS_SIMAPP_H

#include "core/tcp/zs_tcp.h"
#include "zs_sim.h"

enum zs_simtx {
	ZS_SIMTX_BUF,	/* one packet buffer of tx_chunk bytes per write */
	ZS_SIMTX_ODD,	/* chains of several buffers of odd sizes, tx_chunk bytes in all */
	ZS_SIMTX_CHAIN, /* a chain of full packet buffers, tx_chunk bytes in all */
	ZS_SIMTX_BIG,	/* one buffer of the pool with large rooms, up to tx_chunk bytes */
	ZS_SIMTX_COPY,	/* zs_tcp_send_copy() of tx_chunk bytes */
	ZS_SIMTX_MODES
};

enum zs_simrx {
	ZS_SIMRX_TAKE,	  /* zs_tcp_recv() */
	ZS_SIMRX_CONSUME, /* looks at the queue, then zs_tcp_consume() */
	ZS_SIMRX_COPY,	  /* zs_tcp_copy_out() */
	ZS_SIMRX_MODES
};

struct zs_simconn_config {
	uint64_t tx_bytes;
	uint64_t rx_bytes;    /* expected; UINT64_MAX = any */
	uint8_t tx;	      /* enum zs_simtx */
	uint8_t rx;	      /* enum zs_simrx */
	uint32_t tx_chunk;    /* 0 = 1448 */
	uint64_t rx_from_ns;  /* reads nothing before */
	uint32_t rx_chunk;    /* reads at most so much... */
	uint64_t rx_every_ns; /* ...in so much time; 0 = all at once */
	bool echo;	      /* sends back what it receives, buffer by buffer */
	bool expects_echo;    /* what comes is what was sent */
	bool tx_after_fin;    /* sends nothing before the peer closed its direction */
	bool stay;	      /* does not close, ever */
	bool share; /* keeps a reference to each buffer it sends, as one who sends it elsewhere too
		     */
	bool raw;   /* neither fills nor checks payload (speed) */
	bool nodelay;
	uint16_t maxseg;
	uint32_t sndbuf, rcvbuf; /* 0 = automatic */
};

struct zs_simapp;

struct zs_simconn {
	struct zs_simconn *next; /* all of the application */
	struct zs_simapp *app;
	struct zs_tcb *tcb; /* NULL once closed */
	struct zs_simconn_config cfg;
	uint64_t tx_key, rx_key;
	uint64_t tx_off, rx_off;
	struct rte_mbuf *pending; /* echo: taken, not yet accepted by the send queue */
	struct rte_mbuf **kept;	  /* share */
	uint32_t n_kept;
	uint64_t next_read_ns, timer_ns;
	uint64_t turn;	   /* of the host, when last run by an event */
	unsigned int late; /* events raised again since then */
	uint64_t connected_ns, done_ns;
	bool opener, connected, fin_sent, eof, timer_set;
	bool done;	 /* both directions ended as they should */
	const char *why; /* what went wrong, NULL = nothing */
	int error;	 /* of the endpoint */
};

struct zs_simapp {
	struct zs_simhost *h;
	struct zs_simconn *conns, **last;
	uint32_t n_conns, n_done, n_failed;
	uint64_t n_refused; /* writes that found no room at all */
	uint64_t rx_bytes;  /* of all connections */
	struct zs_listener *listener;
	struct zs_simconn_config accept_cfg;
};

/* Becomes the application of h. */
struct zs_simapp *zs_simapp_create(struct zs_simhost *h);
/* After zs_sim_destroy() or zs_simhost_stop(); frees what connections keep. */
void zs_simapp_destroy(struct zs_simapp *app);

/* Every accepted connection gets cfg. */
void zs_simapp_listen(struct zs_simapp *app, uint16_t port, int backlog,
		      const struct zs_simconn_config *cfg);
void zs_simapp_unlisten(struct zs_simapp *app);
struct zs_simconn *zs_simapp_connect(struct zs_simapp *app, uint32_t ip_be, uint16_t port,
				     const struct zs_simconn_config *cfg);

/* Lets every slow reader go on at full speed. */
void zs_simapp_resume(struct zs_simapp *app);

/* Frees what `share` keeps, after a check that nobody changed it. */
void zs_simconn_release(struct zs_simconn *c);

/* All connections that exist are over (of which n_failed not as they should). */
bool zs_simapp_idle(const struct zs_simapp *app);

#endif
