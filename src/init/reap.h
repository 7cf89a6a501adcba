/* The one owner of wait(2): every SIGCHLD, until there is nothing left to collect. */
#ifndef REAP_H
#define REAP_H

struct slot;

/* Never blocks. Orphans are forgotten; the exits of processes spawned by order become events. */
void reap_all(void);
/* What a nest has to tell of the application that it holds. */
void reap_nested(struct slot *slot);

#endif
