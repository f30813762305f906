/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's telemetry for tests: takes commands, keeps answers as JSON, and insists on the limits of
 * the real one: 16 KB, 256 entries of a dictionary, names of letters and digits.
 */
#ifndef FAKETEL_H
#define FAKETEL_H

/* What the command answers, as JSON; NULL: not registered, or it failed. Free it. Any thread. */
char *faketel_call(const char *cmd, const char *params);

/* In a JSON text: value of "name" after `from` (which moves on); false when there is none. */
int faketel_u64(const char **from, const char *name, unsigned long long *out);
/* The next entry of a list by id, likewise. */
int faketel_id(const char **from, unsigned long long *id);
/* How often text occurs in json. */
int faketel_count(const char *json, const char *text);

#endif
