/* SPDX-License-Identifier: BSD-3-Clause */
/* kqueue: level, edge, one-shot, dispatch, amounts, end of stream, errors, timers, user events,
 * lifetimes. */
#include "apitest.h"

struct pair {
	int lfd, c, s; /* s and lfd on host 1, c on host 0 */
};

static struct pair connect_pair(struct api_world *t)
{
	struct pair p;

	api_on(t, 1);
	p.lfd = api_listen(PORT, SOCK_NONBLOCK);
	p.c = ff_socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(ff_close(p.c), 0);
	api_on(t, 0);
	{
		struct sockaddr_in sin = api_addr(1, PORT);

		p.c = ff_socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(ff_connect(p.c, sa(&sin), sizeof(sin)), 0);
	}
	api_run_ms(t, 1);
	api_on(t, 1);
	p.s = ff_accept(p.lfd, NULL, NULL);
	assert_true(p.s >= 0);
	return p;
}

static int change(int kq, uintptr_t ident, int filter, int flags, unsigned fflags, int64_t data,
		  void *udata)
{
	struct kevent kev;

	EV_SET(&kev, ident, (short)filter, (unsigned short)flags, fflags, data, udata);
	return ff_kevent(kq, &kev, 1, NULL, 0, NULL);
}

/* Events now. */
static int poll_kq(int kq, struct kevent *out, int max)
{
	const struct timespec zero = { 0 };

	return ff_kevent(kq, NULL, 0, out, max, &zero);
}

static int wait_kq_ms(int kq, struct kevent *out, int max, int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	return ff_kevent(kq, NULL, 0, out, max, &ts);
}

static void client_writes(struct api_world *t, struct pair p, const char *text)
{
	api_on(t, 0);
	assert_int_equal(ff_write(p.c, text, strlen(text)), strlen(text));
	api_run_ms(t, 1);
	api_on(t, 1);
}

static void layout(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct kevent), 64);
	assert_int_equal(offsetof(struct kevent, data), 16);
	assert_int_equal(offsetof(struct kevent, ext), 32);
}

static void listener_reports_its_backlog(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in sin = api_addr(1, PORT);
	struct kevent ev[4];
	int lfd, kq, c;

	api_on(t, 1);
	lfd = api_listen(PORT, SOCK_NONBLOCK);
	kq = ff_kqueue();
	assert_int_equal(change(kq, (uintptr_t)lfd, EVFILT_READ, EV_ADD, 0, 512, &sin), 0);
	assert_int_equal(poll_kq(kq, ev, 4), 0);
	api_on(t, 0);
	for (int i = 0; i < 3; i++) {
		c = ff_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		assert_errno(ff_connect(c, sa(&sin), sizeof(sin)), EINPROGRESS);
	}
	api_run_ms(t, 5);
	api_on(t, 1);
	assert_int_equal(poll_kq(kq, ev, 4), 1);
	assert_int_equal(ev[0].ident, lfd);
	assert_int_equal(ev[0].filter, EVFILT_READ);
	assert_int_equal(ev[0].data, 3);
	assert_ptr_equal(ev[0].udata, &sin);
	assert_int_equal(ev[0].flags & EV_EOF, 0);
	for (int i = 0; i < 3; i++)
		assert_true(ff_accept(lfd, NULL, NULL) >= 0);
	assert_int_equal(poll_kq(kq, ev, 4), 0);
}

static void level_until_drained(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct kevent ev[2];
	char buf[16];
	int kq = ff_kqueue();

	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ADD, 0, 0, NULL), 0);
	assert_int_equal(poll_kq(kq, ev, 2), 0);
	client_writes(t, p, "hello");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(poll_kq(kq, ev, 2), 1);
		assert_int_equal(ev[0].data, 5);
	}
	assert_int_equal(ff_read(p.s, buf, 2), 2);
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	assert_int_equal(ev[0].data, 3);
	assert_int_equal(ff_read(p.s, buf, sizeof(buf)), 3);
	assert_int_equal(poll_kq(kq, ev, 2), 0);
}

static void clear_reports_each_arrival_once(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct kevent ev[2];
	int kq = ff_kqueue();

	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL), 0);
	client_writes(t, p, "one");
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	assert_int_equal(ev[0].data, 3);
	assert_int_equal(ev[0].flags & EV_CLEAR, EV_CLEAR);
	assert_int_equal(poll_kq(kq, ev, 2), 0);
	client_writes(t, p, "two");
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	assert_int_equal(ev[0].data, 6);
	assert_int_equal(poll_kq(kq, ev, 2), 0);
	/* registering again looks again */
	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL), 0);
	assert_int_equal(poll_kq(kq, ev, 2), 1);
}

