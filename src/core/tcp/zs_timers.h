/* SPDX-License-Identifier: BSD-3-Clause */
/* What a connection does when one of its deadlines passes. */
#ifndef ZS_TIMERS_H
#define ZS_TIMERS_H

struct zs_stack;
struct zs_tcb;
struct zs_timer;

void zs_tcb_timer_fire(struct zs_stack *s, struct zs_timer *t);
/* Starts or stops the keepalive timer as the options say; what is due is not put off. */
void zs_keepalive_start(struct zs_stack *s, struct zs_tcb *tcb);

#endif
