#define _GNU_SOURCE
#include "args.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static const char *const cli_verbs[] = {"validate", "schema", "help", "--help", "-h"};

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
		if (strncmp(*variable, "REINIT_", 7) == 0 && strncmp(*variable, "REINIT_NODE=", 12) != 0 && strncmp(*variable, "REINIT_TEST_", 12) != 0)
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

/* Takes one of tini's flags, with its value where it has one. 0: it is none of them; else how many arguments it took. */
static int plain_flag(struct args *args, const char *flag, const char *value)
{
	if (strcmp(flag, "-g") == 0)
		args->group = true;
	else if (strcmp(flag, "-v") == 0 || strcmp(flag, "-vv") == 0 || strcmp(flag, "-vvv") == 0)
		args->verbose = true;
	else if (strcmp(flag, "-s") != 0 && strcmp(flag, "-w") != 0) {
		if (!value)
			return 0;
		if (strcmp(flag, "-e") == 0)
			args->ok_codes[atoi(value) & 255] = true;
		else if (strcmp(flag, "-p") == 0)
			args->parent_death_signal = signal_number(value);
		else
			return 0;
		return 2;
	}
	return 1;
}

struct args args_parse(int argc, char **argv)
{
	struct args args = {.run = RUN_PLAIN, .own = argv + 1};
	int at = 1;
	if (argc > 1 && (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0)) {
		args.run = RUN_VERSION;
		return args;
	}
	if (argc > 1 && is_cli(argv[1])) {
		args.run = RUN_CLI;
		args.own_count = argc - 1;
		return args;
	}
	if (argc > 1 && strcmp(argv[1], "run") == 0) {
		args.run = RUN_CONFIGURED;
		args.own = argv + 2;
		at = 2;
	}
	while (at < argc && argv[at][0] == '-' && strcmp(argv[at], "--") != 0) {
		int took = plain_flag(&args, argv[at], at + 1 < argc ? argv[at + 1] : NULL);
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
