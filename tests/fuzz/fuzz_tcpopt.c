/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzz target: any bytes as TCP options. What parses whole must survive being written and read. */
#include "wire/zs_tcpopt.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned len = size < ZS_TCPOPT_MAX ? (unsigned)size : ZS_TCPOPT_MAX;
	uint8_t p[ZS_TCPOPT_MAX];
	struct zs_tcpopt o, again;
	unsigned i;

	if (!zs_tcpopt_parse(&o, data, len))
		return 0;
	check(o.wscale <= ZS_WSCALE_MAX && o.n_sack <= ZS_MAX_SACK);
	for (i = 0; i < o.n_sack; i++)
		(void)zs_tcpopt_sack(o.sack, i); /* a sanitizer sees reads beyond the input */
	check(zs_tcpopt_parse(&again, p, zs_tcpopt_write_syn(p, &o)));
	check(again.mss == o.mss && again.sack_perm == o.sack_perm && again.has_ts == o.has_ts &&
	      again.ts_val == o.ts_val && again.ts_ecr == o.ts_ecr && again.wscale == o.wscale);
	return 0;
}
