/*
 * The application's output, where it is asked for: pipes instead of the container's own stdout and stderr, and a process, the output pump, that
 * takes whole lines from them, makes of each what is wanted, and writes it to stdout and stderr or to a file.
 *
 * Crash-only: all that the pump knows of unfinished work is in memory that it shares with init (output-state.h), and init holds the pipes. So the pump
 * may end at any moment, by itself (a pipe has ended, the file is in trouble), by order (there is a new pipe), or by KILL; the next one goes on.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "messages.gen.h"

enum { MAX_PREFIX = 256, MAX_OUTPUT_PATH = 4000 };

/* What `output` may be asked: known formats, a prefix and a path that fit, sizes that make sense. */
bool output_valid(const struct msg_output *m);
/* Replaces the settings; what has not been written yet is written by the new ones. */
void output_set(const struct msg_output *m);

/* The write ends for an instance's stdout and stderr; -1 each where it has to do with the container's own, which has been said. */
void output_open(int ends[2]);
/* The instance has been created, or not: starts the pump for it. */
void output_begin(void);

bool output_is_pump(pid_t pid);
/* If `pid` was the pump, another one goes on. False: it was not. */
bool output_ended(pid_t pid, int status);

/* When output_tick has to be called: there is output, and no process could be had for it. */
uint64_t output_deadline(void);
void output_tick(uint64_t now);

/* At the container's end: waits until all that is in the pipes is written. No longer than its readers keep reading. */
void output_flush(void);

#endif