static void data_before_registration_is_seen(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct kevent ev[2];
	int kq = ff_kqueue();

	client_writes(t, p, "early");
	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL), 0);
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	assert_int_equal(ev[0].data, 5);
}

static void oneshot_is_deleted(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct kevent ev[2];
	int kq = ff_kqueue();

	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ADD | EV_ONESHOT, 0, 0, NULL),
			 0);
	client_writes(t, p, "x");
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	assert_int_equal(poll_kq(kq, ev, 2), 0);
	assert_errno(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ENABLE, 0, 0, NULL), ENOENT);
}

static void dispatch_disables(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct kevent ev[2];
	int kq = ff_kqueue();

	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ADD | EV_DISPATCH, 0, 0, NULL),
			 0);
	client_writes(t, p, "x");
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	client_writes(t, p, "y");
	assert_int_equal(poll_kq(kq, ev, 2), 0);
	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ENABLE, 0, 0, NULL), 0);
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	assert_int_equal(ev[0].data, 2);
}

static void disable_enable(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct kevent ev[2];
	int kq = ff_kqueue();

	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ADD | EV_DISABLE, 0, 0, NULL),
			 0);
	client_writes(t, p, "x");
	assert_int_equal(poll_kq(kq, ev, 2), 0);
	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ENABLE, 0, 0, NULL), 0);
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_DISABLE, 0, 0, NULL), 0);
	assert_int_equal(poll_kq(kq, ev, 2), 0);
	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_DELETE, 0, 0, NULL), 0);
	assert_errno(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_DELETE, 0, 0, NULL), ENOENT);
}

static void lowat_note(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct kevent ev[2];
	int kq = ff_kqueue();

	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ADD, NOTE_LOWAT, 4, NULL), 0);
	client_writes(t, p, "abc");
	assert_int_equal(poll_kq(kq, ev, 2), 0);
	client_writes(t, p, "d");
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	assert_int_equal(ev[0].data, 4);
	client_writes(t, p, "e");
	assert_int_equal(poll_kq(kq, ev, 2), 1);
}

/* No more can come before something is read. */
static void lowat_beyond_the_window(void **state)
{
	static char block[65536];
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct kevent ev;
	int kq = ff_kqueue(), n = 0;

	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ADD, NOTE_LOWAT, 1 << 30, NULL),
			 0);
	for (int i = 0; i < 2000 && n == 0; i++) {
		api_on(t, 0);
		(void)ff_send(p.c, block, sizeof(block), MSG_DONTWAIT);
		api_run_ms(t, 1);
		api_on(t, 1);
		n = poll_kq(kq, &ev, 1);
	}
	assert_int_equal(n, 1);
	assert_in_range(ev.data, sizeof(block) / 2, 1 << 29);
	assert_int_equal(ff_read(p.s, block, sizeof(block)), ev.data);
	assert_int_equal(poll_kq(kq, &ev, 1), 0);
}

/* The mark of the filter counts, not that of the socket. */
static void lowat_note_overrides_the_socket(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct kevent ev[2];
	int kq = ff_kqueue();
	int plain = ff_kqueue();

	assert_int_equal(ff_setsockopt(p.s, SOL_SOCKET, SO_RCVLOWAT, &(int){ 10 }, sizeof(int)), 0);
	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ADD, 0, 0, NULL), 0);
	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ADD, NOTE_LOWAT, 4, NULL), 0);
	assert_int_equal(change(plain, (uintptr_t)p.s, EVFILT_READ, EV_ADD, 0, 0, NULL), 0);
	assert_int_equal(poll_kq(kq, ev, 2), 0);
	assert_int_equal(poll_kq(plain, ev, 2), 0);
	client_writes(t, p, "abc");
	assert_int_equal(poll_kq(kq, ev, 2), 0);
	client_writes(t, p, "d");
	assert_int_equal(poll_kq(plain, ev, 2), 0);
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	assert_int_equal(ev[0].data, 4);
	client_writes(t, p, "efghij");
	assert_int_equal(poll_kq(plain, ev, 2), 1);
	assert_int_equal(ev[0].data, 10);
}

