/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz target: two stacks and a hostile link. The first bytes of the input say what the hosts are
 * and what they send each other (see start()), each further byte what happens to the next frame of
 * TCP: nothing, lost, doubled, damaged, late. Behind the input the link is a good one, and never
 * it loses so much that a side could give up. So both streams arrive as they were sent, whatever
 * happens; no buffer is left and the device accepted all that it was given.
 */
#include "fuzz.h"
#include "tests/sim/simtest.h"

/* Frames lost or damaged, at most: in all, and before the server has accepted. SYN and SYN-ACK are
 * sent six times, all else fifteen times before a connection fails. */
enum { HARM_MAX = 12, HARM_EARLY = 5 };

struct link {
	struct fuzz_in in;
	struct pair *p;
	uint32_t harmed;
};

static bool is_tcp(const struct zs_simpkt *p)
{
	const uint8_t *l3 = p->data + 14;

	if (p->len < 14 + 40)
		return false;
	return (p->data[12] == 0x08 && p->data[13] == 0 && l3[9] == 6) ||
	       (p->data[12] == 0x86 && l3[6] == 6);
}

/* It may be lost. */
static bool may_harm(struct link *l)
{
	if (l->harmed >= (l->p->server->n_conns == 0 ? HARM_EARLY : HARM_MAX))
		return false;
	l->harmed++;
	return true;
}

static unsigned int rule(void *arg, struct zs_simpkt *p)
{
	struct link *l = arg;
	uint8_t what;

	if (l->in.p == l->in.end || !is_tcp(p))
		return ZS_SIM_PASS;
	what = in8(&l->in);
	switch (what % 8) {
	case 0:
		return may_harm(l) ? ZS_SIM_DROP : ZS_SIM_PASS;
	case 1:
		return ZS_SIM_DUP;
	case 2:
		return may_harm(l) ? ZS_SIM_CORRUPT : ZS_SIM_PASS;
	case 3:
	case 4: /* up to 31 ms, in steps that are shorter and longer than a flight */
		p->arrive_ns += (uint64_t)(what >> 3) * (what % 8 == 3 ? 20 * ZS_US : ZS_MS);
		return ZS_SIM_PASS;
	default:
		return ZS_SIM_PASS;
	}
}

static void configure(struct zs_simhost_config *c, uint8_t how)
{
	c->stack.use_ts = !(how & 1);
	c->stack.use_sack = !(how & 2);
	c->stack.cc = (how >> 2) % ZS_CC_COUNT;
	c->dev.hold_ns = how & 0x10 ? 200 * ZS_US : 0;
	c->dev.refuse_ppm = how & 0x20 ? 200000 : 0;
	c->dev.tx_ring = how & 0x40 ? 8 : 0;
}

static void start(struct pair *p, struct link *l)
{
	static const uint16_t mtus[] = { 1500, 576, 9000, 1280 };
	uint8_t how = in8(&l->in);
	uint32_t off = how & 4 ? ZS_SIM_OFF_NONE : ZS_SIM_OFF_ALL;
	struct zs_simconn_config app = { .tx = (how >> 3) % ZS_SIMTX_MODES };
	struct pair_config c;
	uint64_t up, down;

	check((how & 0x80 ? setenv("ZS_SIM_IP6", "1", 1) : unsetenv("ZS_SIM_IP6")) == 0);
	pair_config(&c, 1, mtus[how % 4], how & 0x40 ? off | ZS_OFF_TX_TSO : off);
	configure(&c.a, in8(&l->in));
	configure(&c.b, in8(&l->in));
	how = in8(&l->in);
	app.rx = how % ZS_SIMRX_MODES;
	app.share = how & 0x10;
	app.nodelay = how & 0x20;
	app.rcvbuf = how & 0x40 ? 8192 : 0;
	app.tx_chunk = (in8(&l->in) + 1u) * 64;
	up = in8(&l->in);
	down = in8(&l->in);
	c.wire.rule = rule;
	c.wire.rule_arg = l;
	pair_create(p, &c);
	pair_transfer(p, up * up, down * down, &app);
}

static void release(struct zs_simapp *app)
{
	for (struct zs_simconn *c = app->conns; c != NULL; c = c->next)
		zs_simconn_release(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pair p;
	struct link l = { .in = { .p = data, .end = data + size }, .p = &p };

	start(&p, &l);
	check(pair_run(&p, 1, 4000 * ZS_SEC));
	release(p.client);
	release(p.server);
	check(pair_settle(&p));
	check(zs_sim_violations(p.w) == 0);
	check(pair_destroy(&p) == 0);
	return 0;
}
