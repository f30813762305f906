/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names that F-Stack exports for its own parts: the FreeBSD side of its calls, its command line
 * tools, its preloaded adapter. Programs that mention them link; the calls do nothing and fail with
 * ENOSYS.
 */
#include "ff_api.h"
#include "ff_veth.h"

#include "api/zs_fd.h"
#include "base/zs_api.h"

static int no_int(void)
{
	return (int)ff_ret(-ENOSYS);
}

static void *no_pointer(void)
{
	errno = ENOSYS;
	return NULL;
}

/* ---- of the tools ---- */

ZS_API int ff_ioctl_freebsd(int fd, unsigned long request, ...)
{
	(void)fd;
	(void)request;
	return no_int();
}

ZS_API int ff_setsockopt_freebsd(int s, int level, int optname, const void *optval,
				 socklen_t optlen)
{
	(void)s;
	(void)level;
	(void)optname;
	(void)optval;
	(void)optlen;
	return no_int();
}

ZS_API int ff_getsockopt_freebsd(int s, int level, int optname, void *optval, socklen_t *optlen)
{
	(void)s;
	(void)level;
	(void)optname;
	(void)optval;
	(void)optlen;
	return no_int();
}

ZS_API int ff_rtioctl(int fib, void *data, unsigned *plen, unsigned maxlen)
{
	(void)fib;
	(void)data;
	(void)plen;
	(void)maxlen;
	return no_int();
}

ZS_API int ff_ngctl(int cmd, void *data)
{
	(void)cmd;
	(void)data;
	return no_int();
}

/* ---- of the adapter ---- */

ZS_API void *ff_adapt_user_thread_add(void *parent)
{
	(void)parent;
	return no_pointer();
}

ZS_API void ff_adapt_user_thread_exit(void *td)
{
	(void)td;
	(void)no_int();
}

ZS_API void *ff_switch_curthread(void *new_curthread)
{
	(void)new_curthread;
	return no_pointer();
}

ZS_API void ff_restore_curthread(void *old_curthread)
{
	(void)old_curthread;
	(void)no_int();
}

/* ---- of the FreeBSD side ---- */

ZS_API int ff_freebsd_init(void)
{
	return no_int();
}

ZS_API void ff_hardclock(void)
{
	(void)no_int();
}

ZS_API void ff_swi_net_excute(void)
{
	(void)no_int();
}

ZS_API int ff_rss_tbl_init(void)
{
	return no_int();
}

/* ---- of its interface ---- */

ZS_API void *ff_veth_attach(struct ff_port_cfg *cfg)
{
	(void)cfg;
	return no_pointer();
}

ZS_API int ff_veth_detach(void *arg)
{
	(void)arg;
	return no_int();
}

ZS_API void ff_veth_process_packet(void *arg, void *m)
{
	(void)arg;
	(void)m;
	(void)no_int();
}

ZS_API void *ff_veth_softc_to_hostc(void *softc)
{
	(void)softc;
	return no_pointer();
}

ZS_API void *ff_veth_get_softc(void *host_ctx)
{
	(void)host_ctx;
	return no_pointer();
}

ZS_API void ff_veth_free_softc(void *softc)
{
	(void)softc;
	(void)no_int();
}

ZS_API void *ff_mbuf_gethdr(void *pkt, uint16_t total, void *data, uint16_t len, uint8_t rx_csum)
{
	(void)pkt;
	(void)total;
	(void)data;
	(void)len;
	(void)rx_csum;
	return no_pointer();
}

ZS_API void ff_mbuf_tx_offload(void *m, struct ff_tx_offload *offload)
{
	(void)m;
	(void)offload;
	(void)no_int();
}

ZS_API void ff_mbuf_set_vlan_info(void *hdr, uint16_t vlan_tci)
{
	(void)hdr;
	(void)vlan_tci;
	(void)no_int();
}
