#define _GNU_SOURCE
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "clock.h"
#include "signals.h"
#include "terminal.h"

extern char **environ;

static char **own_command;
static bool closed_at_start[3];

/* What a child that cannot go on writes into the exec pipe. */
struct failure {
	int error;
	int exit_code;
	char stage[16];
};

static const struct {
	const char *name;
	int resource;
} limits[] = {
	{"as", RLIMIT_AS}, {"core", RLIMIT_CORE}, {"cpu", RLIMIT_CPU}, {"data", RLIMIT_DATA}, {"fsize", RLIMIT_FSIZE},
	{"locks", RLIMIT_LOCKS}, {"memlock", RLIMIT_MEMLOCK}, {"msgqueue", RLIMIT_MSGQUEUE}, {"nice", RLIMIT_NICE}, {"nofile", RLIMIT_NOFILE},
	{"nproc", RLIMIT_NPROC}, {"rss", RLIMIT_RSS}, {"rtprio", RLIMIT_RTPRIO}, {"rttime", RLIMIT_RTTIME},
	{"sigpending", RLIMIT_SIGPENDING}, {"stack", RLIMIT_STACK},
};

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

bool spawn_valid(const struct msg_spawn *m)
{
	return m->token != 0 && (m->role == ROLE_MAIN || m->role == ROLE_HELPER) && m->flags < 16 && texts_valid(m->argv, false) &&
	       texts_valid(m->env_set, true) && texts_valid(m->env_unset, false) && !memchr(m->cwd.at, '\0', m->cwd.len) &&
	       texts_valid(m->groups, false) && texts_valid(m->rlimits, true) && (m->argv.count > 0 || own_command != NULL);
}

/* --- in the child --- */

