/*
 * The native side of the benchmarks: what has to be timed to the microsecond is timed here, outside of Node.
 *
 *   bench start N -- command…      N times: exec of the command until a `bench first` inside it runs; prints microseconds, a line each
 *   bench first                    writes CLOCK_MONOTONIC in nanoseconds to stdout: the application's first instruction, nearly
 *   bench signal N -- init…        N signals to the init, which runs `bench receive`; prints microseconds from kill to handler
 *   bench receive FILE             handles USR1: writes the time into the mapped FILE
 *   bench orphans 1 -- init…       zombies made while the init is stopped; prints how many are reaped in a second once it goes on
 *   bench orphan-maker N FILE      makes them
 *   bench lives FILE               appends `start NS` to FILE, and `end NS` when TERM ends it; prints nothing
 *   bench day FILE                 counts its HUPs in FILE; at each USR1 it makes a thousand orphans, and counts that too; prints nothing
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct shared {
	volatile uint64_t at, count, ready, go;
};

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void nap(long ns) { nanosleep(&(struct timespec){0, ns}, NULL); }

static struct shared *map(const char *file)
{
	int fd = open(file, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(struct shared)) < 0)
		exit(1);
	return mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static int first(void) { return dprintf(1, "%llu\n", (unsigned long long)now_ns()) < 0; }

static void start_once(char **command)
{
	int out[2];
	char text[64] = "";
	if (pipe(out) < 0)
		exit(1);
	uint64_t begin = now_ns();
	pid_t pid = fork();
	if (pid == 0) {
		dup2(out[1], 1);
		close(out[0]);
		close(out[1]);
		execv(command[0], command);
		_exit(127);
	}
	close(out[1]);
	ssize_t n = 0, got;
	while ((got = read(out[0], text + n, sizeof text - 1 - (size_t)n)) > 0)
		n += got;
	close(out[0]);
	waitpid(pid, NULL, 0);
	nap(20000000); /* the kernel takes the last one's memory apart: not the next one's affair */
	printf("%.1f\n", (double)(strtoull(text, NULL, 10) - begin) / 1000);
}

static struct shared *shared;

static void received(int signo)
{
	(void)signo;
	shared->at = now_ns();
	shared->count++;
}

static _Noreturn void receive(const char *file)
{
	shared = map(file);
	struct sigaction action = {.sa_handler = received};
	sigaction(SIGUSR1, &action, NULL);
	shared->ready = (uint64_t)getpid();
	for (;;)
		pause();
}

static pid_t run(char **command)
{
	pid_t pid = fork();
	if (pid == 0) {
		execv(command[0], command);
		_exit(127);
	}
	return pid;
}

/* The file is the last word of the command: both sides map it. */
static char *last(char **command)
{
	while (command[1])
		command++;
	return *command;
}

static int signals(long n, char **command)
{
	struct shared *s = map(last(command));
	*s = (struct shared){0};
	pid_t pid = run(command);
	while (!s->ready)
		nap(1000000);
	nap(50000000);
	for (long i = 0; i < n; i++) {
		uint64_t count = s->count, begin = now_ns();
		kill(pid, SIGUSR1);
		while (s->count == count)
			;
		printf("%.2f\n", (double)(s->at - begin) / 1000);
		nap(300000);
	}
	kill(pid, SIGTERM);
	return waitpid(pid, NULL, 0) < 0;
}

static _Noreturn void orphan_maker(long n, const char *file)
{
	struct shared *s = map(file);
	s->ready = (uint64_t)getpid();
	while (!s->go)
		nap(1000000);
	for (long i = 0; i < n; i++) {
		pid_t middle = fork();
		if (middle == 0) {
			pid_t self = getpid();
			if (fork() == 0)
				while (getppid() == self)
					nap(1000);
			_exit(0);
		}
		waitpid(middle, NULL, 0);
	}
	s->count = 1;
	for (;;)
		pause();
}

/* How many children a process has, zombies too (proc(5), CONFIG_PROC_CHILDREN). */
static long children_of(pid_t pid)
{
	static char text[1 << 20];
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
	int fd = open(path, O_RDONLY);
	ssize_t n = 0, got;
	while ((got = read(fd, text + n, sizeof text - (size_t)n)) > 0)
		n += got;
	close(fd);
	long count = 0;
	for (ssize_t i = 0; i < n; i++)
		count += text[i] == ' ';
	return count;
}

static int orphans(char **command)
{
	struct shared *s = map(last(command));
	*s = (struct shared){0};
	pid_t pid = run(command);
	while (!s->ready)
		nap(1000000);
	kill(pid, SIGSTOP);
	s->go = 1;
	while (!s->count)
		nap(1000000);
	nap(200000000);
	long made = children_of(pid) - 1;
	uint64_t begin = now_ns();
	kill(pid, SIGCONT);
	while (children_of(pid) > 1)
		;
	printf("%.0f\n", (double)made * 1e9 / (double)(now_ns() - begin));
	kill((pid_t)s->ready, SIGKILL); /* the init ends with its application */
	return waitpid(pid, NULL, 0) < 0;
}

static int lives_fd;

static void live_ends(int signo)
{
	(void)signo;
	dprintf(lives_fd, "end %llu\n", (unsigned long long)now_ns());
	_exit(0);
}

static _Noreturn void lives(const char *file)
{
	uint64_t begin = now_ns();
	struct sigaction action = {.sa_handler = live_ends};
	lives_fd = open(file, O_WRONLY | O_APPEND | O_CREAT, 0600);
	sigaction(SIGTERM, &action, NULL);
	dprintf(lives_fd, "start %llu\n", (unsigned long long)begin);
	for (;;)
		pause();
}

static volatile sig_atomic_t wanted;

static void hup(int signo)
{
	(void)signo;
	shared->count++;
}

static void want(int signo)
{
	(void)signo;
	wanted = 1;
}

/* Its child ends first, so that the grandchild is init's; a stop or a reload may come at any moment. */
static _Noreturn void day(const char *file)
{
	shared = map(file);
	sigset_t usr1, before;
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, &before);
	sigaction(SIGHUP, &(struct sigaction){.sa_handler = hup, .sa_flags = SA_RESTART}, NULL);
	sigaction(SIGUSR1, &(struct sigaction){.sa_handler = want}, NULL);
	shared->ready = (uint64_t)getpid();
	for (;;) {
		while (!wanted)
			sigsuspend(&before);
		wanted = 0;
		for (int i = 0; i < 1000; i++) {
			pid_t middle = fork();
			if (middle == 0)
				_exit(fork() < 0);
			waitpid(middle, NULL, 0);
		}
		shared->go++;
	}
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	if (strcmp(verb, "first") == 0)
		return first();
	if (strcmp(verb, "receive") == 0 && argc == 3)
		receive(argv[2]);
	if (strcmp(verb, "lives") == 0 && argc == 3)
		lives(argv[2]);
	if (strcmp(verb, "day") == 0 && argc == 3)
		day(argv[2]);
	if (strcmp(verb, "orphan-maker") == 0 && argc == 4)
		orphan_maker(atol(argv[2]), argv[3]);
	if (argc < 5)
		return 100;
	long n = atol(argv[2]);
	if (strcmp(verb, "start") == 0)
		for (long i = 0; i < n; i++)
			start_once(argv + 4);
	else if (strcmp(verb, "signal") == 0)
		return signals(n, argv + 4);
	else if (strcmp(verb, "orphans") == 0)
		return orphans(argv + 4);
	return 0;
}
