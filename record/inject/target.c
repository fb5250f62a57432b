/*
 * target.c - reads a running process from outside
 */
#include "target.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "xmalloc.h"

#define MAX_HEADERS 64
#define MAX_DYNAMIC 512
#define MAX_LINK_MAPS 4096

bool target_read(const struct target *t, uint64_t address, void *to, size_t n)
{
	struct iovec local = { to, n }, remote = { (void *)address, n };
	return process_vm_readv(t->pid, &local, 1, &remote, 1, 0) == (ssize_t)n;
}

bool target_write(const struct target *t, uint64_t address, const void *from, size_t n)
{
	struct iovec local = { (void *)(uintptr_t)from, n }, remote = { (void *)address, n };
	return process_vm_writev(t->pid, &local, 1, &remote, 1, 0) == (ssize_t)n;
}

bool target_write_any(const struct target *t, uint64_t address, const void *from, size_t n)
{
	return pwrite(t->mem, from, n, (off_t)address) == (ssize_t)n;
}

bool status_line(pid_t pid, const char *key, char *to, size_t size)
{
	char path[64], line[512];
	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	FILE *f = fopen(path, "re");
	bool found = false;
	size_t n = strlen(key);
	while (f && !found && fgets(line, sizeof line, f))
		if (strncmp(line, key, n) == 0 && line[n] == ':') {
			const char *value = line + n + 1 + strspn(line + n + 1, " \t");
			snprintf(to, size, "%.*s", (int)strcspn(value, "\n"), value);
			found = true;
		}
	if (f)
		fclose(f);
	return found;
}

/* ---------------------------------------------------------------- modules */

static void read_dynamic(const struct target *t, struct target_module *m, uint64_t dynamic)
{
	Elf64_Dyn d[MAX_DYNAMIC];
	uint64_t soname = 0;
	size_t n = 0;
	while (n < MAX_DYNAMIC && target_read(t, dynamic + n * sizeof *d, &d[n], sizeof *d) && d[n].d_tag != DT_NULL)
		n++;
	for (size_t i = 0; i < n; i++) {
		uint64_t v = d[i].d_un.d_ptr, address = v < m->bias ? v + m->bias : v;
		switch (d[i].d_tag) {
		case DT_SYMTAB: m->symbols = address; break;
		case DT_STRTAB: m->strings = address; break;
		case DT_GNU_HASH: m->gnu_hash = address; break;
		case DT_SONAME: soname = v; break;
		}
	}
	if (soname && m->strings && !target_read(t, m->strings + soname, m->soname, sizeof m->soname - 1))
		m->soname[0] = '\0';
}

static void read_headers(const struct target *t, struct target_module *m, const Elf64_Phdr *h, unsigned n)
{
	uint64_t lowest = UINT64_MAX, highest = 0, dynamic = 0;
	for (unsigned i = 0; i < n; i++)
		if (h[i].p_type == PT_LOAD) {
			lowest = h[i].p_vaddr < lowest ? h[i].p_vaddr : lowest;
			highest = h[i].p_vaddr + h[i].p_memsz > highest ? h[i].p_vaddr + h[i].p_memsz : highest;
		}
	m->bias = m->start - (lowest & ~4095ull);
	m->end = m->bias + highest;
	for (unsigned i = 0; i < n; i++) {
		uint64_t at = m->bias + h[i].p_vaddr;
		if (h[i].p_type == PT_DYNAMIC) {
			dynamic = at;
		} else if (h[i].p_type == PT_INTERP) {
			m->is_program = true;
		} else if (h[i].p_type == PT_GNU_EH_FRAME) {
			m->eh_frame_hdr = at;
		} else if (h[i].p_type == PT_LOAD && h[i].p_flags & PF_X) {
			m->text_start = at;
			m->text_end = at + h[i].p_memsz;
		}
	}
	if (dynamic)
		read_dynamic(t, m, dynamic);
}

