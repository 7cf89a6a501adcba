#define _GNU_SOURCE
#include "killpoint.h"

#ifdef REINIT_TEST
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "controller.h"

static long passed;

static long number(const char *name)
{
	const char *text = getenv(name);
	return text ? atol(text) : 0;
}

static long wanted(void) { return number("REINIT_TEST_KILL_AT"); }

void kill_point(void)
{
	if (controller_alive() && ++passed == wanted())
		controller_kill();
}

size_t kill_point_cut(size_t length) { return controller_alive() && passed + 1 == wanted() && length > 1 ? length / 2 : length; }

void kill_point_own(uint64_t *done)
{
	long every = number("REINIT_TEST_OUTPUT_KILL_EVERY");
	if (every > 0 && ++*done % (uint64_t)every == 0)
		kill(getpid(), SIGKILL);
}
#else
typedef int nothing_here; /* ISO C wants a translation unit to hold something */
#endif