static void write_filter_and_both_filters(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct kevent ev[4], ch[2];
	char block[4096] = { 0 };
	ssize_t n;
	int kq = ff_kqueue();

	EV_SET(&ch[0], p.s, EVFILT_READ, EV_ADD, 0, 0, (void *)1);
	EV_SET(&ch[1], p.s, EVFILT_WRITE, EV_ADD | EV_CLEAR, 0, 0, (void *)2);
	/* changes and events in one call */
	assert_int_equal(ff_kevent(kq, ch, 2, ev, 4, &(struct timespec){ 0 }), 1);
	assert_int_equal(ev[0].filter, EVFILT_WRITE);
	assert_true(ev[0].data > 0);
	assert_ptr_equal(ev[0].udata, (void *)2);
	assert_int_equal(poll_kq(kq, ev, 4), 0); /* EV_CLEAR: still writable, not news */
	assert_int_equal(ff_ioctl(p.s, 0x5421 /* FIONBIO */, &(int){ 1 }), 0);
	while ((n = ff_write(p.s, block, sizeof(block))) > 0)
		;
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(poll_kq(kq, ev, 4), 0);
	/* the reader makes room: one event */
	api_on(t, 0);
	for (n = 0; n < 40000;)
		n += ff_recv(p.c, block, sizeof(block), MSG_WAITALL);
	api_run_ms(t, 50);
	api_on(t, 1);
	assert_int_equal(poll_kq(kq, ev, 4), 1);
	assert_int_equal(ev[0].filter, EVFILT_WRITE);
	client_writes(t, p, "z");
	assert_int_equal(wait_kq_ms(kq, ev, 4, 10), 1);
	assert_int_equal(ev[0].filter, EVFILT_READ);
}

enum { WRITE_MARK = 40000 };

/* The peer reads bit by bit: the mark of the write filter is told once it is reached. */
static void expect_write_mark(struct api_world *t, struct pair p, int kq, size_t left)
{
	struct kevent ev[2];
	char block[4096];
	int n = poll_kq(kq, ev, 2);

	assert_int_equal(n, 0);
	while (n == 0 && left > 0) {
		size_t take = left < sizeof(block) ? left : sizeof(block);

		api_on(t, 0);
		assert_int_equal(ff_recv(p.c, block, take, MSG_WAITALL), take);
		left -= take;
		api_run_ms(t, 50);
		api_on(t, 1);
		n = poll_kq(kq, ev, 2);
	}
	assert_int_equal(n, 1);
	assert_in_range(ev[0].data, WRITE_MARK, WRITE_MARK + 2 * sizeof(block));
}

static void lowat_of_a_writer_that_was_refused(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	char block[4096] = { 0 };
	size_t written = 0;
	ssize_t n;
	int kq = ff_kqueue();

	assert_int_equal(ff_ioctl(p.s, 0x5421 /* FIONBIO */, &(int){ 1 }), 0);
	while ((n = ff_write(p.s, block, sizeof(block))) > 0) {
		written += (size_t)n;
		api_run_ms(t, 1);
	}
	assert_int_equal(
		change(kq, (uintptr_t)p.s, EVFILT_WRITE, EV_ADD, NOTE_LOWAT, WRITE_MARK, NULL), 0);
	expect_write_mark(t, p, kq, written);
}

static void lowat_of_a_writer_that_was_not(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	char block[4096] = { 0 };
	size_t written = 0;
	struct kevent ev;
	int kq = ff_kqueue();
	int plain = ff_kqueue();

	assert_int_equal(change(plain, (uintptr_t)p.s, EVFILT_WRITE, EV_ADD, 0, 0, NULL), 0);
	while (poll_kq(plain, &ev, 1) == 1 && ev.data > WRITE_MARK - 4000) {
		assert_int_equal(ff_write(p.s, block, sizeof(block)), sizeof(block));
		written += sizeof(block);
		api_run_ms(t, 1);
	}
	assert_int_equal(poll_kq(plain, &ev, 1), 1); /* there is room */
	assert_int_equal(ff_close(plain), 0);
	assert_int_equal(
		change(kq, (uintptr_t)p.s, EVFILT_WRITE, EV_ADD, NOTE_LOWAT, WRITE_MARK, NULL), 0);
	expect_write_mark(t, p, kq, written);
}

/* Told once that there is room, an edge is told again when what was written since is acknowledged.
 */
static void lowat_of_a_writer_that_was_told(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	char block[4096] = { 0 };
	struct kevent ev;
	int kq = ff_kqueue();

	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_WRITE, EV_ADD | EV_CLEAR, NOTE_LOWAT,
				WRITE_MARK, NULL),
			 0);
	assert_int_equal(poll_kq(kq, &ev, 1), 1);
	for (int64_t room = ev.data; room >= WRITE_MARK; room -= (int64_t)sizeof(block))
		assert_int_equal(ff_write(p.s, block, sizeof(block)), sizeof(block));
	assert_int_equal(poll_kq(kq, &ev, 1), 0);
	api_run_ms(t, 50);
	assert_int_equal(poll_kq(kq, &ev, 1), 1);
	assert_in_range(ev.data, WRITE_MARK, INT64_MAX);
}

