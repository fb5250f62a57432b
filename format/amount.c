/*
 * amount.c - bytes and allocations, added up
 */
#include "amount.h"

bool amount_overflowed;
