#define _GNU_SOURCE
#include "reap.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "container.h"
#include "controller.h"
#include "events.h"
#include "instance.h"
#include "nest.h"
#include "orders.h"
#include "output.h"
#include "say.h"
#include "signals.h"
#include "slots.h"
#include "spawn.h"
#include "terminal.h"

static uint64_t orphans;

uint64_t reap_orphans(void) { return orphans; }

/* Ctrl-Z in a container stops the application, and no shell is there that could say fg. */
static void continue_main(const struct slot *slot, int signo)
{
	static uint64_t said;
	/* Where the terminal is not ours, reading from it would stop it again at once, and the shell whose job we are can resume it. */
	bool resumable = signo == SIGTSTP || (terminal_ours() && (signo == SIGTTIN || signo == SIGTTOU));
	if (slot->role != ROLE_MAIN || signals_stopped_from_outside() || !resumable)
		return;
	terminal_give(slot->pid);
	signals_send(slot, SIGCONT, SCOPE_GROUP);
	if (said == 0 || now_ms() > said + 10000)
		say(SAY_INFO, "the application was stopped by the terminal (signal %d) with nobody to resume it: continued", signo);
	said = now_ms();
}

static void slot_ended(struct slot *slot, int status)
{
	if (slot->exec_fd >= 0 && spawn_look(slot))
		event_spawned(slot);
	if (slot->capture) {
		capture_read(slot->capture);
		capture_close(slot->capture);
	}
	if (slot->role == ROLE_HELPER)
		kill(-slot->pid, SIGKILL); /* what it left in its session's group */
	slot->pid = 0;
	slot->timeout_at = slot->stop.send_at = slot->stop.again_at = slot->stop.kill_at = NEVER;
	slot->state = SLOT_EXITED;
	if (slot->failed) {
		event_spawn_failed(slot);
	} else {
		slot->status = status;
		event_exited(slot);
	}
	if (slot->role == ROLE_MAIN) {
		const struct slot *other = slot_of_main();
		terminal_give(other ? other->pid : getpgrp()); /* until the next instance takes it, Ctrl-C is for init */
		container_main_ended(slot);
	}
}

void reap_nested(struct slot *slot)
{
	struct nest_word word;
	while (nest_hear(slot, &word)) {
		if (word.kind == NEST_STOPPED) {
			continue_main(slot, word.value);
		} else {
			slot_ended(slot, word.value);
			nest_release(slot); /* only now may the pid become another's */
		}
	}
}

/* By itself, with nothing left to hold; or killed: its children are init's own from here on, and their exits come to be collected. */
static void nest_ended(struct slot *slot, int status)
{
	reap_nested(slot); /* its last words */
	nest_hang_up(slot);
	slot->nest = 0;
	if (slot->cleared || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
		instance_cleared(slot);
	else
		say(SAY_WARN, "the process that held the application's (pid %d) was killed (signal %d): init holds them itself now", slot->last_pid,
		    WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void collected(pid_t pid, int status)
{
	struct slot *slot = slot_of_pid(pid), *nested;
	if (WIFSTOPPED(status)) {
		if (slot)
			continue_main(slot, WSTOPSIG(status));
	} else if (slot) {
		slot_ended(slot, status);
	} else if ((nested = slot_of_nest(pid))) {
		nest_ended(nested, status);
	} else if (!controller_ended(pid, status) && !say_ended(pid) && !output_ended(pid, status)) {
		orphans++; /* collected, and nobody's affair */
	}
}

void reap_all(void)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG | WUNTRACED);
		if (pid > 0)
			collected(pid, status);
		else if (pid == 0 || errno != EINTR) /* none waitable, or (ECHILD) none at all */
			return;
	}
}
