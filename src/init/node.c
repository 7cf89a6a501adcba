#define _GNU_SOURCE
#include "node.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "codes.h"
#include "privileges.h"
#include "signals.h"
#include "text.h"

extern char **environ;

#if defined __x86_64__
#define LOADER "ld-linux-x86-64.so.2"
#elif defined __aarch64__
#define LOADER "ld-linux-aarch64.so.1"
#else
#error "reinit runs on x86-64 and arm64"
#endif

enum { LINK_FD = 3, ENVIRONMENT_FD = 3 };

/* The first one only for the tree's own Node: one of before 22.14 ends at once for it, and cannot say that it is too old (src/loader). */
static const char *const node_flags[] = {"--disable-sigusr1", "--max-old-space-size=96", "--max-semi-space-size=1", "--v8-pool-size=1"};

static char library[4096]; /* the directory ../lib/reinit/ of this program */

void node_find(void)
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
	static char path[] = "PATH=", threads[] = "UV_THREADPOOL_SIZE=4", no_openssl_conf[] = "OPENSSL_CONF=/dev/null"; /* Node would read the image's */
	size_t n = 0;
	kept[n++] = path;
	kept[n++] = threads;
	kept[n++] = no_openssl_conf;
	for (char **variable = environ; *variable && n < sizeof kept / sizeof *kept - 1; variable++)
		if (strncmp(*variable, "REINIT_", 7) == 0 || strncmp(*variable, "TZ=", 3) == 0 || strncmp(*variable, "HOSTNAME=", 9) == 0 ||
		    strncmp(*variable, "POD_NAME=", 9) == 0)
			kept[n++] = *variable;
	kept[n] = NULL;
	return kept;
}

static char *in_library(char *to, size_t size, const char *name)
{
	text_format(to, size, "%s/%s", library, name);
	return to;
}

/* The image's Node. Absolute directories only: what runs must not depend on where init stands. */
static bool on_path(char *to, size_t size)
{
	const char *path = getenv("PATH");
	for (const char *end; path; path = *end ? end + 1 : NULL) {
		end = strchrnul(path, ':');
		if (*path == '/' && text_format(to, size, "%.*s/node", (int)(end - path), path) < (int)size && access(to, X_OK) == 0)
			return true;
	}
	return false;
}

/*
 * Node through its own loader where the tree carries one: then nothing of the image's libc is used (docs/architecture.md). Else the tree's
 * without a loader, else the image's (the npm package carries none). `ours`: with our flags and our environment.
 */
static _Noreturn void exec_node(const char *bundle, bool ours, char *const *arguments, int count)
{
	static char loader[4200], node[4200], found[4200], script[4200];
	char *argv[count + (int)(sizeof node_flags / sizeof *node_flags) + 16];
	int n = 0;
	size_t flag = 1;
	const char *file = getenv("REINIT_NODE");
	in_library(node, sizeof node, "node");
	in_library(loader, sizeof loader, LOADER);
	if (file && *file) {
		argv[n++] = (char *)file;
	} else if (access(loader, X_OK) == 0) {
		file = loader;
		argv[n++] = loader;
		flag = 0;
		argv[n++] = "--inhibit-cache";
		argv[n++] = "--library-path";
		argv[n++] = library;
		argv[n++] = "--argv0";
		argv[n++] = "reinit";
		argv[n++] = node;
	} else {
		file = access(node, X_OK) != 0 && on_path(found, sizeof found) ? found : node;
		flag = file == found;
		argv[n++] = "reinit";
	}
	for (; ours && flag < sizeof node_flags / sizeof *node_flags; flag++)
		argv[n++] = (char *)node_flags[flag];
	argv[n++] = in_library(script, sizeof script, "main.cjs");
	argv[n++] = (char *)bundle;
	for (int i = 0; i < count; i++)
		argv[n++] = arguments[i];
	argv[n] = NULL;
	execve(file, argv, ours ? environment() : environ);
	text_put(STDERR_FILENO, "reinit: error: cannot run Node.js (%s): %s. It is looked for as %s, then as `node` in the absolute directories of PATH\n", file,
		strerror(errno), node);
	_exit(EXIT_SYSTEM);
}

/*
 * The container's environment, as /proc/PID/environ would have it, in a file without a name: `doctor` runs validators in it, and Node itself must
 * not get it (src/doctor/facts/variables.ts).
 */
static void hand_over_environment(void)
{
	int fd = memfd_create("reinit-environment", 0);
	if (fd < 0)
		return; /* then only what Node gets is known */
	for (char **variable = environ; *variable; variable++)
		if (write(fd, *variable, strlen(*variable) + 1) < 0)
			break; /* no memory: likewise */
	if (fd != ENVIRONMENT_FD) {
		dup2(fd, ENVIRONMENT_FD);
		close(fd);
	}
}

_Noreturn void node_exec(bool portable, char *const *arguments, int count)
{
	node_find();
	signals_default();
	if (!portable && strcmp(arguments[0], "doctor") == 0)
		hand_over_environment();
	exec_node(portable ? "portable" : "cli", !portable, arguments, count);
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

_Noreturn void node_become_controller(int link, int log, char *const *arguments, int count)
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
	privileges_reduce();
	signals_default();
	exec_node("boot", true, arguments, count);
}
