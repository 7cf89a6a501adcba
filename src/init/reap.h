/* The one owner of wait(2): every SIGCHLD, until there is nothing left to collect. */
#ifndef REAP_H
#define REAP_H

/* Never blocks. Orphans are forgotten; the exits of processes spawned by order become events. */
void reap_all(void);

#endif
