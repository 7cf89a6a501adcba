/* Capabilities: what the controller may keep, and whether init may signal another user's processes. */
#ifndef PRIVILEGES_H
#define PRIVILEGES_H

#include <stdbool.h>

/*
 * In the controller's process before exec: no new privileges, and of the capabilities at most CAP_DAC_READ_SEARCH (Secrets may be 0400 of another
 * user), CAP_CHOWN and CAP_FOWNER (what is published has the owner, mode and times of its original).
 */
void privileges_reduce(void);
bool privileges_can_kill(void);

#endif
