#define _GNU_SOURCE
#include "output-state.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fds.h"
#include "forget.h"

enum { FIRST = 3 };

static int inputs[LANES]; /* -1: no lane of this pump, whatever the memory says by now: init may be making one for the next */
static bool finishing;
static uint32_t left[LANES]; /* of what was in the pipe when the end began */

/* Each to a number of its own from FIRST on, in the order of their numbers, so that none takes another's place; all else is closed. */
static void keep_only(const int fds[LANES])
{
	int to = FIRST;
	memcpy(inputs, fds, sizeof inputs);
	for (int after = FIRST - 1;;) {
		int lane = -1;
		for (int i = 0; i < LANES; i++)
			if (fds[i] > after && (lane < 0 || fds[i] < fds[lane]))
				lane = i;
		if (lane < 0)
			break;
		after = fds[lane];
		dup2(after, to);
		inputs[lane] = to++;
	}
	fds_close_from((unsigned)to);
	close(STDIN_FILENO);
}

/* As the application: a file in a directory of its own is written with its rights, and no more. */
static bool become_user(void)
{
	gid_t gid = (gid_t)output_settings.gid;
	uid_t uid = (uid_t)output_settings.uid;
	bool other = output_settings.uid >= 0 && uid != geteuid();
	if (other && setgroups(0, NULL) < 0)
		return false;
	return (output_settings.gid < 0 || gid == getegid() || setresgid(gid, gid, gid) == 0) && (!other || setresuid(uid, uid, uid) == 0);
}

/* What the pump before had read, and did not come to count. (NUL at the very end of that would be lost.) */
static void recover(struct lane *lane)
{
	uint32_t end = IN_ROOM;
	if (!lane->reading)
		return;
	while (end > lane->there.end && lane->in[end - 1] == 0)
		end--;
	lane->dirty = IN_ROOM;
	lane->there.end = end;
	lane->reading = false;
}

/* What is left of a line goes to the front; behind it all is NUL (recover). There is always room then: what has not been converted is less than LINE_ROOM. */
static void make_room(struct lane *lane)
{
	uint32_t length = lane->there.end - lane->there.begin;
	if (length == 0 || (lane->there.end > LINE_ROOM && length <= lane->there.begin)) {
		struct window front = {0, length};
		memcpy(lane->in, lane->in + lane->there.begin, length);
		output_step();
		__atomic_store(&lane->there, &front, __ATOMIC_RELEASE);
	}
	if (lane->dirty > lane->there.end)
		memset(lane->in + lane->there.end, 0, lane->dirty - lane->there.end);
	lane->dirty = lane->there.end;
}

