/*
 * state.h - included before all fuzzed code: puts its variables together, so that fuzz.c can restore them
 */
#ifdef __clang__
#pragma clang section bss="fuzz_bss" data="fuzz_data"
#endif
