/*
 * got.c - points the GOT slots of loaded objects to the hooks, and back
 *
 * The hooked functions are those that this library exports, the same as when it is
 * preloaded; and dlopen, after which there may be new objects.
 *
 * A slot is changed only if it holds the function that a call would reach
 * without us, or, if it is not bound yet, an address in its own object. Anything else is
 * another hook or a private allocator, and is not changed. The old value is kept and
 * restored later. As the store is eight aligned bytes, no thread has to be stopped.
 *
 * Pages that are read-only after relocation (RELRO) are writable while their object is
 * relocated. If such a page is writable, another thread is about to finish loading
 * the object, and protecting the page would crash that thread. The object is left
 * for a later try; if the page stays writable, something has unprotected it for good.
 */
#include "got.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libc.h"
#include "memory.h"
#include "object.h"
#include "python/pystack.h"
#include "ring.h"
#include "system_call.h"

#if defined(__x86_64__)
#define IS_CALL(type) ((type) == R_X86_64_JUMP_SLOT)
#define IS_ADDRESS(type) ((type) == R_X86_64_GLOB_DAT || (type) == R_X86_64_64)
#elif defined(__aarch64__)
#define IS_CALL(type) ((type) == R_AARCH64_JUMP_SLOT)
#define IS_ADDRESS(type) ((type) == R_AARCH64_GLOB_DAT || (type) == R_AARCH64_ABS64)
#else
#error "the relocation types of this machine are not known"
#endif

#define PAGE 4096ul
#define MAX_LOOKS 25u	/* tries before an object whose RELRO pages stay writable is patched all the same */

struct slot {
	void **at;
	void *old, *hook;
};

static struct object self;
static const char *self_file = "";
static struct slot *slots;
static uint32_t n_slots, capacity;
static struct lock lock;
/* again: an object was not ready, or a caller found the lock taken */
static bool patched, again;
static unsigned long long seen_adds;
static unsigned looks;			/* tries in a row that found an object not ready */

/* ---------------------------------------------------------------- objects */

static bool is_self(const struct object *o)
{
	return (uintptr_t)&lock - o->start < o->end - o->start;
}

static int find_self(struct dl_phdr_info *info, size_t size, void *late)
{
	struct object o;
	(void)size;
	if (!object_read(&o, info))
		return 0;
	if (is_self(&o)) {
		self = o;
		self_file = info->dlpi_name;
		return 1;
	}
	if (libc_is(&o))
		*(bool *)late = true;
	return 0;
}

bool got_late(void)
{
	static bool late;
	if (!self.end) {
		bool after_libc = false;
		dl_iterate_phdr(find_self, &after_libc);
		late = after_libc;
	}
	return late;
}

const char *got_own_file(void)
{
	got_late();
	return self_file;
}

struct wanted {
	const char *name;
	uint32_t hash;
	bool within;		/* the search has reached where it begins */
	void *found;
};

static int find_real(struct dl_phdr_info *info, size_t size, void *context)
{
	struct wanted *w = context;
	struct object o;
	(void)size;
	if (!object_read(&o, info))
		return 0;
	if (is_self(&o))
		w->within = true;
	else if (w->within && strcmp(o.soname, self.soname) != 0)
		w->found = (void *)object_symbol_hashed(&o, w->name, w->hash);
	return w->found != NULL;
}

/*
 * Objects are listed in the order of search; those after us count, or all if we are loaded late. dlsym is not
 * used: until glibc 2.34 it is in a library of its own, which a program need not have; it may allocate; and in a
 * program that is not position-independent it may return the program's own stub, which calls through a slot that we
 * patch.
 */
void *got_real(const char *name)
{
	struct wanted w = { name, object_hash(name), got_late(), NULL };
	dl_iterate_phdr(find_real, &w);
	return w.found;
}

/* ---------------------------------------------------------------- dlopen, called from its caller's object */

/*
 * dlopen depends on the object that calls it: it searches that object's RUNPATH, $ORIGIN and
 * namespace. So we enter it with a return address in the caller's object: the address of any
 * `ret` instruction there, which then returns to us.
 */
#if defined(__x86_64__)
void *got_call_from(uintptr_t ret, void *function, uintptr_t a, uintptr_t b, uintptr_t c)
    __attribute__((visibility("hidden")));
__asm__(".text\n"
	".hidden got_call_from\n"
	".type got_call_from, @function\n"
	"got_call_from:\n"
	"	.cfi_startproc\n"
	"	mov %rsi, %rax\n"
	"	mov %rdi, %r10\n"
	"	mov %rdx, %rdi\n"
	"	mov %rcx, %rsi\n"
	"	mov %r8, %rdx\n"
	"	sub $16, %rsp\n"
	"	.cfi_adjust_cfa_offset 16\n"
	"	lea 1f(%rip), %r11\n"
	"	push %r11\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	push %r10\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	jmp *%rax\n"
	"1:\n"
	"	.cfi_adjust_cfa_offset -16\n"
	"	add $16, %rsp\n"
	"	.cfi_adjust_cfa_offset -16\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size got_call_from, .-got_call_from\n");

