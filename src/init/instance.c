#define _GNU_SOURCE
#include "instance.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "controller.h"
#include "events.h"
#include "orders.h"
#include "output.h"
#include "proc.h"
#include "say.h"
#include "signals.h"

enum {
	AFTER_RELOAD_MS = 250, /* haproxy, php-fpm and others lose or garble a stop signal that comes in their reload */
	IN_RELOAD_MS = 1000,   /* on a busy machine it takes that long: haproxy was seen to lose a stop signal after 250 ms, for good */
	AGAIN_MS = 2000,       /* such a stop signal is sent once more, well within any engine's time of grace */
	SWEEP_TERM_MS = 1000,  /* for what the main process left behind: it had the whole stop time */
	SWEEP_EVERY_MS = 5,
	STARTING_MS = 5,       /* until exec is looked for again */
	PASSES = 16,           /* a tree that keeps forking is only beaten by looks in quick succession */
};

/*
 * Whether the tree below this child of init's is the instance's. A nest's is exactly its own; un-nested it is whatever is nobody else's.
 * No slot: everybody's, at the very end, when nobody needs helpers any more.
 */
static bool is_below(pid_t top, const struct slot *slot)
{
	const struct slot *other;
	if (controller_is(top) || say_is_pump(top) || output_is_pump(top))
		return false;
	if (!slot)
		return true;
	if (slot->nest > 0)
		return top == slot->nest;
	other = slot_of_pid(top);
	return (!other || other == slot) && !slot_of_nest(top);
}

enum owner { OTHERS, OURS, UNSURE };

/* The process just below init that this one, with this parent, descends from. 0: none, it came from outside (docker exec); -1: a link vanished meanwhile. */
static pid_t top_of(pid_t pid, struct proc_stat stat)
{
	pid_t self = getpid();
	for (int depth = 0; depth < 4096 && stat.parent > 0; depth++) {
		if (stat.parent == self)
			return pid;
		pid = stat.parent;
		if (!proc_stat(pid, &stat))
			return -1;
	}
	return 0;
}

/*
 * A tree that keeps forking shows only what has just died: a zombie that init (or the nest) has yet to reap, or a chain whose link vanished while it was climbed.
 * Then something may live that the look has not seen; what died has made room for it before (fork, then exit), so that no look is blind to all of it.
 */
static enum owner owner_of(pid_t pid, const struct slot *slot)
{
	struct proc_stat stat;
	pid_t self = getpid();
	if (pid == self || (slot && pid == slot->nest))
		return OTHERS;
	if (!proc_stat(pid, &stat)) /* vanished: reaped by a parent other than init, and that one is found itself */
		return proc_scarce() ? UNSURE : OTHERS;
	if (stat.state == 'Z' || stat.state == 'X')
		return (stat.parent == self && is_below(pid, slot)) || (slot && slot->nest > 0 && stat.parent == slot->nest) ? UNSURE : OTHERS;
	pid_t top = top_of(pid, stat);
	if (top < 0)
		return UNSURE;
	return top > 0 && is_below(top, slot) ? OURS : OTHERS;
}

struct slot *instance_of(pid_t pid)
{
	struct proc_stat stat;
	pid_t top = pid != getpid() && proc_stat(pid, &stat) ? top_of(pid, stat) : 0;
	for (struct slot *slot = slots; top > 0 && slot < slots + MAX_SLOTS; slot++)
		if (slot->token != 0 && slot->role == ROLE_MAIN && is_below(top, slot) && pid != slot->nest)
			return slot;
	return NULL;
}

struct look {
	const struct slot *slot;
	int signo;
	unsigned found;
	bool unsure;
};

static void visit(pid_t pid, void *context)
{
	struct look *look = context;
	enum owner owner = owner_of(pid, look->slot);
	look->unsure |= owner == UNSURE;
	if (owner != OURS)
		return;
	look->found++;
	if (look->signo)
		kill(pid, look->signo);
}

static struct look look_for_rest(const struct slot *slot, int signo)
{
	struct look look = {.slot = slot, .signo = signo};
	look.unsure |= !proc_each(visit, &look);
	return look;
}

static bool nothing_left(struct look look) { return look.found == 0 && !look.unsure; }

bool instance_kill_all(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return nothing_left(look_for_rest(NULL, SIGKILL));
}

static void gone(struct slot *slot)
{
	slot->sweep_kill_at = NEVER;
	slot->state = SLOT_EXITED;
	event_gone(slot->token, slot->stop.killed);
}

void instance_cleared(struct slot *slot)
{
	slot->cleared = true;
	if (slot->state == SLOT_SWEEPING)
		gone(slot);
}

/* One that somebody has stopped would tell of no end. */
static void wake_nest(const struct slot *slot)
{
	if (slot->nest > 0)
		kill(slot->nest, SIGCONT);
}

/* A nest knows better than any look: it ends by itself, and that is the proof (instance_cleared). */
static void looked(struct slot *slot, struct look look)
{
	if (nothing_left(look) && slot->nest == 0)
		gone(slot);
}

