/*
 * state.h - included in front of all that is fuzzed: its variables lie together, and each input finds them as they were
 */
#ifdef __clang__
#pragma clang section bss="fuzz_bss" data="fuzz_data"
#endif
