/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Some of the tool's calls go to libc where a plug-in would have to be asked: these slots of the
 * program's global offset table (System V ABI, "Dynamic Linking") lead to us from now on.
 */
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pd.h"

/* What the program's dynamic section says of its relocations. */
struct tables {
	ElfW(Addr) base;
	const ElfW(Sym) * sym;
	const char *str;
	const ElfW(Rela) * rela[2];
	size_t n[2];
};

/* Addresses there may be relative to where the program is. */
static const void *at(const struct tables *t, ElfW(Addr) p)
{
	return (const void *)(p < t->base ? t->base + p : p);
}

static void read_dynamic(struct tables *t, const ElfW(Dyn) * d)
{
	for (; d->d_tag != DT_NULL; d++) {
		if (d->d_tag == DT_SYMTAB)
			t->sym = at(t, d->d_un.d_ptr);
		else if (d->d_tag == DT_STRTAB)
			t->str = at(t, d->d_un.d_ptr);
		else if (d->d_tag == DT_JMPREL)
			t->rela[0] = at(t, d->d_un.d_ptr);
		else if (d->d_tag == DT_RELA)
			t->rela[1] = at(t, d->d_un.d_ptr);
		else if (d->d_tag == DT_PLTRELSZ)
			t->n[0] = d->d_un.d_val / sizeof(ElfW(Rela));
		else if (d->d_tag == DT_RELASZ)
			t->n[1] = d->d_un.d_val / sizeof(ElfW(Rela));
	}
}

static void redirect(const struct tables *t, const ElfW(Rela) * r, const struct pd_hook *h)
{
	uintptr_t slot = t->base + r->r_offset, page = slot & ~((uintptr_t)getpagesize() - 1);
	const ElfW(Sym) *sym = &t->sym[ELF64_R_SYM(r->r_info)];

	/* what the program defines itself is called without the table */
	if (ELF64_R_SYM(r->r_info) == 0 || sym->st_shndx != SHN_UNDEF ||
	    strcmp(t->str + sym->st_name, h->name) != 0)
		return;
	if (mprotect((void *)page, slot - page + sizeof(void *), PROT_READ | PROT_WRITE) == 0)
		memcpy((void *)slot, &h->to, sizeof(h->to));
}

/* The first object is the program. */
static int hook_program(struct dl_phdr_info *info, size_t size, void *hooks)
{
	struct tables t = { .base = info->dlpi_addr };

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			read_dynamic(&t, (const void *)(t.base + info->dlpi_phdr[i].p_vaddr));
	if (t.sym == NULL || t.str == NULL)
		return 1;
	for (const struct pd_hook *h = hooks; h->name != NULL; h++)
		for (int k = 0; k < 2; k++)
			for (size_t i = 0; t.rela[k] != NULL && i < t.n[k]; i++)
				redirect(&t, &t.rela[k][i], h);
	return 1;
}

void pd_hook(struct pd_hook *hooks)
{
	(void)dl_iterate_phdr(hook_program, hooks);
}