/* A shadow stack would not allow that return: then dlopen is not hooked, and new objects are found later. */
static bool can_call_from(void)
{
	unsigned long features = 0;
	return system_call(SYS_arch_prctl, 0x5005 /* ARCH_SHSTK_STATUS */, &features) != 0 || !(features & 1);
}
#else
static bool can_call_from(void)
{
	return false;
}

static void *got_call_from(uintptr_t ret, void *function, uintptr_t a, uintptr_t b, uintptr_t c)
{
	(void)ret, (void)function, (void)a, (void)b, (void)c;
	return NULL;
}
#endif

struct caller {
	uintptr_t pc, ret;
};

static int find_ret(struct dl_phdr_info *info, size_t size, void *context)
{
	struct caller *c = context;
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + p->p_vaddr;
		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X) || !(p->p_flags & PF_R) || c->pc - from >= p->p_memsz)
			continue;
		c->ret = (uintptr_t)memchr((const void *)from, 0xc3, p->p_memsz);
		return 1;
	}
	return 0;
}

uintptr_t (*got_opening)(void);
void (*got_opened)(uintptr_t mark);

static void *(*real_dlopen)(const char *, int);
static void *(*real_dlmopen)(Lmid_t, const char *, int);

void got_resolve(void)
{
	*(void **)&real_dlmopen = got_real("dlmopen");
	*(void **)&real_dlopen = got_real("dlopen");
}

static void patch_new_objects(uintptr_t mark)
{
	int e = errno;
	uint8_t guard = ring_local.guard;
	if (guard == GUARD_NONE && ring_on()) {
		ring_local.guard = GUARD_DROP;
		got_patch_new();
		got_opened(mark);
		ring_local.guard = guard;
	}
	errno = e;
}

static __attribute__((noinline)) void *hook_dlopen(const char *file, int mode)
{
	struct caller c = { .pc = (uintptr_t)__builtin_return_address(0) };
	uintptr_t mark = got_opening();
	pystack_opening();
	dl_iterate_phdr(find_ret, &c);
	void *handle = c.ret
			   ? got_call_from(c.ret, *(void **)&real_dlopen, (uintptr_t)file, (uintptr_t)(unsigned)mode, 0)
			   : real_dlopen(file, mode);
	patch_new_objects(mark);
	return handle;
}

static __attribute__((noinline)) void *hook_dlmopen(Lmid_t space, const char *file, int mode)
{
	struct caller c = { .pc = (uintptr_t)__builtin_return_address(0) };
	uintptr_t mark = got_opening();
	pystack_opening();
	dl_iterate_phdr(find_ret, &c);
	void *handle = c.ret ? got_call_from(c.ret, *(void **)&real_dlmopen, (uintptr_t)space, (uintptr_t)file,
					     (uintptr_t)(unsigned)mode)
			     : real_dlmopen(space, file, mode);
	patch_new_objects(mark);
	return handle;
}

/*
 * If preloaded, the hook does its work first and then jumps to the real function, which sees the true caller.
 */
#if __has_attribute(musttail)
#define TAIL_CALL __attribute__((musttail))
#define JUMPS
#else
#define TAIL_CALL
#define JUMPS __attribute__((optimize("optimize-sibling-calls")))
#endif

HOOK JUMPS void *dlopen(const char *file, int mode)
{
	if (UNLIKELY(!real_dlopen))
		got_resolve();
	if (UNLIKELY(!real_dlopen))
		return NULL;
	pystack_opening();
	TAIL_CALL return real_dlopen(file, mode);
}

/* ---------------------------------------------------------------- slots */

/* Returns the hook for a function, and the real function that it replaces. NULL: there is no hook. */
static void *hook_for(const char *name, void **real)
{
	uint32_t hash = object_hash(name);
	static bool dlopen_too;
	static bool asked;
	if (!asked) {
		got_resolve();
		dlopen_too = can_call_from();
		asked = true;
	}
	if (dlopen_too && strcmp(name, "dlopen") == 0) {
		*real = *(void **)&real_dlopen;
		return (void *)(uintptr_t)hook_dlopen;
	}
	if (dlopen_too && strcmp(name, "dlmopen") == 0) {
		*real = *(void **)&real_dlmopen;
		return (void *)(uintptr_t)hook_dlmopen;
	}
	if (strncmp(name, "memrec_", 7) == 0)
		return NULL;
	void *hook = (void *)object_symbol_hashed(&self, name, hash);
	if (hook)
		*real = got_real(name);
	return hook;
}

