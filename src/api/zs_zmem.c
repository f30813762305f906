/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The application's own memory in buffers: external buffers of DPDK, whose free callback tells when
 * the last reference is gone, whoever held it. A buffer longer than one mbuf can show is a chain
 * over one shared count.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api/zs_zstate.h"

struct z_mem {
	char *addr;
	size_t len;
	uint32_t refs; /* wrapped buffers */
	struct zs_zstate *z;
};

/* One z_buf_wrap(): lives until the last reference to its bytes is gone. */
struct zwrap {
	struct rte_mbuf_ext_shared_info shinfo;
	struct zs_done of_buffer;
	struct z_mem *mem;
	struct zs_zdone *done; /* NULL: nobody wants to know */
	int status;
};

enum {
	PIECE_MAX = 32768, /* mbuf lengths are 16 bits */
	WRAP_MAX = 1 << 20,
};

/* All of it is there: the kernel knows, and asking changes nothing. */
static bool is_mapped(void *addr, size_t len)
{
	uintptr_t in_page = (uintptr_t)addr & ((uintptr_t)sysconf(_SC_PAGESIZE) - 1);

	return msync((char *)addr - in_page, len + in_page, MS_ASYNC) == 0;
}

ZS_API z_mem *z_mem_register(void *addr, size_t len, unsigned flags)
{
	struct zs_zstate *z = zs_zstate();
	const struct zs_drive *drive;
	struct z_mem *mem;
	int rc = 0;

	if (z == NULL)
		return NULL;
	if (addr == NULL || len == 0 || flags != 0 || (uintptr_t)addr + len < (uintptr_t)addr) {
		errno = EINVAL;
		return NULL;
	}
	if (!is_mapped(addr, len)) {
		errno = EFAULT;
		return NULL;
	}
	drive = &z->c->drive;
	if (drive->mem_map != NULL)
		rc = drive->mem_map(drive->arg, addr, len);
	if (rc < 0) {
		errno = -rc;
		return NULL;
	}
	mem = malloc(sizeof(*mem));
	if (mem == NULL) {
		if (drive->mem_unmap != NULL)
			drive->mem_unmap(drive->arg, addr, len);
		return NULL;
	}
	*mem = (struct z_mem){ .addr = addr, .len = len, .z = z };
	z->refs++;
	return mem;
}

/* Its count is that core's alone. */
static bool is_of_another_core(const z_mem *mem)
{
	return mem->z->c != NULL && mem->z->c != zs_ctx_get();
}

ZS_API int z_mem_unregister(z_mem *mem)
{
	bool is_ours = mem != NULL && !is_of_another_core(mem);

	if (!is_ours || mem->refs > 0) {
		errno = is_ours ? EBUSY : EINVAL;
		return -1;
	}
	if (mem->z->c != NULL && mem->z->c->drive.mem_unmap != NULL)
		mem->z->c->drive.mem_unmap(mem->z->c->drive.arg, mem->addr, mem->len);
	zs_zstate_unref(mem->z);
	free(mem);
	return 0;
}

/* Completion of the core: how it ended. That the bytes are free is told by wrap_free. */
static void wrap_status(struct zs_done *d, int status)
{
	struct zwrap *w = container_of(d, struct zwrap, of_buffer);

	if (status != 0 && status != -ECANCELED)
		w->status = status;
}

/* The last reference is gone. */
static void wrap_free(void *addr, void *arg)
{
	struct zwrap *w = arg;

	(void)addr;
	w->mem->refs--;
	if (w->done != NULL)
		zs_zdone_fire(w->done, w->status);
	free(w);
}

/* The bytes as a chain; every piece holds one count of w. NULL: errno ENOBUFS. */
static struct rte_mbuf *attach_pieces(struct zs_zstate *z, struct zwrap *w, char *ptr, size_t len)
{
	uint32_t n_pieces = (uint32_t)((len + PIECE_MAX - 1) / PIECE_MAX);
	struct rte_mbuf *head = zs_zstate_alloc_refs(z, n_pieces), *last = NULL;

	if (head == NULL)
		return NULL;
	head->nb_segs = (uint16_t)n_pieces;
	head->pkt_len = (uint32_t)len;
	for (struct rte_mbuf *m = head; m != NULL; m = m->next) {
		uint16_t n = (uint16_t)RTE_MIN(len, (size_t)PIECE_MAX);

		rte_mbuf_ext_refcnt_update(&w->shinfo, 1);
		rte_pktmbuf_attach_extbuf(m, ptr, (rte_iova_t)(uintptr_t)ptr, n, &w->shinfo);
		m->ol_flags |= ZS_PKT_LENT;
		m->data_len = n;
		last = m;
		ptr += n;
		len -= n;
	}
	zs_seg(last)->done = &w->of_buffer;
	last->ol_flags |= ZS_PKT_DONE;
	return head;
}

static struct zwrap *wrap_new(struct z_mem *mem, z_done_fn fn, void *arg)
{
	struct zwrap *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->of_buffer.fn = wrap_status;
	w->of_buffer.failures_only = true;
	w->mem = mem;
	if (fn != NULL) {
		w->done = zs_zdone_new(mem->z, fn, arg);
		if (w->done == NULL) {
			free(w);
			return NULL;
		}
	}
	w->shinfo.free_cb = wrap_free;
	w->shinfo.fcb_opaque = w;
	rte_mbuf_ext_refcnt_set(&w->shinfo, 1); /* ours, while the chain is made */
	mem->refs++;
	return w;
}

ZS_API z_buf *z_buf_wrap(z_mem *mem, void *ptr, size_t len, z_done_fn fn, void *arg)
{
	struct zs_zstate *z = zs_zstate();
	struct rte_mbuf *m;
	struct zwrap *w;

	if (z == NULL)
		return NULL;
	if (mem == NULL || mem->z != z || len == 0 || len > WRAP_MAX || (char *)ptr < mem->addr ||
	    (size_t)((char *)ptr - mem->addr) > mem->len ||
	    len > mem->len - (size_t)((char *)ptr - mem->addr)) {
		errno = EINVAL;
		return NULL;
	}
	w = wrap_new(mem, fn, arg);
	if (w == NULL)
		return NULL;
	m = attach_pieces(z, w, ptr, len);
	if (m == NULL) {
		/* nobody was promised anything: the completion is not told */
		if (w->done != NULL)
			zs_zdone_drop(w->done);
		w->done = NULL;
	}
	if (rte_mbuf_ext_refcnt_update(&w->shinfo, -1) == 0)
		wrap_free(ptr, w);
	if (m == NULL)
		errno = ENOBUFS;
	return (z_buf *)m;
}
