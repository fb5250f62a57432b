// names.cpp - functions of C++ and (by their symbols) of Rust that allocate blocks of known sizes
#include <cstdlib>

static void *volatile sink;

namespace space {
template <class T> struct Box {
	__attribute__((noinline)) void *take(T n, const char *)
	{
		sink = malloc(n + 1001);
		return sink;
	}
};
}

extern "C" {
__attribute__((noinline)) void *rust_old(void) __asm__("_ZN5alpha4beta5gamma17h0123456789abcdefE");
__attribute__((noinline)) void *rust_new(void) __asm__("_RNvCs1234_7mycrate3foo");
void *rust_old(void)
{
	sink = malloc(1002);
	return sink;
}
void *rust_new(void)
{
	sink = malloc(1003);
	return sink;
}
}

int main()
{
	space::Box<long> b;
	void *p = b.take(0, ""), *q = rust_old(), *r = rust_new();
	free(p);
	free(q);
	free(r);
}
