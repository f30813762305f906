/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of zload: what it means, and what is refused with which words. */
#include "tests/zs_test.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "tools/zload/args.h"
#include "tools/zload/request.h"

static struct args a;
static char words[2000];
static char *argv[100];

/* Parses "zload " and this line, cut at blanks; '_' stands for a blank inside a word. */
static bool parse(const char *line)
{
	int argc = 1;

	snprintf(words, sizeof(words), "%s", line);
	argv[0] = (char *)(uintptr_t) "zload";
	for (char *w = strtok(words, " "); w != NULL; w = strtok(NULL, " ")) {
		for (char *p = w; *p != '\0'; p++)
			*p = *p == '_' ? ' ' : *p;
		argv[argc++] = w;
	}
	argv[argc] = NULL;
	return args_parse(&a, argc, argv);
}

static void refuses(const char *line, const char *why)
{
	assert_false(parse(line));
	if (strstr(a.err, why) == NULL)
		fail_msg("'%s': '%s' does not contain '%s'", line, a.err, why);
}

static void defaults(void **state)
{
	(void)state;
	assert_true(parse("http://[fd00::1]:8080/x"));
	assert_true(a.is_ip6);
	assert_memory_equal(a.ip6, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	assert_int_equal(a.port, 8080);
	assert_string_equal(a.host, "[fd00::1]:8080");
	assert_string_equal(a.path, "/x");
	assert_true(parse("http://10.18.0.1"));
	assert_false(a.is_ip6);
	assert_int_equal(a.ip_be, inet_addr("10.18.0.1"));
	assert_int_equal(a.port, 80);
	assert_string_equal(a.host, "10.18.0.1");
	assert_string_equal(a.path, "/");
	assert_int_equal(a.conns, 10);
	assert_int_equal(a.pipeline, 1);
	assert_true(a.rate == 0 && a.requests == 0 && a.duration_s == 10 && a.warmup_s == 0);
	assert_true(a.timeout_s == 2 && !a.close && !a.progress && a.json == NULL);
	assert_int_equal(a.verify, VERIFY_NONE);
	assert_int_equal(a.stack_argc, 1);
	assert_null(a.stack_argv[1]);
}

static void letters(void **state)
{
	(void)state;
	assert_true(parse("-c 50 -R1000 -p 4 -d 2.5 -H A:_b -H C:d http://1.2.3.4:8080/x?y=z"));
	assert_int_equal(a.conns, 50);
	assert_true(a.rate == 1000 && a.duration_s == 2.5);
	assert_int_equal(a.pipeline, 4);
	assert_int_equal(a.n_headers, 2);
	assert_string_equal(a.header[0], "A: b");
	assert_string_equal(a.header[1], "C:d");
	assert_int_equal(a.port, 8080);
	assert_string_equal(a.host, "1.2.3.4:8080");
	assert_string_equal(a.path, "/x?y=z");
}

static void words_and_any_order(void **state)
{
	(void)state;
	assert_true(parse("http://1.2.3.4/a --connections=7 --rate 9 --duration 1 --close --json - "
			  "--verify pattern --timeout 0.5 --progress --header X:y --warmup 0.25"));
	assert_int_equal(a.conns, 7);
	assert_true(a.rate == 9 && a.duration_s == 1 && a.timeout_s == 0.5 && a.warmup_s == 0.25);
	assert_true(a.close && a.progress);
	assert_string_equal(a.json, "-");
	assert_int_equal(a.verify, VERIFY_PATTERN);
	assert_string_equal(a.path, "/a");
}

static void a_number_of_requests_lifts_the_time_limit(void **state)
{
	(void)state;
	assert_true(parse("-n 100 http://1.2.3.4/"));
	assert_true(a.requests == 100 && a.duration_s == 0);
	assert_true(parse("--requests 100 -d 3 http://1.2.3.4/"));
	assert_true(a.requests == 100 && a.duration_s == 3);
}

/* -c and -p mean something else to ff_init(): it gets only what is its own. */
static void the_stack_gets_its_own(void **state)
{
	(void)state;
	assert_true(parse("-c 5 -p 2 --conf x.ini --proc-id 1 --proc-type=auto http://1.2.3.4/"));
	assert_int_equal(a.stack_argc, 7);
	assert_string_equal(a.stack_argv[1], "--conf");
	assert_string_equal(a.stack_argv[2], "x.ini");
	assert_string_equal(a.stack_argv[3], "--proc-id");
	assert_string_equal(a.stack_argv[6], "auto");
	assert_null(a.stack_argv[7]);
	refuses("--conf a --conf b --conf c --conf d http://1.2.3.4/", "too often");
}

static void help_wants_nothing_else(void **state)
{
	(void)state;
	assert_true(parse("--help"));
	assert_true(a.help);
	assert_true(parse("-h -c 5"));
	assert_true(a.help);
}

static void bad_numbers(void **state)
{
	(void)state;
	refuses("-c 0 http://1.2.3.4/", "-c: 0 is not in 1..");
	refuses("-c -1 http://1.2.3.4/", "-c: '-1' is not a number");
	refuses("-c ten http://1.2.3.4/", "'ten' is not a number");
	refuses("-c 99999999 http://1.2.3.4/", "is not in");
	refuses("-p 1025 http://1.2.3.4/", "-p: 1025 is not in 1..1024");
	refuses("-R 0 http://1.2.3.4/", "-R");
	refuses("-n 99999999999999999999 http://1.2.3.4/", "-n");
	refuses("-d 0 http://1.2.3.4/", "-d: 0 is out of range");
	refuses("-d 3x http://1.2.3.4/", "-d: '3x' is not a number of seconds");
	refuses("-d nan http://1.2.3.4/", "-d");
	refuses("--warmup -1 http://1.2.3.4/", "--warmup");
	refuses("--timeout inf http://1.2.3.4/", "--timeout");
}

static void bad_urls(void **state)
{
	(void)state;
	refuses("", "no URL");
	refuses("-c 5", "no URL");
	refuses("http://1.2.3.4/ http://1.2.3.5/", "what is 'http://1.2.3.5/'");
	refuses("1.2.3.4", "begins with http://");
	refuses("https://1.2.3.4/", "begins with http://");
	refuses("http://example.org/", "not an IPv4 address");
	refuses("http://1.2.3.4.5/", "not an IPv4 address");
	refuses("http:///x", "not an IPv4 address");
	refuses("http://[fd00::1/", "not an IPv4 address");
	refuses("http://[1.2.3.4]/", "not an IPv4 address");
	refuses("http://fd00::1/", "not an IPv4 address");
	refuses("http://[fd00::1]80/", "no port");
	refuses("http://1.2.3.4:0/", "port: 0 is not in 1..65535");
	refuses("http://1.2.3.4:65536/", "port");
	refuses("http://1.2.3.4:/", "port");
	refuses("http://1.2.3.4?x", "the path must begin with /");
	refuses("http://1.2.3.4/a_b", "no space");
	refuses("http://1.2.3.4/a#b", "no space or #");
}

static void bad_options(void **state)
{
	(void)state;
	refuses("-x http://1.2.3.4/", "unknown option -x");
	refuses("--nothing http://1.2.3.4/", "unknown option --nothing");
	refuses("http://1.2.3.4/ -c", "-c wants a value");
	refuses("http://1.2.3.4/ --json", "--json wants a value");
	refuses("--verify all http://1.2.3.4/", "'all' is not none, first or pattern");
	refuses("-H nothing http://1.2.3.4/", "is not \"Name: value\"");
	refuses("-H :x http://1.2.3.4/", "is not \"Name: value\"");
	refuses("-H A:\rB:c http://1.2.3.4/", "is not \"Name: value\"");
	refuses("--close -p 2 http://1.2.3.4/", "exclude each other");
	refuses("-n 5 --warmup 1 http://1.2.3.4/", "exclude each other");
}

/* ---- the request ---- */

static void makes(const char *line, size_t room, const char *want, uint32_t copies)
{
	struct request r;

	assert_true(parse(line));
	assert_true(request_make(&r, &a, room));
	assert_int_equal(r.copies, copies);
	assert_int_equal(r.len, strlen(want));
	for (uint32_t i = 0; i < copies; i++)
		assert_memory_equal(r.bytes + i * r.len, want, r.len);
	request_free(&r);
}

static void requests(void **state)
{
	struct request r;

	(void)state;
	makes("http://1.2.3.4", 2000, "GET / HTTP/1.1\r\nHost: 1.2.3.4\r\n\r\n", 1);
	makes("-p 8 http://1.2.3.4:81/5?x", 2000, "GET /5?x HTTP/1.1\r\nHost: 1.2.3.4:81\r\n\r\n",
	      8);
	makes("-p 8 http://1.2.3.4", 98, "GET / HTTP/1.1\r\nHost: 1.2.3.4\r\n\r\n", 2);
	makes("--close -H X:_y http://1.2.3.4", 2000,
	      "GET / HTTP/1.1\r\nHost: 1.2.3.4\r\nX: y\r\nConnection: close\r\n\r\n", 1);
	makes("-H host:me http://1.2.3.4", 2000, "GET / HTTP/1.1\r\nhost:me\r\n\r\n", 1);
	assert_true(parse("http://1.2.3.4"));
	assert_false(request_make(&r, &a, 10));
	request_free(&r);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(defaults),
	cmocka_unit_test(letters),
	cmocka_unit_test(words_and_any_order),
	cmocka_unit_test(a_number_of_requests_lifts_the_time_limit),
	cmocka_unit_test(the_stack_gets_its_own),
	cmocka_unit_test(help_wants_nothing_else),
	cmocka_unit_test(bad_numbers),
	cmocka_unit_test(bad_urls),
	cmocka_unit_test(bad_options),
	cmocka_unit_test(requests),
};

ZS_TEST_MAIN(tests)
