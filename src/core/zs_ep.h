/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Endpoint: what a connection, a listener and a UDP socket have in common. The core raises events
 * on it; the socket layer drains them once per turn with zs_ep_next(). Events say what changed, not
 * what is: level-triggered waiters ask the endpoint itself.
 */
#ifndef ZS_EP_H
#define ZS_EP_H

#include <stdint.h>

#include "base/zs_list.h"

struct zs_stack;

enum zs_ev {
	ZS_EV_READ = 0x01,  /* data arrived, or a connection waits for accept */
	ZS_EV_WRITE = 0x02, /* send buffer has room again, or the connection is established */
	ZS_EV_RDHUP = 0x04, /* the peer closed its direction (FIN in order) */
	ZS_EV_HUP = 0x08,   /* the connection is over in both directions */
	ZS_EV_ERR = 0x10,   /* an error is pending (ep error) */
	ZS_EV_ERRQ = 0x20,  /* of the socket layer: its error queue (MSG_ERRQUEUE) is not empty */
	ZS_EV_SOME = 0x40,  /* likewise: data arrived, but SO_RCVLOWAT is not reached */
};

enum zs_ep_kind { ZS_EP_TCP, ZS_EP_LISTENER, ZS_EP_UDP };

struct zs_ep {
	void *owner; /* socket; NULL = nobody listens to events */
	struct zs_list link;
	uint16_t events; /* enum zs_ev, not yet drained */
	uint8_t kind;	 /* enum zs_ep_kind */
	int32_t error;	 /* positive errno, read and cleared by the socket layer */
};

void zs_ep_raise(struct zs_stack *s, struct zs_ep *ep, unsigned ev);

/* Takes the next endpoint with events off the list; *ev gets them. NULL when drained. */
struct zs_ep *zs_ep_next(struct zs_stack *s, unsigned *ev);
/* Whose turn is next; NULL: nobody's, or nobody knows. */
const void *zs_ep_owner_next(const struct zs_stack *s);

#endif
