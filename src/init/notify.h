/*
 * sd_notify(3): what an instance says of itself, told to the controller as events. The address is abstract (no file, works on a read-only root)
 * and cannot be guessed; who sends is known by the kernel's word for its pid, and counts only where that belongs to an instance.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdbool.h>

/* `NOTIFY_SOCKET=@…`; NULL with errno where there is no socket to be had. The socket is made at the first call and stays. */
const char *notify_variable(void);
/* The descriptor to poll, -1 while there is none. */
int notify_fd(void);
/* Takes some of what waits; poll(2) brings it back for the rest. */
void notify_read(void);

#endif
