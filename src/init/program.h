/* The program that a child becomes: its environment, and finding it. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "messages.gen.h"

/* The container's environment, byte for byte, less and plus the lists, and plus `own`, which ends with NULL and wins. */
char **program_environment(const struct msg_spawn *m, char *const *own);
/* As execvp(3), but with the PATH of the new environment, and never through a shell. Fails as stage `exec` or `interpreter`. */
_Noreturn void program_exec(char **argv, char **environment);

#endif
