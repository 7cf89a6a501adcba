/*
 * Signals from outside: read from a signalfd, so that none is lost from init's first system call on, and treated as the standing orders say.
 * What arrives while no application runs is kept for the next one: standard signals once each, as pending ones are; real-time ones in order.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

struct slot;

/*
 * The kernel's real-time signals begin at 32. libc keeps the first two or three for itself: sigfillset(3) leaves them out, SIGRTMIN is beyond them,
 * and sigaction(2) refuses them. Applications without libc (Go) may use them, so masks and dispositions go to the kernel directly.
 */
enum { FIRST_REALTIME = 32 };

/* init's first act. The faults stay out: they are about the process that has them (signal(7)). */
void signals_block(void);
/* In a child: every signal has its default effect, none is blocked. */
void signals_default(void);
/* The descriptor to poll. -1 with errno where the kernel gives none. */
int signals_open(void);
/* Handles all that is pending; true if children have changed state. */
bool signals_read(void);
/* The same for one signal, waiting for it (-1: for ever): a system call less than poll and read, where there is nothing else to wait for. */
bool signals_wait(int timeout_ms);
/* Delivers what was kept; called when the application is exec'ed. */
void signals_release(struct slot *slot);

/* Sends to the slot's process or group. 0 or an errno. */
int signals_send(const struct slot *slot, int signo, uint8_t scope);
/* So many were passed on. */
uint64_t signals_forwarded(void);
/* True while the application is stopped on somebody's order from outside: then nobody here continues it. */
bool signals_stopped_from_outside(void);

#endif
