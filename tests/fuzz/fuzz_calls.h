/* SPDX-License-Identifier: BSD-3-Clause */
/* What an application may do to a socket beside reading and writing it, out of an input. */
#ifndef FUZZ_CALLS_H
#define FUZZ_CALLS_H

#include "fuzz.h"
#include "sock/zs_sock.h"

/*
 * One call: which (1 byte), and its arguments:
 *
 *	0, 1  setsockopt, getsockopt: level, option, length of the value, value to be set
 *	2     sendmsg: flags, address (see address()), length (2), of control messages, these
 *	3     a buffer to be sent as several datagrams: address, length (2), of a segment (2)
 *	4     recvmsg: flags (2), room, room for control messages
 *	5     connect of a datagram socket: address
 */
void fuzz_call(struct fuzz_in *in, struct zs_sock *sk);

#endif
