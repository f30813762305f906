/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random programs of kevent() calls, against a table of what has to be reported. Two sockets are
 * connected to each other over the loopback interface; a program writes, reads, shuts down, resets,
 * and adds, changes and removes filters and user events with all the flags, changes and events in
 * one call or not, with event lists that are too short. For an edge of EVFILT_WRITE the table only
 * says what must come: room that ACKs make may be told, or not.
 */
#include <netinet/tcp.h>

#include "apitest.h"
#include "base/zs_rand.h"

enum {
	ENDS = 2,
	USERS = 2,
	NOTES = 2 * ENDS + USERS, /* READ of each end, WRITE of each, user events */
	STEPS = 60,
	PROGRAMS = 300,
	NEVER = 1 << 30, /* no buffer has that much room */
};

struct end {
	int fd;
	unsigned bytes; /* to read */
	bool eof, rd_shut, wr_shut, reset;
};

struct note {
	bool there, disabled;
	bool edge;	     /* something has happened since it was reported */
	bool maybe;	     /* something that may be taken for that */
	bool fired;	     /* of a user event */
	unsigned short kept; /* EV_CLEAR, EV_ONESHOT, EV_DISPATCH */
	unsigned fflags;
	int64_t data; /* low-water mark; of a user event: its data */
	uintptr_t udata;
};

struct model {
	struct zs_rand rand;
	int kq;
	struct end end[ENDS];
	struct note note[NOTES];
};

static unsigned below(struct model *m, unsigned n)
{
	return zs_rand_below(&m->rand, n);
}

/* ---- the table ---- */

static bool is_user(int i)
{
	return i >= 2 * ENDS;
}

static bool is_read(int i)
{
	return i < ENDS;
}

static bool at_end(const struct model *m, int i)
{
	const struct end *e = &m->end[i % ENDS];

	if (is_read(i))
		return e->eof || e->rd_shut || e->reset;
	return e->wr_shut || e->reset;
}

static bool is_true(const struct model *m, int i)
{
	const struct note *n = &m->note[i];

	if (is_user(i))
		return n->fired;
	if (at_end(m, i))
		return true;
	if (!is_read(i))
		return (n->fflags & NOTE_LOWAT) == 0 || n->data < NEVER;
	if (n->fflags & NOTE_LOWAT)
		return m->end[i].bytes >= n->data;
	return m->end[i].bytes > 0;
}

static bool may_come(const struct model *m, int i)
{
	return m->note[i].there && !m->note[i].disabled && is_true(m, i);
}

static bool must_come(const struct model *m, int i)
{
	return may_come(m, i) && (m->note[i].edge || (m->note[i].kept & EV_CLEAR) == 0);
}

static void reported(struct note *n)
{
	n->edge = n->maybe = false;
	if (n->kept & EV_CLEAR)
		n->fired = false;
	if (n->kept & EV_ONESHOT)
		n->there = false;
	else if (n->kept & EV_DISPATCH)
		n->disabled = true;
}

/* Something happened to what the note is about. */
static void edge(struct model *m, int i)
{
	m->note[i].edge = true;
}

static int error_of_change(const struct model *m, int i, unsigned short flags)
{
	if (flags & EV_ADD && flags & EV_KEEPUDATA)
		return EINVAL;
	if (flags & EV_DELETE)
		return m->note[i].there ? 0 : ENOENT;
	return m->note[i].there || flags & EV_ADD ? 0 : ENOENT;
}

static void touch_user(struct note *n, bool is_new, const struct kevent *kev)
{
	unsigned bits = kev->fflags & NOTE_FFLAGSMASK;

	switch (kev->fflags & NOTE_FFCTRLMASK) {
	case NOTE_FFAND:
		n->fflags &= bits;
		break;
	case NOTE_FFOR:
		n->fflags |= bits;
		break;
	case NOTE_FFCOPY:
		n->fflags = bits;
		break;
	default:
		break;
	}
	if (is_new)
		n->fflags = bits;
	n->data = kev->data;
	n->fired = (n->fired && (kev->flags & EV_CLEAR) == 0) || kev->fflags & NOTE_TRIGGER;
}

static void change_table(struct model *m, int i, const struct kevent *kev)
{
	struct note *n = &m->note[i];
	bool is_new = !n->there;

	if (kev->flags & EV_DELETE) {
		n->there = false;
		return;
	}
	if (is_new)
		*n = (struct note){ .there = true };
	if (is_new)
		n->kept = kev->flags & (EV_CLEAR | EV_ONESHOT | EV_DISPATCH);
	if ((kev->flags & EV_KEEPUDATA) == 0)
		n->udata = (uintptr_t)kev->udata;
	if (is_user(i)) {
		touch_user(n, is_new, kev);
	} else {
		n->fflags = kev->fflags;
		n->data = kev->data;
	}
	n->disabled = kev->flags & EV_DISABLE ||
		      (n->disabled && (kev->flags & (EV_ADD | EV_ENABLE)) == 0);
	n->edge = true;
}

