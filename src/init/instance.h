/*
 * The end of an instance, all of it. `stop`: the signal, KILL after a time where there is one; then whatever else belongs to the instance gets
 * TERM, and KILL after a second, again and again until a look at the whole namespace finds none. Then it is `gone`.
 */
#ifndef INSTANCE_H
#define INSTANCE_H

#include <stdint.h>

#include "slots.h"

/* Begins the stop. timeout_ms 0: no KILL. A slot that has exited already is swept. A helper is killed with its group, and `exited` is all the answer. */
void instance_stop(struct slot *slot, int signo, uint32_t timeout_ms);
/* Passes a further stop signal on. */
void instance_stop_again(struct slot *slot, int signo);
/* The main process has been reaped after (or before) a stop: the rest follows. */
void instance_sweep(struct slot *slot);
/* The nest has ended with nothing left in it. */
void instance_cleared(struct slot *slot);
/* The slot of the instance that the process belongs to, NULL where that is none or cannot be known. */
struct slot *instance_of(pid_t pid);
/* KILL to everything that belongs to an instance, once; for init's own end where it is not PID 1: it reaps, too. True: nothing is left. */
bool instance_kill_all(void);

uint64_t instance_deadline(void);
void instance_tick(uint64_t now);

#endif
