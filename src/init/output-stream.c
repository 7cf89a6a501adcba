#define _GNU_SOURCE
#include "output-state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 4096 };

static bool one; /* stdout and stderr are the same */

void output_stream_begin(void)
{
	struct stat out, err;
	one = fstat(STDOUT_FILENO, &out) == 0 && fstat(STDERR_FILENO, &err) == 0 && out.st_dev == err.st_dev && out.st_ino == err.st_ino;
}

uint8_t *output_stream_turn(const struct lane *lane) { return &output_state->turns[one ? 0 : lane->stream - 1]; }

/*
 * How much the stream takes without blocking, for O_NONBLOCK is not ours to set on what is shared: of a pipe that poll(2) says can be written a page
 * (pipe(7)), of an empty one all that it holds.
 */
static uint32_t room(int stream)
{
	int held, size = fcntl(stream, F_GETPIPE_SZ);
	return size > CHUNK && ioctl(stream, FIONREAD, &held) == 0 && held == 0 ? (uint32_t)size : CHUNK;
}

/* Whole lines where there are any: should it be written twice (a KILL just then), then these. */
static uint32_t chunk(const struct lane *lane)
{
	const uint8_t *at = lane->out + lane->out_begin;
	uint32_t length = lane->out_end - lane->out_begin, most = length > CHUNK ? room(lane->stream) : CHUNK;
	if (length <= most)
		return length;
	const uint8_t *newline = memrchr(at, '\n', most);
	return newline ? (uint32_t)(newline + 1 - at) : most;
}

/* Where nobody reads any more (EPIPE, EIO of a terminal, EBADF) the application is not to wait for ever: what comes is dropped. */
void output_stream(struct lane *lane)
{
	ssize_t n = write(lane->stream, lane->out + lane->out_begin, chunk(lane));
	output_step();
	if (n < 0 && errno != EINTR && errno != EAGAIN)
		n = lane->out_end - lane->out_begin;
	if (n <= 0)
		return;
	lane->out_begin += (uint32_t)n;
	output_state->moved += (uint64_t)n;
}
