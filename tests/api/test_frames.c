/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets beside the stack, on a port that receives what it sends: the dispatcher sees each frame,
 * and can keep it from the stack, answer it, or let it pass. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ff_api.h"
#include "tests/zs_test.h"
#include "zstack.h"

enum { FRAME = 60, TYPE = 12 };

static struct {
	int seen, verdict;
	uint16_t queue, n_queues, len, answer_len;
	unsigned char first[FRAME];
} d;

static int look(void *data, uint16_t *len, uint16_t queue, uint16_t n_queues)
{
	unsigned char *b = data;

	if (b[TYPE] != 0x88 || b[TYPE + 1] != 0xb5) /* not ours: the stack announces itself */
		return queue;
	d.seen++;
	d.queue = queue;
	d.n_queues = n_queues;
	d.len = *len;
	memcpy(d.first, b, FRAME);
	if (d.verdict == FF_DISPATCH_RESPONSE && d.seen == 1) {
		b[0] = 0x42;
		*len = d.answer_len;
		return FF_DISPATCH_RESPONSE;
	}
	return d.verdict == FF_DISPATCH_RESPONSE ? FF_DISPATCH_ERROR : d.verdict;
}

static int look_context(void *data, uint16_t *len, uint16_t queue, uint16_t n_queues,
			struct ff_dispatcher_context context)
{
	assert_int_equal(context.vlan.stripped, 0);
	return look(data, len, queue, n_queues);
}

static uint64_t drops(const char *name)
{
	struct z_drop v[64];
	int n = z_drops_get(v, 64);

	for (int i = 0; i < n; i++)
		if (strcmp(v[i].name, name) == 0)
			return v[i].count;
	return 0;
}

/* A frame of an EtherType for experiments (IEEE 802). */
static void send_one(void)
{
	unsigned char b[FRAME] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0,
				   0,	 0,    0,    1,	   0x88, 0xb5, 7 };

	d.seen = 0;
	assert_int_equal(ff_dpdk_raw_packet_send(b, FRAME, 0), 0);
	for (int i = 0; i < 100; i++)
		(void)z_poll(8);
}

static void frames_pass(void **state)
{
	uint64_t before = drops("eth_type");

	(void)state;
	d.verdict = 0;
	ff_regist_packet_dispatcher(look);
	send_one();
	assert_int_equal(d.seen, 1);
	assert_int_equal(d.queue, 0);
	assert_int_equal(d.n_queues, 1);
	assert_int_equal(d.len, FRAME);
	assert_int_equal(d.first[14], 7);
	assert_true(drops("eth_type") == before + 1); /* the stack got it, and knows no such type */
}

static void frames_are_dropped(void **state)
{
	uint64_t before = drops("by_app"), others = drops("eth_type");

	(void)state;
	d.verdict = FF_DISPATCH_ERROR;
	ff_regist_packet_dispatcher_context(look_context);
	send_one();
	assert_int_equal(d.seen, 1);
	assert_true(drops("by_app") == before + 1);
	d.verdict = 5; /* no such core */
	send_one();
	assert_true(drops("by_app") == before + 2);
	assert_true(drops("eth_type") == others);
}

static void frames_are_answered(void **state)
{
	(void)state;
	d.verdict = FF_DISPATCH_RESPONSE;
	d.answer_len = 80;
	ff_regist_packet_dispatcher(look);
	send_one();
	assert_int_equal(d.seen, 2); /* its answer comes back here too */
	assert_int_equal(d.first[0], 0x42);
	assert_int_equal(d.len, 80);
}

static void nobody_looks(void **state)
{
	(void)state;
	ff_regist_packet_dispatcher(NULL);
	send_one();
	assert_int_equal(d.seen, 0);
}

static void wrong_frames(void **state)
{
	char b[FRAME] = "";

	(void)state;
	assert_int_equal(ff_dpdk_raw_packet_send(NULL, FRAME, 0), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(ff_dpdk_raw_packet_send(b, 0, 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(ff_dpdk_raw_packet_send(b, 100000, 0), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(ff_dpdk_raw_packet_send(b, FRAME, 9), -1);
	assert_int_equal(errno, ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_pass),	       cmocka_unit_test(frames_are_dropped),
		cmocka_unit_test(frames_are_answered), cmocka_unit_test(nobody_looks),
		cmocka_unit_test(wrong_frames),
	};
	char *argv[] = { (char *)(uintptr_t) "test_frames", NULL };

	setenv("ZSTACK_EAL_ARGS", "--no-huge --no-shconf --no-pci -m 256 --vdev=net_ring0", 0);
	if (ff_init(1, argv) < 0)
		return 1;
	return cmocka_run_group_tests_name("frames", tests, NULL, NULL);
}
