#define _GNU_SOURCE
#include "controller.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "codes.h"
#include "container.h"
#include "events.h"
#include "link.h"
#include "node.h"
#include "say.h"
#include "slots.h"
#include "text.h"

enum {
	HANG_MS = 10000,      /* age of the oldest unacknowledged event */
	BOOT_MS = 30000,      /* until the first commit: Node's start on a starved machine is no hang */
	STABLE_MS = 10000,    /* having run so long, or having acknowledged something, the next failure is the first again */
	HOPELESS = 8,         /* failures in a row: from here on init is a plain init */
	HAND_OVER_MS = 1000,  /* a controller that hands over lives at least so long: what changes all the time must not start one after the other */
	START_ATTEMPTS = 4,   /* before there ever was an application: nothing is running that would be worth waiting for */
};

/* From the n-th failure in a row on. */
static const uint32_t delays_ms[] = {0, 0, 100, 300, 1000, 3000, 10000, 30000, 60000};

static char *const *own_arguments;
static int own_count;

static pid_t pid;
static uint32_t generation;
static uint64_t started_ms, start_at = NEVER;
static uint64_t oldest_then; /* when it started: the oldest event that was not acknowledged */
static unsigned failures;
static bool wanted;

/* Milliseconds that something has waited for the controller while init itself ran; a paused container is not a hang. */
static uint64_t waited_ms, last_tick;

bool controller_is(pid_t other) { return pid > 0 && other == pid; }
/* One that has answered is a controller again, however many failed before it. */
bool controller_hopeful(void) { return wanted && (failures < HOPELESS || (pid > 0 && link_up() && link_answered())); }
bool controller_alive(void) { return pid > 0; }
bool controller_connected(void) { return pid > 0 && link_up(); }
uint32_t controller_generation(void) { return generation; }

void controller_kill(void)
{
	if (pid > 0)
		kill(pid, SIGKILL);
}

void controller_begin(char *const *arguments, int count)
{
	node_find();
	own_arguments = arguments;
	own_count = count;
}

/* Before there ever was an application, a controller that cannot be started is the container's end. `for_good`: the next one would say the same. */
static bool gave_up(const char *how, bool for_good)
{
	bool ever_ran = slots_used() > 0 || events_next_seq() > 1;
	if (ever_ran || (failures < START_ATTEMPTS && !for_good))
		return false;
	say(SAY_ERROR, "the controller cannot be started (%s), and nothing runs yet: leaving with %d", how, EXIT_SYSTEM);
	container_leave(EXIT_SYSTEM);
	return true;
}

static uint32_t next_delay(void)
{
	size_t last = sizeof delays_ms / sizeof *delays_ms - 1;
	return delays_ms[failures < last ? failures : last] / PACE;
}

static void tell(const char *what, const char *how)
{
	if (failures == HOPELESS)
		say(SAY_ERROR, "the controller cannot be kept up (%s, %u times in a row): configuration changes are not followed; signals, stop and reaping go on; "
		    "it is tried again every %u s", how, failures, next_delay() / 1000);
	else
		say(failures < HOPELESS ? SAY_WARN : SAY_ERROR, "the controller %s (%s): it is started again%s; the application does not notice", what,
		    how, next_delay() ? " after a pause" : "");
}

/* One more failure in a row, be it to start or to stay up: told, counted, tried again. */
static void failed(const char *what, const char *how, bool for_good, uint64_t now)
{
	failures++;
	if (gave_up(how, for_good))
		return;
	tell(what, how);
	start_at = now + next_delay();
	if (failures >= HOPELESS || container_stopping())
		container_abandoned();
}

void controller_start(void)
{
	wanted = true;
	start_at = NEVER;
	int log = say_pipe();
	int theirs = link_open();
	pid_t child = theirs < 0 ? -1 : fork();
	if (child == 0)
		node_become_controller(theirs, log, own_arguments, own_count);
	int error = errno;
	say_begin(); /* after the controller, whose start the application's waits for */
	if (theirs >= 0)
		close(theirs);
	started_ms = now_ms();
	oldest_then = events_oldest();
	waited_ms = 0;
	if (child < 0) {
		link_close();
		failed("cannot be started", strerror(error), false, started_ms);
		return;
	}
	pid = child;
	generation++;
}

bool controller_ended(pid_t other, int status)
{
	int code;
	char how[64];
	if (!controller_is(other))
		return false;
	pid = 0; /* reaped: the number may be another's from here on */
	link_close(); /* reads to the end: a last commit counts, an `exit` above all */
	if (container_leaving(&code))
		return true;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && container_stopping())
		return true;
	if (WIFSIGNALED(status))
		text_format(how, sizeof how, "signal %d", WTERMSIG(status));
	else
		text_format(how, sizeof how, "exit code %d", WEXITSTATUS(status));
	uint64_t now = now_ms();
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_HAND_OVER) { /* by order of a changed configuration: it has said so itself */
		uint64_t earliest = started_ms + HAND_OVER_MS;
		failures = 0;
		start_at = now > earliest ? now : earliest;
		return true;
	}
	if (now - started_ms >= STABLE_MS || events_oldest() > oldest_then)
		failures = 0;
	failed("ended", how, WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SYSTEM, now); /* no Node, or one that is too old (node.c, src/loader) */
	return true;
}

/* One that has closed its link is about to end, and owes that. */
static bool owes(void) { return pid > 0 && (events_waiting() || !link_answered() || !link_up()); }

uint64_t controller_deadline(void)
{
	if (!wanted)
		return NEVER;
	return sooner(start_at, owes() ? last_tick + 1000 : NEVER);
}

/* Counts a second at most between two looks: more means that init itself did not run (paused, stopped, starved). */
static void watch_for_hang(uint64_t now)
{
	static uint64_t seen;
	uint64_t first = events_oldest();
	if (!owes() || first != seen) {
		seen = first;
		waited_ms = 0;
		return;
	}
	uint64_t step = now - last_tick;
	waited_ms += step > 1000 ? 1000 : step;
	if (waited_ms < (link_answered() ? HANG_MS : BOOT_MS))
		return;
	say(SAY_ERROR, "the controller hangs: it has not answered for %u s. It is killed and started again", (unsigned)(waited_ms / 1000));
	waited_ms = 0;
	controller_kill();
}

void controller_tick(uint64_t now)
{
	if (!wanted)
		return;
	watch_for_hang(now);
	last_tick = now;
	if (now >= start_at && pid == 0)
		controller_start();
}
