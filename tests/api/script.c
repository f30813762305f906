/* SPDX-License-Identifier: BSD-3-Clause */
#include "script.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ff_event.h"
#include "tests/zs_test.h"

enum { NAMES = 26, WORDS = 6, LATE_MS = 200, BLOCK = 4096, NONE = -1 };

struct run {
	const struct script_calls *call;
	int fd[NAMES];
	int ep, kq;
	struct sockaddr_in addr; /* of the listener */
	char got[256];		 /* what came of a step */
	char step[128];
};

struct word {
	const char *name;
	uint32_t bits;
};

/* ---- words ---- */

static const struct word epoll_words[] = {
	{ "IN", EPOLLIN },
	{ "PRI", EPOLLPRI },
	{ "OUT", EPOLLOUT },
	{ "ERR", EPOLLERR },
	{ "HUP", EPOLLHUP },
	{ "RDHUP", EPOLLRDHUP },
	{ "RDNORM", EPOLLRDNORM },
	{ "WRNORM", EPOLLWRNORM },
	{ "ET", EPOLLET },
	{ "ONESHOT", EPOLLONESHOT },
	{ "EXCLUSIVE", EPOLLEXCLUSIVE },
	{ "NONE", 0 },
	{ NULL, 0 },
};

static const struct word kqueue_words[] = {
	{ "CLEAR", EV_CLEAR }, { "ONESHOT", EV_ONESHOT }, { "DISPATCH", EV_DISPATCH },
	{ "EOF", EV_EOF },     { "DISABLE", EV_DISABLE }, { NULL, 0 },
};

static const struct word errnos[] = {
	{ "EAGAIN", EAGAIN },
	{ "EBADF", EBADF },
	{ "EEXIST", EEXIST },
	{ "EINVAL", EINVAL },
	{ "ENOENT", ENOENT },
	{ "EPERM", EPERM },
	{ "EPIPE", EPIPE },
	{ "ECONNRESET", ECONNRESET },
	{ "ECONNREFUSED", ECONNREFUSED },
	{ "ENOTCONN", ENOTCONN },
	{ "EINPROGRESS", EINPROGRESS },
	{ "ELOOP", ELOOP },
	{ NULL, 0 },
};

static uint32_t bits_of(const struct word *w, const char *name, size_t len)
{
	for (; w->name != NULL; w++)
		if (strlen(w->name) == len && strncmp(w->name, name, len) == 0)
			return w->bits;
	fail_msg("unknown word %s", name);
	return 0;
}

/* "IN|ET" */
static uint32_t all_bits(const struct word *w, const char *text)
{
	uint32_t bits = 0;

	while (text != NULL && *text != '\0') {
		size_t len = strcspn(text, "|");

		bits |= bits_of(w, text, len);
		text += len + (text[len] == '|');
	}
	return bits;
}

static void append(char *to, size_t size, const char *fmt, ...)
{
	size_t len = strlen(to);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(to + len, size - len, fmt, ap);
	va_end(ap);
}

static void append_bits(char *to, size_t size, const struct word *w, uint32_t bits)
{
	const char *bar = to[0] != '\0' && to[strlen(to) - 1] != ':' ? "|" : "";

	for (; w->name != NULL; w++)
		if (w->bits != 0 && (bits & w->bits)) {
			append(to, size, "%s%s", bar, w->name);
			bar = "|";
		}
}

/* The number, or the errno's name, that a call returned. */
static void result(struct run *r, long rc)
{
	const struct word *w = errnos;

	if (rc >= 0) {
		snprintf(r->got, sizeof(r->got), "%ld", rc);
		return;
	}
	while (w->name != NULL && w->bits != (uint32_t)errno)
		w++;
	snprintf(r->got, sizeof(r->got), "%s", w->name != NULL ? w->name : strerror(errno));
}

/* ---- sockets ---- */

static int *fd_of(struct run *r, const char *name)
{
	assert_true(name != NULL && name[0] >= 'a' && name[0] <= 'z' && name[1] == '\0');
	return &r->fd[name[0] - 'a'];
}

/* Time for what is on its way. */
static void settle(struct run *r, int ms)
{
	(void)r->call->poll(NULL, 0, ms);
}

