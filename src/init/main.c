/*
 * reinit's init: PID 1 of the container.
 *
 * It creates all processes, collects all exits, passes signals on, and obeys: standing orders (orders.h) with or without a controller, and the
 * controller's commits (link.h). One loop, nothing allocated after start, nothing in it blocks. What must never happen is in docs/protocol.md.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "args.h"
#include "clock.h"
#include "codes.h"
#include "container.h"
#include "controller.h"
#include "events.h"
#include "fds.h"
#include "hello.h"
#include "instance.h"
#include "link.h"
#include "node.h"
#include "notify.h"
#include "orders.h"
#include "output.h"
#include "privileges.h"
#include "proc.h"
#include "reap.h"
#include "say.h"
#include "signals.h"
#include "sockets.h"
#include "spawn.h"
#include "target.h"
#include "terminal.h"
#include "text.h"

/* Always there, at these places: poll(2) passes over a descriptor of -1. Then the slots'. */
enum { AT_SIGNALS, AT_LINK, AT_NOTIFY, AT_SLOTS, MAX_POLL = AT_SLOTS + 3 * MAX_SLOTS };

static const char usage[] =
	"usage: reinit [flags] [--] command [arguments]    a plain init, or with settings one that follows changed configuration\n"
	"       reinit run [flags] [-- command …]          the same, from a configuration file\n"
	"       reinit attach [flags]                      for a process of another container: reinit attach --help\n"
	"       reinit validate [file] | schema | help | version\n"
	"Nothing to run: give a command, or a configuration file (-c file, REINIT_CONFIG, /etc/reinit.yaml). `reinit help` tells more.\n";

static _Noreturn void leave(int code)
{
	controller_kill(); /* it holds the log's pipe; first, while no one else reaps */
	if (getpid() != 1) /* as PID 1 the kernel does it (pid_namespaces(7)) */
		for (int pass = 0; pass < 64 && !instance_kill_all(); pass++)
			;
	sockets_remove();
	output_flush();
	say_flush();
	_exit(code);
}

static int wait_ms(uint64_t deadline)
{
	if (deadline == NEVER)
		return -1;
	uint64_t now = now_ms();
	if (deadline <= now)
		return 0;
	return deadline - now > 60000 ? 60000 : (int)(deadline - now);
}

static void look_at_exec(struct slot *slot)
{
	if (!spawn_look(slot))
		return;
	event_spawned(slot);
	if (slot == slot_of_main())
		signals_release(slot);
}

/* What to wait for, rebuilt each time: a handful of descriptors. */
static nfds_t gather(struct pollfd *polls, int signal_fd, struct slot **owners)
{
	nfds_t n = AT_SLOTS;
	polls[AT_SIGNALS] = (struct pollfd){signal_fd, POLLIN, 0};
	polls[AT_LINK] = (struct pollfd){link_fd(), (short)(POLLIN | (link_wants_to_write() ? POLLOUT : 0)), 0};
	polls[AT_NOTIFY] = (struct pollfd){notify_fd(), POLLIN, 0};
	for (struct slot *slot = slots; slot < slots + MAX_SLOTS; slot++) {
		if (slot->token == 0)
			continue;
		if (slot->exec_fd >= 0) {
			owners[n] = slot;
			polls[n++] = (struct pollfd){slot->exec_fd, POLLIN, 0};
		}
		if (slot->capture && slot->capture->fd >= 0) {
			owners[n] = slot;
			polls[n++] = (struct pollfd){slot->capture->fd, POLLIN, 0};
		}
		if (slot->nest_fd >= 0) {
			owners[n] = slot;
			polls[n++] = (struct pollfd){slot->nest_fd, POLLIN, 0};
		}
		if (slot->pid_fd >= 0) {
			owners[n] = slot;
			polls[n++] = (struct pollfd){slot->pid_fd, POLLIN, 0};
		}
	}
	return n;
}

static void serve_link(short happened)
{
	if (happened & (POLLIN | POLLHUP) && !link_read()) {
		say(SAY_ERROR, "the controller broke the protocol: it is killed and started again");
		controller_kill();
	}
}

static void serve_slots(const struct pollfd *polls, nfds_t count, struct slot **owners)
{
	for (nfds_t i = AT_SLOTS; i < count; i++) {
		if (!polls[i].revents)
			continue;
		if (polls[i].fd == owners[i]->exec_fd)
			look_at_exec(owners[i]);
		else if (owners[i]->capture && polls[i].fd == owners[i]->capture->fd)
			capture_read(owners[i]->capture);
		else if (polls[i].fd == owners[i]->pid_fd)
			target_ended(owners[i]);
	}
}

