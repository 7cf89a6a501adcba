#define _GNU_SOURCE
#include "output-state.h"

#include <string.h>

#include "text.h"

struct piece {
	const uint8_t *at;
	size_t length, taken; /* taken: with its newline */
	bool ended; /* it ends its line */
};

/* The next line; or what is taken of one that has no end yet, because there is no room for more of it, or because nothing follows. False: it is still being written. */
static bool next_piece(const struct lane *lane, uint32_t begin, bool in_line, bool last, struct piece *piece)
{
	const uint8_t *at = lane->in + begin, *newline = memchr(at, '\n', lane->there.end - begin);
	size_t length = newline ? (size_t)(newline - at) : lane->there.end - begin;
	bool too_long = length > LINE_ROOM || (length == LINE_ROOM && !newline);
	if (too_long) {
		length = output_settings.json ? output_whole_characters(at, LINE_ROOM) : LINE_ROOM;
		*piece = (struct piece){at, length, length, false};
		return true;
	}
	if (!newline && (!last || (length == 0 && !in_line)))
		return false;
	*piece = (struct piece){at, length, length + (newline != NULL), true};
	return true;
}

static size_t add(uint8_t *to, const void *from, size_t length)
{
	memcpy(to, from, length);
	return length;
}

static size_t as_text(uint8_t *to, const char *time, const struct piece *piece, bool in_line)
{
	size_t n = 0;
	if (!in_line && output_settings.timestamps) {
		n += add(to, time, strlen(time));
		to[n++] = ' ';
	}
	if (!in_line)
		n += add(to + n, output_settings.prefix, output_settings.prefix_length);
	n += add(to + n, piece->at, piece->length);
	if (piece->ended)
		to[n++] = '\n';
	return n;
}

static size_t as_json(uint8_t *to, const char *time, uint8_t stream, const struct piece *piece, bool in_line)
{
	if (in_line || !piece->ended || !output_is_json(piece->at, piece->length))
		return output_json(to, time, stream, piece->at, piece->length, !piece->ended);
	size_t n = add(to, piece->at, piece->length);
	to[n++] = '\n';
	return n;
}

bool output_convert(struct lane *lane, bool last)
{
	char time[TEXT_TIME];
	struct piece piece;
	uint32_t begin = lane->there.begin, out = 0;
	bool in_line = lane->in_line;
	if (output_settings.json || output_settings.timestamps)
		text_time(time);
	while (out < BLOCK && next_piece(lane, begin, in_line, last, &piece)) {
		uint8_t *to = lane->out + out;
		out += (uint32_t)(output_settings.json ? as_json(to, time, lane->stream, &piece, in_line) : as_text(to, time, &piece, in_line));
		begin += (uint32_t)piece.taken;
		in_line = !piece.ended;
	}
	if (out == 0)
		return false;
	lane->next = begin;
	lane->next_in_line = in_line;
	lane->out_begin = 0;
	lane->filed = lane->streaming = false;
	output_step();
	__atomic_store_n(&lane->out_end, out, __ATOMIC_RELEASE); /* from here on there is a block */
	return true;
}
