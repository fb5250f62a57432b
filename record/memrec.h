/*
 * memrec.h - reports the blocks of a program's own pools to memrec
 *
 * An allocator of your own divides up memory that it took from malloc or mmap, so a recording shows that memory, and
 * none of its blocks. With this header memrec records the blocks instead:
 *
 *	int hidden = memrec_hide();
 *	pool->chunk = malloc(CHUNK);		// not recorded: its blocks are
 *	memrec_show(hidden);
 *	...
 *	memrec_alloc(p, size);			// a block begins: call it after taking the block
 *	memrec_free(p);				// a block ends: call it before the block can be taken again
 *
 * Nothing has to be linked. Where the program is not recorded, each call is a load and a branch that is not taken. A
 * memrec that is attached to the program finds it as well. The blocks' allocator is named pool. A thread that
 * hides must show again; an exception or longjmp() does not do so.
 *
 * For C (gnu99 or newer) and C++ with gcc or clang, on Linux with x86-64 or aarch64; elsewhere these functions do
 * nothing. This header is in the public domain: copy it into your program.
 */
#ifndef MEMREC_H
#define MEMREC_H

#include <stddef.h>

#if defined(__linux__) && defined(__GNUC__) && (defined(__x86_64__) || defined(__aarch64__))

#include <sys/mman.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Set by memrec while it records: one for each program and library that includes this. */
struct memrec_calls {
	void (*alloc)(const void *, size_t);
	void (*free)(const void *);
	int (*hide)(int);
};

__attribute__((weak, used, visibility("hidden"))) struct memrec_calls memrec_calls_1;

/* By this note memrec finds them: their distance from the word itself. */
__asm__(".pushsection .note.memrec, \"a\", %note\n"
	"	.balign 4\n"
	"	.long 7, 8, 1\n"
	"	.asciz \"memrec\"\n"
	"	.balign 4\n"
	"	.quad memrec_calls_1 - .\n"
	"	.popsection\n");

/* A call without any effect but one: if memrec started the program, it sees the address. */
__attribute__((constructor)) static void memrec_announce(void)
{
	(void)!munmap(&memrec_calls_1, 0);
}

static inline void memrec_alloc(const void *p, size_t size)
{
	void (*alloc)(const void *, size_t) = __atomic_load_n(&memrec_calls_1.alloc, __ATOMIC_RELAXED);
	if (__builtin_expect(alloc != NULL, 0))
		alloc(p, size);
}

static inline void memrec_free(const void *p)
{
	void (*end)(const void *) = __atomic_load_n(&memrec_calls_1.free, __ATOMIC_RELAXED);
	if (__builtin_expect(end != NULL, 0))
		end(p);
}

/* Until memrec_show(), no call of this thread is recorded. Returns the argument for that; pairs may be nested. */
static inline int memrec_hide(void)
{
	int (*hide)(int) = __atomic_load_n(&memrec_calls_1.hide, __ATOMIC_RELAXED);
	return __builtin_expect(hide != NULL, 0) ? hide(-1) : -1;
}

static inline void memrec_show(int hidden)
{
	int (*hide)(int) = __atomic_load_n(&memrec_calls_1.hide, __ATOMIC_RELAXED);
	if (__builtin_expect(hide != NULL && hidden >= 0, 0))
		hide(hidden);
}

#ifdef __cplusplus
}
#endif

#else

static inline void memrec_alloc(const void *p, size_t size) { (void)p; (void)size; }
static inline void memrec_free(const void *p) { (void)p; }
static inline int memrec_hide(void) { return -1; }
static inline void memrec_show(int hidden) { (void)hidden; }

#endif
#endif