static void eof_with_data_and_without(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct kevent ev[2];
	char buf[8];
	int kq = ff_kqueue();

	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ADD, 0, 0, NULL), 0);
	client_writes(t, p, "bye");
	api_on(t, 0);
	assert_int_equal(ff_shutdown(p.c, SHUT_WR), 0);
	api_run_ms(t, 1);
	api_on(t, 1);
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	assert_int_equal(ev[0].flags & EV_EOF, EV_EOF);
	assert_int_equal(ev[0].fflags, 0);
	assert_int_equal(ev[0].data, 3);
	assert_int_equal(ff_read(p.s, buf, sizeof(buf)), 3);
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	assert_int_equal(ev[0].flags & EV_EOF, EV_EOF);
	assert_int_equal(ev[0].data, 0);
	assert_int_equal(ff_read(p.s, buf, sizeof(buf)), 0);
}

static void reset_is_eof_with_the_error(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct linger lg = { .l_onoff = 1, .l_linger = 0 };
	struct kevent ch[2], ev[4];
	char b;
	int kq = ff_kqueue();

	EV_SET(&ch[0], p.s, EVFILT_READ, EV_ADD, 0, 0, NULL);
	EV_SET(&ch[1], p.s, EVFILT_WRITE, EV_ADD | EV_CLEAR, 0, 0, NULL);
	assert_int_equal(ff_kevent(kq, ch, 2, ev, 4, &(struct timespec){ 0 }), 1);
	api_on(t, 0);
	assert_int_equal(ff_setsockopt(p.c, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg)), 0);
	assert_int_equal(ff_close(p.c), 0);
	api_run_ms(t, 1);
	api_on(t, 1);
	assert_int_equal(poll_kq(kq, ev, 4), 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ev[i].flags & EV_EOF, EV_EOF);
		assert_int_equal(ev[i].fflags, ECONNRESET);
	}
	assert_errno(ff_read(p.s, &b, 1), ECONNRESET);
}

static void refused_connect(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in sin = api_addr(1, 9);
	struct kevent ev[2];
	int fd, kq, err;
	socklen_t len = sizeof(err);

	api_on(t, 0);
	kq = ff_kqueue();
	fd = ff_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	/* never connected: nothing to say, as in BSD */
	assert_int_equal(change(kq, (uintptr_t)fd, EVFILT_WRITE, EV_ADD, 0, 0, NULL), 0);
	assert_int_equal(poll_kq(kq, ev, 2), 0);
	assert_errno(ff_connect(fd, sa(&sin), sizeof(sin)), EINPROGRESS);
	assert_int_equal(wait_kq_ms(kq, ev, 2, 1000), 1);
	assert_int_equal(ev[0].flags & EV_EOF, EV_EOF);
	assert_int_equal(ev[0].fflags, ECONNREFUSED);
	assert_int_equal(ff_getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len), 0);
	assert_int_equal(err, ECONNREFUSED);
}

/* However low the mark is, a socket has to be connected first. */
static void lowat_waits_for_the_connection(void **state)
{
	struct api_world *t = *state;
	struct sockaddr_in sin = api_addr(1, PORT);
	struct kevent ev[2];
	int fd, kq;

	api_on(t, 1);
	assert_true(api_listen(PORT, SOCK_NONBLOCK) >= 0);
	api_on(t, 0);
	kq = ff_kqueue();
	fd = ff_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(change(kq, (uintptr_t)fd, EVFILT_WRITE, EV_ADD, NOTE_LOWAT, 1, NULL), 0);
	assert_int_equal(poll_kq(kq, ev, 2), 0);
	assert_errno(ff_connect(fd, sa(&sin), sizeof(sin)), EINPROGRESS);
	assert_int_equal(change(kq, (uintptr_t)fd, EVFILT_WRITE, EV_ADD, NOTE_LOWAT, 1, NULL), 0);
	assert_int_equal(poll_kq(kq, ev, 2), 0);
	assert_int_equal(wait_kq_ms(kq, ev, 2, 10), 1);
	assert_int_equal(ev[0].filter, EVFILT_WRITE);
	assert_int_equal(ev[0].flags & EV_EOF, 0);
	assert_int_equal(ff_connect(fd, sa(&sin), sizeof(sin)), 0);
}

