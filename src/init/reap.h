/* The one owner of wait(2): every SIGCHLD, until there is nothing left to collect. */
#ifndef REAP_H
#define REAP_H

#include <stdint.h>

struct slot;

/* Never blocks. Orphans are forgotten; the exits of processes spawned by order become events. */
void reap_all(void);
/* What a nest has to tell of the application that it holds. */
void reap_nested(struct slot *slot);
/* Processes that were nobody's, and were collected here. Those of a nest's tree are the nest's. */
uint64_t reap_orphans(void);

#endif
