#define _GNU_SOURCE
#include "target.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "events.h"
#include "proc.h"
#include "say.h"

enum {
	TICK_MS = 10, /* USER_HZ is 100 for everything that /proc says (proc_pid_stat(5)) */
	LOOK_MS = 1000,
};

static bool is_there(const struct slot *slot) { return proc_started(slot->pid) * TICK_MS == slot->spawned_ms; }

bool target_valid(const struct msg_attach *m) { return m->token != 0 && m->pid > 0 && m->pid != getpid() && m->started > 0; }

/* Older kernels do not know the call, and filters that do not know it either say EPERM, which it has no other reason for. */
static bool open_process(struct slot *slot)
{
	static bool said;
	slot->pid_fd = (int)syscall(SYS_pidfd_open, slot->last_pid, 0);
	if (slot->pid_fd >= 0)
		return true;
	if (errno != ENOSYS && errno != EPERM)
		return false;
	if (!said)
		say(SAY_WARN, "no pidfd on this machine: the target is known by its start time only, looked at right before a signal, and its end is noticed up to %d s later",
		    LOOK_MS / 1000);
	said = true;
	return true;
}

struct slot *target_attach(const struct msg_attach *m)
{
	struct slot *slot = slot_take(m->token, ROLE_TARGET);
	if (!slot)
		return NULL;
	slot->pid = slot->last_pid = m->pid;
	slot->spawned_ms = slot->exec_ms = m->started * TICK_MS;
	bool opened = open_process(slot);
	int error = errno;
	if (opened && is_there(slot)) { /* in this order: what is open is what was looked at */
		slot->state = SLOT_RUNNING;
		return slot;
	}
	slot->pid = 0;
	slot_fail(slot, "attach", opened ? ESRCH : error);
	return slot;
}

int target_send(const struct slot *slot, int signo)
{
	if (slot->pid_fd >= 0)
		return syscall(SYS_pidfd_send_signal, slot->pid_fd, signo, NULL, 0) == 0 ? 0 : errno;
	if (!is_there(slot))
		return ESRCH;
	return kill(slot->pid, signo) == 0 ? 0 : errno;
}

void target_ended(struct slot *slot)
{
	if (slot->pid_fd >= 0)
		close(slot->pid_fd);
	slot->pid_fd = -1;
	slot->pid = 0;
	slot->state = SLOT_EXITED;
	event_exited(slot);
}

static bool is_watched(const struct slot *slot) { return slot->token != 0 && slot->role == ROLE_TARGET && slot->pid > 0 && slot->pid_fd < 0; }

uint64_t target_deadline(void)
{
	for (const struct slot *slot = slots; slot < slots + MAX_SLOTS; slot++)
		if (is_watched(slot))
			return now_ms() + LOOK_MS;
	return NEVER;
}

void target_tick(void)
{
	for (struct slot *slot = slots; slot < slots + MAX_SLOTS; slot++)
		if (is_watched(slot) && !is_there(slot))
			target_ended(slot);
}
