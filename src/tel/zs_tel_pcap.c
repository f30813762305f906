/* SPDX-License-Identifier: BSD-3-Clause */
/* /zstack/pcap, /zstack/pcap_start, /zstack/pcap_stop: captures. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/zs_ctx.h"
#include "port/dpdk/zs_pcap.h"
#include "tel/zs_tel_priv.h"

static int tell(const struct zs_pcap_status *st, struct rte_tel_data *d)
{
	struct zs_tel_dict t = { .d = d };

	rte_tel_data_start_dict(d);
	zs_tel_u64(&t, "running", st->running);
	if (st->file[0] == '\0')
		return 0;
	zs_tel_u64(&t, "packets", st->packets);
	zs_tel_u64(&t, "missed", st->missed);
	zs_tel_u64(&t, "full", st->full);
	if (st->error != 0)
		zs_tel_str(&t, "problem", strerror(st->error));
	zs_tel_str(&t, "file",
		   strlen(st->file) < RTE_TEL_MAX_STRING_LEN ? st->file : "(long name)");
	return 0;
}

static int tell_status(struct zs_tel_query *q, const char *params, struct rte_tel_data *d)
{
	struct zs_pcap_status st;

	(void)params;
	zs_pcap_status(q->dpdk, &st);
	return tell(&st, d);
}

/* On a stack's loop: whoever gets here looks at no packet. */
static void nothing(struct zs_ctx *c, void *arg)
{
	(void)c;
	(void)arg;
}

/* A loop that stands still may look at packets: then the capture's memory has to stay. */
static int stop(struct zs_tel_query *q, struct zs_pcap_status *last)
{
	int rc = 0;

	zs_pcap_detach(q->dpdk);
	for (uint16_t i = 0; rc == 0 && i < q->n; i++)
		rc = zs_tel_ask(q, i, nothing, NULL);
	if (rc == 0)
		zs_pcap_finish(q->dpdk, last);
	return rc;
}

static int stop_capture(struct zs_tel_query *q, const char *params, struct rte_tel_data *d)
{
	struct zs_pcap_status st;
	int rc;

	(void)params;
	zs_pcap_status(q->dpdk, &st);
	if (!st.running)
		return zs_tel_fail(q, -ENOENT, "no capture runs");
	rc = stop(q, &st);
	return rc < 0 ? rc : tell(&st, d);
}

/* Words: file=, snaplen=, count=, if=; filter= takes all that follows, commas included. */
static int read_options(struct zs_tel_query *q, const char *params, struct zs_pcap_options *o,
			char file[ZS_PCAP_FILE])
{
	uint64_t snaplen = o->snaplen, port = o->port;
	int rc = 0;

	while (rc == 0 && *params != '\0') {
		size_t len = strcspn(params, ",");

		if (strncmp(params, "filter=", 7) == 0) {
			o->filter = params + 7;
			break;
		}
		if (strncmp(params, "file=", 5) == 0 && len - 5 < ZS_PCAP_FILE) {
			memcpy(file, params + 5, len - 5);
			file[len - 5] = '\0';
		} else if (strncmp(params, "snaplen=", 8) == 0) {
			rc = zs_tel_number(q, params + 8, UINT32_MAX, &snaplen);
		} else if (strncmp(params, "count=", 6) == 0) {
			rc = zs_tel_number(q, params + 6, UINT64_MAX, &o->max_packets);
		} else if (strncmp(params, "if=", 3) == 0) {
			rc = zs_tel_number(q, params + 3, UINT16_MAX, &port);
		} else {
			return zs_tel_fail(
				q, -EINVAL,
				"'%.40s' is none of file=, snaplen=, count=, if=, filter=", params);
		}
		params += len + (params[len] == ',');
	}
	o->snaplen = (uint32_t)snaplen;
	o->port = (uint16_t)port;
	return rc;
}

static int start_capture(struct zs_tel_query *q, const char *params, struct rte_tel_data *d)
{
	char file[ZS_PCAP_FILE] = "";
	struct zs_pcap_options o = { .file = file, .filter = "", .port = ZS_PCAP_ALL_PORTS };
	int rc = read_options(q, params, &o, file);

	if (rc == 0)
		rc = zs_pcap_start(q->dpdk, &o, q->error);
	if (rc == 0)
		return tell_status(q, "", d);
	if (rc != -EBUSY && rc != -EINVAL)
		(void)stop(q, NULL); /* what has begun; the reason is in q->error */
	return rc;
}
_Static_assert(sizeof(((struct zs_tel_query *)0)->error) >= ZS_PCAP_ERR, "reasons fit");

int zs_tel_add_pcap(void)
{
	static const struct zs_tel_cmd cmds[] = {
		{ "/zstack/pcap", tell_status, "Does a capture run, and what has it got?" },
		{ "/zstack/pcap_start", start_capture,
		  "Captures packets to pcapng. Parameters: file=PATH[,if=N][,snaplen=N][,count=N]"
		  "[,filter=EXPRESSION]" },
		{ "/zstack/pcap_stop", stop_capture, "Ends the capture; what has it got?" },
	};

	return zs_tel_add(cmds, sizeof(cmds) / sizeof(cmds[0]));
}