static void change_errors(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct kevent ch[4], ev[4];
	int kq = ff_kqueue();

	assert_errno(change(kq, 5, EVFILT_READ, EV_ADD, 0, 0, NULL), EBADF);
	assert_errno(change(kq, (uintptr_t)kq, EVFILT_READ, EV_ADD, 0, 0, NULL), EINVAL);
	assert_errno(change(kq, (uintptr_t)p.s, EVFILT_VNODE, EV_ADD, 0, 0, NULL), EINVAL);
	assert_errno(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ENABLE, 0, 0, NULL), ENOENT);
	assert_errno(change(kq, 1, EVFILT_TIMER, EV_ADD, 0, -1, NULL), EINVAL);
	assert_errno(change(kq, 1, EVFILT_TIMER, EV_DELETE, 0, 0, NULL), ENOENT);
	assert_errno(change(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL), ENOENT);
	assert_errno(change(kq, 1, EVFILT_USER, EV_ADD | EV_KEEPUDATA, 0, 0, NULL), EINVAL);

	/* with room in the event list, each failure is an event and the good changes hold */
	EV_SET(&ch[0], 5, EVFILT_READ, EV_ADD, 0, 0, (void *)7);
	EV_SET(&ch[1], p.s, EVFILT_READ, EV_ADD, 0, 0, NULL);
	EV_SET(&ch[2], p.s, EVFILT_WRITE, EV_DELETE, 0, 0, NULL);
	EV_SET(&ch[3], p.s, EVFILT_READ, EV_ADD | EV_RECEIPT, 0, 0, NULL);
	assert_int_equal(ff_kevent(kq, ch, 4, ev, 4, NULL), 3);
	assert_int_equal(ev[0].flags, EV_ERROR);
	assert_int_equal(ev[0].ident, 5);
	assert_int_equal(ev[0].data, EBADF);
	assert_ptr_equal(ev[0].udata, (void *)7);
	assert_int_equal(ev[1].data, ENOENT);
	assert_int_equal(ev[1].filter, EVFILT_WRITE);
	assert_int_equal(ev[2].flags, EV_ERROR);
	assert_int_equal(ev[2].data, 0);
	client_writes(t, p, "x");
	assert_int_equal(poll_kq(kq, ev, 4), 1);
}

static void closing_removes_registrations(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct kevent ev[2];
	int kq = ff_kqueue();
	int kq2 = ff_kqueue();
	int again;

	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ADD, 0, 0, NULL), 0);
	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_WRITE, EV_ADD, 0, 0, NULL), 0);
	assert_int_equal(change(kq2, (uintptr_t)p.s, EVFILT_READ, EV_ADD, 0, 0, NULL), 0);
	client_writes(t, p, "x");
	assert_int_equal(ff_close(p.s), 0); /* while its notes are on the ready lists */
	assert_int_equal(poll_kq(kq, ev, 2), 0);
	assert_int_equal(poll_kq(kq2, ev, 2), 0);
	/* the number's next owner inherits nothing */
	again = ff_socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(again, p.s);
	assert_int_equal(poll_kq(kq, ev, 2), 0);
	assert_errno(change(kq, (uintptr_t)again, EVFILT_READ, EV_DELETE, 0, 0, NULL), ENOENT);
	/* and a queue may end before what it watches */
	assert_int_equal(change(kq, (uintptr_t)again, EVFILT_WRITE, EV_ADD, 0, 0, NULL), 0);
	assert_int_equal(change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 1, NULL), 0);
	assert_int_equal(change(kq, 1, EVFILT_USER, EV_ADD, NOTE_TRIGGER, 0, NULL), 0);
	assert_int_equal(ff_close(kq), 0);
	api_run_ms(t, 5);
	assert_int_equal(ff_close(again), 0);
	assert_int_equal(poll_kq(kq2, ev, 2), 0);
}

static void timers(void **state)
{
	struct api_world *t = *state;
	struct kevent ev[2];
	uint64_t t0;
	int kq = ff_kqueue();

	assert_int_equal(change(kq, 42, EVFILT_TIMER, EV_ADD, 0, 10, &kq), 0); /* every 10 ms */
	assert_int_equal(poll_kq(kq, ev, 2), 0);
	t0 = api_now_us(t);
	assert_int_equal(ff_kevent(kq, NULL, 0, ev, 2, NULL), 1);
	assert_in_range(api_now_us(t) - t0, 9800, 10300);
	assert_int_equal(ev[0].ident, 42);
	assert_int_equal(ev[0].filter, EVFILT_TIMER);
	assert_int_equal(ev[0].data, 1);
	assert_ptr_equal(ev[0].udata, &kq);
	assert_int_equal(poll_kq(kq, ev, 2), 0);
	api_run_ms(t, 35);
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	assert_int_equal(ev[0].data, 3);
	assert_int_equal(change(kq, 42, EVFILT_TIMER, EV_DELETE, 0, 0, NULL), 0);
	assert_int_equal(wait_kq_ms(kq, ev, 2, 50), 0);
}

