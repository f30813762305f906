/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets beside the stack: F-Stack's dispatcher functions, and frames that a program makes by
 * itself. There is one dispatcher for all stacks of a process; who registers another replaces it.
 */
#include "ff_api.h"

#include "api/zs_ctx.h"
#include "base/zs_api.h"

/* What is asked: written before ff_run(), or by a loop function while others ask. Neither: since a
 * moment. */
static struct {
	dispatch_func_t plain;
	dispatch_func_context_t with_context;
} dispatcher;

static int ask(void *arg, struct zs_frame *f)
{
	struct ff_dispatcher_context context = {
		.vlan.stripped = f->vlan_stripped,
		.vlan.vlan_tci = f->vlan_tci,
	};
	dispatch_func_t plain = __atomic_load_n(&dispatcher.plain, __ATOMIC_RELAXED);
	dispatch_func_context_t with_context =
		__atomic_load_n(&dispatcher.with_context, __ATOMIC_RELAXED);
	int to = f->lcore;

	(void)arg;
	if (plain != NULL)
		to = plain(f->data, &f->len, f->lcore, f->n_lcores);
	else if (with_context != NULL)
		to = with_context(f->data, &f->len, f->lcore, f->n_lcores, context);
	return to == FF_DISPATCH_RESPONSE ? ZS_FRAME_ANSWER : to;
}

static void look(bool on)
{
	struct zs_ctx *c = zs_ctx_get();

	if (c != NULL && c->drive.look != NULL)
		c->drive.look(c->drive.arg, on ? ask : NULL);
}

ZS_API void ff_regist_packet_dispatcher(dispatch_func_t func)
{
	look(false);
	__atomic_store_n(&dispatcher.with_context, NULL, __ATOMIC_RELAXED);
	__atomic_store_n(&dispatcher.plain, func, __ATOMIC_RELAXED);
	if (func != NULL)
		look(true);
}

ZS_API void ff_regist_packet_dispatcher_context(dispatch_func_context_t func)
{
	look(false);
	__atomic_store_n(&dispatcher.plain, NULL, __ATOMIC_RELAXED);
	__atomic_store_n(&dispatcher.with_context, func, __ATOMIC_RELAXED);
	if (func != NULL)
		look(true);
}

ZS_API int ff_dpdk_raw_packet_send(void *data, int total, uint16_t port_id)
{
	struct zs_ctx *c = zs_ctx_get();

	if (c == NULL)
		return -1;
	if (data == NULL || total <= 0)
		return (int)ff_ret(data == NULL ? -EFAULT : -EINVAL);
	if (c->drive.send_frame == NULL)
		return (int)ff_ret(-ENOSYS);
	return (int)ff_ret(c->drive.send_frame(c->drive.arg, port_id, data, (size_t)total));
}