/* Without /proc the group is all that can be named. */
static void sweep_blindly(struct slot *slot)
{
	kill(-slot->last_pid, SIGKILL);
	slot->cleared = true;
	if (slot->nest > 0)
		kill(slot->nest, SIGKILL); /* what is left in it is init's then; its end tells */
	else
		gone(slot);
}

static void sweep_step(struct slot *slot, uint64_t now)
{
	bool force = now >= slot->sweep_kill_at;
	wake_nest(slot);
	for (int pass = 0; pass < (force ? PASSES : 1); pass++) {
		struct look look = look_for_rest(slot, force ? SIGKILL : 0);
		if (force && pass == 0)
			slot->stop.killed += look.found;
		looked(slot, look);
		if (look.found == 0) /* unsure: after the reaping that comes first, the next look knows more */
			return;
	}
}

void instance_sweep(struct slot *slot)
{
	slot->state = SLOT_SWEEPING;
	slot->sweep_kill_at = now_ms() + SWEEP_TERM_MS;
	if (slot->cleared)
		gone(slot);
	else if (!proc_usable())
		sweep_blindly(slot);
	else
		looked(slot, look_for_rest(slot, SIGTERM));
}

/* Before exec a signal that nobody handles is lost where ignoring it is the default; all others end the start, as they should. */
static bool too_early(const struct slot *slot)
{
	return slot->exec_ms == 0 && (slot->stop.signo == SIGWINCH || slot->stop.signo == SIGURG || slot->stop.signo == SIGCONT);
}

static void send_stop(struct slot *slot)
{
	struct proc_stat stat;
	wake_nest(slot);
	if (too_early(slot)) {
		slot->stop.send_at = now_ms() + STARTING_MS;
		return;
	}
	slot->stop.send_at = NEVER;
	signals_send(slot, slot->stop.signo, orders.scope);
	if (proc_stat(slot->pid, &stat) && stat.state == 'T') /* it does not see TERM before it is continued */
		signals_send(slot, SIGCONT, orders.scope);
}

static void kill_helper(struct slot *slot, uint8_t cause)
{
	slot->timeout_at = NEVER;
	slot->cause = cause;
	kill(-slot->pid, SIGKILL);
	kill(slot->pid, SIGKILL); /* before its setsid there is no such group */
}

void instance_stop(struct slot *slot, int signo, uint32_t timeout_ms)
{
	uint64_t now = now_ms();
	if (slot->role == ROLE_HELPER) { /* no instance: nothing may be swept for it */
		if (slot->pid > 0)
			kill_helper(slot, CAUSE_KILLED);
		return;
	}
	slot->stop.wanted = true;
	slot->stop.signo = signo;
	if (slot->pid == 0) {
		if (slot->state != SLOT_SWEEPING)
			instance_sweep(slot);
		return;
	}
	slot->stop.kill_at = timeout_ms ? now + timeout_ms : NEVER;
	slot->stop.again_at = timeout_ms ? now + timeout_ms - timeout_ms / 4 : NEVER;
	if (slot->signalled && now < slot->signalled_ms + IN_RELOAD_MS)
		slot->stop.again_at = sooner(slot->stop.again_at, now + AGAIN_MS);
	if (slot->signalled && now < slot->signalled_ms + AFTER_RELOAD_MS)
		slot->stop.send_at = slot->signalled_ms + AFTER_RELOAD_MS;
	else
		send_stop(slot);
}

void instance_stop_again(struct slot *slot, int signo)
{
	slot->stop.signo = signo;
	if (slot->stop.send_at == NEVER)
		send_stop(slot);
}

uint64_t instance_deadline(void)
{
	uint64_t soonest = NEVER, now = 0;
	for (struct slot *slot = slots; slot < slots + MAX_SLOTS; slot++) {
		if (slot->token == 0)
			continue;
		soonest = sooner(soonest, slot->timeout_at);
		if (slot->pid > 0)
			soonest = sooner(soonest, sooner(slot->stop.send_at, sooner(slot->stop.again_at, slot->stop.kill_at)));
		if (slot->state == SLOT_SWEEPING)
			soonest = sooner(soonest, (now ? now : (now = now_ms())) + SWEEP_EVERY_MS);
	}
	return soonest;
}

static void kill_main(struct slot *slot)
{
	slot->stop.kill_at = NEVER;
	slot->cause = CAUSE_KILLED;
	slot->stop.killed++;
	say(SAY_WARN, "the application (pid %d) did not end in time after signal %d: KILL", slot->pid, slot->stop.signo);
	signals_send(slot, SIGKILL, SCOPE_PROCESS);
	wake_nest(slot);
}

void instance_tick(uint64_t now)
{
	for (struct slot *slot = slots; slot < slots + MAX_SLOTS; slot++) {
		if (slot->token == 0)
			continue;
		if (slot->pid > 0 && now >= slot->timeout_at)
			kill_helper(slot, CAUSE_TIMEOUT);
		if (slot->pid > 0 && now >= slot->stop.send_at)
			send_stop(slot);
		if (slot->pid > 0 && now >= slot->stop.again_at) {
			slot->stop.again_at = NEVER;
			send_stop(slot);
		}
		if (slot->pid > 0 && now >= slot->stop.kill_at)
			kill_main(slot);
		if (slot->state == SLOT_SWEEPING)
			sweep_step(slot, now);
	}
}
