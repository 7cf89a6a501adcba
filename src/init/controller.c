#define _GNU_SOURCE
#include "controller.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "container.h"
#include "events.h"
#include "fds.h"
#include "link.h"
#include "privileges.h"
#include "say.h"
#include "signals.h"
#include "slots.h"
#include "spawn.h"

extern char **environ;

#if defined __x86_64__
#define LOADER "ld-linux-x86-64.so.2"
#elif defined __aarch64__
#define LOADER "ld-linux-aarch64.so.1"
#else
#error "reinit runs on x86-64 and arm64"
#endif

enum {
	LINK_FD = 3,
	HANG_MS = 10000,      /* age of the oldest unacknowledged event */
	BOOT_MS = 30000,      /* until the first commit: Node's start on a starved machine is no hang */
	STABLE_MS = 10000,    /* having run so long, or having acknowledged something, the next failure is the first again */
	HOPELESS = 8,         /* failures in a row: from here on init is a plain init */
	START_ATTEMPTS = 4,   /* before there ever was an application: nothing is running that would be worth waiting for */
	MAX_ARGUMENTS = 256,
	EXIT_SYSTEM = 111,
};

static const char *const node_flags[] = {"--disable-sigusr1", "--max-old-space-size=48", "--max-semi-space-size=1", "--v8-pool-size=1"};
/* From the n-th failure in a row on. */
static const uint32_t delays_ms[] = {0, 0, 100, 300, 1000, 3000, 10000, 30000, 60000};
#ifdef REINIT_TEST
enum { PACE = 20 }; /* a test walks to the end of the line */
#else
enum { PACE = 1 };
#endif

static char library[4096]; /* the directory ../lib/reinit/ of this program */
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

static void find_library(void)
{
	ssize_t n = readlink("/proc/self/exe", library, sizeof library - 32);
	if (n < 0) { /* no /proc: what the kernel was asked to execute */
		const char *file = (const char *)getauxval(AT_EXECFN);
		n = file ? (ssize_t)strlen(file) : 0;
		memcpy(library, file, (size_t)n);
	}
	library[n] = '\0';
	for (int up = 0; up < 2; up++) {
		char *slash = strrchr(library, '/');
		if (slash)
			*slash = '\0';
	}
	strcat(library, "/lib/reinit");
}

/* Only what reinit reads. NODE_*, LD_*, UV_*, OPENSSL_CONF, MALLOC_* and the like are the application's. */
static char **environment(void)
{
	static char *kept[512];
	static char path[] = "PATH=", threads[] = "UV_THREADPOOL_SIZE=4";
	size_t n = 0;
	kept[n++] = path;
	kept[n++] = threads;
	for (char **variable = environ; *variable && n < sizeof kept / sizeof *kept - 1; variable++)
		if (strncmp(*variable, "REINIT_", 7) == 0 || strncmp(*variable, "TZ=", 3) == 0 || strncmp(*variable, "HOSTNAME=", 9) == 0 ||
		    strncmp(*variable, "POD_NAME=", 9) == 0)
			kept[n++] = *variable;
	kept[n] = NULL;
	return kept;
}

static char *in_library(char *to, size_t size, const char *name)
{
	snprintf(to, size, "%s/%s", library, name);
	return to;
}

/* Node through its own loader where the tree carries one: then nothing of the image's libc is used (docs/architecture.md). */
static void exec_node(const char *bundle, char *const *arguments, int count)
{
	static char loader[4200], node[4200], script[4200];
	char *argv[MAX_ARGUMENTS + 16];
	int n = 0;
	const char *file = getenv("REINIT_NODE");
	in_library(node, sizeof node, "node");
	in_library(loader, sizeof loader, LOADER);
	if (file && *file) {
		argv[n++] = (char *)file;
	} else if (access(loader, X_OK) == 0) {
		file = loader;
		argv[n++] = loader;
		argv[n++] = "--inhibit-cache";
		argv[n++] = "--library-path";
		argv[n++] = library;
		argv[n++] = "--argv0";
		argv[n++] = "reinit";
		argv[n++] = node;
	} else {
		file = node;
		argv[n++] = "reinit";
	}
	for (size_t i = 0; i < sizeof node_flags / sizeof *node_flags; i++)
		argv[n++] = (char *)node_flags[i];
	argv[n++] = in_library(script, sizeof script, "main.cjs");
	argv[n++] = (char *)bundle;
	for (int i = 0; i < count && n < MAX_ARGUMENTS + 15; i++)
		argv[n++] = arguments[i];
	argv[n] = NULL;
	execve(file, argv, environment());
}