/* False: the pipe has ended. */
static bool fill(struct lane *lane, int number)
{
	make_room(lane);
	size_t room = IN_ROOM - lane->there.end;
	if (finishing && room > left[number])
		room = left[number];
	__atomic_store_n(&lane->reading, true, __ATOMIC_SEQ_CST);
	ssize_t n = room ? read(inputs[number], lane->in + lane->there.end, room) : 0;
	output_step();
	if (n > 0) {
		lane->dirty = lane->there.end + (uint32_t)n;
		__atomic_store_n(&lane->there.end, lane->dirty, __ATOMIC_RELEASE);
	}
	output_step();
	__atomic_store_n(&lane->reading, false, __ATOMIC_RELEASE);
	if (n > 0 && finishing)
		left[number] -= (uint32_t)n;
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

static void finish_block(struct lane *lane, uint8_t number)
{
	if (lane->streaming)
		*output_stream_turn(lane) = (uint8_t)((number + 1) % LANES);
	lane->there.begin = lane->next;
	output_step();
	lane->in_line = lane->next_in_line;
	output_step();
	__atomic_store_n(&lane->out_end, 0, __ATOMIC_RELEASE);
}

/* The block's way: first to the file; to the stream where there is none, where that failed, or where both are wanted. */
static void decide(struct lane *lane, uint8_t number)
{
	bool has_file = output_settings.path[0] != '\0';
	if (has_file && !lane->filed && !lane->streaming)
		output_file(lane, number);
	lane->streaming = !lane->filed || output_settings.also_stdout;
}

static bool is_written(const struct lane *lane) { return !lane->streaming || lane->out_begin == lane->out_end; }

/* Goes as far as it can without waiting. False: all is written, and nothing follows. */
static bool serve(struct lane *lane, uint8_t number, bool readable, bool writable)
{
	bool more = !readable || fill(lane, number);
	for (;;) {
		if (lane->out_end == 0 && !output_convert(lane, !more))
			return more;
		decide(lane, number);
		if (writable && !is_written(lane))
			output_stream(lane);
		writable = false;
		if (!is_written(lane))
			return true;
		finish_block(lane, number);
	}
}

/* Of a lane whose block is written, or, at the end, of one that is only to be emptied, nothing has to be waited for. */
static bool waits_for_input(int number)
{
	const struct lane *lane = &output_state->lanes[number];
	return inputs[number] >= 0 && !lane->over && lane->out_end == 0;
}

static bool waits_for_output(int number)
{
	const struct lane *lane = &output_state->lanes[number];
	return inputs[number] >= 0 && !lane->over && lane->out_end > 0;
}

/* One at a time writes to a stream, and its block to the end: where several did, one would tear the other's lines, and wait for room that the other has taken. */
static bool has_turn(int number)
{
	uint8_t *turn = output_stream_turn(&output_state->lanes[number]), next = *turn;
	if (!waits_for_output(number))
		return false;
	while (!waits_for_output(next) || output_stream_turn(&output_state->lanes[next]) != turn)
		next = (uint8_t)((next + 1) % LANES);
	*turn = next;
	return next == number;
}

static void wait_for(struct pollfd polls[LANES])
{
	static const struct timespec at_once;
	bool now = false;
	sigset_t all_but_term;
	sigfillset(&all_but_term);
	sigdelset(&all_but_term, SIGTERM);
	for (int i = 0; i < LANES; i++) {
		bool input = waits_for_input(i);
		polls[i] = (struct pollfd){input ? inputs[i] : has_turn(i) ? output_state->lanes[i].stream : -1, input ? POLLIN : POLLOUT, 0};
		now |= input && finishing;
	}
	/* TERM means: another one takes over. It ends this one here and nowhere else, and only where there is nothing to do: ppoll(2) lets it in while it waits. */
	ppoll(polls, LANES, now ? &at_once : NULL, &all_but_term);
	for (int i = 0; i < LANES; i++)
		if (finishing && waits_for_input(i))
			polls[i].revents = POLLIN;
}

static void measure_what_is_left(void)
{
	for (int i = 0; i < LANES; i++) {
		int bytes = 0;
		if (inputs[i] >= 0 && ioctl(inputs[i], FIONREAD, &bytes) == 0)
			left[i] = (uint32_t)bytes;
	}
}

static void begin(const int fds[LANES], bool finish)
{
	prctl(PR_SET_NAME, "reinit-output");
	setsid(); /* out of reach of the terminal's job control */
	signal(SIGTERM, SIG_DFL);
	keep_only(fds);
	forget_all();
	output_file_begin(become_user());
	output_stream_begin();
	finishing = finish;
	if (finishing)
		measure_what_is_left();
	for (uint8_t i = 0; i < LANES; i++) {
		struct lane *lane = &output_state->lanes[i];
		if (inputs[i] < 0 || lane->over)
			continue;
		recover(lane);
		serve(lane, i, false, false); /* of what has been read already nothing tells */
	}
}

_Noreturn void output_pump(const int fds[LANES], bool finish)
{
	uint8_t told = output_state->stage;
	for (begin(fds, finish);;) {
		struct pollfd polls[LANES];
		bool leaves = false;
		wait_for(polls);
		for (uint8_t i = 0; i < LANES; i++) {
			struct lane *lane = &output_state->lanes[i];
			if (polls[i].revents && !serve(lane, i, polls[i].events == POLLIN, polls[i].events == POLLOUT))
				lane->over = leaves = true;
		}
		if (leaves || output_state->stage != told || __atomic_load_n(&output_state->asked, __ATOMIC_ACQUIRE))
			_exit(0); /* init has something to do; the next one goes on as well as this one */
	}
}