/* Adds a module if this mapping begins with an object's headers. */
static void add_module(struct target *t, uint64_t start, const char *path)
{
	Elf64_Ehdr e;
	Elf64_Phdr h[MAX_HEADERS];
	if (!target_read(t, start, &e, sizeof e) || memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 ||
	    e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_phnum > MAX_HEADERS ||
	    !target_read(t, start + e.e_phoff, h, e.e_phnum * sizeof *h))
		return;
	GROW(t->modules, t->n_modules, t->cap_modules);
	struct target_module *m = &t->modules[t->n_modules++];
	*m = (struct target_module){ .start = start };
	snprintf(m->path, sizeof m->path, "%s", path);
	read_headers(t, m, h, e.e_phnum);
}

/* Reads the biases of the objects in the main namespace (dlmopen creates others, with their own C library). */
static size_t read_link_maps(const struct target *t, uint64_t *bias)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/auxv", (int)t->pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf64_auxv_t a;
	Elf64_Phdr h[MAX_HEADERS];
	uint64_t headers = 0, n_headers = 0, base = 0, dynamic = 0, debug = 0, map = 0;
	while (fd >= 0 && read(fd, &a, sizeof a) == sizeof a) {
		headers = a.a_type == AT_PHDR ? a.a_un.a_val : headers;
		n_headers = a.a_type == AT_PHNUM ? a.a_un.a_val : n_headers;
	}
	if (fd >= 0)
		close(fd);
	if (!headers || n_headers > MAX_HEADERS || !target_read(t, headers, h, n_headers * sizeof *h))
		return 0;
	for (size_t i = 0; i < n_headers; i++)
		if (h[i].p_type == PT_PHDR)
			base = headers - h[i].p_vaddr;
	for (size_t i = 0; i < n_headers; i++)
		if (h[i].p_type == PT_DYNAMIC)
			dynamic = base + h[i].p_vaddr;
	Elf64_Dyn d;
	for (int i = 0;
	     dynamic && i < MAX_DYNAMIC && target_read(t, dynamic + (unsigned)i * sizeof d, &d, sizeof d) && d.d_tag;
	     i++)
		if (d.d_tag == DT_DEBUG)
			debug = d.d_un.d_ptr;
	size_t n = 0;
	if (debug)
		target_read(t, debug + 8, &map, sizeof map);	/* struct r_debug: r_map */
	uint64_t link[4];					/* struct link_map: l_addr, l_name, l_ld, l_next */
	while (map && n < MAX_LINK_MAPS && target_read(t, map, link, sizeof link)) {
		bias[n++] = link[0];
		map = link[3];
	}
	return n;
}

static void find_libc(struct target *t)
{
	static uint64_t bias[MAX_LINK_MAPS];
	size_t n = read_link_maps(t, bias);
	t->libc = t->loader = NULL;
	for (size_t i = 0; i < t->n_modules; i++) {
		const struct target_module *m = &t->modules[i];
		bool own = n == 0;
		for (size_t k = 0; k < n && !own; k++)
			own = bias[k] == m->bias;
		if (own && !t->libc && strcmp(m->soname, "libc.so.6") == 0)
			t->libc = m;
		if (own && !t->loader && strncmp(m->soname, "ld-linux", 8) == 0)
			t->loader = m;
	}
}

bool target_load(struct target *t)
{
	char path[64], *line = NULL;
	size_t size = 0;
	snprintf(path, sizeof path, "/proc/%d/maps", (int)t->pid);
	FILE *f = fopen(path, "re");
	if (!f)
		return false;
	t->n_mappings = t->n_modules = 0;
	while (getline(&line, &size, f) > 0) {
		unsigned long long start, end, offset;
		char mode[8], name[256] = "";
		if (sscanf(line, "%llx-%llx %7s %llx %*s %*s %255[^\n]", &start, &end, mode, &offset, name) < 4)
			continue;
		GROW(t->mappings, t->n_mappings, t->cap_mappings);
		t->mappings[t->n_mappings++] = (struct mapping){ start, end, mode[2] == 'x' };
		if (mode[0] == 'r' && offset == 0)
			add_module(t, start, name);
	}
	bool read_all = !ferror(f);
	free(line);
	fclose(f);
	find_libc(t);
	return read_all;
}

