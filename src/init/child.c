#define _GNU_SOURCE
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "codes.h"
#include "notify.h"
#include "program.h"
#include "signals.h"
#include "sockets.h"
#include "terminal.h"

static int report;

static const struct {
	const char *name;
	int resource;
} limits[] = {
	{"as", RLIMIT_AS}, {"core", RLIMIT_CORE}, {"cpu", RLIMIT_CPU}, {"data", RLIMIT_DATA}, {"fsize", RLIMIT_FSIZE},
	{"locks", RLIMIT_LOCKS}, {"memlock", RLIMIT_MEMLOCK}, {"msgqueue", RLIMIT_MSGQUEUE}, {"nice", RLIMIT_NICE}, {"nofile", RLIMIT_NOFILE},
	{"nproc", RLIMIT_NPROC}, {"rss", RLIMIT_RSS}, {"rtprio", RLIMIT_RTPRIO}, {"rttime", RLIMIT_RTTIME},
	{"sigpending", RLIMIT_SIGPENDING}, {"stack", RLIMIT_STACK},
};

_Noreturn void child_fail(const char *stage, int error, int exit_code)
{
	struct failure failure = {.error = error, .exit_code = exit_code};
	strncpy(failure.stage, stage, sizeof failure.stage - 1);
	while (write(report, &failure, sizeof failure) < 0 && errno == EINTR)
		;
	_exit(exit_code);
}

/* Memory, zeroed, that exec will take back. malloc(3) would be a tenth of this program; an mmap(2) each would meet vm.max_map_count. */
void *child_room(size_t size)
{
	static uint8_t *free_at;
	static size_t left;
	size = (size + 15) & ~(size_t)15;
	if (left < size) {
		left = size > MAX_FRAME ? size : MAX_FRAME;
		free_at = mmap(NULL, left, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (free_at == MAP_FAILED)
			child_fail("memory", errno, EXIT_CANNOT_EXECUTE);
	}
	left -= size;
	free_at += size;
	return free_at - size;
}

static char *text_of(struct span span)
{
	char *text = child_room(span.len + 1);
	memcpy(text, span.at, span.len);
	text[span.len] = '\0';
	return text;
}

char **child_texts(struct list list)
{
	char **texts = child_room((list.count + 1) * sizeof *texts);
	struct span item;
	for (size_t i = 0; list_next(&list, &item); i++)
		texts[i] = text_of(item);
	return texts;
}

static void set_limits(struct list list)
{
	for (char **text = child_texts(list); *text; text++) {
		char *equals = strchr(*text, '='), *colon = strchr(equals, ':');
		size_t length = (size_t)(equals - *text);
		struct rlimit limit;
		const char *soft = equals + 1, *hard = colon ? colon + 1 : soft;
		limit.rlim_cur = strncmp(soft, "unlimited", 9) == 0 ? RLIM_INFINITY : strtoull(soft, NULL, 10);
		limit.rlim_max = strcmp(hard, "unlimited") == 0 ? RLIM_INFINITY : strtoull(hard, NULL, 10);
		bool known = false;
		for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
			if (strlen(limits[i].name) == length && strncmp(limits[i].name, *text, length) == 0) {
				known = true;
				if (setrlimit((unsigned)limits[i].resource, &limit) < 0)
					child_fail("limits", errno, EXIT_CANNOT_EXECUTE);
			}
		if (!known)
			child_fail("limits", EINVAL, EXIT_CANNOT_EXECUTE);
	}
}

/* As runc does for the image's USER: else /dev/stdout and /dev/stderr cannot be opened by path after the drop. What cannot be given is left. */
static void give_streams(uid_t uid)
{
	struct stat info;
	for (int fd = 0; fd <= 2; fd++) {
		if (fstat(fd, &info) < 0 || (S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3)) || info.st_uid == uid)
			continue;
		if (S_ISREG(info.st_mode))
			continue; /* a file of the host that was opened for us: its owner is not ours to change */
		if (fchown(fd, uid, (gid_t)-1) < 0)
			continue;
	}
}

