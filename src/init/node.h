/* Node with reinit's bundles: where they are, and what a process gives up to become the controller. */
#ifndef NODE_H
#define NODE_H

#include <stdbool.h>

/* Finds the bundles, and Node where it is among them, relative to this program. */
void node_find(void);

/*
 * In the child: its own session, no terminal, none of the container's descriptors, no more rights than reading needs.
 * `link` becomes descriptor 3, `log` its stderr (-1: none). `arguments`: reinit's own, before `--`.
 */
_Noreturn void node_become_controller(int link, int log, char *const *arguments, int count);

/*
 * Replaces this process by a run of the command line interface (validate, schema, help), or by portable mode (src/host): that one has the whole environment,
 * which is the application's, and none of our flags, since --disable-sigusr1 would keep USR1 from it. Where that fails: a line on stderr, EXIT_SYSTEM.
 */
_Noreturn void node_exec(bool portable, char *const *arguments, int count);

#endif
