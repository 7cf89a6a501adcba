#define _GNU_SOURCE
#include "nest.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "codes.h"
#include "fds.h"
#include "forget.h"
#include "slots.h"

enum { CHANNEL = 0, FIRST_WORD_MS = 1000, DUMPED = 0x80 }; /* DUMPED: what WCOREDUMP(3) looks at */

static bool tell(int channel, int kind, int value)
{
	struct nest_word word = {.kind = kind, .value = value};
	return send(channel, &word, sizeof word, MSG_NOSIGNAL) == sizeof word;
}

/* As wait(2) has it. */
static int status_of(const siginfo_t *info)
{
	switch (info->si_code) {
	case CLD_EXITED:
		return (info->si_status & 0xff) << 8;
	case CLD_DUMPED:
		return info->si_status | DUMPED;
	default:
		return info->si_status;
	}
}

/* All signals stay blocked, as init's are: an application that signals everybody does not end what watches it. */
static _Noreturn void watch(pid_t application)
{
	siginfo_t info;
	char word;
	for (;;) {
		if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOWAIT) < 0) {
			if (errno == EINTR)
				continue;
			_exit(errno == ECHILD ? 0 : 1); /* ECHILD: nothing of the tree is left */
		}
		bool stopped = info.si_code == CLD_STOPPED;
		if (info.si_pid == application && stopped) {
			tell(CHANNEL, NEST_STOPPED, info.si_status);
		} else if (info.si_pid == application) {
			tell(CHANNEL, NEST_ENDED, status_of(&info));
			while (recv(CHANNEL, &word, 1, 0) < 0 && errno == EINTR) /* 0: init has gone; nobody will ask for the pid any more */
				;
			application = 0;
		}
		/* Only what has been seen: one that was stopped may have ended since. */
		waitid(P_PID, (id_t)info.si_pid, &info, (stopped ? WSTOPPED : WEXITED) | WNOHANG);
	}
}

/* In the nest: of the container's and init's it keeps nothing but the channel. */
static _Noreturn void nest_run(pid_t application, int channel)
{
	dup2(channel, CHANNEL);
	fds_close_from(CHANNEL + 1);
	prctl(PR_SET_NAME, "reinit-nest");
	forget_all();
	watch(application);
}

/* In the nest, and in the application that it makes. */
static void hatch(int channel)
{
	pid_t pid = prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0 ? fork() : -1;
	if (pid > 0)
		nest_run(pid, channel);
	if (pid == 0 && tell(channel, NEST_STARTED, getpid())) /* by itself: where init does not hear of it any more, there is no application */
		return;
	tell(channel, NEST_FAILED, errno);
	_exit(EXIT_CANNOT_EXECUTE);
}

static bool first_word(int channel, struct nest_word *word)
{
	struct pollfd said = {channel, POLLIN, 0};
	poll(&said, 1, FIRST_WORD_MS);
	if (recv(channel, word, sizeof *word, MSG_DONTWAIT) == sizeof *word)
		return true;
	shutdown(channel, SHUT_RD); /* from here on it cannot be said; in the last moment it may have been */
	return recv(channel, word, sizeof *word, MSG_DONTWAIT) == sizeof *word;
}

pid_t nest_fork(struct slot *slot)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	pid_t nest = fork();
	int error = errno;
	if (nest == 0) {
		hatch(ends[1]);
		return 0;
	}
	close(ends[1]);
	struct nest_word word = {NEST_FAILED, ETIMEDOUT};
	if (nest > 0 && (!first_word(ends[0], &word) || word.kind != NEST_STARTED)) {
		kill(nest, SIGKILL);
		error = word.value;
		nest = -1;
	}
	if (nest < 0) {
		close(ends[0]);
		errno = error;
		return -1;
	}
	slot->nest = nest;
	slot->nest_fd = ends[0];
	return word.value;
}

bool nest_hear(struct slot *slot, struct nest_word *word)
{
	while (slot->nest_fd >= 0) {
		ssize_t got = recv(slot->nest_fd, word, sizeof *word, MSG_DONTWAIT);
		if (got == sizeof *word)
			return true;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return false;
		nest_hang_up(slot);
	}
	return false;
}

void nest_release(struct slot *slot)
{
	if (slot->nest_fd >= 0)
		send(slot->nest_fd, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void nest_hang_up(struct slot *slot)
{
	if (slot->nest_fd >= 0)
		close(slot->nest_fd);
	slot->nest_fd = -1;
}
