/* SPDX-License-Identifier: BSD-3-Clause */
/* The writer of captures: a header of 24 bytes, and 16 in front of each frame. */
#include "zs_simpcap.h"

#include <errno.h>
#include <string.h>

#include "zs_simrand.h"

static void put(struct zs_simpcap *p, const void *data, size_t len)
{
	p->hash = zs_sim_hash(p->hash, data, len);
	if (p->file != NULL)
		fwrite(data, 1, len, p->file);
}

int zs_simpcap_open(struct zs_simpcap *p, const char *path)
{
	const uint32_t head[6] = {
		0xa1b2c3d4, 2 | 4 << 16,		/* magic, version 2.4 */
		0,	    0,		 65535 + 18, 1, /* zone, accuracy, snap length, Ethernet */
	};

	*p = (struct zs_simpcap){ .hash = 1 };
	if (path != NULL) {
		p->file = fopen(path, "wb");
		if (p->file == NULL)
			return -errno;
	}
	put(p, head, sizeof(head));
	return 0;
}

void zs_simpcap_write(struct zs_simpcap *p, uint64_t now_us, const void *frame, uint32_t len)
{
	const uint32_t head[4] = {
		(uint32_t)(now_us / 1000000),
		(uint32_t)(now_us % 1000000),
		len,
		len,
	};

	put(p, head, sizeof(head));
	put(p, frame, len);
	p->frames++;
}

void zs_simpcap_close(struct zs_simpcap *p)
{
	if (p->file != NULL)
		fclose(p->file);
	p->file = NULL;
}