static void timer_units_and_oneshot(void **state)
{
	static const struct {
		unsigned unit;
		int64_t data;
		uint64_t us;
	} c[] = {
		{ NOTE_SECONDS, 2, 2000000 },
		{ NOTE_MSECONDS, 3, 3000 },
		{ NOTE_USECONDS, 5000, 5000 },
		{ NOTE_NSECONDS, 7000000, 7000 },
	};
	struct api_world *t = *state;
	struct kevent ev[2];
	int kq = ff_kqueue();

	for (unsigned i = 0; i < 4; i++) {
		uint64_t t0 = api_now_us(t);

		assert_int_equal(change(kq, i, EVFILT_TIMER, EV_ADD | EV_ONESHOT, c[i].unit,
					c[i].data, NULL),
				 0);
		assert_int_equal(ff_kevent(kq, NULL, 0, ev, 2, NULL), 1);
		assert_int_equal(ev[0].ident, i);
		assert_in_range(api_now_us(t) - t0, c[i].us - 200, c[i].us + 300);
		assert_errno(change(kq, i, EVFILT_TIMER, EV_DELETE, 0, 0, NULL), ENOENT);
	}
	assert_errno(change(kq, 9, EVFILT_TIMER, EV_ADD, NOTE_SECONDS | NOTE_MSECONDS, 1, NULL),
		     EINVAL);
}

static void timer_is_changed_by_adding_again(void **state)
{
	struct api_world *t = *state;
	struct kevent ev[2];
	int kq = ff_kqueue();

	assert_int_equal(change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 10, NULL), 0);
	assert_int_equal(change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 100, NULL), 0);
	assert_int_equal(wait_kq_ms(kq, ev, 2, 50), 0);
	assert_int_equal(wait_kq_ms(kq, ev, 2, 100), 1);
	assert_int_equal(wait_kq_ms(kq, ev, 2, 50), 0);
	(void)t;
}

/* A timer counts from the call, not from the loop's last turn. */
static void timer_after_a_pause(void **state)
{
	struct api_world *t = *state;
	struct kevent ev[2];
	int kq = ff_kqueue();

	api_run_ms(t, 500);
	assert_int_equal(change(kq, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 100, NULL), 0);
	assert_int_equal(wait_kq_ms(kq, ev, 2, 50), 0);
	assert_int_equal(wait_kq_ms(kq, ev, 2, 100), 1);
}

/* The shortest period is one of the unit that is given. */
static void timer_of_nothing_is_of_one(void **state)
{
	static const struct {
		unsigned unit, ms, low, high;
	} c[] = { { 0, 10, 8, 11 }, { NOTE_USECONDS, 1, 900, 1100 }, { NOTE_SECONDS, 3500, 3, 3 } };
	struct api_world *t = *state;
	struct kevent ev[2];
	int kq = ff_kqueue();

	for (unsigned i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		assert_int_equal(change(kq, 1, EVFILT_TIMER, EV_ADD, c[i].unit, 0, NULL), 0);
		api_run_ms(t, c[i].ms);
		assert_int_equal(poll_kq(kq, ev, 2), 1);
		assert_in_range(ev[0].data, c[i].low, c[i].high);
	}
	assert_int_equal(change(kq, 2, EVFILT_TIMER, EV_ADD | EV_ONESHOT, NOTE_SECONDS, 0, NULL),
			 0);
	assert_int_equal(wait_kq_ms(kq, ev, 2, 1), 1);
	assert_int_equal(ev[0].ident, 2);
}

static void many_timers(void **state)
{
	struct kevent ev[64];
	int kq = ff_kqueue();
	int got = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(change(kq, (uintptr_t)i, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0,
					1 + i % 50, NULL),
				 0);
	for (int n; (n = wait_kq_ms(kq, ev, 64, 60)) > 0;)
		got += n;
	assert_int_equal(got, 1000);
}

