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

void container_stop(int signo)
{
	struct slot *slot = slot_of_main();
	int passed_on = orders.stop_signal ? orders.stop_signal : signo;
	bool first = stop_signal == 0;
	if (first)
		stop_signal = signo;
	if (controller_hopeful())
		event_stopping(signo);
	if (slot && first)
		instance_stop(slot, passed_on, orders.stop_timeout_ms);
	else if (slot)
		instance_stop_again(slot, passed_on);
	else if (ended_code < 0)
		container_leave(EXIT_SIGNAL + signo);
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
	ended_code = code;
	if (!stop_signal && orders.main_end == MAIN_END_HOLD && controller_hopeful())
		return;
	container_end();
}

void container_decided(void)
{
	if (stop_signal) /* only `exit` counts now */
		return;
	ended_code = -1;
	decide_by = NEVER;
}

void container_held(void)
{
	if (!stop_signal)
		decide_by = NEVER;
}

void container_abandoned(void)
{
	if (ended_code >= 0)
		container_leave(ended_code);
	else if (!slot_of_main())
		container_leave(EXIT_SYSTEM);
}

uint64_t container_deadline(void) { return decide_by; }

void container_tick(uint64_t now)
{
	if (now >= decide_by && ended_code >= 0)
		container_leave(ended_code);
}
