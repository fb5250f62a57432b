/*
 * blocks.cpp - every function that allocates a block, and every one that frees it
 *
 * With more than one allocator in the process, freeing a block with the wrong one crashes the program. Each
 * function is called for 30 small blocks and two large ones, whose contents must not change.
 * `keep` leaves one block of each function, of a size by which it is found in the trace.
 */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <malloc.h>
#include <new>

static unsigned bad;

static void check(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "blocks: %s\n", what);
		bad++;
	}
}

static char *fill(void *p, size_t n, const char *what)
{
	check(p != nullptr, what);
	return p ? static_cast<char *>(memset(p, 0x5a, n)) : nullptr;
}

static bool is_filled(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i += i < 64 ? 1 : 61)
		if (p[i] != 0x5a)
			return false;
	return true;
}

static bool is_aligned(const void *p, size_t align)
{
	return reinterpret_cast<uintptr_t>(p) % align == 0;
}

static size_t size_of(size_t i)
{
	return i < 30 ? 16 + 64 * i : i == 30 ? 200000 : 1100000;
}

template <typename Allocate, typename Release>
static void blocks(const char *what, Allocate allocate, Release release)
{
	char *p[32];
	for (size_t i = 0; i < 32; i++)
		p[i] = fill(allocate(size_of(i)), size_of(i), what);
	for (size_t i = 0; i < 32; i++) {
		check(p[i] && is_filled(p[i], size_of(i)), what);
		release(p[i]);
	}
}

static void *grown(void *old, size_t n, bool array)
{
	fill(old, 10, "before realloc");
	void *p = array ? reallocarray(old, n / 8, 8) : realloc(old, n);
	check(p && is_filled(static_cast<char *>(p), 10), "what realloc moved");
	return p;
}

static void *memaligned(size_t n)
{
	void *p = nullptr;
	check(posix_memalign(&p, 64, n) == 0 && is_aligned(p, 64), "posix_memalign");
	return p;
}

static void c_functions()
{
	blocks("malloc", [](size_t n) { return malloc(n); }, free);
	blocks("calloc", [](size_t n) { return calloc(n / 8, 8); }, free);
	blocks("realloc", [](size_t n) { return grown(malloc(16), n, false); }, free);
	blocks("realloc of nothing", [](size_t n) { return realloc(nullptr, n); }, free);
	blocks("reallocarray", [](size_t n) { return grown(malloc(16), n, true); }, free);
	blocks("reallocarray of what was aligned", [](size_t n) { return grown(memaligned(16), n, true); }, free);
	blocks("reallocarray of nothing", [](size_t n) { return reallocarray(nullptr, n / 8, 8); }, free);
	blocks("posix_memalign", memaligned, free);
	blocks("aligned_alloc", [](size_t n) { return aligned_alloc(16, n); }, free);
	blocks("memalign", [](size_t n) { return memalign(128, n); }, free);
	blocks("valloc", [](size_t n) { return valloc(n); }, free);
	blocks("reallocarray of malloc, then realloc", [](size_t n) { return realloc(reallocarray(malloc(9), 3, 5), n); }, free);
	blocks("strdup", [](size_t n) { char *s = static_cast<char *>(malloc(n + 1)); memset(s, 'x', n); s[n] = 0; char *t = strdup(s); free(s); return t; }, free);
	volatile size_t much = SIZE_MAX / 2;
	check(reallocarray(nullptr, much, 3) == nullptr, "reallocarray of too much");
	check(malloc_usable_size(malloc(1000)) >= 1000, "malloc_usable_size");
	char *line = nullptr;
	size_t room = 0;
	FILE *f = fopen("/proc/self/maps", "r");
	while (getline(&line, &room, f) > 0)
		;
	fclose(f);
	free(line);
}

struct alignas(64) Wide {
	char c[512];
};

static void operators()
{
	using std::align_val_t;
	using std::nothrow;
	blocks("new", [](size_t n) { return operator new(n); }, [](void *p) { operator delete(p); });
	blocks("new[]", [](size_t n) { return operator new[](n); }, [](void *p) { operator delete[](p); });
	blocks("new, no throw", [](size_t n) { return operator new(n, nothrow); }, [](void *p) { operator delete(p, nothrow); });
	blocks("new[], no throw", [](size_t n) { return operator new[](n, nothrow); }, [](void *p) { operator delete[](p, nothrow); });
	blocks("new, aligned", [](size_t n) { return operator new(n, align_val_t(128)); }, [](void *p) { operator delete(p, align_val_t(128)); });
	blocks("new[], aligned", [](size_t n) { return operator new[](n, align_val_t(128)); }, [](void *p) { operator delete[](p, align_val_t(128)); });
	for (int i = 0; i < 30; i++) {
		Wide *one = new Wide, *some = new Wide[3];
		check(is_aligned(one, 64) && is_aligned(some, 64), "what new aligns");
		delete one;
		delete[] some;
	}
}

/* Not every allocator supports these. */
static void throwing()
{
	bool thrown = false;
	try {
		void *volatile p = operator new(SIZE_MAX / 4);
		(void)p;
	} catch (std::bad_alloc &) {
		thrown = true;
	}
	check(thrown, "new of too much throws");
}

/* Blocks that stay, each of another size: 4000001 by malloc, 4000011 by calloc, … */
static void keep()
{
	void *p = nullptr;
	fill(malloc(4000001), 4000001, "keep");
	fill(calloc(4000011, 1), 4000011, "keep");
	fill(realloc(malloc(16), 4000021), 4000021, "keep");
	fill(reallocarray(malloc(16), 4000031, 1), 4000031, "keep");
	fill(posix_memalign(&p, 64, 4000041) ? nullptr : p, 4000041, "keep");
	fill(aligned_alloc(64, 4000064), 4000064, "keep");
	fill(memalign(64, 4000061), 4000061, "keep");
	fill(valloc(4000071), 4000071, "keep");
	fill(operator new(4000081), 4000081, "keep");
	fill(operator new[](4000091, std::nothrow), 4000091, "keep");
	fill(operator new(4000101, std::align_val_t(128)), 4000101, "keep");
}

int main(int argc, char **)
{
	if (argc > 1)
		throwing();
	for (int i = 0; i < 2; i++) {
		c_functions();
		operators();
	}
	/* C23: ours exists even if the C library does not have it. */
	void (*free_sized)(void *, size_t);
	*reinterpret_cast<void **>(&free_sized) = dlsym(RTLD_DEFAULT, "free_sized");
	if (free_sized)
		blocks("free_sized", [](size_t n) { return malloc(n); }, [free_sized](void *p) { free_sized(p, malloc_usable_size(p)); });
	keep();
	puts(bad ? "bad" : "good");
	return bad != 0;
}