/* ---- calls ---- */

static struct kevent random_change(struct model *m, int *i)
{
	static const unsigned short what[] = { EV_ADD,	   EV_ADD,    EV_ADD,	EV_DELETE,
					       EV_DISABLE, EV_ENABLE, EV_ENABLE };
	static const unsigned short with[] = { 0,	    EV_CLEAR,	EV_ONESHOT,
					       EV_DISPATCH, EV_DISABLE, EV_CLEAR | EV_DISPATCH };
	static const unsigned ctrl[] = { NOTE_FFNOP, NOTE_FFAND, NOTE_FFOR, NOTE_FFCOPY };
	struct kevent kev = { .flags = what[below(m, 7)] };

	do
		*i = (int)below(m, NOTES);
	while (!is_user(*i) && m->end[*i % ENDS].fd < 0);
	if (kev.flags == EV_ADD)
		kev.flags |= with[below(m, 6)];
	if (below(m, 8) == 0)
		kev.flags |= EV_RECEIPT;
	if (below(m, 4) == 0)
		kev.flags |= EV_KEEPUDATA;
	kev.udata = (void *)(uintptr_t)below(m, 1000);
	if (is_user(*i)) {
		kev.ident = (uintptr_t)*i;
		kev.filter = EVFILT_USER;
		kev.fflags = ctrl[below(m, 4)] | below(m, 16) | (below(m, 2) ? NOTE_TRIGGER : 0);
		kev.data = below(m, 100);
		return kev;
	}
	kev.ident = (uintptr_t)m->end[*i % ENDS].fd;
	kev.filter = is_read(*i) ? EVFILT_READ : EVFILT_WRITE;
	if (below(m, 4) == 0) {
		kev.fflags = NOTE_LOWAT;
		kev.data = is_read(*i) ? below(m, 20) : below(m, 2) ? 1 : NEVER;
	}
	return kev;
}

static int note_of(const struct model *m, const struct kevent *ev)
{
	if (ev->filter == EVFILT_USER)
		return (int)ev->ident;
	for (int i = 0; i < ENDS; i++)
		if (ev->ident == (uintptr_t)m->end[i].fd)
			return ev->filter == EVFILT_READ ? i : ENDS + i;
	fail_msg("of nobody: %lu", (unsigned long)ev->ident);
	return 0;
}

static void check_event(struct model *m, const struct kevent *ev)
{
	int i = note_of(m, ev);
	const struct note *n = &m->note[i];

	assert_true(may_come(m, i));
	assert_true(must_come(m, i) || n->maybe || (!is_read(i) && !is_user(i)));
	assert_true((uintptr_t)ev->udata == n->udata);
	if (is_user(i)) {
		assert_int_equal(ev->fflags, n->fflags);
		assert_int_equal(ev->data, n->data);
		return;
	}
	assert_int_equal((ev->flags & EV_EOF) != 0, at_end(m, i));
	assert_int_equal(ev->fflags, m->end[i % ENDS].reset ? ECONNRESET : 0);
	if (is_read(i))
		assert_int_equal(ev->data, m->end[i].bytes);
}

/* Asks for at most max events, and compares. */
static void check_events(struct model *m, const struct kevent *ev, int n, int max)
{
	bool seen[NOTES] = { false };
	int must = 0;

	assert_in_range(n, 0, max);
	for (int i = 0; i < NOTES; i++)
		must += must_come(m, i);
	for (int k = 0; k < n; k++) {
		int i = note_of(m, &ev[k]);

		assert_false(seen[i]);
		seen[i] = true;
		must -= must_come(m, i);
		check_event(m, &ev[k]);
	}
	assert_true(n == max || must == 0); /* all that must come has come */
	for (int i = 0; i < NOTES; i++)
		if (seen[i])
			reported(&m->note[i]);
}

static void check_receipts(struct model *m, const struct kevent *changes, const int *error, int n,
			   const struct kevent *out, int n_out)
{
	int k = 0;

	for (int c = 0; c < n; c++) {
		if (error[c] == 0 && (changes[c].flags & EV_RECEIPT) == 0)
			continue;
		assert_true(k < n_out);
		assert_int_equal(out[k].flags, EV_ERROR);
		assert_int_equal(out[k].data, error[c]);
		assert_int_equal(note_of(m, &out[k]), note_of(m, &changes[c]));
		k++;
	}
	assert_int_equal(k, n_out);
}

