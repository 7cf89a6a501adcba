/* What /proc tells of processes. Nothing here allocates; every answer is a snapshot that may be old when it is read. */
#ifndef PROC_H
#define PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_stat {
	char state;
	pid_t parent;
};

/* False where the process is gone, or /proc is not that of this PID namespace, or nothing can be known (proc_scarce). */
bool proc_stat(pid_t pid, struct proc_stat *stat);
/* When it was started, as its stat has it (field 22, in ticks since boot); 0 where nothing is to be known. With the pid it names one process for good. */
uint64_t proc_started(pid_t pid);
/* After a failure: it was for want of descriptors or memory, and says nothing of what was asked for. */
bool proc_scarce(void);

/* Whether the program takes the signal: a SIGNALLED_ result, SENT meaning yes. proc(5): SigIgn, SigCgt, and SigBlk of each thread. */
uint8_t proc_takes(pid_t pid, int signo);

/* Calls `visit` for each process of the namespace. False where /proc cannot be read, or not to its end. */
bool proc_each(void (*visit)(pid_t pid, void *context), void *context);

/* True if /proc is mounted and is this PID namespace's. */
bool proc_usable(void);

#endif
