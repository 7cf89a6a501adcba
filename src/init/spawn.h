/* Creating processes: the only place that forks for somebody else. A failure names its stage and errno; exec's success is the end of a pipe. */
#ifndef SPAWN_H
#define SPAWN_H

#include "slots.h"

/* What `spawn` may be asked: strings without NUL, known limits, a role. */
bool spawn_valid(const struct msg_spawn *m);

/* Remembers init's own arguments after `--`, which an empty argv means, and the descriptors that were closed at start. */
void spawn_begin(char **command, const bool closed[3]);
char **spawn_command(void);

/* Creates the process in a fresh slot. Where even fork fails, the slot tells (`failed`), as for any other stage. NULL: no slot. */
struct slot *spawn(const struct msg_spawn *m);

/* Reads the exec pipe without blocking. True: exec has happened just now, the slot is running. Otherwise not yet, or `failed` is set and the child about to end. */
bool spawn_look(struct slot *slot);

#endif
