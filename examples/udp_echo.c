/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * UDP echo: datagrams go back in the buffers that they came in, up to 32 per call.
 *
 *	udp_echo [--port 7] [--conf config.ini]
 */
#include <errno.h>
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
	z_buf *v[BATCH];
	int n;

	while ((n = z_recv_bufs(sock, v, BATCH, from)) > 0) {
		for (int i = 0; i < n; i++) {
			if (z_sendto_buf(sock, v[i], (struct sockaddr *)&from[i],
					 sizeof(struct sockaddr_in6), 0) < 0)
				z_buf_free(v[i]); /* still ours; UDP may lose a datagram */
			else
				n_messages++;
		}
	}
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
	uint64_t port = option_number(argc, argv, "--port", 7);
	struct kevent change;
	int on = 1;

	if (ff_init(argc, argv) < 0)
		return 1;

	kq = ff_kqueue();
	sock = any_socket(SOCK_DGRAM, port);
	if (sock < 0 || ff_ioctl(sock, FIONBIO, &on) < 0) {
		perror("bind");
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
