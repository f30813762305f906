/* SPDX-License-Identifier: BSD-3-Clause */
/* Events of endpoints gather on one list per stack and are drained once per turn. */
#include "core/zs_ep.h"

#include "core/zs_state.h"

void zs_ep_raise(struct zs_stack *s, struct zs_ep *ep, unsigned ev)
{
	ep->events |= (uint16_t)ev;
	if (ep->owner != NULL && !zs_list_linked(&ep->link)) {
		rte_prefetch0(ep->owner); /* for zs_ep_next() */
		zs_list_add_tail(&s->evq, &ep->link);
	}
}

struct zs_ep *zs_ep_next(struct zs_stack *s, unsigned *ev)
{
	struct zs_list *node = zs_list_pop(&s->evq);
	struct zs_ep *ep;

	if (node == NULL)
		return NULL;
	ep = container_of(node, struct zs_ep, link);
	*ev = ep->events;
	ep->events = 0;
	return ep;
}

const void *zs_ep_owner_next(const struct zs_stack *s)
{
	if (zs_list_empty(&s->evq))
		return NULL;
	return container_of(s->evq.next, struct zs_ep, link)->owner;
}
