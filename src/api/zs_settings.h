/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Settings of a stack by FreeBSD's names: what [freebsd.sysctl] of the configuration and
 * ff_sysctl() know, with one range for both.
 */
#ifndef ZS_SETTINGS_H
#define ZS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum zs_setting_kind { ZS_SET_U8, ZS_SET_U16, ZS_SET_U32, ZS_SET_BOOL };

/* The field of struct zs_config is value * unit. */
struct zs_setting {
	const char *name;
	size_t off;
	size_t also;		 /* a field that gets the same value; 0 = none */
	uint8_t kind;		 /* enum zs_setting_kind */
	bool running;		 /* of a running stack only */
	uint32_t unit, min, max; /* of the value */
};

struct zs_config;

int zs_settings_count(void);
const struct zs_setting *zs_setting_at(int i);
/* NULL: there is no such. */
const struct zs_setting *zs_setting_find(const char *name);
uint32_t zs_setting_get(const struct zs_config *cfg, const struct zs_setting *st);
/* -EINVAL: out of range. */
int zs_setting_set(struct zs_config *cfg, const struct zs_setting *st, uint32_t value);

#endif
