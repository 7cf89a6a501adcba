#define _GNU_SOURCE
#include "args.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

/* What asks a running reinit, or nobody: none of them starts anything. */
static const char *const cli_verbs[] = {
	"validate", "doctor", "preset", "schema", "help", "--help", "-h", "completion",
	"status", "reload", "accept", "check", "rollback", "pin", "unpin", "rescan", "restart", "stop", "signal",
	"history", "events", "logs", "top",
};

static bool is_cli(const char *word)
{
	for (size_t i = 0; i < sizeof cli_verbs / sizeof *cli_verbs; i++)
		if (strcmp(word, cli_verbs[i]) == 0)
			return true;
	return false;
}

/* A setting from the environment, or a configuration file where one is looked for. */
static bool configured_outside(void)
{
	for (char **variable = environ; *variable; variable++)
		if (strncmp(*variable, "REINIT_", 7) == 0 && strncmp(*variable, "REINIT_NODE=", 12) != 0 && strncmp(*variable, "REINIT_CONTROL_SOCKET=", 22) != 0 && strncmp(*variable, "REINIT_TEST_", 12) != 0)
			return true;
	return access("/etc/reinit.yaml", F_OK) == 0;
}

static int signal_number(const char *name)
{
	static const struct { const char *name; int signo; } known[] = {
		{"HUP", SIGHUP}, {"INT", SIGINT}, {"QUIT", SIGQUIT}, {"KILL", SIGKILL}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"TERM", SIGTERM},
	};
	if (strncmp(name, "SIG", 3) == 0)
		name += 3;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strcmp(name, known[i].name) == 0)
			return known[i].signo;
	return atoi(name);
}

/*
 * Takes tini's flags, written as getopt(3) takes them: `-g`, `-gvs`, `-e 143`, `-e143`. `next`: the argument after this one, NULL where there is none.
 * 0: there is another one among them; else how many arguments they took.
 */
static int plain_flags(struct args *args, const char *flags, const char *next)
{
	struct args taken = *args;
	for (const char *flag = flags + 1; *flag; flag++) {
		const char *value = flag[1] ? flag + 1 : next;
		if (*flag == 'g')
			taken.group = true;
		else if (*flag == 'v')
			taken.verbose = true;
		else if (*flag == 'e' && value)
			taken.ok_codes[atoi(value) & 255] = true;
		else if (*flag == 'p' && value)
			taken.parent_death_signal = signal_number(value);
		else if (*flag != 's' && *flag != 'w')
			return 0;
		if (*flag == 'e' || *flag == 'p') {
			*args = taken;
			return value == next ? 2 : 1;
		}
	}
	*args = taken;
	return flags[1] ? 1 : 0;
}

struct args args_parse(int argc, char **argv)
{
	struct args args = {.run = RUN_PLAIN, .own = argv + 1};
	int at = 1;
	const char *host = getenv("REINIT_HOST");
	if (host && strcmp(host, "portable") == 0) {
		args.run = RUN_PORTABLE;
		args.own_count = argc - 1;
		return args;
	}
	if (argc > 1 && (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0)) {
		args.run = RUN_VERSION;
		return args;
	}
	bool attaches = argc > 1 && strcmp(argv[1], "attach") == 0;
	if (argc > 1 && (is_cli(argv[1]) || (attaches && argc > 2 && is_cli(argv[2])))) {
		args.run = RUN_CLI;
		args.own_count = argc - 1;
		return args;
	}
	if (argc > 1 && strcmp(argv[1], "run") == 0) {
		args.run = RUN_CONFIGURED;
		args.own = argv + 2;
		at = 2;
	}
	if (attaches) { /* a word that the controller has to see */
		args.run = RUN_CONFIGURED;
		at = 2;
	}
	while (at < argc && argv[at][0] == '-' && strcmp(argv[at], "--") != 0) {
		int took = plain_flags(&args, argv[at], at + 1 < argc ? argv[at + 1] : NULL);
		if (took == 0)
			break;
		at += took;
	}
	if (at < argc && argv[at][0] == '-' && strcmp(argv[at], "--") != 0) {
		args.run = RUN_CONFIGURED; /* a setting: only `--` can tell where the command begins */
		while (at < argc && strcmp(argv[at], "--") != 0)
			at++;
	}
	args.own_count = (int)(argv + at - args.own);
	if (at < argc && strcmp(argv[at], "--") == 0)
		at++;
	if (at < argc)
		args.command = argv + at;
	if (args.run == RUN_PLAIN && configured_outside())
		args.run = RUN_CONFIGURED;
	if (args.run == RUN_PLAIN && !args.command)
		args.run = RUN_USAGE;
	return args;
}
