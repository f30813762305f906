/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ff_sysctl: FreeBSD's protocol for the settings that have a meaning here. { 0, 3 } turns a name
 * (newp) into a number of two words, which then reads (oldp) and writes (newp) a 32-bit value; { 0,
 * 1, ... } gives the name back. What is written holds for the calling thread's stack and for what
 * it opens from then on.
 */
#include <string.h>

#include "ff_api.h"

#include "api/zs_ctx.h"
#include "api/zs_settings.h"
#include "base/zs_api.h"
#include "core/zs_stack.h"
#include "core/zs_tune.h"

/* FreeBSD's numbers of the node that knows the others; and of ours, which is nobody's there. */
enum { NODE_SYSCTL = 0, NAME_OF = 1, NUMBER_OF = 3, NODE_OURS = 1000, MAX_NAME = 64 };

/* What is answered: to oldp, of which *oldlenp bytes are there; NULL asks for the length only. */
static int answer(void *oldp, size_t *oldlenp, const void *from, size_t len)
{
	size_t room = oldlenp != NULL ? *oldlenp : 0;

	if (oldlenp == NULL)
		return oldp == NULL ? 0 : -EFAULT;
	*oldlenp = len;
	if (oldp == NULL)
		return 0;
	if (room < len)
		return -ENOMEM;
	memcpy(oldp, from, len);
	return 0;
}

static int number_of(void *oldp, size_t *oldlenp, const void *newp, size_t newlen)
{
	char name[MAX_NAME] = "";

	if (newp == NULL)
		return -EFAULT;
	if (newlen >= sizeof(name))
		return -ENOENT;
	memcpy(name, newp, newlen);
	for (int i = 0; i < zs_settings_count(); i++) {
		const int number[2] = { NODE_OURS, i };

		if (strcmp(name, zs_setting_at(i)->name) == 0)
			return answer(oldp, oldlenp, number, sizeof(number));
	}
	return -ENOENT;
}

static int read_and_write(struct zs_stack *s, const struct zs_setting *st, void *oldp,
			  size_t *oldlenp, const void *newp, size_t newlen)
{
	struct zs_config cfg = *zs_stack_config(s);
	uint32_t old = zs_setting_get(&cfg, st), value;
	int rc = answer(oldp, oldlenp, &old, sizeof(old));

	if (rc < 0 || newp == NULL)
		return rc;
	if (newlen != sizeof(value))
		return -EINVAL;
	memcpy(&value, newp, sizeof(value));
	rc = zs_setting_set(&cfg, st, value);
	return rc < 0 ? rc : zs_stack_tune(s, &cfg);
}

static const struct zs_setting *setting_of(const int *name, unsigned namelen)
{
	if (namelen != 2 || name[0] != NODE_OURS || name[1] < 0 || name[1] >= zs_settings_count())
		return NULL;
	return zs_setting_at(name[1]);
}

ZS_API int ff_sysctl(const int *name, unsigned int namelen, void *oldp, size_t *oldlenp,
		     const void *newp, size_t newlen)
{
	struct zs_ctx *c = zs_ctx_get();
	const struct zs_setting *st;

	if (c == NULL)
		return -1;
	if (name == NULL)
		return (int)ff_ret(-EFAULT);
	if (namelen < 2)
		return (int)ff_ret(-EINVAL);
	if (name[0] == NODE_SYSCTL && name[1] == NUMBER_OF)
		return (int)ff_ret(number_of(oldp, oldlenp, newp, newlen));
	if (name[0] == NODE_SYSCTL && name[1] == NAME_OF) {
		st = setting_of(name + 2, namelen - 2);
		return (int)ff_ret(st == NULL
					   ? -ENOENT
					   : answer(oldp, oldlenp, st->name, strlen(st->name) + 1));
	}
	st = setting_of(name, namelen);
	return (int)ff_ret(st == NULL ? -ENOENT
				      : read_and_write(c->s, st, oldp, oldlenp, newp, newlen));
}
