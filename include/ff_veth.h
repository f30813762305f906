/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names for the buffers of z_read() and z_write(), as programs use them that were written for the
 * fork of F-Stack which had these two calls first. Here such a buffer is the struct rte_mbuf
 * itself, so that wrapping and unwrapping cost nothing; zstack.h has the calls for new programs.
 */
#ifndef FF_VETH_H
#define FF_VETH_H

#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* First payload byte of the buffer. */
void *ff_mbuf_mtod(void *m);
/* Frees the chain. After ff_mbuf_detach_rte(m): frees what follows the first buffer, which stays
 * the caller's. */
void ff_mbuf_free(void *m);
/* The struct rte_mbuf behind a buffer. */
void *ff_rte_frm_extcl(void *m);
/* The next ff_mbuf_free(m) leaves the first struct rte_mbuf to the caller. */
void ff_mbuf_detach_rte(void *m);
/*
 * A buffer for z_write() that shows len bytes at data inside the struct rte_mbuf m; appended to the
 * chain prev unless that is NULL. Returns the chain; NULL and EINVAL: data is not inside m.
 */
void *ff_mbuf_get(void *prev, void *m, void *data, uint16_t len);
/* Copies len bytes from offset off out of the chain; 0 or -1. */
int ff_mbuf_copydata(void *m, void *data, int off, int len);
/* Walks a chain: *m is advanced, *data and *len tell of the buffer just passed. -1 at the end. */
int ff_next_mbuf(void **m, void **data, unsigned *len);

/* ---- names of F-Stack's inside: they do nothing and fail with ENOSYS (-1, NULL) ---- */

struct ff_port_cfg;
struct ff_tx_offload;
void *ff_veth_attach(struct ff_port_cfg *cfg);
int ff_veth_detach(void *arg);
void ff_veth_process_packet(void *arg, void *m);
void *ff_veth_softc_to_hostc(void *softc);
void *ff_veth_get_softc(void *host_ctx);
void ff_veth_free_softc(void *softc);
void *ff_mbuf_gethdr(void *pkt, uint16_t total, void *data, uint16_t len, uint8_t rx_csum);
void ff_mbuf_tx_offload(void *m, struct ff_tx_offload *offload);
void ff_mbuf_set_vlan_info(void *hdr, uint16_t vlan_tci);

#ifdef __cplusplus
}
#endif

#endif
