/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Intrusive doubly linked list with a sentinel head. A node that is on no list has next == NULL,
 * so "is it queued" is one load and unlinking twice is harmless.
 */
#ifndef ZS_LIST_H
#define ZS_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct zs_list {
	struct zs_list *next, *prev;
};

#ifndef container_of /* DPDK has one of its own */
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#endif

static inline void zs_list_init(struct zs_list *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool zs_list_empty(const struct zs_list *head)
{
	return head->next == head;
}

static inline bool zs_list_linked(const struct zs_list *node)
{
	return node->next != NULL;
}

static inline void zs_list_add_tail(struct zs_list *head, struct zs_list *node)
{
	node->next = head;
	node->prev = head->prev;
	head->prev->next = node;
	head->prev = node;
}

static inline void zs_list_add_head(struct zs_list *head, struct zs_list *node)
{
	zs_list_add_tail(head->next, node);
}

static inline void zs_list_del(struct zs_list *node)
{
	if (node->next == NULL)
		return;
	node->prev->next = node->next;
	node->next->prev = node->prev;
	node->next = NULL;
	node->prev = NULL;
}

/* First node taken off the list, or NULL. */
static inline struct zs_list *zs_list_pop(struct zs_list *head)
{
	struct zs_list *node = head->next;

	if (node == head)
		return NULL;
	zs_list_del(node);
	return node;
}

#endif
