/* The one owner of wait(2): every SIGCHLD, until there is nothing left to collect. */
#ifndef REAP_H
#define REAP_H

/* Never blocks. Orphans are counted and forgotten; the exits of processes spawned by order become events. */
void reap_all(void);
unsigned long reap_orphans(void);

#endif
