#define _GNU_SOURCE
#include "container.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "clock.h"
#include "codes.h"
#include "controller.h"
#include "events.h"
#include "instance.h"
#include "orders.h"
#include "say.h"
#include "spawn.h"

enum { DECIDE_MS = 1000 };

static int stop_signal;
static int leave_code = -1;
static int ended_code = -1; /* the container's code, where the main child has ended and no one has decided otherwise */
static uint32_t ended_token; /* whose code that is */
static uint64_t decide_by = NEVER;

int container_stopping(void) { return stop_signal; }
void container_leave(int code) { leave_code = code; }

bool container_leaving(int *code)
{
	*code = leave_code;
	return leave_code >= 0;
}

/* The main child has ended, and with it the container: once the controller has had its time to say something. */
static void container_end(void)
{
	if (decide_by == NEVER)
		decide_by = now_ms() + DECIDE_MS;
	if (!controller_connected())
		container_leave(ended_code);
}

/* The application; in a restart that overlaps, both instances of it. */
static void stop_instances(int signo, bool first)
{
	for (struct slot *slot = slots; slot < slots + MAX_SLOTS; slot++) {
		if (slot->token == 0 || slot->role != ROLE_MAIN || slot->pid <= 0)
			continue;
		if (first)
			instance_stop(slot, signo, orders.stop_timeout_ms);
		else
			instance_stop_again(slot, signo);
	}
}

void container_stop(int signo)
{
	bool first = stop_signal == 0;
	if (first)
		stop_signal = signo;
	if (controller_hopeful())
		event_stopping(signo);
	if (slot_of_main())
		stop_instances(orders.stop_signal ? orders.stop_signal : signo, first);
	else if (ended_code < 0)
		container_leave(orders.exit_map[EXIT_SIGNAL + signo]);
	else
		container_end();
}

/* What a shell makes of a wait status. */
static int code_of(const struct slot *slot)
{
	if (slot->failed)
		return slot->status;
	if (WIFSIGNALED(slot->status))
		return EXIT_SIGNAL + WTERMSIG(slot->status);
	return WEXITSTATUS(slot->status);
}

static void say_failure(const struct slot *slot)
{
	char **command = spawn_command();
	say(SAY_ERROR, "cannot start %s: %s: %s", command ? command[0] : "the application", slot->stage, strerror(slot->error));
}

/*
 * Of two instances side by side it is the main_token's end that counts. That of the other one is told and ends nothing, but where it is the last:
 * then the container has nothing left to run. False: this end changes nothing.
 */
static bool keep_code(const struct slot *slot, int code)
{
	bool named = slot->token == orders.main_token;
	if (!named && slot_of_main())
		return false;
	if (named || ended_code < 0) {
		ended_code = code;
		ended_token = slot->token;
	}
	return true;
}

void container_main_ended(struct slot *slot)
{
	bool alone = !controller_connected();
	int code = orders.exit_map[code_of(slot) & 255];
	if (slot->failed && alone)
		say_failure(slot);
	if (!stop_signal && slot->stop.wanted) { /* a restart: the controller waits for `gone` */
		instance_sweep(slot);
		return;
	}
	if (!keep_code(slot, code) || (stop_signal && slot_of_main()))
		return;
	if (!stop_signal && orders.main_end == MAIN_END_HOLD && controller_hopeful())
		return;
	container_end();
}

bool container_ended_with(uint32_t token) { return ended_code >= 0 && ended_token == token; }

void container_decided(void)
{
	if (stop_signal) /* only `exit` counts now */
		return;
	ended_code = -1;
	decide_by = NEVER;
}

void container_ordered(void)
{
	const struct slot *named = slot_of_token(orders.main_token);
	if (named && named->pid > 0)
		container_decided(); /* what ended was another one */
	if (!stop_signal && orders.main_end == MAIN_END_HOLD)
		decide_by = NEVER;
}

void container_abandoned(void)
{
	if (!slot_of_main())
		container_leave(ended_code >= 0 ? ended_code : EXIT_SYSTEM);
}

uint64_t container_deadline(void) { return decide_by; }

void container_tick(uint64_t now)
{
	if (now >= decide_by && ended_code >= 0)
		container_leave(ended_code);
}
