#define _GNU_SOURCE
#include "clock.h"

#include <time.h>

/* Not inline: a dozen files ask, and it would be as many times in the program. */
uint64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}