/* Memory, zeroed, that exec will take back. malloc(3) would be a tenth of this program; an mmap(2) each would meet vm.max_map_count. */
static void *room(size_t size)
{
	static uint8_t *free_at;
	static size_t left;
	size = (size + 15) & ~(size_t)15;
	if (left < size) {
		left = size > MAX_FRAME ? size : MAX_FRAME;
		free_at = mmap(NULL, left, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (free_at == MAP_FAILED)
			_exit(126);
	}
	left -= size;
	free_at += size;
	return free_at - size;
}

static _Noreturn void fail(int report, const char *stage, int error, int exit_code)
{
	struct failure failure = {.error = error, .exit_code = exit_code};
	strncpy(failure.stage, stage, sizeof failure.stage - 1);
	while (write(report, &failure, sizeof failure) < 0 && errno == EINTR)
		;
	_exit(exit_code);
}

static char *text_of(struct span span)
{
	char *text = room(span.len + 1);
	memcpy(text, span.at, span.len);
	text[span.len] = '\0';
	return text;
}

static char **texts_of(struct list list)
{
	char **texts = room((list.count + 1) * sizeof *texts);
	struct span item;
	for (size_t i = 0; list_next(&list, &item); i++)
		texts[i] = text_of(item);
	return texts;
}

static bool same_name(const char *variable, const char *name, size_t length)
{
	return strncmp(variable, name, length) == 0 && (variable[length] == '=' || variable[length] == '\0');
}

static void unset(char **environment, const char *name, size_t length)
{
	char **to = environment;
	for (char **from = environment; *from; from++)
		if (!same_name(*from, name, length))
			*to++ = *from;
	*to = NULL;
}

/* The container's environment, byte for byte, less and plus the lists. */
static char **environment_of(const struct msg_spawn *m)
{
	size_t own = 0, used;
	while (environ[own])
		own++;
	char **environment = room((own + m->env_set.count + 1) * sizeof *environment);
	if (!(m->flags & SPAWN_CLEAR_ENV))
		memcpy(environment, environ, own * sizeof *environment);
	for (char **name = texts_of(m->env_unset); *name; name++)
		unset(environment, *name, strlen(*name));
	for (char **variable = texts_of(m->env_set); *variable; variable++) {
		unset(environment, *variable, (size_t)(strchr(*variable, '=') - *variable));
		for (used = 0; environment[used]; used++)
			;
		environment[used] = *variable;
	}
	return environment;
}

static void set_limits(int report, struct list list)
{
	for (char **text = texts_of(list); *text; text++) {
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
					fail(report, "limits", errno, 126);
			}
		if (!known)
			fail(report, "limits", EINVAL, 126);
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

static void become_user(int report, const struct msg_spawn *m)
{
	gid_t groups[256];
	int count = 0;
	if (m->uid < 0 && m->gid < 0)
		return;
	for (char **text = texts_of(m->groups); *text && count < 256; text++)
		groups[count++] = (gid_t)strtoul(*text, NULL, 10);
	if (m->uid >= 0)
		give_streams((uid_t)m->uid);
	/* setgroups fails for those who are not root; then it matters only if something would change */
	if (setgroups((size_t)count, groups) < 0 && !(errno == EPERM && (m->uid < 0 || (uid_t)m->uid == geteuid())))
		fail(report, "groups", errno, 126);
	if (m->gid >= 0 && setresgid((gid_t)m->gid, (gid_t)m->gid, (gid_t)m->gid) < 0)
		fail(report, "group", errno, 126);
	if (m->uid >= 0 && setresuid((uid_t)m->uid, (uid_t)m->uid, (uid_t)m->uid) < 0)
		fail(report, "user", errno, 126);
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

static void set_streams(const struct msg_spawn *m, int output)
{
	if (m->role == ROLE_HELPER) {
		int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (null >= 0)
			dup2(null, 0);
		else
			close(0);
	}
	if (output >= 0) {
		dup2(output, 1);
		dup2(output, 2);
	}
	if (m->role == ROLE_MAIN)
		for (int fd = 0; fd <= 2; fd++)
			if (closed_at_start[fd])
				close(fd); /* init holds a placeholder there; closed is what the application was given */
	/* All else is close-on-exec (main.c), so that exec leaves 0, 1 and 2. */
}

/* ENOENT of a file that is there is about its interpreter: the #! line's, or the dynamic loader. */
static _Noreturn void exec_failed(int report, const char *file, int error)
{
	if (error == ENOENT && access(file, F_OK) == 0)
		fail(report, "interpreter", error, 126);
	fail(report, "exec", error, error == ENOENT || error == ENOTDIR ? 127 : 126);
}

/* As execvp(3), but with the PATH of the new environment, and never through a shell. */
static _Noreturn void exec_program(int report, char **argv, char **environment)
{
	const char *path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *name = argv[0];
	int worst = ENOENT;
	if (!*name)
		fail(report, "exec", ENOENT, 127);
	if (strchr(name, '/')) {
		execve(name, argv, environment);
		exec_failed(report, name, errno);
	}
	for (char **variable = environment; *variable; variable++)
		if (strncmp(*variable, "PATH=", 5) == 0)
			path = *variable + 5;
	for (const char *end; path; path = *end ? end + 1 : NULL) {
		char file[4096];
		end = strchrnul(path, ':');
		int length = (int)(end - path);
		if (snprintf(file, sizeof file, "%.*s%s%s", length, path, length ? "/" : "", name) >= (int)sizeof file)
			continue;
		execve(file, argv, environment);
		if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
			exec_failed(report, file, errno);
		if (errno == ENOENT && access(file, F_OK) == 0)
			exec_failed(report, file, errno);
		if (errno == EACCES)
			worst = EACCES; /* execvp(3): remembered, while another directory may have it */
	}
	fail(report, "exec", worst, worst == ENOENT ? 127 : 126);
}

static _Noreturn void child(const struct msg_spawn *m, int report, int output)
{
	own_group(m);
	set_streams(m, output);
	char **argv = m->argv.count > 0 ? texts_of(m->argv) : own_command;
	char **environment = m->env_set.count > 0 || m->env_unset.count > 0 || m->flags & SPAWN_CLEAR_ENV ? environment_of(m) : environ;
	set_limits(report, m->rlimits);
	if (m->nice != 0 && setpriority(PRIO_PROCESS, 0, m->nice) < 0)
		fail(report, "nice", errno, 126);
	if (m->umask >= 0)
		umask((mode_t)m->umask);
	become_user(report, m);
	if (m->cwd.len > 0 && chdir(text_of(m->cwd)) < 0) /* as the user: a directory that it may not enter is its failure */
		fail(report, "cwd", errno, 126);
	if (m->flags & SPAWN_NO_NEW_PRIVS && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fail(report, "privileges", errno, 126);
	signals_default();
	exec_program(report, argv, environment);
}

/* --- in init --- */

static void not_spawned(struct slot *slot, const char *stage, int error)
{
	slot->failed = true;
	slot->error = error;
	slot->status = 126;
	strncpy(slot->stage, stage, sizeof slot->stage - 1);
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
	if (!open_pipes(m, slot, report, output)) {
		not_spawned(slot, "pipe", errno);
		return slot;
	}
	pid_t pid = fork();
	if (pid == 0)
		child(m, report[1], output[1]);
	int error = errno;
	close(report[1]);
	if (output[1] >= 0)
		close(output[1]);
	if (pid < 0) {
		close(report[0]);
		not_spawned(slot, "fork", error);
		return slot;
	}
	fcntl(report[0], F_SETFL, O_NONBLOCK);
	slot->pid = slot->last_pid = pid;
	slot->exec_fd = report[0];
	if (m->timeout_ms > 0)
		slot->timeout_at = slot->spawned_ms + m->timeout_ms;
	if (m->role == ROLE_MAIN && !(m->flags & SPAWN_SESSION)) /* the leader of a group cannot begin a session */
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