static void serve_nests(const struct pollfd *polls, nfds_t count, struct slot **owners)
{
	for (nfds_t i = AT_SLOTS; i < count; i++)
		if (polls[i].revents && polls[i].fd == owners[i]->nest_fd)
			reap_nested(owners[i]);
}

static void tick(void)
{
	uint64_t now = now_ms();
	instance_tick(now);
	container_tick(now);
	target_tick();
	controller_tick(now);
	output_tick(now);
}

/* Waits and serves. Exec, output and last words before exits, signals before reaping: a pid that is signalled is still the child's. */
static void serve(int signal_fd, int timeout_ms)
{
	struct pollfd polls[MAX_POLL];
	struct slot *owners[MAX_POLL];
	nfds_t count = gather(polls, signal_fd, owners);
	if (count == AT_SLOTS && !link_up() && notify_fd() < 0) { /* plain mode, nearly always */
		if (signals_wait(timeout_ms))
			reap_all();
		return;
	}
	if (poll(polls, count, timeout_ms) < 0 && errno != EINTR)
		say(SAY_ERROR, "poll: %s", strerror(errno));
	serve_slots(polls, count, owners);
	if (polls[AT_NOTIFY].revents)
		notify_read();
	bool children = polls[AT_SIGNALS].revents && signals_read();
	serve_nests(polls, count, owners);
	if (children)
		reap_all();
	if (link_up())
		serve_link(polls[AT_LINK].revents);
}

static _Noreturn void loop(int signal_fd)
{
	int code;
	while (!container_leaving(&code)) { /* before the first wait, too: nothing may have been started */
		uint64_t deadline = sooner(sooner(instance_deadline(), container_deadline()), sooner(target_deadline(), sooner(controller_deadline(), output_deadline())));
		serve(signal_fd, wait_ms(deadline));
		if (deadline != NEVER)
			tick();
		if (link_up())
			link_write();
	}
	leave(code);
}

static uint32_t facts(void)
{
	uint32_t flags = getpid() == 1 ? HELLO_PID1 : 0;
	if (getpid() != 1) {
		if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
			flags |= HELLO_SUBREAPER;
		else
			say(SAY_WARN, "not PID 1 and no subreaper (%s): orphans of the application go to somebody else and may stay zombies", strerror(errno));
	}
	terminal_begin();
	if (terminal_ours())
		flags |= HELLO_TERMINAL;
	if (isatty(STDERR_FILENO))
		flags |= HELLO_STDERR_TERMINAL;
	if (privileges_can_kill())
		flags |= HELLO_CAN_KILL;
	return flags;
}

static void start_plain(const struct args *args)
{
	struct msg_spawn m = {.token = 1, .role = ROLE_MAIN, .uid = -1, .gid = -1, .umask = -1};
	orders.main_token = 1;
	orders.scope = args->group ? SCOPE_GROUP : SCOPE_PROCESS;
	for (int code = 0; code < EXIT_CODES; code++)
		if (args->ok_codes[code])
			orders.exit_map[code] = 0;
	if (args->parent_death_signal > 0)
		prctl(PR_SET_PDEATHSIG, args->parent_death_signal);
	struct slot *slot = spawn(&m);
	if (slot->failed)
		container_main_ended(slot);
}

int main(int argc, char **argv)
{
	bool closed[3];
	signals_block();
	fds_begin(closed);
	struct args args = args_parse(argc, argv);
	if (args.run == RUN_VERSION)
		return text_put(STDOUT_FILENO, "reinit %s\n", REINIT_VERSION) < 0;
	if (args.run == RUN_USAGE)
		return text_put(STDERR_FILENO, "%s", usage), EXIT_USAGE;
	if (args.run == RUN_CLI || args.run == RUN_PORTABLE)
		node_exec(args.run == RUN_PORTABLE, args.own, args.own_count);
	int signal_fd = signals_open();
	if (signal_fd < 0) {
		text_put(STDERR_FILENO, "reinit: signalfd: %s\n", strerror(errno));
		return EXIT_SYSTEM;
	}
	orders_default();
	say_settings(args.verbose ? SAY_DEBUG : SAY_INFO, args.run == RUN_PLAIN ? SAY_PLAIN : LOG_AUTO);
	spawn_begin(args.command, closed);
	hello_facts(facts());
	if (args.run == RUN_PLAIN) {
		start_plain(&args);
	} else {
		controller_begin(args.own, args.own_count);
		controller_start();
	}
	loop(signal_fd);
}
