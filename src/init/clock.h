/* One clock for everything that init measures: milliseconds of CLOCK_BOOTTIME, which no one can set. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

uint64_t now_ms(void);

/* Tests do not wait for what is long. */
#ifdef REINIT_TEST
enum { PACE = 20 };
#else
enum { PACE = 1 };
#endif

/* Deadlines are absolute; NEVER is the one that does not come. */
#define NEVER UINT64_MAX

static inline uint64_t sooner(uint64_t a, uint64_t b) { return a < b ? a : b; }

#endif
