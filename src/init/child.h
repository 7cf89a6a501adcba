/*
 * What happens between fork and exec: the attributes that `spawn` orders, each with a name for its failure, then the program.
 * Everything here runs in the child, which is init's copy: it may use memory as it likes, and ends by exec or by telling why not.
 */
#ifndef CHILD_H
#define CHILD_H

#include "messages.gen.h"

/* What a child that cannot go on writes into the exec pipe. */
struct failure {
	int error;
	int exit_code;
	char stage[16];
};

/* `report`: where a failure is written. `output`: its stdout and stderr, -1 where they are inherited. `closed`: the standard streams that were closed at start. */
_Noreturn void child_become(const struct msg_spawn *m, char **own_command, const bool closed[3], int report, const int output[2]);

_Noreturn void child_fail(const char *stage, int error, int exit_code);

/* Memory that exec takes back. */
void *child_room(size_t size);
/* With a NULL behind the last. */
char **child_texts(struct list list);

#endif
