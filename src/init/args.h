/*
 * init's command line. Without a file and without a setting (`reinit -- cmd`, and tini's own flags) it is a plain init and Node is never started;
 * everything else is for the controller to understand: init only finds where the command begins.
 */
#ifndef ARGS_H
#define ARGS_H

#include <stdbool.h>
#include <stdint.h>

struct args {
	enum { RUN_PLAIN, RUN_CONFIGURED, RUN_CLI, RUN_PORTABLE, RUN_VERSION, RUN_USAGE } run;
	char **own; /* reinit's own arguments */
	int own_count;
	char **command; /* NULL: none given */
	/* plain mode's flags, as tini has them */
	bool group;
	bool verbose;
	int parent_death_signal;
	bool ok_codes[256]; /* -e */
};

struct args args_parse(int argc, char **argv);

#endif
