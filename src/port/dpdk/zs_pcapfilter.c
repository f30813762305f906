/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A filter is compiled by libpcap and converted by librte_bpf. libpcap is loaded when it is needed:
 * no program has to link it for the sake of a capture that never comes.
 */
#define ALLOW_EXPERIMENTAL_API /* rte_bpf_convert() */
#include "port/dpdk/zs_pcapfilter.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_bpf.h>
#include <rte_errno.h>
#include <rte_malloc.h>

/* Of libpcap's interface, which has been the same for decades. */
struct bpf_program {
	unsigned int bf_len;
	void *bf_insns;
};
enum { DLT_ETHERNET = 1 };

struct libpcap {
	void *lib;
	void *(*open_dead)(int linktype, int snaplen);
	int (*compile)(void *pcap, struct bpf_program *prog, const char *text, int optimize,
		       uint32_t netmask);
	const char *(*geterr)(void *pcap);
	void (*freecode)(struct bpf_program *prog);
	void (*close)(void *pcap);
};

static bool load(struct libpcap *l)
{
	l->lib = dlopen("libpcap.so.0.8", RTLD_NOW);
	if (l->lib == NULL)
		l->lib = dlopen("libpcap.so.1", RTLD_NOW);
	if (l->lib == NULL)
		return false;
	*(void **)&l->open_dead = dlsym(l->lib, "pcap_open_dead");
	*(void **)&l->compile = dlsym(l->lib, "pcap_compile");
	*(void **)&l->geterr = dlsym(l->lib, "pcap_geterr");
	*(void **)&l->freecode = dlsym(l->lib, "pcap_freecode");
	*(void **)&l->close = dlsym(l->lib, "pcap_close");
	return l->open_dead != NULL && l->compile != NULL && l->geterr != NULL &&
	       l->freecode != NULL && l->close != NULL;
}

/* Converted and loaded; the classic program stays the caller's. */
static int convert(const struct bpf_program *prog, struct rte_bpf **out, char err[ZS_PCAP_ERR])
{
	struct rte_bpf_prm *prm = rte_bpf_convert(prog);

	*out = prm != NULL ? rte_bpf_load(prm) : NULL;
	rte_free(prm); /* NULL allowed */
	if (*out != NULL)
		return 0;
	snprintf(err, ZS_PCAP_ERR, "the filter cannot be converted: %s", rte_strerror(rte_errno));
	return -rte_errno;
}

static int compile(const struct libpcap *l, const char *filter, uint32_t snaplen,
		   struct rte_bpf **out, char err[ZS_PCAP_ERR])
{
	void *pcap = l->open_dead(DLT_ETHERNET, (int)snaplen);
	struct bpf_program prog;
	int rc;

	if (pcap == NULL) {
		snprintf(err, ZS_PCAP_ERR, "libpcap: out of memory");
		return -ENOMEM;
	}
	if (l->compile(pcap, &prog, filter, 1, UINT32_MAX) < 0) {
		snprintf(err, ZS_PCAP_ERR, "filter: %s", l->geterr(pcap));
		rc = -EINVAL;
	} else {
		rc = convert(&prog, out, err);
		l->freecode(&prog);
	}
	l->close(pcap);
	return rc;
}

int zs_pcapfilter_compile(const char *filter, uint32_t snaplen, struct rte_bpf **out,
			  char err[ZS_PCAP_ERR])
{
	struct libpcap l = { .lib = NULL };
	int rc;

	if (!load(&l)) {
		snprintf(err, ZS_PCAP_ERR, "filters need libpcap, which is not installed");
		rc = -ENOTSUP;
	} else {
		rc = compile(&l, filter, snaplen, out, err);
	}
	if (l.lib != NULL)
		dlclose(l.lib);
	return rc;
}
