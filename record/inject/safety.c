/*
 * safety.c - decides whether a stopped thread may be used where it is
 *
 * libunwind unwinds the stack with accessors of ours, which read the process's
 * memory. If that ends early (code without unwind tables), every word
 * of the stack above is treated as a return address.
 */
#include "safety.h"

#if defined(__x86_64__)

#include <libunwind.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "xmalloc.h"

#define MAX_FRAMES 400
#define MAX_SCAN (512ull << 10)	/* bytes of stack */
#define N_PAGES 128

/* Exported by libunwind's library for x86-64, but not declared in its headers; perf(1) uses it too. */
extern int _Ux86_64_dwarf_search_unwind_table(unw_addr_space_t, unw_word_t, unw_dyn_info_t *, unw_proc_info_t *, int,
					      void *);

struct zone {
	uint64_t start, end;
	const char *name;
};

struct page {
	uint64_t at;		/* 1: empty */
	uint8_t bytes[4096];
};

struct safety {
	const struct target *t;
	struct zone *zones;
	size_t n_zones, cap_zones;
	unw_addr_space_t space;
	const struct user_regs_struct *regs;	/* of the thread being judged */
	struct page pages[N_PAGES];
};

/* ---------------------------------------------------------------- zones */

static const char *const allocators[] = {
	"malloc", "free", "calloc", "realloc", "memalign", "valloc", "pvalloc", "malloc_trim", "malloc_usable_size",
	"mallinfo",
	"mallinfo2", "malloc_stats", "mallopt", "posix_memalign", "malloc_info", "aligned_alloc",
};
static const char *const lockers[] = {
	"pthread_create", "pthread_exit", "pthread_join", "fork", "_Fork", "vfork", "posix_spawn", "posix_spawnp",
	"exit",
	"quick_exit", "dlopen", "dlclose", "dlsym", "dlvsym", "dlmopen", "dladdr", "dladdr1", "dlinfo", "dlerror",
	"dl_iterate_phdr", "__cxa_atexit", "__cxa_finalize", "__register_atfork", "setlocale", "pthread_getattr_np",
	"pthread_key_delete", "setuid", "setgid", "setgroups", "system", "popen",
};
#define N(array) (sizeof (array) / sizeof *(array))

static void add_zone(struct safety *s, uint64_t start, uint64_t end, const char *name)
{
	GROW(s->zones, s->n_zones, s->cap_zones);
	s->zones[s->n_zones++] = (struct zone){ start, end, name };
}

static void add_functions(struct safety *s, const struct target_module *m, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t size = 0, at = module_symbol(s->t, m, names[i], &size);
		if (at)
			add_zone(s, at, at + (size ? size : 64), names[i]);
	}
}

/* The local functions (_int_malloc and others) are contiguous with the exported ones, before and among them. */
static void add_libc_malloc(struct safety *s, const struct target_module *libc)
{
	uint64_t low = UINT64_MAX, high = 0;
	for (size_t i = 0; i < N(allocators); i++) {
		uint64_t size = 0, at = module_symbol(s->t, libc, allocators[i], &size);
		if (at && at < low)
			low = at;
		if (at + size > high)
			high = at + size;
	}
	if (low >= high || high - low > 0x40000) {
		add_functions(s, libc, allocators, N(allocators));
		return;
	}
	uint64_t gap = module_gap_before(s->t, libc, low);
	add_zone(s, low - gap < 0x10000 ? gap : low, high, "malloc");
}

/* Another allocator: its whole library; in a program only its functions. */
static void add_foreign_malloc(struct safety *s, const struct target_module *m)
{
	if (!module_symbol(s->t, m, "malloc", NULL))
		return;
	if (m->is_program)
		add_functions(s, m, allocators, N(allocators));
	else
		add_zone(s, m->text_start, m->text_end, "an allocator's library");
}

struct safety *safety_new(const struct target *t)
{
	struct safety *s = xcalloc(1, sizeof *s);
	s->t = t;
	if (t->loader)
		add_zone(s, t->loader->text_start, t->loader->text_end, "the dynamic loader");
	for (size_t i = 0; i < t->n_modules; i++) {
		const struct target_module *m = &t->modules[i];
		if (m == t->loader)
			continue;
		if (m != t->libc)
			add_foreign_malloc(s, m);
		else
			add_libc_malloc(s, m);
		if (m == t->libc || strncmp(m->soname, "libpthread", 10) == 0 || strncmp(m->soname, "libdl", 5) == 0)
			add_functions(s, m, lockers, N(lockers));
	}
	return s;
}

