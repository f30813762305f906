/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Streams of bytes that can be made and checked at any offset: the byte at offset o is a function
 * of (key, o). And buffers marked with what they hold, so that the pool itself notices on their
 * release when anyone changed a payload byte.
 */
#ifndef ZS_SIMPATTERN_H
#define ZS_SIMPATTERN_H

#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

/* Bytes [off, off + n) of the stream. */
void zs_sim_fill(uint64_t key, uint64_t off, void *p, size_t n);

/* Leading bytes of p that agree with the stream: n when all do. */
size_t zs_sim_match(uint64_t key, uint64_t off, const void *p, size_t n);

/* The same over a chain; its pkt_len when all agree. */
size_t zs_sim_match_chain(uint64_t key, uint64_t off, const struct rte_mbuf *m);

/* Appends n bytes of the stream to m, one segment, which must have the room. */
void zs_sim_append(uint64_t key, uint64_t off, struct rte_mbuf *m, uint16_t n);

/*
 * Notes in m (its dynamic fields, which nobody else uses here) what its data shows: the stream's
 * bytes from off. The buffer is checked when it returns to a watched pool.
 */
void zs_sim_mark(uint64_t key, uint64_t off, struct rte_mbuf *m);

/* False when m is marked and its payload is not what it was. Takes the mark away. */
bool zs_sim_unmark(struct rte_mbuf *m);

#endif
