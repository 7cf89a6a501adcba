/*
 * Signals from outside: read from a signalfd, so that none is lost from init's first system call on, and treated as the standing orders say.
 * What arrives while no application runs is kept for the next one: standard signals once each, as pending ones are; real-time ones in order.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

struct slot;

/* init's first act. The faults stay out: they are about the process that has them (signal(7)). */
void signals_block(void);
/* The descriptor to poll. -1 with errno where the kernel gives none. */
int signals_open(void);
/* Handles all that is pending; true if children have changed state. */
bool signals_read(void);
/* Delivers what was kept; called when the application is exec'ed. */
void signals_release(struct slot *slot);

/* Sends to the slot's process or group. 0 or an errno. */
int signals_send(const struct slot *slot, int signo, uint8_t scope);
/* True while the application is stopped on somebody's order from outside: then nobody here continues it. */
bool signals_stopped_from_outside(void);

#endif