static void user_events(void **state)
{
	struct kevent ev[2];
	int kq = ff_kqueue();

	(void)state;
	assert_int_equal(change(kq, 7, EVFILT_USER, EV_ADD | EV_CLEAR, NOTE_FFCOPY | 0x11, 0, &kq),
			 0);
	assert_int_equal(poll_kq(kq, ev, 2), 0);
	assert_int_equal(change(kq, 7, EVFILT_USER, 0, NOTE_TRIGGER, 99, &kq), 0);
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	assert_int_equal(ev[0].ident, 7);
	assert_int_equal(ev[0].filter, EVFILT_USER);
	assert_int_equal(ev[0].fflags, 0x11);
	assert_int_equal(ev[0].data, 99);
	assert_ptr_equal(ev[0].udata, &kq);
	assert_int_equal(poll_kq(kq, ev, 2), 0); /* EV_CLEAR */
	assert_int_equal(change(kq, 7, EVFILT_USER, 0, NOTE_FFOR | 0x100, 0, NULL), 0);
	assert_int_equal(poll_kq(kq, ev, 2), 0);
	assert_int_equal(change(kq, 7, EVFILT_USER, 0, NOTE_FFAND | NOTE_TRIGGER | 0x110, 0, NULL),
			 0);
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	assert_int_equal(ev[0].fflags, 0x110);
	/* without EV_CLEAR it stays */
	assert_int_equal(change(kq, 8, EVFILT_USER, EV_ADD, NOTE_TRIGGER, 0, NULL), 0);
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	assert_int_equal(change(kq, 8, EVFILT_USER, EV_DELETE, 0, 0, NULL), 0);
	assert_int_equal(poll_kq(kq, ev, 2), 0);
}

/* nginx' threads: the pointer comes with the trigger. */
static void each_change_brings_its_udata(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct kevent ev[2];
	int a, b, kq = ff_kqueue();

	assert_int_equal(change(kq, 0, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL), 0);
	assert_int_equal(change(kq, 0, EVFILT_USER, 0, NOTE_TRIGGER, 0, &a), 0);
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	assert_ptr_equal(ev[0].udata, &a);
	assert_int_equal(change(kq, 0, EVFILT_USER, EV_KEEPUDATA, NOTE_TRIGGER, 0, &b), 0);
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	assert_ptr_equal(ev[0].udata, &a);

	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ADD | EV_DISPATCH, 0, 0, &a),
			 0);
	client_writes(t, p, "x");
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	assert_ptr_equal(ev[0].udata, &a);
	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ENABLE, 0, 0, &b), 0);
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	assert_ptr_equal(ev[0].udata, &b);
	assert_int_equal(
		change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ENABLE | EV_KEEPUDATA, 0, 0, &a), 0);
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	assert_ptr_equal(ev[0].udata, &b);
}

static void each_change_brings_its_mark(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct kevent ev[2];
	int kq = ff_kqueue();

	assert_int_equal(ff_setsockopt(p.s, SOL_SOCKET, SO_RCVLOWAT, &(int){ 3 }, sizeof(int)), 0);
	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ADD, NOTE_LOWAT, 4, NULL), 0);
	client_writes(t, p, "abc");
	assert_int_equal(poll_kq(kq, ev, 2), 0);
	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ENABLE, 0, 0, NULL), 0);
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ENABLE, NOTE_LOWAT, 4, NULL),
			 0);
	assert_int_equal(poll_kq(kq, ev, 2), 0);
}

/* How it is reported was said when it was added first: adding it again changes nothing about it. */
static void added_again_it_keeps_its_flags(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct kevent ev[2];
	int kq = ff_kqueue();

	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL), 0);
	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ADD, 0, 0, NULL), 0);
	client_writes(t, p, "x");
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	assert_int_equal(ev[0].flags, EV_CLEAR);
	assert_int_equal(poll_kq(kq, ev, 2), 0);
	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ADD | EV_ONESHOT, 0, 0, NULL),
			 0);
	assert_int_equal(poll_kq(kq, ev, 2), 1);
	client_writes(t, p, "y");
	assert_int_equal(poll_kq(kq, ev, 2), 1);

	assert_int_equal(change(kq, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 5, NULL), 0);
	assert_int_equal(change(kq, 1, EVFILT_TIMER, EV_ADD, 0, 10, NULL), 0);
	assert_int_equal(wait_kq_ms(kq, ev, 2, 9), 0);
	assert_int_equal(wait_kq_ms(kq, ev, 2, 2), 1);
	assert_int_equal(ev[0].data, 1);
	assert_errno(change(kq, 1, EVFILT_TIMER, EV_DELETE, 0, 0, NULL), ENOENT);
}

