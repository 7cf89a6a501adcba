#define _GNU_SOURCE
#include "killpoint.h"

#ifdef REINIT_TEST
#include <signal.h>
#include <stdlib.h>

#include "controller.h"

static long passed;

static long wanted(void)
{
	const char *text = getenv("REINIT_TEST_KILL_AT");
	return text ? atol(text) : 0;
}

void kill_point(void)
{
	if (controller_alive() && ++passed == wanted())
		controller_kill();
}

size_t kill_point_cut(size_t length) { return controller_alive() && passed + 1 == wanted() && length > 1 ? length / 2 : length; }
#else
typedef int nothing_here; /* ISO C wants a translation unit to hold something */
#endif
