#define _GNU_SOURCE
#include "link.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "commit.h"
#include "events.h"
#include "forget.h"
#include "hello.h"
#include "killpoint.h"
#include "reap.h"
#include "signals.h"

enum { OUT = MAX_MEMO + 64 * 1024, LENGTH = 4, PIECES = 4 };

static int fd = -1;
static bool answered, counting;
static uint32_t count_id;
static _Alignas(4096) uint8_t in_bytes[LENGTH + MAX_FRAME];
static size_t in_length;
static _Alignas(4096) uint8_t out_bytes[OUT];
static size_t out_start;
static struct buf out;

bool link_up(void) { return fd >= 0; }
int link_fd(void) { return fd; }
bool link_answered(void) { return answered; }

void link_count(uint32_t id)
{
	counting = true;
	count_id = id;
}

void link_forget(void)
{
	forget(in_bytes, sizeof in_bytes);
	forget(out_bytes, sizeof out_bytes);
}

int link_open(void)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	fd = ends[0];
	answered = counting = false;
	in_length = out_start = 0;
	out = (struct buf){.at = out_bytes, .cap = sizeof out_bytes};
	events_rewind();
	hello_encode(&out);
	link_write();
	return ends[1];
}

/* Moves what is unsent to the front and encodes as many events as fit; `full` only means: later. */
static void fill(void)
{
	if (out_start > 0) {
		memmove(out_bytes, out_bytes + out_start, out.len - out_start);
		out.len -= out_start;
		out_start = 0;
	}
	while (events_tell(&out))
		;
	out.full = false;
	if (counting) {
		encode_counted(&out, &(struct msg_counted){count_id, reap_orphans(), signals_forwarded()});
		counting = out.full;
		out.full = false;
	}
}

void link_write(void)
{
	while (fd >= 0) {
		if (out_start == out.len)
			fill();
		if (out.len == out_start)
			return;
		size_t length = kill_point_cut(out.len - out_start);
		ssize_t put = send(fd, out_bytes + out_start, length, MSG_NOSIGNAL | MSG_DONTWAIT);
		kill_point();
		if (put < 0 && errno != EINTR)
			return; /* EAGAIN: poll tells when; EPIPE: the controller is gone, and reaping it closes the link */
		if (put > 0)
			out_start += (size_t)put;
	}
}

bool link_wants_to_write(void) { return fd >= 0 && out_start < out.len; }

/* Applies all whole frames in the buffer. False: malformed. */
static bool apply_frames(void)
{
	size_t at = 0;
	bool good = true;
	while (good && in_length - at >= LENGTH) {
		uint32_t length;
		memcpy(&length, in_bytes + at, LENGTH);
		if (length < 2 || length > MAX_FRAME) {
			good = false;
			break;
		}
		if (in_length - at < LENGTH + length)
			break;
		struct span frame = {in_bytes + at + LENGTH, length};
		kill_point();
		good = frame.at[0] == PROTOCOL_VERSION && frame.at[1] == MSG_COMMIT && commit_apply((struct span){frame.at + 2, frame.len - 2});
		kill_point();
		answered = answered || good;
		at += LENGTH + length;
	}
	memmove(in_bytes, in_bytes + at, in_length - at);
	in_length -= at;
	return good;
}

static void hang_up(void)
{
	close(fd);
	fd = -1;
}

static bool read_pieces(unsigned most)
{
	while (fd >= 0 && most-- > 0) {
		ssize_t got = recv(fd, in_bytes + in_length, sizeof in_bytes - in_length, MSG_DONTWAIT);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return true;
		if (got <= 0) { /* the end, or a reset: poll(2) would tell of it for ever */
			hang_up();
			return true;
		}
		in_length += (size_t)got;
		if (!apply_frames()) {
			hang_up();
			return false;
		}
	}
	return true;
}

/* Bounded, so that a controller that never stops talking cannot keep init from signals; poll(2) brings it back here. */
bool link_read(void) { return read_pieces(PIECES); }

void link_close(void)
{
	read_pieces(UINT_MAX);
	if (fd >= 0)
		hang_up();
}