static void become_user(const struct msg_spawn *m)
{
	size_t count = 0;
	if (m->uid < 0 && m->gid < 0)
		return;
	gid_t *groups = child_room((m->groups.count + 1) * sizeof *groups);
	for (char **text = child_texts(m->groups); *text; text++)
		groups[count++] = (gid_t)strtoul(*text, NULL, 10);
	if (m->uid >= 0)
		give_streams((uid_t)m->uid);
	/* setgroups fails for those who are not root; then it matters only if something would change */
	if (setgroups(count, groups) < 0 && !(errno == EPERM && (m->uid < 0 || (uid_t)m->uid == geteuid())))
		child_fail("groups", errno, EXIT_CANNOT_EXECUTE);
	if (m->gid >= 0 && setresgid((gid_t)m->gid, (gid_t)m->gid, (gid_t)m->gid) < 0)
		child_fail("group", errno, EXIT_CANNOT_EXECUTE);
	if (m->uid >= 0 && setresuid((uid_t)m->uid, (uid_t)m->uid, (uid_t)m->uid) < 0)
		child_fail("user", errno, EXIT_CANNOT_EXECUTE);
}

static void own_group(const struct msg_spawn *m)
{
	if (m->flags & SPAWN_SESSION || m->role == ROLE_HELPER) {
		setsid();
	} else {
		setpgid(0, 0);
		terminal_give(getpid());
	}
}

static void set_streams(const struct msg_spawn *m, const bool closed[3], const int output[2])
{
	if (m->role == ROLE_HELPER) {
		int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (null >= 0)
			dup2(null, 0);
		else
			close(0);
	}
	for (int i = 0; i < 2; i++)
		if (output[i] >= 0)
			dup2(output[i], 1 + i);
	if (m->role == ROLE_MAIN)
		for (int fd = 0; fd <= 2; fd++)
			if (closed[fd] && (fd == 0 || output[fd - 1] < 0))
				close(fd); /* init holds a placeholder there; closed is what the application was given */
	/* All else is close-on-exec (fds.c), so that exec leaves 0, 1 and 2. */
}

/* The held sockets, from descriptor 3 on. */
static void pass_sockets(void)
{
	int kept = fcntl(report, F_DUPFD_CLOEXEC, BEYOND_PASSED); /* it may stand where a socket is to go */
	if (kept >= 0)
		report = kept;
	if (kept < 0 || !sockets_pass())
		child_fail("sockets", errno, EXIT_CANNOT_EXECUTE);
}

/* What init has to say to the application in its environment, where it is asked for; ends with NULL. */
static char **own_variables(const struct msg_spawn *m)
{
	char **variables = child_room((SOCKET_VARIABLES + 2) * sizeof *variables), **next = variables;
	if (m->flags & SPAWN_NOTIFY)
		*next++ = text_of(span_of(notify_variable()));
	if (m->flags & SPAWN_SOCKETS && sockets_held() > 0) {
		pass_sockets();
		sockets_variables(next);
	}
	return variables;
}

_Noreturn void child_become(const struct msg_spawn *m, char **own_command, const bool closed[3], int report_fd, const int output[2])
{
	report = report_fd;
	own_group(m);
	set_streams(m, closed, output);
	char **argv = m->argv.count > 0 ? child_texts(m->argv) : own_command;
	char **environment = program_environment(m, own_variables(m));
	set_limits(m->rlimits);
	if (m->nice != 0 && setpriority(PRIO_PROCESS, 0, m->nice) < 0)
		child_fail("nice", errno, EXIT_CANNOT_EXECUTE);
	if (m->umask >= 0)
		umask((mode_t)m->umask);
	become_user(m);
	if (m->cwd.len > 0 && chdir(text_of(m->cwd)) < 0) /* as the user: a directory that it may not enter is its failure */
		child_fail("cwd", errno, EXIT_CANNOT_EXECUTE);
	if (m->flags & SPAWN_NO_NEW_PRIVS && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		child_fail("privileges", errno, EXIT_CANNOT_EXECUTE);
	signals_default();
	program_exec(argv, environment);
}
