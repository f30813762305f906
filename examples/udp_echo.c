/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * UDP echo: datagrams go back in the buffers that they came in, up to 32 per call. --segment: what
 * is longer goes back as several datagrams of so many bytes.
 */
#include <errno.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include <ff_api.h>
#include <ff_event.h>
#include <zstack.h>

#include "options.h"
#include "report.h"

enum { BATCH = 32 };

static int kq, sock;
static __thread uint64_t n_messages; /* of each core's thread */

static void echo_all(void)
{
	struct sockaddr_storage from[BATCH];
	struct z_dgram v[BATCH];
	int n, sent;

	do {
		for (int i = 0; i < BATCH; i++)
			v[i] = (struct z_dgram){ .addr = (struct sockaddr *)&from[i],
						 .addrlen = sizeof(from[i]) };
		n = z_recv_dgrams(sock, v, BATCH, MSG_DONTWAIT);
		sent = n > 0 ? z_send_dgrams(sock, v, n, 0) : 0;
		n_messages += sent > 0 ? (uint64_t)sent : 0;
		for (int i = 0; i < n; i++)
			z_buf_free(v[i].buf); /* not sent: still ours; UDP may lose a datagram */
	} while (n > 0);
}

static int loop(void *arg)
{
	struct kevent event;

	(void)arg;
	if (ff_kevent(kq, NULL, 0, &event, 1, NULL) == 1)
		echo_all();
	report_turn(n_messages);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t port = option_number(argc, argv, "--port", 7, 65535);
	int segment = (int)option_number(argc, argv, "--segment", 0, 65535);
	struct kevent change;
	int on = 1;

	options_check(argc, argv, "[--port 7] [--segment bytes]");
	if (ff_init(argc, argv) < 0)
		return 1;

	kq = ff_kqueue();
	sock = any_socket(SOCK_DGRAM, port);
	if (sock < 0 || ff_ioctl(sock, FIONBIO, &on) < 0) {
		perror("bind");
		return 1;
	}
	if (ff_setsockopt(sock, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)) < 0) {
		perror("--segment");
		return 1;
	}
	EV_SET(&change, sock, EVFILT_READ, EV_ADD, 0, 0, NULL);
	if (ff_kevent(kq, &change, 1, NULL, 0, NULL) < 0) {
		perror("kevent");
		return 1;
	}

	ff_run(loop, NULL);
	report("udp_echo", "messages");
	return 0;
}
