#define _GNU_SOURCE
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "fds.h"
#include "messages.gen.h"
#include "text.h"

/* A line is at most PIPE_BUF long: POSIX makes such writes atomic, so that init's lines and the controller's never mix (pipe(7)). */
enum { LINE = 2048, FLUSH_MS = 1000 };

static enum say_level least = SAY_INFO;
static int format = SAY_PLAIN;
static int pipe_in = -1, pipe_out = -1;
static pid_t pump;
static unsigned lost;

void say_settings(enum say_level level, int log_format)
{
	least = level;
	format = log_format == LOG_AUTO ? (isatty(STDERR_FILENO) ? LOG_TEXT : LOG_JSON) : log_format;
}

/* Copies until nobody holds the other end. Its own process: it may block as long as the reader of stderr pleases. */
static void pump_run(int in)
{
	char buffer[16384];
	prctl(PR_SET_NAME, "reinit-pump");
	for (;;) {
		ssize_t got = read(in, buffer, sizeof buffer);
		if (got == 0)
			_exit(0);
		if (got < 0) {
			if (errno == EINTR)
				continue;
			_exit(1);
		}
		for (char *at = buffer; got > 0;) {
			ssize_t put = write(STDERR_FILENO, at, (size_t)got);
			if (put < 0 && errno == EAGAIN) { /* somebody made stderr non-blocking: wait here, not in init */
				struct pollfd wait = {STDERR_FILENO, POLLOUT, 0};
				poll(&wait, 1, 1000);
				continue;
			}
			if (put < 0 && errno != EINTR)
				break; /* EPIPE, EBADF: nobody reads; go on draining, so that nobody waits */
			if (put > 0) {
				at += put;
				got -= put;
			}
		}
	}
}

/* One pipe for all of init's life: a pump that was killed is followed by another, and what is in the pipe, and who writes to it, does not notice. */
static bool open_pipe(void)
{
	int ends[2];
	if (pipe_out >= 0)
		return true;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return false;
	pipe_in = ends[0];
	pipe_out = ends[1];
	return true;
}

static bool start_pump(void)
{
	if (pump > 0)
		return true;
	if (!open_pipe())
		return false;
	pid_t pid = fork();
	if (pid == 0) {
		setsid(); /* out of reach of the terminal's job control */
		/* Of the container's descriptors only stderr: whoever reads the application's output, or writes its input, waits for its end. */
		dup2(pipe_in, STDIN_FILENO);
		close(STDOUT_FILENO);
		fds_close_from(STDERR_FILENO + 1);
		fcntl(STDIN_FILENO, F_SETFL, 0);
		pump_run(STDIN_FILENO);
	}
	if (pid > 0)
		pump = pid;
	return pid > 0;
}

int say_pipe(void)
{
	open_pipe();
	return pipe_out;
}

void say_begin(void) { start_pump(); }

bool say_is_pump(pid_t pid) { return pump > 0 && pid == pump; }

bool say_ended(pid_t pid)
{
	if (!say_is_pump(pid))
		return false;
	pump = 0;
	start_pump(); /* at once: the controller writes, too */
	return true;
}

static size_t as_json(char *line, size_t size, enum say_level level, const char *text)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	char when[TEXT_TIME];
	text_time(when);
	size_t n = (size_t)text_format(line, size, "{\"level\":\"%s\",\"time\":\"%s\",\"name\":\"reinit\",\"msg\":\"", names[level], when);
	for (; *text && n < size - 16; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			line[n++] = '\\', line[n++] = (char)c;
		else if (c < 0x20 || c >= 0x7f) /* also what may be no UTF-8: a command's name can be anything */
			n += (size_t)text_format(line + n, size - n, "\\u%04x", c);
		else
			line[n++] = (char)c;
	}
	n += (size_t)text_format(line + n, size - n, "\"}\n");
	return n;
}

/* No process to be had for a pump (pids.max, most likely). What stderr takes at once it gets from init itself: better than an end without a word. */
static bool write_directly(const char *line, size_t n)
{
	struct pollfd ready = {STDERR_FILENO, POLLOUT, 0};
	return poll(&ready, 1, 0) == 1 && ready.revents == POLLOUT && write(STDERR_FILENO, line, n) == (ssize_t)n;
}

/* As the controller's readable lines (src/log/text.ts); without one, as programs complain. */
static size_t as_text(char *line, size_t size, enum say_level level, const char *text)
{
	static const char *const marks[] = {"·", " ", "!", "✗"}, *const words[] = {"", "", "warning: ", "error: "};
	char when[TEXT_TIME];
	int wrote;
	if (format == SAY_PLAIN) {
		wrote = text_format(line, size - 1, "reinit: %s%s", words[level], text);
	} else {
		text_time(when);
		wrote = text_format(line, size - 1, "reinit %.12s %s %s", when + sizeof "YYYY-MM-DD", marks[level], text);
	}
	size_t n = (size_t)wrote < size - 1 ? (size_t)wrote : size - 2;
	line[n++] = '\n';
	return n;
}

static bool put_line(enum say_level level, const char *text)
{
	char line[LINE + 128];
	size_t n = (format == LOG_JSON ? as_json : as_text)(line, sizeof line, level, text);
	if (start_pump())
		return write(pipe_out, line, n) == (ssize_t)n;
	return write_directly(line, n);
}

void say(enum say_level level, const char *format_string, ...)
{
	char text[LINE];
	va_list arguments;
	if (level < least)
		return;
	if (lost > 0) {
		char note[64];
		text_format(note, sizeof note, "%u lines of this log are lost: nobody read stderr", lost);
		if (put_line(SAY_WARN, note))
			lost = 0;
	}
	va_start(arguments, format_string);
	text_vformat(text, sizeof text, format_string, arguments);
	va_end(arguments);
	if (!put_line(level, text))
		lost++;
}

void say_flush(void)
{
	if (pump <= 0)
		return;
	close(pipe_out);
	close(pipe_in);
	pipe_out = pipe_in = -1;
	for (uint64_t end = now_ms() + FLUSH_MS; now_ms() < end;) {
		pid_t ended = waitpid(pump, NULL, WNOHANG);
		if (ended == pump || (ended < 0 && errno == ECHILD))
			return;
		struct timespec pause = {0, 1000000};
		nanosleep(&pause, NULL);
	}
	kill(pump, SIGKILL);
}