static int new_socket(struct run *r, int type)
{
	int fd = r->call->socket(AF_INET, type | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	return fd;
}

static void bind_somewhere(struct run *r, int fd, struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);

	*addr = (struct sockaddr_in){ .sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	assert_int_equal(r->call->bind(fd, (struct sockaddr *)addr, sizeof(*addr)), 0);
	assert_int_equal(r->call->getsockname(fd, (struct sockaddr *)addr, &len), 0);
}

static void do_listen(struct run *r, int *l)
{
	*l = new_socket(r, SOCK_STREAM);
	bind_somewhere(r, *l, &r->addr);
	assert_int_equal(r->call->listen(*l, 16), 0);
}

static void do_connect(struct run *r, int fd, bool nobody)
{
	struct sockaddr_in to = r->addr;

	if (nobody) {
		int tmp = new_socket(r, SOCK_STREAM);

		bind_somewhere(r, tmp, &to);
		r->call->close(tmp);
	}
	result(r, r->call->connect(fd, (struct sockaddr *)&to, sizeof(to)));
}

static void do_accept(struct run *r, int l, int *s)
{
	int tries = 0;

	while ((*s = r->call->accept4(l, NULL, NULL, SOCK_NONBLOCK)) < 0 && tries++ < LATE_MS)
		settle(r, 1);
	assert_true(*s >= 0);
}

static void do_pair(struct run *r)
{
	int *l = fd_of(r, "l"), *c = fd_of(r, "c");

	do_listen(r, l);
	*c = new_socket(r, SOCK_STREAM);
	do_connect(r, *c, false);
	do_accept(r, *l, fd_of(r, "s"));
	settle(r, 1);
}

static void do_udp(struct run *r, int *u, int *v)
{
	struct sockaddr_in a, b;

	*u = new_socket(r, SOCK_DGRAM);
	*v = new_socket(r, SOCK_DGRAM);
	bind_somewhere(r, *u, &a);
	bind_somewhere(r, *v, &b);
	assert_int_equal(r->call->connect(*u, (struct sockaddr *)&b, sizeof(b)), 0);
	assert_int_equal(r->call->connect(*v, (struct sockaddr *)&a, sizeof(a)), 0);
}

static void do_write(struct run *r, int fd, size_t n)
{
	static const char bytes[BLOCK];

	result(r, r->call->send(fd, bytes, n, MSG_NOSIGNAL));
}

static void do_read(struct run *r, int fd, size_t n)
{
	char bytes[BLOCK];

	result(r, r->call->read(fd, bytes, n));
}

static void do_fill(struct run *r, int fd)
{
	static const char bytes[BLOCK];
	int idle = 0;

	while (idle < 5) {
		if (r->call->send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
			idle = 0;
		else
			idle++;
		if (idle > 0)
			settle(r, 2);
	}
}

static void do_drain(struct run *r, int fd)
{
	char bytes[BLOCK];
	int idle = 0;

	while (idle < 10) {
		ssize_t n = r->call->read(fd, bytes, sizeof(bytes));

		if (n == 0)
			return;
		idle = n > 0 ? 0 : idle + 1;
		if (idle > 0)
			settle(r, 2);
	}
}

static void do_close(struct run *r, int *fd, bool reset)
{
	struct linger lg = { .l_onoff = 1 };

	if (reset)
		assert_int_equal(r->call->setsockopt(*fd, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg)),
				 0);
	result(r, r->call->close(*fd));
	*fd = NONE;
}

static int how_of(const char *how)
{
	if (strcmp(how, "RD") == 0)
		return SHUT_RD;
	return strcmp(how, "WR") == 0 ? SHUT_WR : SHUT_RDWR;
}

/* ---- epoll ---- */

static void do_ctl(struct run *r, int ep, int op, const char *name, const char *events)
{
	struct epoll_event ev = { .events = all_bits(epoll_words, events) };
	int fd = *fd_of(r, name);

	ev.data.u64 = (uint64_t)name[0] << 32 | 0x5a5a;
	result(r, r->call->epoll_ctl(ep, op, fd, &ev));
}

static void do_wait(struct run *r, int ep, int max)
{
	struct epoll_event ev[16];
	uint32_t seen[NAMES] = { 0 };
	int n = r->call->epoll_wait(ep, ev, max, 0);

	r->got[0] = '\0';
	assert_true(n >= 0);
	for (int i = 0; i < n; i++) {
		int name = (int)(ev[i].data.u64 >> 32) - 'a';

		assert_true((ev[i].data.u64 & 0xffffffff) == 0x5a5a); /* data is untouched */
		assert_in_range(name, 0, NAMES - 1);
		seen[name] = ev[i].events;
	}
	for (int i = 0; i < NAMES; i++) {
		char one[64] = "";

		if (seen[i] == 0)
			continue;
		append_bits(one, sizeof(one), epoll_words, seen[i]);
		append(r->got, sizeof(r->got), "%s%c:%s", r->got[0] != '\0' ? " " : "", 'a' + i,
		       one);
	}
}

/* Instances with names, in others: w[1] is the one that is asked. */
static void nest_step(struct run *r, char **w)
{
	int *ep = fd_of(r, w[1]);
	struct pollfd p = { .events = POLLIN };

	if (strcmp(w[0], "epoll") == 0)
		*ep = r->call->epoll_create1(0);
	else if (strcmp(w[0], "kqueue") == 0)
		*ep = r->call->dup(r->kq);
	else if (strcmp(w[0], "addto") == 0)
		do_ctl(r, *ep, EPOLL_CTL_ADD, w[2], w[3]);
	else if (strcmp(w[0], "modin") == 0)
		do_ctl(r, *ep, EPOLL_CTL_MOD, w[2], w[3]);
	else if (strcmp(w[0], "delfrom") == 0)
		do_ctl(r, *ep, EPOLL_CTL_DEL, w[2], NULL);
	else if (strcmp(w[0], "waitin") == 0)
		do_wait(r, *ep, 16);
	else {
		p.fd = *ep;
		result(r, r->call->poll(&p, 1, 0));
	}
}

/* ---- kqueue ---- */

/* "READ|CLEAR" */
static void do_kchange(struct run *r, int kq, unsigned short flags, const char *name,
		       const char *text)
{
	size_t len = strcspn(text, "|");
	short filter = strncmp(text, "READ", len) == 0 ? EVFILT_READ : EVFILT_WRITE;
	struct kevent kev;

	flags |= (unsigned short)all_bits(kqueue_words, text + len + (text[len] == '|'));
	EV_SET(&kev, *fd_of(r, name), filter, flags, 0, 0, (void *)(uintptr_t)name[0]);
	result(r, r->call->kevent(kq, &kev, 1, NULL, 0, NULL));
}

static void do_kother(struct run *r, short filter, const char *ident, const char *unit,
		      unsigned fflags, const char *flags)
{
	struct kevent kev;
	int64_t n = atoi(ident);

	if (unit != NULL && strcmp(unit, "us") == 0)
		fflags |= NOTE_USECONDS;
	EV_SET(&kev, filter == EVFILT_TIMER ? 1 : n, filter,
	       EV_ADD | (unsigned short)all_bits(kqueue_words, flags), fflags,
	       filter == EVFILT_TIMER ? n : 0, (void *)(uintptr_t)'a');
	result(r, r->call->kevent(r->kq, &kev, 1, NULL, 0, NULL));
}

static int by_name(const void *a, const void *b)
{
	const struct kevent *x = a, *y = b;

	if (x->udata != y->udata)
		return x->udata < y->udata ? -1 : 1;
	return y->filter - x->filter; /* READ before WRITE */
}

static const char *filter_name(short filter)
{
	switch (filter) {
	case EVFILT_READ:
		return "READ";
	case EVFILT_WRITE:
		return "WRITE";
	case EVFILT_TIMER:
		return "TIMER";
	default:
		return "USER";
	}
}

static void do_kwait(struct run *r, int kq, int max)
{
	const struct timespec zero = { 0 };
	struct kevent ev[16];
	int n = r->call->kevent(kq, NULL, 0, ev, max, &zero);

	r->got[0] = '\0';
	assert_true(n >= 0);
	qsort(ev, (size_t)n, sizeof(ev[0]), by_name);
	for (int i = 0; i < n; i++) {
		char one[64] = "";

		append(one, sizeof(one), "%s", filter_name(ev[i].filter));
		append_bits(one, sizeof(one), kqueue_words, ev[i].flags & EV_EOF);
		append(r->got, sizeof(r->got), "%s%c:%s=%lld", i > 0 ? " " : "",
		       (char)(uintptr_t)ev[i].udata, one, (long long)ev[i].data);
	}
}

/* Kqueues with names, as above. */
static bool knest_step(struct run *r, char **w)
{
	if (strcmp(w[0], "newkqueue") == 0)
		*fd_of(r, w[1]) = r->call->kqueue();
	else if (strcmp(w[0], "kaddto") == 0)
		do_kchange(r, *fd_of(r, w[1]), EV_ADD, w[2], w[3]);
	else if (strcmp(w[0], "kdelfrom") == 0)
		do_kchange(r, *fd_of(r, w[1]), EV_DELETE, w[2], w[3]);
	else if (strcmp(w[0], "kwaitin") == 0)
		do_kwait(r, *fd_of(r, w[1]), 16);
	else
		return false;
	return true;
}

/* ---- steps ---- */

static void socket_step(struct run *r, char **w)
{
	if (strcmp(w[0], "pair") == 0)
		do_pair(r);
	else if (strcmp(w[0], "listen") == 0)
		do_listen(r, fd_of(r, w[1]));
	else if (strcmp(w[0], "tcp") == 0)
		*fd_of(r, w[1]) = new_socket(r, SOCK_STREAM);
	else if (strcmp(w[0], "udp") == 0)
		do_udp(r, fd_of(r, w[1]), fd_of(r, w[2]));
	else if (strcmp(w[0], "connect") == 0)
		do_connect(r, *fd_of(r, w[1]), w[2] != NULL);
	else if (strcmp(w[0], "accept") == 0)
		do_accept(r, *fd_of(r, w[1]), fd_of(r, w[2]));
	else if (strcmp(w[0], "dup") == 0)
		*fd_of(r, w[2]) = r->call->dup(*fd_of(r, w[1]));
	else if (strcmp(w[0], "close") == 0 || strcmp(w[0], "reset") == 0)
		do_close(r, fd_of(r, w[1]), w[0][0] == 'r');
	else if (strcmp(w[0], "shut") == 0)
		result(r, r->call->shutdown(*fd_of(r, w[1]), how_of(w[2])));
	else if (strcmp(w[0], "lowat") == 0)
		result(r, r->call->setsockopt(*fd_of(r, w[1]), SOL_SOCKET, SO_RCVLOWAT,
					      &(int){ atoi(w[2]) }, sizeof(int)));
	else if (strcmp(w[0], "write") == 0)
		do_write(r, *fd_of(r, w[1]), (size_t)atoi(w[2]));
	else if (strcmp(w[0], "read") == 0)
		do_read(r, *fd_of(r, w[1]), (size_t)atoi(w[2]));
	else if (strcmp(w[0], "fill") == 0)
		do_fill(r, *fd_of(r, w[1]));
	else if (strcmp(w[0], "drain") == 0)
		do_drain(r, *fd_of(r, w[1]));
	else if (strcmp(w[0], "sleep") == 0)
		settle(r, atoi(w[1]));
	else
		fail_msg("unknown step %s", w[0]);
}

static bool is_nest_step(const char *word)
{
	static const char *const words[] = { "epoll",	"kqueue", "addto", "modin",
					     "delfrom", "waitin", "poll" };

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

static void step(struct run *r, char **w)
{
	if (is_nest_step(w[0])) {
		nest_step(r, w);
		return;
	}
	if (knest_step(r, w))
		return;
	if (strcmp(w[0], "add") == 0)
		do_ctl(r, r->ep, EPOLL_CTL_ADD, w[1], w[2]);
	else if (strcmp(w[0], "mod") == 0)
		do_ctl(r, r->ep, EPOLL_CTL_MOD, w[1], w[2]);
	else if (strcmp(w[0], "del") == 0)
		do_ctl(r, r->ep, EPOLL_CTL_DEL, w[1], NULL);
	else if (strcmp(w[0], "wait") == 0)
		do_wait(r, r->ep, 16);
	else if (strcmp(w[0], "wait1") == 0)
		do_wait(r, r->ep, 1);
	else if (strcmp(w[0], "kadd") == 0)
		do_kchange(r, r->kq, EV_ADD, w[1], w[2]);
	else if (strcmp(w[0], "kdel") == 0)
		do_kchange(r, r->kq, EV_DELETE, w[1], w[2]);
	else if (strcmp(w[0], "kenable") == 0)
		do_kchange(r, r->kq, EV_ENABLE, w[1], w[2]);
	else if (strcmp(w[0], "kdisable") == 0)
		do_kchange(r, r->kq, EV_DISABLE, w[1], w[2]);
	else if (strcmp(w[0], "ktimer") == 0)
		do_kother(r, EVFILT_TIMER, w[1], w[2], 0, w[3]);
	else if (strcmp(w[0], "kuser") == 0)
		do_kother(r, EVFILT_USER, w[1], NULL, 0, w[2]);
	else if (strcmp(w[0], "ktrigger") == 0)
		do_kother(r, EVFILT_USER, w[1], NULL, NOTE_TRIGGER, w[2]);
	else if (strcmp(w[0], "kwait") == 0)
		do_kwait(r, r->kq, 16);
	else if (strcmp(w[0], "kwait1") == 0)
		do_kwait(r, r->kq, 1);
	else
		socket_step(r, w);
}

/* "s:READ" is true of "s:READ=3", and "*" of everything. */
static bool as_wanted(const char *want, const char *got)
{
	while (*want != '\0' && *want == *got) {
		want++;
		got++;
		if ((*want == ' ' || *want == '\0') && *got == '=')
			got += strcspn(got, " ");
	}
	return (*want == '\0' && *got == '\0') || strcmp(want, "*") == 0;
}

static char *trim(char *s)
{
	char *end;

	s += strspn(s, " \t");
	for (end = s + strlen(s); end > s && (end[-1] == ' ' || end[-1] == '\t'); end--)
		;
	*end = '\0';
	return s;
}

/* A wait may come too early for the kernel: what has to come is given time to. */
static void run_step(struct run *r, char *text)
{
	char *eq = strstr(text, " ="), *want = NULL, *w[WORDS] = { NULL }, *save = NULL;
	bool waits;
	int tries = 0;

	snprintf(r->step, sizeof(r->step), "%s", text);
	if (eq != NULL) {
		*eq = '\0';
		want = trim(eq + 2);
	}
	for (int i = 0; i < WORDS && (w[i] = strtok_r(i == 0 ? text : NULL, " ", &save)) != NULL;)
		i++;
	waits = strstr(w[0], "wait") != NULL;
	if (waits)
		settle(r, 1);
	step(r, w);
	while (want != NULL && waits && r->got[0] == '\0' && want[0] != '\0' && tries++ < LATE_MS) {
		settle(r, 1);
		step(r, w);
	}
	if (want != NULL && !as_wanted(want, r->got))
		fail_msg("%s: got %s", r->step, r->got);
}

void script_run(const struct script_calls *calls, const char *script)
{
	struct run r = { .call = calls, .ep = calls->epoll_create1(0), .kq = NONE };
	char text[1024], *save = NULL;

	assert_true(strlen(script) < sizeof(text));
	snprintf(text, sizeof(text), "%s", script);
	for (int i = 0; i < NAMES; i++)
		r.fd[i] = NONE;
	if (calls->kqueue != NULL)
		r.kq = calls->kqueue();
	for (char *s = strtok_r(text, ";", &save); s != NULL; s = strtok_r(NULL, ";", &save))
		run_step(&r, trim(s));
	for (int i = 0; i < NAMES; i++)
		if (r.fd[i] != NONE)
			calls->close(r.fd[i]);
	calls->close(r.ep);
	if (r.kq != NONE)
		calls->close(r.kq);
}
