/*
 * The processes that init created by order. A slot keeps its token, and after the end its exit, until the controller has acknowledged it.
 * spawning → running → exited → (sweeping →) free; see docs/protocol.md.
 */
#ifndef SLOTS_H
#define SLOTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "messages.gen.h"

enum { MAX_SLOTS = 64, MAX_CAPTURES = 4, CAPTURE_HALF = 8192 };

/* What a helper writes: its first and its last 8 KiB, and how much there was. */
struct capture {
	bool used;
	int fd; /* -1: closed */
	uint64_t total;
	uint8_t head[CAPTURE_HALF];
	uint8_t tail[CAPTURE_HALF]; /* a ring; total tells where it stands */
};

/* A stop under way: times are absolute, NEVER where there is none. */
struct stop {
	bool wanted;
	int signo;
	uint64_t send_at;  /* held back for a moment by a reload signal just before */
	uint64_t again_at; /* the signal once more: some daemons lose it in a reload */
	uint64_t kill_at;
	uint32_t killed;
};

struct slot {
	uint32_t token; /* 0: free */
	uint8_t role, state, cause;
	bool failed;  /* exec never happened: `error` and `stage` say why */
	bool signalled; /* a guarded signal was sent at `signalled_ms` */
	int error;
	char stage[16];
	pid_t pid; /* 0 once reaped */
	pid_t last_pid;
	pid_t nest; /* the process in between (nest.h), 0 where there is none */
	int nest_fd; /* -1 where it has no more to say */
	int pid_fd; /* of a target (target.h); -1 where there is none */
	bool cleared; /* the nest has shown that nothing is left of the instance */
	int status;
	uint64_t spawned_ms, exec_ms, signalled_ms; /* exec_ms 0: not exec'ed yet */
	int exec_fd; /* closes at exec, or tells why there is none; -1 once known */
	uint64_t timeout_at;
	struct stop stop;
	uint64_t sweep_kill_at;
	struct capture *capture;
	uint32_t unsaid; /* NOTIFY_ states that have no room among the events yet: the last ones */
	pid_t unsaid_pid;
};

extern struct slot slots[MAX_SLOTS];

struct slot *slot_of_token(uint32_t token);
struct slot *slot_of_pid(pid_t pid);
struct slot *slot_of_nest(pid_t pid);
/* The slot that runs (or is about to run) the application, of two that of the orders' main_token; NULL where none does. */
struct slot *slot_of_main(void);
/* A fresh slot, or NULL where all are taken. */
struct slot *slot_take(uint32_t token, uint8_t role);
/* There is no process, for this reason. */
void slot_fail(struct slot *slot, const char *stage, int error);
void slot_free(struct slot *slot);
unsigned slots_free(void);
unsigned slots_used(void);

/* See forget.h. */
void slots_forget(void);

struct capture *capture_take(int fd);
/* Reads what there is, without blocking; closes at the end of the stream. */
void capture_read(struct capture *capture);
void capture_close(struct capture *capture);
/* What was kept, in order, in a buffer that the next call overwrites. */
struct span capture_kept(const struct capture *capture);

#endif
