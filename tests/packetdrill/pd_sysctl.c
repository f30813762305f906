/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scripts choose the behaviour of the stack by sysctl. The tool runs in a network namespace, where
 * that is free of consequences, and what it left there is read from /proc/sys/net/ipv4.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/tcp/zs_tfo.h"

#include "pd.h"

static bool read_text(const char *name, char *buf, size_t size)
{
	char path[96];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
	f = fopen(path, "r");
	if (f == NULL)
		return false;
	n = fread(buf, 1, size - 1, f);
	buf[n] = '\0';
	fclose(f);
	return n > 0;
}

static long number(const char *name, long absent)
{
	char buf[64];
	long v;

	return read_text(name, buf, sizeof(buf)) && sscanf(buf, "%ld", &v) == 1 ? v : absent;
}

/* What Linux gives buffers by itself, by version: nobody has asked for it, and it says nothing of
 * us. */
static bool linux_own(uint32_t def, uint32_t max)
{
	return (def == 131072 && (max == 6291456 || max == 33554432)) ||
	       (def == 16384 && max == 4194304);
}

/* "min default max": the last two. False: nobody has set them. */
static bool buffers(const char *name, uint32_t *def, uint32_t *max)
{
	char buf[96];
	uint32_t min, d, m;

	if (!read_text(name, buf, sizeof(buf)) ||
	    sscanf(buf, "%" SCNu32 " %" SCNu32 " %" SCNu32, &min, &d, &m) != 3 || linux_own(d, m))
		return false;
	*def = d < m ? d : m;
	*max = m;
	return true;
}

/* A script that has set up Linux expects what only Linux does; others know the RFCs. */
static void flavour(struct zs_config *cfg, bool of_linux)
{
	cfg->psh_segs = of_linux ? (uint8_t)number("tcp_min_tso_segs", 2) : ZS_PSH_WRITES;
	cfg->hystart = of_linux ? ZS_HYSTART_DELAY : ZS_HYSTART_PP;
	cfg->tolerate_missing_ts = of_linux;
}

/* Four words in hexadecimal, least significant byte first. */
static void fastopen_key(struct zs_config *cfg)
{
	char buf[64];
	uint32_t w[4];

	if (!read_text("tcp_fastopen_key", buf, sizeof(buf)) ||
	    sscanf(buf, "%" SCNx32 "-%" SCNx32 "-%" SCNx32 "-%" SCNx32, &w[0], &w[1], &w[2],
		   &w[3]) != 4)
		return;
	for (int i = 0; i < 16; i++)
		cfg->tfo_key[i] = (uint8_t)(w[i / 4] >> 8 * (i % 4));
	cfg->tfo_key_set = true;
}

/* Linux paces where the queue in front of the device is fq, which may be none of this kernel's:
 * `run` notes that a script asked for it. */
static bool paces(void)
{
	const char *path = getenv("ZSTACK_PD_FQ");

	return path != NULL && access(path, F_OK) == 0;
}

void pd_sysctl(struct zs_config *cfg)
{
	cfg->use_ts = number("tcp_timestamps", cfg->use_ts) != 0;
	cfg->use_sack = number("tcp_sack", cfg->use_sack) != 0;
	cfg->use_wscale = number("tcp_window_scaling", cfg->use_wscale) != 0;
	cfg->syn_retries = (uint8_t)number("tcp_syn_retries", cfg->syn_retries);
	cfg->synack_retries = (uint8_t)number("tcp_synack_retries", cfg->synack_retries);
	cfg->data_retries = (uint8_t)number("tcp_retries2", cfg->data_retries);
	cfg->syn_cookies = number("tcp_syncookies", cfg->syn_cookies) != 0;
	cfg->ecn = (uint8_t)number("tcp_ecn", cfg->ecn);
	cfg->tfo = (uint32_t)number("tcp_fastopen", cfg->tfo);
	fastopen_key(cfg);
	cfg->idle_restart = number("tcp_slow_start_after_idle", cfg->idle_restart) != 0;
	cfg->pace = paces();
	cfg->notsent_lowat = (uint32_t)number("tcp_notsent_lowat", 0);
	if (cfg->notsent_lowat == UINT32_MAX)
		cfg->notsent_lowat = 0;
	cfg->use_tlp = number("tcp_early_retrans", 3) != 0;
	cfg->tlp_ack_delay_us =
		200000; /* scripts take their time where the path seems to take none */
	flavour(cfg, buffers("tcp_rmem", &cfg->rcvbuf, &cfg->rcvbuf_max));
	(void)buffers("tcp_wmem", &cfg->sndbuf, &cfg->sndbuf_max);
}

void pd_metrics(struct pd *p)
{
	const char *path = getenv("ZSTACK_PD_FLUSHES");
	struct stat st;

	if (path == NULL || stat(path, &st) < 0 || st.st_size == p->flushes)
		return;
	p->flushes = st.st_size;
	zs_tfo_flush(p->s);
}