/* A change with EV_CLEAR takes back what was triggered before it. */
static void clear_takes_a_trigger_back(void **state)
{
	struct kevent ev[2];
	int kq = ff_kqueue();

	(void)state;
	assert_int_equal(change(kq, 7, EVFILT_USER, EV_ADD | EV_CLEAR, NOTE_TRIGGER, 0, NULL), 0);
	assert_int_equal(change(kq, 7, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL), 0);
	assert_int_equal(poll_kq(kq, ev, 2), 0);
	assert_int_equal(change(kq, 7, EVFILT_USER, EV_ADD | EV_CLEAR, NOTE_TRIGGER, 0, NULL), 0);
	assert_int_equal(poll_kq(kq, ev, 2), 1);
}

/* More ready than the array holds: nobody is starved. */
static void fairness(void **state)
{
	struct api_world *t = *state;
	struct kevent ev[8];
	int seen[48] = { 0 };
	int base = -1;
	int kq = ff_kqueue();

	(void)t;
	for (int i = 0; i < 48; i++) {
		int fd = ff_socket(AF_INET, SOCK_DGRAM, 0);

		assert_true(fd >= 0);
		base = base < 0 ? fd : base;
		assert_int_equal(change(kq, (uintptr_t)fd, EVFILT_WRITE, EV_ADD, 0, 0, NULL), 0);
	}
	for (int round = 0; round < 12; round++) {
		assert_int_equal(poll_kq(kq, ev, 8), 8);
		for (int i = 0; i < 8; i++)
			seen[ev[i].ident - (uintptr_t)base]++;
	}
	for (int i = 0; i < 48; i++)
		assert_int_equal(seen[i], 2);
}

static void timeouts(void **state)
{
	struct api_world *t = *state;
	struct pair p = connect_pair(t);
	struct timespec bad = { .tv_sec = 0, .tv_nsec = 1000000000 };
	struct kevent ev[2];
	uint64_t t0 = api_now_us(t);
	int kq = ff_kqueue();

	assert_int_equal(change(kq, (uintptr_t)p.s, EVFILT_READ, EV_ADD, 0, 0, NULL), 0);
	assert_int_equal(wait_kq_ms(kq, ev, 2, 25), 0);
	assert_in_range(api_now_us(t) - t0, 25000, 25400);
	assert_errno(ff_kevent(kq, NULL, 0, ev, 2, &bad), EINVAL);
	assert_errno(ff_kevent(kq, NULL, -1, ev, 2, NULL), EINVAL);
	/* nothing can ever come: the test's loop is stopped, and the wait says so */
	assert_errno(ff_kevent(kq, NULL, 0, ev, 2, NULL), EINTR);
}

static void append(void **out, struct kevent *ev)
{
	uintptr_t **p = (uintptr_t **)out;

	*(*p)++ = ev->ident;
}

static void do_each(void **state)
{
	struct kevent ch[3];
	uintptr_t got[4] = { 0 };
	int kq = ff_kqueue();

	(void)state;
	for (int i = 0; i < 3; i++)
		EV_SET(&ch[i], 10 + i, EVFILT_USER, EV_ADD | EV_CLEAR, NOTE_TRIGGER, 0, NULL);
	assert_int_equal(ff_kevent_do_each(kq, ch, 3, got, 4, &(struct timespec){ 0 }, append), 3);
	assert_int_equal(got[0], 10);
	assert_int_equal(got[2], 12);
	assert_int_equal(got[3], 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(layout),
		TEST(listener_reports_its_backlog),
		TEST(level_until_drained),
		TEST(clear_reports_each_arrival_once),
		TEST(data_before_registration_is_seen),
		TEST(oneshot_is_deleted),
		TEST(dispatch_disables),
		TEST(disable_enable),
		TEST(lowat_note),
		TEST(lowat_beyond_the_window),
		TEST(lowat_note_overrides_the_socket),
		TEST(write_filter_and_both_filters),
		TEST(lowat_of_a_writer_that_was_refused),
		TEST(lowat_of_a_writer_that_was_not),
		TEST(lowat_of_a_writer_that_was_told),
		TEST(eof_with_data_and_without),
		TEST(reset_is_eof_with_the_error),
		TEST(refused_connect),
		TEST(lowat_waits_for_the_connection),
		TEST(change_errors),
		TEST(closing_removes_registrations),
		TEST(timers),
		TEST(timer_units_and_oneshot),
		TEST(timer_is_changed_by_adding_again),
		TEST(timer_after_a_pause),
		TEST(timer_of_nothing_is_of_one),
		TEST(many_timers),
		TEST(user_events),
		TEST(each_change_brings_its_udata),
		TEST(each_change_brings_its_mark),
		TEST(added_again_it_keeps_its_flags),
		TEST(clear_takes_a_trigger_back),
		TEST(fairness),
		TEST(timeouts),
		TEST(do_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
