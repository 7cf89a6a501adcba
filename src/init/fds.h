/* File descriptors that must not pass on: init's own are close-on-exec, and so is whatever it inherited beyond 0, 1 and 2. */
#ifndef FDS_H
#define FDS_H

#include <stdbool.h>

/* At start: occupies closed standard streams (told in `closed`), so that nothing of init's own lands there; marks the rest close-on-exec. */
void fds_begin(bool closed[3]);
/* In a process that does not exec: closes everything from this number on. */
void fds_close_from(unsigned first);

#endif