void safety_free(struct safety *s)
{
	if (!s)
		return;
	if (s->space)
		unw_destroy_addr_space(s->space);
	free(s->zones);
	free(s);
}

static const char *zone_of(const struct safety *s, uint64_t address)
{
	for (size_t i = 0; i < s->n_zones; i++)
		if (address - s->zones[i].start < s->zones[i].end - s->zones[i].start)
			return s->zones[i].name;
	return NULL;
}

bool is_idle_call(long number)
{
	static const long calls[] = {
		SYS_epoll_wait,	     SYS_epoll_pwait,	  SYS_poll,
		SYS_ppoll,	     SYS_select,	  SYS_pselect6,
		SYS_nanosleep,	     SYS_clock_nanosleep, SYS_accept,
		SYS_accept4,	     SYS_recvfrom,	  SYS_recvmsg,
		SYS_wait4,	     SYS_waitid,	  SYS_pause,
		SYS_rt_sigtimedwait, SYS_rt_sigsuspend,	  441 /* epoll_pwait2 */,
	};
	for (size_t i = 0; i < N(calls); i++)
		if (calls[i] == number)
			return true;
	return false;
}

/* ---------------------------------------------------------------- libunwind's accessors */

static const uint8_t *page_at(struct safety *s, uint64_t at)
{
	struct page *p = &s->pages[at / 4096 % N_PAGES];
	if (p->at != at) {
		p->at = 1;
		if (!target_read(s->t, at, p->bytes, sizeof p->bytes))
			return NULL;
		p->at = at;
	}
	return p->bytes;
}

static int read_word(unw_addr_space_t as, unw_word_t at, unw_word_t *value, int write, void *context)
{
	(void)as;
	for (size_t i = 0; i < sizeof *value && !write; i++) {
		const uint8_t *page = page_at(context, (at + i) & ~4095ull);
		if (!page)
			return -UNW_EINVAL;
		((uint8_t *)value)[i] = page[(at + i) & 4095];
	}
	return write ? -UNW_EINVAL : 0;
}

static int read_register(unw_addr_space_t as, unw_regnum_t n, unw_word_t *value, int write, void *context)
{
	const struct user_regs_struct *r = ((struct safety *)context)->regs;
	(void)as;
	const unsigned long long words[] = {
		[UNW_X86_64_RAX] = r->rax, [UNW_X86_64_RDX] = r->rdx,
		[UNW_X86_64_RCX] = r->rcx, [UNW_X86_64_RBX] = r->rbx,
		[UNW_X86_64_RSI] = r->rsi, [UNW_X86_64_RDI] = r->rdi,
		[UNW_X86_64_RBP] = r->rbp, [UNW_X86_64_RSP] = r->rsp,
		[UNW_X86_64_R8] = r->r8, [UNW_X86_64_R9] = r->r9, [UNW_X86_64_R10] = r->r10, [UNW_X86_64_R11] = r->r11,
		[UNW_X86_64_R12] = r->r12, [UNW_X86_64_R13] = r->r13,
		[UNW_X86_64_R14] = r->r14, [UNW_X86_64_R15] = r->r15,
		[UNW_X86_64_RIP] = r->rip,
	};
	if (write || n < 0 || (size_t)n >= N(words))
		return -UNW_EBADREG;
	*value = words[n];
	return 0;
}

/* Finds an object's unwind information in its table. Supports only the format that linkers write. */
static int find_unwind_info(unw_addr_space_t as, unw_word_t ip, unw_proc_info_t *info, int need, void *context)
{
	struct safety *s = context;
	const struct target_module *m = module_at(s->t, ip);
	uint8_t head[12];
	static const uint8_t usual[] = { 1, 0x1b, 3, 0x3b };
	uint32_t n;
	if (!m || !m->eh_frame_hdr || !target_read(s->t, m->eh_frame_hdr, head, sizeof head) ||
	    memcmp(head, usual, 4) != 0)
		return -UNW_ENOINFO;
	memcpy(&n, head + 8, 4);
	unw_dyn_info_t d = { .start_ip = m->start, .end_ip = m->end, .format = UNW_INFO_FORMAT_REMOTE_TABLE };
	d.u.rti.segbase = m->eh_frame_hdr;
	d.u.rti.table_data = m->eh_frame_hdr + 12;
	d.u.rti.table_len = n * 8ull / sizeof(unw_word_t);
	return _Ux86_64_dwarf_search_unwind_table(as, ip, &d, info, need, context);
}

