/*
 * amount.c - sums of bytes and allocations
 */
#include "amount.h"

bool amount_overflowed;
