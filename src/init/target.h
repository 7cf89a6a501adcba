/*
 * A process of another container with which this one shares its PID namespace. It is nobody's child here: it is known by pid and start time, held by a
 * pidfd (pidfd_open(2)), which stays that process's whatever becomes of the number, and tells of its end. Its status only its parent gets.
 */
#ifndef TARGET_H
#define TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "slots.h"

bool target_valid(const struct msg_attach *m);
/* Takes a slot for it; `failed` where it is not, or no longer, the process that is meant. NULL: no slot is free. */
struct slot *target_attach(const struct msg_attach *m);
/* 0, or an errno; ESRCH where it has ended, whoever has its number now. */
int target_send(const struct slot *slot, int signo);
void target_ended(struct slot *slot);

/* Where the kernel has no pidfd, the end has to be looked for. */
uint64_t target_deadline(void);
void target_tick(void);

#endif
