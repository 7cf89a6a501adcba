/*
 * The socket to the controller: frames out of a bounded buffer, frames in, one commit at a time. A new socketpair for each controller.
 * Neither side of it ever blocks init.
 */
#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stdint.h>

/* Opens a link; returns the controller's end (close-on-exec), -1 where that is impossible. hello, slots and unacknowledged events are on their way. */
int link_open(void);
bool link_up(void);
int link_fd(void);
bool link_wants_to_write(void);
void link_write(void);
/*
 * Reads and applies what is there, or a good part of it. False: the controller broke the protocol, and is to be ended; the link is closed then, because what follows
 * a refused commit builds on it. It is closed at the controller's end of it as well.
 */
bool link_read(void);
/* The controller is gone: reads the socket to its end, applies whole commits, drops a half frame, closes. */
void link_close(void);
/* Tells the counters, with this id, when there is room next. */
void link_count(uint32_t id);
/* See forget.h. */
void link_forget(void);
/* Whether this link has seen a commit. */
bool link_answered(void);

#endif