void controller_begin(char *const *arguments, int count)
{
	find_library();
	own_arguments = arguments;
	own_count = count;
}

void controller_exec_cli(char *const *arguments, int count)
{
	find_library();
	signals_default();
	exec_node("cli", arguments, count);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return; /* no /proc, or read-only: a precaution less, nothing else */
	if (write(fd, text, strlen(text)) < 0) {
		/* likewise */
	}
	close(fd);
}

/* In the child: its own session, no terminal, none of the container's descriptors, no more rights than reading needs. */
static _Noreturn void become_controller(int link, int log)
{
	struct rlimit none = {0, 0};
	pid_t parent = getppid();
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	int null = open("/dev/null", O_RDWR);
	/* Out of the way of 0..3 first, whatever numbers they have. */
	link = fcntl(link, F_DUPFD, 16);
	log = log >= 0 ? fcntl(log, F_DUPFD, 16) : -1;
	for (int fd = 0; fd <= 1; fd++) {
		if (null >= 0)
			dup2(null, fd);
		else
			close(fd);
	}
	dup2(log >= 0 ? log : null, 2);
	dup2(link, LINK_FD);
	close(link);
	close(log);
	if (null > LINK_FD)
		close(null);
	write_file("/proc/self/oom_score_adj", "1000");
	setrlimit(RLIMIT_CORE, &none);
	privileges_keep_reading();
	signals_default();
	exec_node("boot", own_arguments, own_count);
	dprintf(STDERR_FILENO, "reinit: error: cannot start the controller (%s/node): %s. Is %s complete?\n", library, strerror(errno), library);
	_exit(111);
}

/* Before there ever was an application, a controller that cannot be started is the container's end. */
static bool gave_up(void)
{
	bool ever_ran = slots_used() > 0 || events_next_seq() > 1;
	if (ever_ran || failures < START_ATTEMPTS)
		return false;
	say(SAY_ERROR, "the controller cannot be started, and nothing runs yet: leaving with %d", EXIT_SYSTEM);
	container_leave(EXIT_SYSTEM);
	return true;
}

void controller_start(void)
{
	wanted = true;
	start_at = NEVER;
	int log = say_pipe();
	int theirs = link_open();
	pid_t child = theirs < 0 ? -1 : fork();
	if (child == 0)
		become_controller(theirs, log);
	if (theirs >= 0)
		close(theirs);
	started_ms = now_ms();
	oldest_then = events_oldest();
	waited_ms = 0;
	if (child < 0) {
		link_close();
		failures++;
		start_at = started_ms + 1000;
		gave_up();
		return;
	}
	pid = child;
	generation++;
}

static uint32_t next_delay(void)
{
	size_t last = sizeof delays_ms / sizeof *delays_ms - 1;
	return delays_ms[failures < last ? failures : last] / PACE;
}

static void tell(int status)
{
	char how[64];
	if (WIFSIGNALED(status))
		snprintf(how, sizeof how, "signal %d", WTERMSIG(status));
	else
		snprintf(how, sizeof how, "exit code %d", WEXITSTATUS(status));
	if (failures == HOPELESS)
		say(SAY_ERROR, "the controller cannot be kept up (%s, %u times in a row): configuration changes are not followed; signals, stop and reaping go on; "
		    "it is tried again every %u s", how, failures, next_delay() / 1000);
	else
		say(failures < HOPELESS ? SAY_WARN : SAY_ERROR, "the controller ended (%s): it is started again%s; the application does not notice", how,
		    next_delay() ? " after a pause" : "");
}

bool controller_ended(pid_t other, int status)
{
	int code;
	if (!controller_is(other))
		return false;
	pid = 0; /* reaped: the number may be another's from here on */
	link_close(); /* reads to the end: a last commit counts, an `exit` above all */
	if (container_leaving(&code))
		return true;
	uint64_t now = now_ms();
	bool worked = now - started_ms >= STABLE_MS || events_oldest() > oldest_then;
	failures = worked ? 1 : failures + 1;
	if (gave_up())
		return true;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && container_stopping())
		return true;
	tell(status);
	start_at = now + next_delay();
	if (failures >= HOPELESS || container_stopping())
		container_abandoned();
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