static void put_unwind_info(unw_addr_space_t as, unw_proc_info_t *info, void *context)
{
	(void)as, (void)context;
	free(info->unwind_info);
}

static int no_dyn_list(unw_addr_space_t as, unw_word_t *list, void *context)
{
	(void)as, (void)list, (void)context;
	return -UNW_ENOINFO;
}

static int no_float(unw_addr_space_t as, unw_regnum_t n, unw_fpreg_t *value, int write, void *context)
{
	(void)as, (void)n, (void)value, (void)write, (void)context;
	return -UNW_EINVAL;
}

static int no_resume(unw_addr_space_t as, unw_cursor_t *cursor, void *context)
{
	(void)as, (void)cursor, (void)context;
	return -UNW_EINVAL;
}

static int no_name(unw_addr_space_t as, unw_word_t at, char *name, size_t size, unw_word_t *offset, void *context)
{
	(void)as, (void)at, (void)name, (void)size, (void)offset, (void)context;
	return -UNW_ENOINFO;
}

static unw_accessors_t accessors = {
	.find_proc_info = find_unwind_info, .put_unwind_info = put_unwind_info, .get_dyn_info_list_addr = no_dyn_list,
	.access_mem = read_word, .access_reg = read_register, .access_fpreg = no_float, .resume = no_resume,
	.get_proc_name = no_name,
};

/* ---------------------------------------------------------------- judging */

/* There is no more unwind information. Returns whether no word above could be a return address into a zone. */
static bool scan_stack(struct safety *s, uint64_t sp, struct verdict *v)
{
	for (uint64_t at = sp & ~7ull; at - sp < MAX_SCAN; at += 8) {
		const uint8_t *page = page_at(s, at & ~4095ull);
		uint64_t word;
		if (!page)
			break;
		memcpy(&word, page + (at & 4095), 8);
		const char *zone = zone_of(s, word);
		if (zone) {
			snprintf(v->why, sizeof v->why, "it may be inside %s", zone);
			return false;
		}
	}
	return true;
}

void safety_judge(struct safety *s, const struct user_regs_struct *regs, struct verdict *v)
{
	*v = (struct verdict){ 0 };
	s->regs = regs;
	for (size_t i = 0; i < N_PAGES; i++)
		s->pages[i].at = 1;
	if (!s->space && (s->space = unw_create_addr_space(&accessors, 0)) != NULL)
		unw_set_caching_policy(s->space, UNW_CACHE_NONE);
	unw_cursor_t cursor;
	if (regs->cs != 0x33 || !s->space || unw_init_remote(&cursor, s->space, s) < 0) {
		snprintf(v->why, sizeof v->why, "its stack cannot be read");
		return;
	}
	bool idle = (long)regs->orig_rax >= 0 && is_idle_call((long)regs->orig_rax), dangerous = false,
	     elsewhere = false;
	unw_word_t ip = 0, sp = 0;
	int more = 1;
	for (int frame = 0; frame < MAX_FRAMES && more > 0; frame++) {
		unw_get_reg(&cursor, UNW_REG_IP, &ip);
		unw_get_reg(&cursor, UNW_REG_SP, &sp);
		if (!ip)
			break;
		uint64_t at = frame ? ip - 1 : ip;	/* inside the call, not after it */
		const char *zone = zone_of(s, at);
		if (zone) {
			snprintf(v->why, sizeof v->why, "it is inside %s", zone);
			dangerous = true;
			v->way_out = 0;
		} else if (dangerous && !v->way_out) {
			v->way_out = ip;
		}
		const struct target_module *m = module_at(s->t, at);
		elsewhere |= m && m != s->t->libc;
		more = unw_step(&cursor);
	}
	if (dangerous || (more < 0 && !idle && !scan_stack(s, sp, v)))
		return;
	v->safe = elsewhere || idle;
	if (!v->safe)
		snprintf(v->why, sizeof v->why, "it is starting or exiting");
}
#endif
