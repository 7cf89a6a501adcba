#define _GNU_SOURCE
#include "proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "messages.gen.h"
#include "text.h"

/* Reads the whole of a small file of /proc; the content ends with NUL. */
static bool slurp(const char *path, char *to, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	size_t n = 0;
	for (;;) {
		ssize_t got = read(fd, to + n, size - 1 - n);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	close(fd);
	to[n] = '\0';
	return n > 0;
}

bool proc_scarce(void) { return errno == EMFILE || errno == ENFILE || errno == ENOMEM; }

enum { STAT_SIZE = 512 };

/* The third field and what follows, NULL where there is none. */
static const char *stat_fields(pid_t pid, char text[STAT_SIZE])
{
	char path[32];
	text_format(path, sizeof path, "/proc/%d/stat", pid);
	if (!slurp(path, text, STAT_SIZE))
		return NULL;
	const char *after = strrchr(text, ')'); /* the name may hold anything, spaces and brackets too */
	return after && strlen(after) >= 5 ? after + 2 : NULL;
}

bool proc_stat(pid_t pid, struct proc_stat *stat)
{
	char text[STAT_SIZE];
	const char *fields = stat_fields(pid, text);
	if (!fields)
		return false;
	stat->state = fields[0];
	stat->parent = atoi(fields + 2);
	return true;
}

uint64_t proc_started(pid_t pid)
{
	char text[STAT_SIZE];
	const char *field = stat_fields(pid, text);
	for (int n = 3; field && n < 22; n++)
		if ((field = strchr(field, ' ')))
			field++;
	return field ? strtoull(field, NULL, 10) : 0;
}

static bool mask_has(const char *status, const char *name, int signo)
{
	const char *line = strstr(status, name);
	return line && (strtoull(line + strlen(name), NULL, 16) >> (signo - 1) & 1);
}

struct linux_dirent64 {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

/* Calls `visit` for each numeric name. opendir(3) would allocate. */
static bool each_number(const char *path, void (*visit)(pid_t, void *), void *context)
{
	char buffer[4096] __attribute__((aligned(8)));
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool whole = false;
	if (fd < 0)
		return false;
	for (;;) {
		long got = syscall(SYS_getdents64, fd, buffer, sizeof buffer);
		if (got <= 0) {
			whole = got == 0;
			break;
		}
		for (long at = 0; at < got;) {
			struct linux_dirent64 *entry = (struct linux_dirent64 *)(buffer + at);
			if (entry->name[0] >= '1' && entry->name[0] <= '9')
				visit(atoi(entry->name), context);
			at += entry->reclen;
		}
	}
	close(fd);
	return whole;
}

bool proc_each(void (*visit)(pid_t pid, void *context), void *context) { return each_number("/proc", visit, context); }

struct awaited {
	pid_t pid;
	int signo;
	bool blocked;
};

static void look_at_thread(pid_t thread, void *context)
{
	struct awaited *look = context;
	char path[64], status[4096];
	text_format(path, sizeof path, "/proc/%d/task/%d/status", look->pid, thread);
	if (!look->blocked && slurp(path, status, sizeof status))
		look->blocked = mask_has(status, "\nSigBlk:", look->signo);
}

uint8_t proc_takes(pid_t pid, int signo)
{
	char path[64], status[4096];
	text_format(path, sizeof path, "/proc/%d/status", pid);
	if (!slurp(path, status, sizeof status))
		return proc_scarce() ? SIGNALLED_NOT_YET : SIGNALLED_SENT; /* no /proc: no evidence either way, and the order was to send */
	if (mask_has(status, "\nSigIgn:", signo))
		return SIGNALLED_IGNORED;
	if (mask_has(status, "\nSigCgt:", signo))
		return SIGNALLED_SENT;
	struct awaited look = {pid, signo, false};
	text_format(path, sizeof path, "/proc/%d/task", pid);
	each_number(path, look_at_thread, &look);
	return look.blocked ? SIGNALLED_SENT : SIGNALLED_NOT_CAUGHT;
}

bool proc_usable(void)
{
	char self[16];
	ssize_t n = readlink("/proc/self", self, sizeof self - 1);
	if (n <= 0)
		return false;
	self[n] = '\0';
	return atoi(self) == getpid();
}
