#define _GNU_SOURCE
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "nest.h"
#include "notify.h"

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
	return m->token != 0 && m->uid >= -1 && m->gid >= -1 && (m->role == ROLE_MAIN || m->role == ROLE_HELPER) && m->flags < 128 && !(m->role == ROLE_HELPER && m->flags & (SPAWN_NEST | SPAWN_SOCKETS | SPAWN_NOTIFY)) && texts_valid(m->argv, false) &&
	       texts_valid(m->env_set, true) && texts_valid(m->env_unset, false) && !memchr(m->cwd.at, '\0', m->cwd.len) &&
	       groups_valid(m->groups) && texts_valid(m->rlimits, true) && (m->argv.count > 0 || own_command != NULL);
}

/* The pipe that tells of exec, and where wanted the one that takes the output. */
static bool open_pipes(const struct msg_spawn *m, struct slot *slot, int report[2], int output[2])
{
	output[0] = output[1] = -1;
	if (pipe2(report, O_CLOEXEC) < 0)
		return false;
	if (m->flags & SPAWN_CAPTURE) {
		bool opened = pipe2(output, O_CLOEXEC) == 0;
		int error = opened ? EBUSY : errno; /* EBUSY: all captures are in use */
		if (!opened || !(slot->capture = capture_take(output[0]))) {
			for (int end = 0; end < 2; end++) {
				close(report[end]);
				close(output[end]);
			}
			errno = error;
			return false;
		}
		fcntl(output[0], F_SETFL, O_NONBLOCK);
	}
	return true;
}

struct slot *spawn(const struct msg_spawn *m)
{
	int report[2], output[2];
	struct slot *slot = slot_take(m->token, m->role);
	if (!slot)
		return NULL;
	slot->spawned_ms = now_ms();
	if (m->flags & SPAWN_NOTIFY && !notify_variable()) {
		slot_fail(slot, "notify", errno);
		return slot;
	}
	if (!open_pipes(m, slot, report, output)) {
		slot_fail(slot, "pipe", errno);
		return slot;
	}
	pid_t pid = m->flags & SPAWN_NEST ? nest_fork(slot) : fork();
	if (pid == 0)
		child_become(m, own_command, closed_at_start, report[1], output[1]);
	int error = errno;
	close(report[1]);
	if (output[1] >= 0)
		close(output[1]);
	if (pid < 0) {
		close(report[0]);
		slot_fail(slot, m->flags & SPAWN_NEST ? "nest" : "fork", error);
		return slot;
	}
	fcntl(report[0], F_SETFL, O_NONBLOCK);
	slot->pid = slot->last_pid = pid;
	slot->exec_fd = report[0];
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