static bool slots_grow(void)
{
	if (n_slots < capacity)
		return true;
	struct slot *p = pages_grow(slots, &capacity, n_slots, sizeof *p);
	if (p)
		slots = p;
	return p;
}

/* Adds zero to the word there, atomically: the kernel reports whether it could write. */
static bool is_writable(void *at)
{
	uint32_t none = 0;
	return system_call(SYS_futex, &none, FUTEX_WAKE_OP, 0, NULL, at,
			   FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0)) >= 0;
}

static void slot_store(const struct object *o, void **at, void *value)
{
	uintptr_t page = (uintptr_t)at & ~(PAGE - 1);
	bool locked = page >= o->relro_start && page < o->relro_end && !is_writable(at);
	if (locked && system_call(SYS_mprotect, page, PAGE, PROT_READ | PROT_WRITE) < 0)
		return;
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
	if (locked)
		system_call(SYS_mprotect, page, PAGE, PROT_READ);
}

static void slot_patch(const struct object *o, const ElfW(Rela) *r)
{
	unsigned type = ELF64_R_TYPE(r->r_info);
	if (!IS_CALL(type) && !(IS_ADDRESS(type) && r->r_addend == 0))
		return;
	void **at = (void **)(o->bias + r->r_offset), *real = NULL;
	void *hook = hook_for(o->strings + o->symbols[ELF64_R_SYM(r->r_info)].st_name, &real);
	void *old = *at;
	if (!hook || !real || old == hook)
		return;
	bool unbound = IS_CALL(type) && (uintptr_t)old - o->start < o->end - o->start;
	if ((old != real && !unbound) || !slots_grow())
		return;
	slots[n_slots++] = (struct slot){ at, old, hook };
	slot_store(o, at, hook);
}

/* Ourselves, another build of the agent, the loader (its allocations are not the program's), and the vdso. */
static bool is_exempt(const struct object *o)
{
	return is_self(o) || strcmp(o->soname, self.soname) == 0 || strncmp(o->soname, "ld-linux", 8) == 0 ||
	       strncmp(o->soname, "linux-vdso", 10) == 0;
}

static int object_patch(struct dl_phdr_info *info, size_t size, void *context)
{
	struct object o;
	(void)size, (void)context;
	seen_adds = info->dlpi_adds;
	if (!object_read(&o, info) || is_exempt(&o))
		return 0;
	if (looks < MAX_LOOKS && o.relro_end > o.relro_start && is_writable((void *)o.relro_start)) {
		again = true;
		return 0;
	}
	for (size_t i = 0; i < o.n_jump; i++)
		slot_patch(&o, &o.jump[i]);
	for (size_t i = 0; i < o.n_rela; i++)
		slot_patch(&o, &o.rela[i]);
	return 0;
}

void got_patch(void)
{
	lock_take(&lock);
	again = false;
	patched = true;
	looks = 0;
	dl_iterate_phdr(object_patch, NULL);
	lock_drop(&lock);
}

static int count_adds(struct dl_phdr_info *info, size_t size, void *adds)
{
	(void)size;
	*(unsigned long long *)adds = info->dlpi_adds;
	return 1;
}

/* Does not wait for the lock: a caller of dlopen may hold a lock of the loader that the lock's holder waits for. */
void got_patch_new(void)
{
	unsigned long long adds = 0;
	dl_iterate_phdr(count_adds, &adds);
	if (adds == seen_adds && !again)
		return;
	if (!lock_try(&lock)) {
		again = true;
		return;
	}
	looks = again ? looks + 1 : 0;
	again = false;
	if (patched)
		dl_iterate_phdr(object_patch, NULL);
	lock_drop(&lock);
}

/* Restores the slots of objects that are still loaded. Newest first: an address may have been a slot of two objects. */
static int object_restore(struct dl_phdr_info *info, size_t size, void *context)
{
	struct object o;
	(void)size, (void)context;
	if (!object_read(&o, info))
		return 0;
	for (uint32_t i = n_slots; i-- > 0;) {
		const struct slot *s = &slots[i];
		if ((uintptr_t)s->at - o.start < o.end - o.start && *s->at == s->hook)
			slot_store(&o, s->at, s->old);
	}
	return 0;
}

void got_restore(void)
{
	lock_take(&lock);
	if (patched)
		dl_iterate_phdr(object_restore, NULL);
	patched = false;
	n_slots = 0;
	lock_drop(&lock);
}

void got_forked(void)
{
	lock = (struct lock){ 0 };
}
