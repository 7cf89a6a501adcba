#define _GNU_SOURCE
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "container.h"
#include "controller.h"
#include "events.h"
#include "orders.h"
#include "say.h"
#include "slots.h"

static int fd = -1;
static uint64_t watched; /* as the kernel has it: bit n - 1 is signal n */
static bool stopped_from_outside;
static uint64_t forwarded;

/* Kept for the next instance. */
static uint64_t kept_standard; /* bit n: signal n */
static struct { uint8_t signo; bool queued; uint64_t value; } kept_realtime[MAX_REALTIME];
static unsigned kept_count;

void signals_block(void)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
	watched = ~0ULL;
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		watched &= ~(1ULL << (faults[i] - 1));
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &watched, NULL, sizeof watched);
}

void signals_default(void)
{
	static const uint64_t none, action[4]; /* struct sigaction of the kernel: handler SIG_DFL, no flags, no restorer, empty mask */
	for (int signo = 1; signo <= 64; signo++)
		syscall(SYS_rt_sigaction, signo, action, NULL, sizeof none); /* EINVAL for KILL and STOP: nothing to reset there */
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
}

int signals_open(void)
{
	fd = (int)syscall(SYS_signalfd4, -1, &watched, sizeof watched, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd;
}

uint64_t signals_forwarded(void) { return forwarded; }

bool signals_stopped_from_outside(void) { return stopped_from_outside; }

int signals_send(const struct slot *slot, int signo, uint8_t scope)
{
	if (slot->pid <= 0)
		return ESRCH;
	if (scope == SCOPE_GROUP && kill(-slot->pid, signo) == 0)
		return 0;
	/* A child that has not made its group yet, or has left it, is still the one to tell. */
	return kill(slot->pid, signo) == 0 ? 0 : errno;
}

/* sigqueue(3) with the sender's value; SI_QUEUE is what a process may claim for others (rt_sigqueueinfo(2)). */
static int send_queued(const struct slot *slot, int signo, uint64_t value)
{
	siginfo_t info;
	memset(&info, 0, sizeof info);
	info.si_signo = signo;
	info.si_code = SI_QUEUE;
	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_ptr = (void *)(uintptr_t)value;
	return syscall(SYS_rt_sigqueueinfo, slot->pid, signo, &info) == 0 ? 0 : errno;
}

static void deliver(const struct slot *slot, int signo, bool queued, uint64_t value)
{
	int error = queued ? send_queued(slot, signo, value) : signals_send(slot, signo, orders.scope);
	forwarded += error == 0;
	if (signo == SIGTSTP || signo == SIGTTIN || signo == SIGTTOU)
		stopped_from_outside = true;
	if (signo == SIGCONT)
		stopped_from_outside = false;
	if (error == EPERM)
		say(SAY_ERROR, "cannot forward signal %d: the application runs as another user and this container has no CAP_KILL", signo);
	else if (error && error != ESRCH)
		say(SAY_ERROR, "cannot forward signal %d: %s", signo, strerror(error));
}

static void keep(int signo, bool queued, uint64_t value)
{
	if (signo < FIRST_REALTIME) {
		kept_standard |= 1ULL << signo;
	} else if (kept_count < MAX_REALTIME) {
		kept_realtime[kept_count].signo = (uint8_t)signo;
		kept_realtime[kept_count].queued = queued;
		kept_realtime[kept_count++].value = value;
	} else {
		say(SAY_WARN, "more than %d real-time signals while no application runs: signal %d is dropped", MAX_REALTIME, signo);
	}
}

static void forward(int signo, bool queued, uint64_t value)
{
	const struct slot *main_slot = slot_of_main();
	if (signo == 0)
		return;
	if (main_slot && main_slot->exec_ms > 0)
		deliver(main_slot, signo, queued && signo >= FIRST_REALTIME, value);
	else
		keep(signo, queued, value);
}

void signals_release(struct slot *slot)
{
	uint64_t standard = kept_standard;
	unsigned count = kept_count;
	kept_standard = 0;
	kept_count = 0;
	stopped_from_outside = false;
	for (int signo = 1; signo < FIRST_REALTIME; signo++)
		if (standard >> signo & 1)
			deliver(slot, signo, false, 0);
	for (unsigned i = 0; i < count; i++)
		deliver(slot, kept_realtime[i].signo, kept_realtime[i].queued, kept_realtime[i].value);
}

/* What both ways of receiving tell of a signal. */
struct incoming {
	int signo, code;
	pid_t sender;
	uint64_t value;
};

/*
 * What nobody has to act on: a SIGPIPE of our own; a resize that the kernel told (the application, in the foreground, has got it, and one that
 * does not run yet asks for the size when it starts); and what job control has to say to our own group.
 * The terminal's INT, QUIT and HUP are not among them. The application has a group of its own: what init gets of these it does not get, be it
 * because it is not in the foreground yet, or because a hang-up is told to the leader of the session only (tty_io.c, __tty_hangup).
 */
static bool nobodys(const struct incoming *in)
{
	switch (in->signo) {
	case SIGPIPE:
		return in->code == SI_USER && in->sender == getpid();
	case SIGWINCH:
		return in->code == SI_KERNEL;
	case SIGTSTP: case SIGCONT: case SIGTTIN: case SIGTTOU:
		return in->code == SI_KERNEL;
	default:
		return false;
	}
}

/* True for a child's change of state. */
static bool handle(const struct incoming *in)
{
	if (in->signo == SIGCHLD)
		return true;
	if (nobodys(in))
		return false;
	switch (orders.actions[in->signo]) {
	case ACTION_STOP:
		container_stop(in->signo);
		break;
	case ACTION_DROP:
		break;
	case ACTION_HAND:
		if (controller_hopeful()) {
			event_signal(in->signo, in->value, in->sender);
			break;
		}
		/* nobody to hand it to: as without orders */
		/* fall through */
	default:
		forward(orders.targets[in->signo], in->code == SI_QUEUE, in->value);
	}
	return false;
}

bool signals_wait(int timeout_ms)
{
	siginfo_t info;
	struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
	if (syscall(SYS_rt_sigtimedwait, &watched, &info, timeout_ms < 0 ? NULL : &timeout, sizeof watched) <= 0)
		return false; /* EAGAIN: the time is up */
	return handle(&(struct incoming){info.si_signo, info.si_code, info.si_pid, (uint64_t)(uintptr_t)info.si_value.sival_ptr});
}

bool signals_read(void)
{
	struct signalfd_siginfo batch[16];
	bool children = false;
	for (;;) {
		ssize_t got = read(fd, batch, sizeof batch);
		if (got <= 0)
			return children;
		size_t count = (size_t)got / sizeof *batch;
		for (size_t i = 0; i < count; i++) {
			struct incoming in = {(int)batch[i].ssi_signo, batch[i].ssi_code, (pid_t)batch[i].ssi_pid, batch[i].ssi_ptr};
			children |= handle(&in);
		}
		if (count < sizeof batch / sizeof *batch)
			return children;
	}
}
