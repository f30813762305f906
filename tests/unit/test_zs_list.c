/* SPDX-License-Identifier: BSD-3-Clause */
/* The intrusive list: order, removal anywhere, and what "linked" says. */
#include "tests/zs_test.h"

#include "base/zs_list.h"

struct item {
	int id;
	struct zs_list link;
};

static int pop_id(struct zs_list *head)
{
	struct zs_list *node = zs_list_pop(head);

	return node == NULL ? -1 : container_of(node, struct item, link)->id;
}

static void fill(struct zs_list *head, struct item *items, int n)
{
	int i;

	zs_list_init(head);
	for (i = 0; i < n; i++) {
		items[i] = (struct item){ .id = i };
		zs_list_add_tail(head, &items[i].link);
	}
}

static void tail_keeps_order(void **state)
{
	struct zs_list head;
	struct item items[3];

	(void)state;
	fill(&head, items, 3);
	assert_int_equal(pop_id(&head), 0);
	assert_int_equal(pop_id(&head), 1);
	assert_int_equal(pop_id(&head), 2);
	assert_int_equal(pop_id(&head), -1);
	assert_true(zs_list_empty(&head));
}

static void head_reverses_order(void **state)
{
	struct zs_list head;
	struct item items[2] = { { .id = 0 }, { .id = 1 } };

	(void)state;
	zs_list_init(&head);
	zs_list_add_head(&head, &items[0].link);
	zs_list_add_head(&head, &items[1].link);
	assert_int_equal(pop_id(&head), 1);
	assert_int_equal(pop_id(&head), 0);
}

static void removal_anywhere(void **state)
{
	struct zs_list head;
	struct item items[5];

	(void)state;
	fill(&head, items, 5);
	zs_list_del(&items[0].link);
	zs_list_del(&items[2].link);
	zs_list_del(&items[4].link);
	assert_int_equal(pop_id(&head), 1);
	assert_int_equal(pop_id(&head), 3);
	assert_int_equal(pop_id(&head), -1);
}

static void linked_says_whether_queued(void **state)
{
	struct zs_list head;
	struct item items[2];

	(void)state;
	fill(&head, items, 2);
	assert_true(zs_list_linked(&items[0].link));
	zs_list_del(&items[0].link);
	assert_false(zs_list_linked(&items[0].link));
	zs_list_del(&items[0].link);
	assert_int_equal(pop_id(&head), 1);
	assert_false(zs_list_linked(&items[1].link));
	zs_list_add_tail(&head, &items[0].link);
	assert_int_equal(pop_id(&head), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(tail_keeps_order),
	cmocka_unit_test(head_reverses_order),
	cmocka_unit_test(removal_anywhere),
	cmocka_unit_test(linked_says_whether_queued),
};

ZS_TEST_MAIN(tests)