bool target_open(struct target *t, pid_t pid)
{
	char path[64];
	*t = (struct target){ .pid = pid };
	snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
	t->mem = open(path, O_RDWR | O_CLOEXEC);
	return t->mem >= 0 && target_load(t);
}

void target_clear(struct target *t)
{
	if (t->mem >= 0)
		close(t->mem);
	free(t->mappings);
	free(t->modules);
	*t = (struct target){ .mem = -1 };
}

const struct target_module *module_at(const struct target *t, uint64_t address)
{
	for (size_t i = 0; i < t->n_modules; i++)
		if (address - t->modules[i].start < t->modules[i].end - t->modules[i].start)
			return &t->modules[i];
	return NULL;
}

/* ---------------------------------------------------------------- symbols */

#define MOST_SYMBOLS (4u << 20)	/* per object, as the numbers below come from the target and are not trusted */

struct hash_table {
	uint32_t n_buckets, first, n_bloom;
	uint64_t buckets, chains;
};

static bool hash_open(const struct target *t, const struct target_module *m, struct hash_table *h)
{
	uint32_t head[4];
	if (!m->gnu_hash || !m->symbols || !m->strings || !target_read(t, m->gnu_hash, head, sizeof head) ||
	    head[0] == 0)
		return false;
	if (head[0] > MOST_SYMBOLS || head[1] > MOST_SYMBOLS || head[2] > MOST_SYMBOLS)
		return false;
	*h = (struct hash_table){ .n_buckets = head[0], .first = head[1], .n_bloom = head[2] };
	h->buckets = m->gnu_hash + 16 + head[2] * 8ull;
	h->chains = h->buckets + head[0] * 4ull;
	return true;
}

uint64_t module_symbol(const struct target *t, const struct target_module *m, const char *name, uint64_t *size)
{
	struct hash_table h;
	uint32_t hash = 5381, i, chain;
	char found[64];
	size_t n = strlen(name) + 1;
	Elf64_Sym s;
	for (const char *c = name; *c; c++)
		hash = hash * 33 + (uint8_t)*c;
	if (n > sizeof found || !hash_open(t, m, &h) || !target_read(t, h.buckets + hash % h.n_buckets * 4ull, &i, 4) ||
	    i < h.first)
		return 0;
	for (; i < MOST_SYMBOLS; i++) {
		if (!target_read(t, h.chains + (i - h.first) * 4ull, &chain, 4))
			return 0;
		if ((chain | 1) == (hash | 1) && target_read(t, m->symbols + i * sizeof s, &s, sizeof s) &&
		    s.st_shndx != SHN_UNDEF && target_read(t, m->strings + s.st_name, found, n) &&
		    memcmp(found, name, n) == 0) {
			if (size)
				*size = s.st_size;
			return m->bias + s.st_value;
		}
		if (chain & 1)
			break;
	}
	return 0;
}

uint64_t module_gap_before(const struct target *t, const struct target_module *m, uint64_t address)
{
	struct hash_table h;
	uint64_t best = m->text_start;
	if (!hash_open(t, m, &h))
		return best;
	uint32_t last = 0, chain = 0;
	uint32_t *buckets = xcalloc(h.n_buckets, sizeof *buckets);
	if (target_read(t, h.buckets, buckets, h.n_buckets * sizeof *buckets))
		for (uint32_t i = 0; i < h.n_buckets; i++)
			last = buckets[i] > last ? buckets[i] : last;
	free(buckets);
	while (last >= h.first && last < MOST_SYMBOLS &&
	       target_read(t, h.chains + (last - h.first) * 4ull, &chain, 4) && !(chain & 1))
		last++;
	if (last >= MOST_SYMBOLS)
		return best;
	Elf64_Sym *s = xcalloc(last + 1, sizeof *s);
	if (target_read(t, m->symbols, s, (last + 1) * sizeof *s))
		for (uint32_t i = 1; i <= last; i++) {
			uint64_t start = m->bias + s[i].st_value, end = start + s[i].st_size;
			if (s[i].st_shndx != SHN_UNDEF && ELF64_ST_TYPE(s[i].st_info) == STT_FUNC && start < address &&
			    end <= address && end > best)
				best = end;
		}
	free(s);
	return best;
}
