/*
 * Listening sockets that outlive instances: bound once, held until init ends, and passed to the application as systemd and Server::Starter do.
 * Who connects while no instance runs waits in the backlog.
 */
#ifndef SOCKETS_H
#define SOCKETS_H

#include <stdbool.h>

#include "messages.gen.h"

enum { MAX_SOCKETS = 16, MAX_SOCKET_NAME = 64, SOCKET_VARIABLES = 4 };
/* Where the application finds them (sd_listen_fds(3)). */
enum { FIRST_PASSED = 3, BEYOND_PASSED = FIRST_PASSED + MAX_SOCKETS };

/* Where a `listen` failed; sockets_stage has the words. */
enum listen_stage { LISTEN_DONE, LISTEN_LIMIT, LISTEN_SOCKET, LISTEN_OPTION, LISTEN_BIND, LISTEN_OWNER, LISTEN_LISTEN };

/* What `listen` may be asked: a name that LISTEN_FDNAMES can carry, a known family and an address of its length. */
bool sockets_valid(const struct msg_listen *m);
/* Binds, listens and holds; a name that is held already is that. 0, or an errno with its stage. */
int sockets_listen(const struct msg_listen *m, enum listen_stage *stage);
const char *sockets_stage(enum listen_stage stage);
/* For people. */
const char *sockets_text(enum listen_stage stage, int error);

unsigned sockets_held(void);
/* In a child: the sockets in their order from descriptor 3 on, to be kept over exec. False with errno. */
bool sockets_pass(void);
/* In a child: LISTEN_FDS and what belongs to it, at `to`, as many as SOCKET_VARIABLES. */
void sockets_variables(char **to);

/* At the container's end: removes the files of Unix sockets, where they still are ours. */
void sockets_remove(void);

#endif
