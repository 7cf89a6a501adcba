/*
 * The terminal: where stdin is one, the application is its foreground process group, so that the terminal's own signals (INT, QUIT, TSTP, WINCH)
 * reach it from the kernel and init has none to pass on, and job control works inside it.
 */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdbool.h>
#include <sys/types.h>

/* Looks once, at start: the terminal is ours to give only if init's own group is its foreground (a shell's background job must not take it). */
void terminal_begin(void);
bool terminal_ours(void);
/* Makes the group the foreground: the application's, from its process after setpgid; init's own between two instances. SIGTTOU must be blocked (tcsetpgrp(3)). */
void terminal_give(pid_t group);

#endif
