/*
 * init's own lines, and the pump that carries them and the controller's to the container's stderr.
 *
 * Nothing may block init: a full pipe or a terminal in XOFF on stderr is the reader's doing and may last for ever. RWF_NOWAIT works on pipes
 * and sockets but not on terminals and files, and O_NONBLOCK would change the description that the application shares. So a process of
 * its own, the pump, is the only one that writes to stderr; it is started with the first line that there is to say, or with the controller.
 * (Where no process can be had, init writes what stderr takes at once.)
 */
#ifndef SAY_H
#define SAY_H

#include <stdbool.h>
#include <sys/types.h>

enum say_level { SAY_DEBUG, SAY_INFO, SAY_WARN, SAY_ERROR };
enum { SAY_PLAIN = -1 }; /* beside the LOG_ formats: plain mode's, without a time */

/* Says one line. Never blocks; a line that does not fit is counted, and the count is said with the next that does. */
__attribute__((format(printf, 2, 3))) void say(enum say_level level, const char *format, ...);

/* What is said below this level is dropped (default SAY_INFO); `format` is LOG_AUTO, LOG_JSON, LOG_TEXT or SAY_PLAIN. */
void say_settings(enum say_level least, int format);

/* The write end that the controller gets as its stderr; -1 where there can be none. say_begin starts the pump behind it. */
int say_pipe(void);
void say_begin(void);

/* If `pid` was the pump, another one goes on with what is in the pipe. */
bool say_ended(pid_t pid);
bool say_is_pump(pid_t pid);

/* Gives the pump a bounded time to write what it has; called once, at the very end. No other process may hold the pipe. */
void say_flush(void);

#endif