/* Changes, and events unless one of the changes has something to answer. */
static void call_kevent(struct model *m)
{
	const struct timespec zero = { 0 };
	struct kevent change[3], ev[NOTES + 3];
	int error[3], answers = 0, i;
	int n = (int)below(m, 4), max = below(m, 3) == 0 ? 3 : NOTES, rc;

	for (int c = 0; c < n; c++) {
		change[c] = random_change(m, &i);
		error[c] = error_of_change(m, i, change[c].flags);
		if (error[c] == 0)
			change_table(m, i, &change[c]);
		answers += error[c] != 0 || change[c].flags & EV_RECEIPT;
	}
	rc = ff_kevent(m->kq, change, n, ev, max, &zero);
	if (answers > 0)
		check_receipts(m, change, error, n, ev, rc);
	else
		check_events(m, ev, rc, max);
}

/* ---- what happens to the sockets ---- */

static void happens_write(struct model *m, int i)
{
	struct end *e = &m->end[i], *peer = &m->end[1 - i];
	unsigned n = 1 + below(m, 15);
	char bytes[16] = { 0 };

	if (e->wr_shut || e->reset || peer->rd_shut || peer->bytes > 1000)
		return;
	assert_int_equal(ff_send(e->fd, bytes, n, 0), n);
	api_settle();
	peer->bytes += n;
	edge(m, 1 - i);
}

static void happens_read(struct model *m, int i)
{
	struct end *e = &m->end[i];
	unsigned n = 1 + below(m, 20), got = n < e->bytes ? n : e->bytes;
	char bytes[32];

	if (e->bytes == 0)
		return;
	assert_int_equal(ff_read(e->fd, bytes, n), got);
	e->bytes -= got;
}

static void happens_shutdown(struct model *m, int i)
{
	struct end *e = &m->end[i];
	bool rd = below(m, 2), over = e->eof && e->wr_shut;

	if (e->reset || over || (rd ? e->rd_shut : e->wr_shut))
		return;
	assert_int_equal(ff_shutdown(e->fd, rd ? SHUT_RD : SHUT_WR), 0);
	api_settle();
	if (rd) {
		e->rd_shut = true;
		edge(m, i);
		return;
	}
	e->wr_shut = true;
	edge(m, ENDS + i);
	m->note[i].maybe = true;
	m->end[1 - i].eof = true;
	edge(m, 1 - i);
}

/* The end is closed without further ado; what was registered for it is gone. */
static void happens_reset(struct model *m, int i)
{
	struct linger lg = { .l_onoff = 1 };
	struct end *e = &m->end[i], *peer = &m->end[1 - i];

	if (e->reset || e->eof || e->wr_shut || peer->rd_shut || e->rd_shut)
		return;
	assert_int_equal(ff_setsockopt(e->fd, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg)), 0);
	ff_close(e->fd);
	api_settle();
	peer->reset = true;
	edge(m, 1 - i);
	edge(m, ENDS + 1 - i);
	m->note[i].there = m->note[ENDS + i].there = false;
	e->fd = -1;
}

static void step(struct model *m)
{
	int i = (int)below(m, ENDS);

	switch (below(m, m->end[0].fd < 0 || m->end[1].fd < 0 ? 1 : 12)) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
	case 5:
		call_kevent(m);
		break;
	case 6:
	case 7:
	case 8:
		happens_write(m, i);
		break;
	case 9:
	case 10:
		happens_read(m, i);
		break;
	default:
		if (below(m, 4) != 0)
			happens_shutdown(m, i);
		else
			happens_reset(m, i);
		break;
	}
}

/* ---- programs ---- */

static void open_ends(struct model *m)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int l = api_listen(PORT, SOCK_NONBLOCK), on = 1;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	m->kq = ff_kqueue();
	m->end[0].fd = ff_socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(ff_connect(m->end[0].fd, sa(&sin), sizeof(sin)), 0);
	m->end[1].fd = ff_accept(l, NULL, NULL);
	assert_true(m->end[1].fd >= 0);
	for (int i = 0; i < ENDS; i++)
		assert_int_equal(
			ff_setsockopt(m->end[i].fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
	ff_close(l);
}

static void programs_report_what_the_table_says(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < PROGRAMS; seed++) {
		struct model m = { .rand.key = { seed } };

		open_ends(&m);
		for (int i = 0; i < STEPS; i++)
			step(&m);
		for (int i = 0; i < ENDS; i++)
			if (m.end[i].fd >= 0)
				ff_close(m.end[i].fd);
		ff_close(m.kq);
		api_settle();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(programs_report_what_the_table_says, api_setup,
						api_teardown),
	};

	return cmocka_run_group_tests_name("kqueue_model", tests, NULL, NULL);
}
