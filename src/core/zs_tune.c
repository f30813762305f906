/* SPDX-License-Identifier: BSD-3-Clause */
/* Changes of the configuration while the stack runs. */
#include "core/zs_tune.h"

#include <errno.h>

#include "core/zs_state.h"

int zs_config_check(const struct zs_config *cfg)
{
	bool sizes = cfg->max_conns > 0 && cfg->max_half_open > 0 && cfg->max_time_wait > 0 &&
		     cfg->max_listeners > 0 && cfg->max_udp > 0 && cfg->max_neigh > 0 &&
		     cfg->max_conns < 1u << 29 && cfg->max_half_open < 1u << 28 &&
		     cfg->max_time_wait < 1u << 28;
	bool bufs = cfg->sndbuf > 0 && cfg->sndbuf <= cfg->sndbuf_max && cfg->rcvbuf > 0 &&
		    cfg->rcvbuf <= cfg->rcvbuf_max && cfg->rcvbuf_max <= 1u << 31 &&
		    cfg->sndbuf_max <= 1u << 31;
	bool times = cfg->rto_min_us > 0 && cfg->rto_min_us <= cfg->rto_max_us &&
		     cfg->rto_initial_us > 0;
	bool rest = cfg->n_netifs <= ZS_MAX_PORTS && cfg->cc < ZS_CC_COUNT &&
		    cfg->ecn <= ZS_ECN_PASSIVE && cfg->hystart <= ZS_HYSTART_PP &&
		    cfg->initial_cwnd_segs > 0 && cfg->ip_local_port_lo > 0 &&
		    cfg->ip_local_port_lo <= cfg->ip_local_port_hi;

	return sizes && bufs && times && rest ? 0 : -EINVAL;
}

/* What tables and interfaces were made by stays. */
static void keep_sizes(struct zs_config *cfg, const struct zs_config *old)
{
	cfg->max_conns = old->max_conns;
	cfg->max_half_open = old->max_half_open;
	cfg->max_time_wait = old->max_time_wait;
	cfg->max_listeners = old->max_listeners;
	cfg->max_udp = old->max_udp;
	cfg->max_neigh = old->max_neigh;
	cfg->n_netifs = old->n_netifs;
	memcpy(cfg->netif, old->netif, sizeof(cfg->netif));
}

static void set_rate(struct zs_bucket *b, uint32_t rate)
{
	b->rate = rate;
	b->tokens = RTE_MIN(b->tokens, rate);
}

int zs_stack_tune(struct zs_stack *s, const struct zs_config *cfg)
{
	struct zs_config new = *cfg;
	int rc;

	keep_sizes(&new, &s->cfg);
	rc = zs_config_check(&new);
	if (rc < 0)
		return rc;
	s->cfg = new;
	set_rate(&s->icmp_limit, new.icmp_rate);
	set_rate(&s->challenge_limit, new.challenge_rate);
	return 0;
}
