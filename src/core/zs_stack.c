/* SPDX-License-Identifier: BSD-3-Clause */
/* The entry points: create and destroy a stack, let time pass, flush what has to be said. */
#include "core/zs_stack.h"

#include <errno.h>

#include "core/tcp/zs_output.h"
#include "core/tcp/zs_tcb.h"
#include "core/tcp/zs_tcp.h"
#include "core/zs_groups.h"
#include "core/zs_ip4.h"
#include "core/zs_ip6.h"
#include "core/zs_loopback.h"
#include "core/zs_neigh.h"
#include "core/zs_state.h"
#include "core/zs_tune.h"
#include "core/zs_udp.h"

static void derive_keys(struct zs_stack *s)
{
	uint64_t seed[2];
	uint64_t label;

	memcpy(seed, s->env.seed, sizeof(seed));
	for (label = 0; label < 6; label++) {
		uint64_t k = zs_siphash(seed, &label, sizeof(label));

		if (label < 2)
			s->hash_key[label] = k;
		else if (label < 4)
			s->isn_key[label - 2] = k;
		else
			s->rand.key[label - 4] = k;
	}
}

static int init_tables(struct zs_stack *s)
{
	const struct zs_config *cfg = &s->cfg;
	int rc;

	rc = zs_flowtab_init(s, cfg->max_conns + cfg->max_half_open + cfg->max_time_wait);
	if (rc == 0)
		rc = zs_neigh_init(s);
	if (rc == 0)
		rc = zs_ipfrag_init(s);
	if (rc == 0)
		rc = zs_udp_init(s);
	if (rc == 0)
		rc = zs_igmp_init(s);
	if (rc == 0)
		rc = zs_ip6_init(s);
	if (rc == 0)
		rc = zs_tcp_init(s);
	if (rc == 0)
		rc = zs_slab_init(s, &s->socks, ZS_SOCK_ROOM,
				  cfg->max_conns + cfg->max_listeners + cfg->max_udp);
	return rc;
}

static void set_clock(struct zs_stack *s, uint64_t now_us)
{
	s->now_us = now_us;
	s->now_ms = (uint32_t)(now_us / 1000);
}

int zs_stack_create(struct zs_stack **out, const struct zs_config *cfg, const struct zs_env *env,
		    uint64_t now_us)
{
	struct zs_stack *s;
	int rc = zs_config_check(cfg);

	if (rc < 0)
		return rc;
	s = env->alloc(env->ctx, sizeof(*s), 64);
	if (s == NULL)
		return -ENOMEM;
	s->env = *env;
	s->cfg = *cfg;
	set_clock(s, now_us);
	s->icmp_limit = (struct zs_bucket){ now_us, cfg->icmp_rate, cfg->icmp_rate };
	s->challenge_limit = (struct zs_bucket){ now_us, cfg->challenge_rate, cfg->challenge_rate };
	zs_list_init(&s->out);
	zs_list_init(&s->evq);
	zs_wheel_init(&s->wheel, now_us);
	derive_keys(s);
	s->taken_gen = (uint32_t)s->hash_key[0]; /* not that of another stack with the same pool */
	zs_loopback_init(s);
	rc = init_tables(s);
	for (uint16_t i = 0; rc == 0 && i < cfg->n_netifs; i++) {
		s->netif[i].index = i;
		s->n_netifs++;
		rc = zs_netif_init(s, &s->netif[i], &cfg->netif[i]);
		if (rc == 0)
			rc = zs_ip6_config(s, &s->netif[i], &cfg->netif[i].ip6);
	}
	if (rc < 0) {
		zs_stack_destroy(s);
		return rc;
	}
	*out = s;
	return 0;
}

/* Also takes apart what a failed create left half done. */
void zs_stack_destroy(struct zs_stack *s)
{
	if (s == NULL)
		return;
	zs_tcp_fini(s);
	zs_udp_fini(s);
	zs_igmp_fini(s);
	zs_ipfrag_fini(s);
	zs_ip6_fini(s);
	zs_neigh_fini(s);
	for (uint16_t i = 0; i < s->n_netifs; i++)
		zs_txq_clear(&s->netif[i]);
	zs_txq_clear(zs_loopback(s));
	zs_free(s, s->socks.mem);
	zs_free(s, s->flows.slot);
	s->env.free(s->env.ctx, s);
}

void zs_stack_set_now(struct zs_stack *s, uint64_t now_us)
{
	if (now_us > s->now_us)
		set_clock(s, now_us);
}

uint64_t zs_stack_advance(struct zs_stack *s, uint64_t now_us)
{
	zs_stack_set_now(s, now_us);
	return zs_stack_run_timers(s);
}

uint64_t zs_stack_run_timers(struct zs_stack *s)
{
	zs_wheel_advance(&s->wheel, s, s->now_us);
	zs_receive_own(s);
	return zs_stack_loops(s) ? 0 : zs_wheel_next(&s->wheel);
}

void zs_stack_drop(struct zs_stack *s, struct rte_mbuf *m, enum zs_drop why)
{
	zs_pkt_drop(s, m, why);
}

void zs_stack_link_up(struct zs_stack *s, uint16_t port)
{
	for (uint16_t i = 0; i < s->n_netifs; i++) {
		struct zs_netif *nif = &s->netif[i];

		if (nif->port != port)
			continue;
		zs_arp_link_up(s, nif);
		zs_igmp_restart(s, nif);
		zs_ip6_link_up(s, nif);
	}
}

void zs_stack_flush(struct zs_stack *s)
{
	zs_output_run(s);
	for (uint16_t i = 0; i < s->n_netifs; i++)
		zs_txq_flush(s, &s->netif[i]);
}

bool zs_stack_tx_pending(const struct zs_stack *s)
{
	for (uint16_t i = 0; i < s->n_netifs; i++)
		if (s->netif[i].n_txq > 0)
			return true;
	return zs_stack_loops(s) || !zs_list_empty(&s->out);
}

bool zs_stack_loops(const struct zs_stack *s)
{
	return s->netif[ZS_LOOPBACK].n_txq > 0;
}

uint64_t zs_stack_now(const struct zs_stack *s)
{
	return s->now_us;
}

const struct zs_stats *zs_stack_stats(const struct zs_stack *s)
{
	return &s->stats;
}

void *zs_stack_sock_get(struct zs_stack *s)
{
	return zs_slab_get(&s->socks);
}

void zs_stack_sock_put(struct zs_stack *s, void *record)
{
	zs_slab_put(&s->socks, record);
}

const struct zs_env *zs_stack_env(const struct zs_stack *s)
{
	return &s->env;
}

void zs_stack_set_wall(struct zs_stack *s, uint64_t wall_us)
{
	s->wall_us = wall_us;
}

uint64_t zs_stack_wall(const struct zs_stack *s)
{
	return s->wall_us;
}

void zs_stack_count_copies(struct zs_stack *s, uint64_t bytes)
{
	s->stats.copies += bytes;
}

const struct zs_config *zs_stack_config(const struct zs_stack *s)
{
	return &s->cfg;
}

bool zs_bucket_take(struct zs_stack *s, struct zs_bucket *b)
{
	uint64_t refill = (s->now_us - b->last_us) * b->rate / 1000000;

	if (refill > 0) {
		b->tokens = refill >= b->rate - b->tokens ? b->rate : b->tokens + (uint32_t)refill;
		b->last_us = s->now_us;
	}
	if (b->tokens == 0)
		return false;
	b->tokens--;
	return true;
}
