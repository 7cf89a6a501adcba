#define _GNU_SOURCE
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "nest.h"
#include "notify.h"
#include "output.h"

static char **own_command;
static bool closed_at_start[3];

void spawn_begin(char **command, const bool closed[3])
{
	own_command = command;
	memcpy(closed_at_start, closed, sizeof closed_at_start);
}

char **spawn_command(void) { return own_command; }

static bool texts_valid(struct list list, bool need_equals)
{
	struct span item;
	while (list_next(&list, &item)) {
		if (memchr(item.at, '\0', item.len))
			return false;
		if (need_equals && !memchr(item.at, '=', item.len))
			return false;
	}
	return true;
}

/* Decimal: a name that is taken for a number would be group 0. */
static bool groups_valid(struct list list)
{
	struct span item;
	while (list_next(&list, &item)) {
		if (item.len == 0 || item.len > 10)
			return false;
		for (size_t i = 0; i < item.len; i++)
			if (item.at[i] < '0' || item.at[i] > '9')
				return false;
	}
	return true;
}

bool spawn_valid(const struct msg_spawn *m)
{
	return m->token != 0 && m->uid >= -1 && m->gid >= -1 && (m->role == ROLE_MAIN || m->role == ROLE_HELPER) && m->flags < 256 && !(m->role == ROLE_HELPER && m->flags & (SPAWN_NEST | SPAWN_SOCKETS | SPAWN_NOTIFY | SPAWN_OUTPUT)) &&
	       !(m->role == ROLE_MAIN && m->flags & SPAWN_CAPTURE && m->flags & SPAWN_OUTPUT) && texts_valid(m->argv, false) &&
	       texts_valid(m->env_set, true) && texts_valid(m->env_unset, false) && !memchr(m->cwd.at, '\0', m->cwd.len) &&
	       groups_valid(m->groups) && texts_valid(m->rlimits, true) && (m->argv.count > 0 || own_command != NULL);
}

/* What is between the child and init. `streams`: its stdout and stderr, -1 where they are inherited. */
struct pipes {
	int report[2], streams[2];
};

static void close_pair(const int pair[2])
{
	for (int i = 0; i < 2; i++)
		if (pair[i] >= 0 && (i == 0 || pair[i] != pair[0]))
			close(pair[i]);
}

/* One pipe for both streams. */
static bool open_capture(struct slot *slot, struct pipes *pipes)
{
	int output[2];
	if (pipe2(output, O_CLOEXEC) < 0)
		return false;
	if (!(slot->capture = capture_take(output[0]))) {
		close_pair(output);
		errno = EBUSY; /* all captures are in use */
		return false;
	}
	fcntl(output[0], F_SETFL, O_NONBLOCK);
	pipes->streams[0] = pipes->streams[1] = output[1];
	return true;
}

/* The pipe that tells of exec, and where wanted those that take the output. */
static bool open_pipes(const struct msg_spawn *m, struct slot *slot, struct pipes *pipes)
{
	pipes->streams[0] = pipes->streams[1] = -1;
	if (pipe2(pipes->report, O_CLOEXEC) < 0)
		return false;
	if (m->flags & SPAWN_CAPTURE && !open_capture(slot, pipes)) {
		int error = errno;
		close_pair(pipes->report);
		errno = error;
		return false;
	}
	if (m->flags & SPAWN_OUTPUT)
		output_open(pipes->streams);
	return true;
}

struct slot *spawn(const struct msg_spawn *m)
{
	struct pipes pipes;
	struct slot *slot = slot_take(m->token, m->role);
	if (!slot)
		return NULL;
	slot->spawned_ms = now_ms();
	if (m->flags & SPAWN_NOTIFY && !notify_variable()) {
		slot_fail(slot, "notify", errno);
		return slot;
	}
	if (!open_pipes(m, slot, &pipes)) {
		slot_fail(slot, "pipe", errno);
		return slot;
	}
	pid_t pid = m->flags & SPAWN_NEST ? nest_fork(slot) : fork();
	if (pid == 0)
		child_become(m, own_command, closed_at_start, pipes.report[1], pipes.streams);
	int error = errno;
	close(pipes.report[1]);
	close_pair(pipes.streams);
	if (m->flags & SPAWN_OUTPUT)
		output_begin();
	if (pid < 0) {
		close(pipes.report[0]);
		slot_fail(slot, m->flags & SPAWN_NEST ? "nest" : "fork", error);
		return slot;
	}
	fcntl(pipes.report[0], F_SETFL, O_NONBLOCK);
	slot->pid = slot->last_pid = pid;
	slot->exec_fd = pipes.report[0];
	if (m->timeout_ms > 0)
		slot->timeout_at = slot->spawned_ms + m->timeout_ms;
	if (m->role == ROLE_MAIN && !(m->flags & (SPAWN_SESSION | SPAWN_NEST))) /* the leader of a group cannot begin a session */
		setpgid(pid, pid); /* here too: a signal for the group may be due before the child has run */
	return slot;
}

bool spawn_look(struct slot *slot)
{
	struct failure failure;
	ssize_t got = read(slot->exec_fd, &failure, sizeof failure);
	if (got < 0)
		return false; /* EAGAIN: not yet */
	close(slot->exec_fd);
	slot->exec_fd = -1;
	if (got == sizeof failure) {
		slot->failed = true;
		slot->error = failure.error;
		slot->status = failure.exit_code;
		memcpy(slot->stage, failure.stage, sizeof slot->stage);
		slot->stage[sizeof slot->stage - 1] = '\0';
		return false;
	}
	slot->state = SLOT_RUNNING;
	slot->exec_ms = now_ms();
	return true;
}
