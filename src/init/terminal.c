#define _GNU_SOURCE
#include "terminal.h"

#include <unistd.h>

static bool ours;

void terminal_begin(void)
{
	if (!isatty(STDIN_FILENO))
		return;
	pid_t foreground = tcgetpgrp(STDIN_FILENO); /* fails with ENOTTY where it is not the controlling terminal */
	ours = foreground > 0 && foreground == getpgrp();
}

bool terminal_ours(void) { return ours; }

void terminal_give(pid_t group)
{
	if (ours)
		tcsetpgrp(STDIN_FILENO, group); /* fails only where the terminal hangs up meanwhile: the application sees that itself */
}
