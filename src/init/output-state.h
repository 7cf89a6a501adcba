/*
 * What the output pump and its successors share, and who does what to it. Every step is such that a KILL between any two stores loses nothing:
 *   read     what is behind `end` is NUL, which no text holds; so a pump that did not come to set `end` has left its mark;
 *   convert  `next` is where the input stands once `out` is written; `out_end` is set last, and is what makes the block;
 *   write    a block is written piece by piece; one that was not counted any more is written again (to a file: after it was cut back).
 */
#ifndef OUTPUT_STATE_H
#define OUTPUT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "killpoint.h"
#include "output.h"

enum {
	LANES = 8, /* two streams; two instances side by side, and what holds the pipes of those before them open */
	LINE_ROOM = 65536, /* a longer line goes in pieces */
	BLOCK = 65536, /* no further line is added to a block of that size */
	IN_ROOM = 2 * LINE_ROOM, /* so that what is moved to the front never overlaps itself */
	OUT_ROOM = BLOCK + 6 * LINE_ROOM + MAX_PREFIX + 128, /* JSON makes six bytes of one at the most */
};

enum output_stage { FILE_WORKS, FILE_OPEN, FILE_WRITE, FILE_ROTATE, FILE_NOT_TRIED };

/* One stream of one instance. */
struct lane {
	uint8_t stream; /* 1 or 2 */
	bool over; /* the pipe has ended (or is no longer read), and all is written */
	bool reading; /* a read is under way */
	bool in_line, next_in_line; /* the line has begun in an earlier piece */
	bool filed; /* the block is in the file */
	bool streaming; /* the block goes to the stream */
	_Alignas(8) struct window {
		uint32_t begin, end;
	} there; /* in `in`; set in one */
	uint32_t dirty; /* beyond, all of `in` is NUL */
	uint32_t next, out_begin, out_end;
	uint8_t in[IN_ROOM], out[OUT_ROOM];
};

struct output_state {
	uint64_t passed; /* killpoint.h */
	uint64_t moved; /* bytes that were written, for the one who waits */
	bool asked; /* by init: the pump is to end. It goes with a TERM, which comes through only where the pump waits */
	int error; /* the file's trouble: stage and errno */
	uint8_t stage;
	uint64_t retry_at;
	/* A write to the file that is under way: this lane's block, from this size of this file on. */
	uint8_t writing; /* 0: none, else the lane's number + 1 */
	uint64_t device, inode, size;
	uint8_t turns[2]; /* of each stream: the lane that is to write to it, or of those that follow the first that has something */
	struct lane lanes[LANES];
};

/* init's, and after fork the pump's. */
struct output_settings {
	bool json, timestamps, also_stdout;
	uint32_t prefix_length, max_files;
	int32_t uid, gid;
	uint64_t max_size;
	char prefix[MAX_PREFIX], path[MAX_OUTPUT_PATH + 1];
};

extern struct output_state *output_state;

/* Between two steps, in tests. */
static inline void output_step(void) { kill_point_own(&output_state->passed); }

extern struct output_settings output_settings;

/* output-pump.c: never returns. `fds`: the read end of each lane, -1 where there is none. `finish`: only what is in the pipes now. */
_Noreturn void output_pump(const int fds[LANES], bool finish);

/* output-lines.c: makes the lane's next block, where it has a whole line, a full room, or is `last`. False: nothing to write. */
bool output_convert(struct lane *lane, bool last);

/* output-json.c: one line (or a piece of one) as JSON, at `to`; how long that is. It is at most 6 × length + 128. */
size_t output_json(uint8_t *to, const char *time, uint8_t stream, const uint8_t *line, size_t length, bool partial);
/* The line is a JSON object already. */
bool output_is_json(const uint8_t *line, size_t length);
/* How much of `length` bytes can be told without the next ones: less where a character of UTF-8 is cut. */
size_t output_whole_characters(const uint8_t *at, size_t length);

/* output-file.c: once, before anything is served; and the way of a lane's block into the file. Where it is not `filed` then, it has to go elsewhere. */
void output_file_begin(bool permitted);
void output_file(struct lane *lane, uint8_t number);

/* output-stream.c: once, before anything is served; whose turn it is on the lane's stream; and one write of the lane's block to it, when it is. */
void output_stream_begin(void);
uint8_t *output_stream_turn(const struct lane *lane);
void output_stream(struct lane *lane);

#endif
