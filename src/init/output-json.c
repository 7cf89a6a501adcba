#define _GNU_SOURCE
#include "output-state.h"

#include <string.h>

#include "text.h"

enum { DEPTH = 64 }; /* what is nested deeper is wrapped as text */

/*
 * A character of UTF-8 as RFC 3629 has it: its length; or, negative, of how many bytes U+FFFD takes the place: those that a character could have
 * begun with (Unicode, 3.9, "maximal subparts", as TextDecoder does it). `*open`: the bytes end before the character does.
 */
static int character(const uint8_t *at, size_t length, bool *open)
{
	uint8_t first = at[0], least = 0x80, most = 0xbf;
	int more = first < 0x80 ? 0 : first < 0xc2 ? -1 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : -1;
	*open = false;
	if (more < 0)
		return -1;
	if (first == 0xe0)
		least = 0xa0;
	else if (first == 0xed)
		most = 0x9f; /* no surrogates */
	else if (first == 0xf0)
		least = 0x90;
	else if (first == 0xf4)
		most = 0x8f; /* none beyond U+10FFFF */
	for (int i = 1; i <= more; i++, least = 0x80, most = 0xbf) {
		*open = (size_t)i >= length;
		if (*open || at[i] < least || at[i] > most)
			return -i;
	}
	return more + 1;
}

size_t output_whole_characters(const uint8_t *at, size_t length)
{
	for (size_t back = 1; back <= 3 && back < length; back++) {
		bool open;
		if (at[length - back] < 0xc0)
			continue;
		character(at + length - back, back, &open);
		return open ? length - back : length;
	}
	return length;
}

static bool is_plain(uint8_t c) { return (uint8_t)(c - 0x20) < 0x60 && c != '"' && c != '\\'; }

/* Eight at a time: of each byte the highest bit is set where it is none, or (a borrow) perhaps none. */
static bool are_plain(const uint8_t *at)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t word;
	memcpy(&word, at, sizeof word);
	return ((word | (word - ones * 0x20) | ((word ^ ones * '"') - ones) | ((word ^ ones * '\\') - ones)) & ones * 0x80) == 0;
}

/* How many bytes from here on stay as they are. */
static size_t plain_run(const uint8_t *at, size_t length)
{
	size_t n = 0;
	while (n + 8 <= length && are_plain(at + n))
		n += 8;
	while (n < length && is_plain(at[n]))
		n++;
	return n;
}

static size_t escaped(uint8_t *to, const uint8_t *at, size_t length)
{
	uint8_t *start = to;
	for (size_t i = 0; i < length;) {
		size_t plain = plain_run(at + i, length - i);
		memcpy(to, at + i, plain);
		to += plain;
		i += plain;
		if (i == length)
			break;
		uint8_t c = at[i];
		if (c == '"' || c == '\\' || c == '\t') {
			*to++ = '\\';
			*to++ = c == '\t' ? 't' : c;
			i++;
		} else if (c < 0x20) {
			memcpy(to, "\\u00", 4);
			to[4] = (uint8_t)('0' + (c >> 4));
			to[5] = (uint8_t)"0123456789abcdef"[c & 15];
			to += 6;
			i++;
		} else {
			bool open;
			int n = character(at + i, length - i, &open);
			memcpy(to, n > 0 ? (const char *)at + i : "\xef\xbf\xbd", n > 0 ? (size_t)n : 3);
			to += n > 0 ? n : 3;
			i += (size_t)(n > 0 ? n : -n);
		}
	}
	return (size_t)(to - start);
}

size_t output_json(uint8_t *to, const char *time, uint8_t stream, const uint8_t *line, size_t length, bool partial)
{
	size_t n = (size_t)text_format((char *)to, 128, "{\"time\":\"%s\",\"stream\":\"%s\",%s\"msg\":\"", time, stream == 1 ? "stdout" : "stderr",
				       partial ? "\"partial\":true," : "");
	n += escaped(to + n, line, length);
	memcpy(to + n, "\"}\n", 3);
	return n + 3;
}

struct reader {
	const uint8_t *at, *end;
};

static void skip_space(struct reader *in)
{
	while (in->at < in->end && (*in->at == ' ' || *in->at == '\t' || *in->at == '\r'))
		in->at++;
}

static bool skip(struct reader *in, uint8_t c)
{
	skip_space(in);
	bool is = in->at < in->end && *in->at == c;
	in->at += is;
	return is;
}

static bool read_string(struct reader *in)
{
	if (!skip(in, '"'))
		return false;
	while (in->at < in->end && *in->at != '"') {
		bool open;
		int n = *in->at < 0x20 ? -1 : character(in->at, (size_t)(in->end - in->at), &open);
		if (n < 0)
			return false;
		bool escape = *in->at == '\\';
		in->at += n;
		if (!escape)
			continue;
		if (in->at == in->end || !memchr("\"\\/bfnrtu", *in->at, 9))
			return false;
		for (int digits = *in->at++ == 'u' ? 4 : 0; digits > 0; digits--, in->at++)
			if (in->at == in->end || !memchr("0123456789abcdefABCDEF", *in->at, 22))
				return false;
	}
	return skip(in, '"');
}

static bool read_digits(struct reader *in)
{
	const uint8_t *start = in->at;
	while (in->at < in->end && *in->at >= '0' && *in->at <= '9')
		in->at++;
	return in->at > start;
}

static bool is_next(struct reader *in, const char *any)
{
	bool is = in->at < in->end && *in->at && strchr(any, *in->at);
	in->at += is;
	return is;
}

static bool read_number(struct reader *in)
{
	is_next(in, "-");
	if (!is_next(in, "0") && !read_digits(in))
		return false;
	if (is_next(in, ".") && !read_digits(in))
		return false;
	if (!is_next(in, "eE"))
		return true;
	is_next(in, "+-");
	return read_digits(in);
}

static bool read_word(struct reader *in, const char *word)
{
	size_t length = strlen(word);
	if ((size_t)(in->end - in->at) < length || memcmp(in->at, word, length) != 0)
		return false;
	in->at += length;
	return true;
}

static bool read_plain(struct reader *in)
{
	skip_space(in);
	if (in->at == in->end)
		return false;
	switch (*in->at) {
	case '"':
		return read_string(in);
	case 't':
		return read_word(in, "true");
	case 'f':
		return read_word(in, "false");
	case 'n':
		return read_word(in, "null");
	default:
		return read_number(in);
	}
}

/* RFC 8259, without recursion: bit n of `objects` says what the level n is. */
bool output_is_json(const uint8_t *line, size_t length)
{
	struct reader in = {line, line + length};
	uint64_t objects = 0;
	int depth = 0;
	bool empty = false; /* a level has just begun */
	skip_space(&in);
	if (in.at == in.end || *in.at != '{')
		return false;
	do {
		bool object = depth > 0 && objects >> (depth - 1) & 1;
		if (depth > 0 && skip(&in, object ? '}' : ']')) {
			depth--;
			empty = false;
		} else {
			if (depth > 0 && !empty && !skip(&in, ','))
				return false;
			if (object && (!read_string(&in) || !skip(&in, ':')))
				return false;
			bool opens_object = skip(&in, '{');
			empty = opens_object || skip(&in, '[');
			if (empty && depth == DEPTH)
				return false;
			if (empty)
				objects = (objects & ~(1ULL << depth)) | (uint64_t)opens_object << depth, depth++;
			else if (!read_plain(&in))
				return false;
		}
	} while (depth > 0);
	skip_space(&in);
	return in.at == in.end;
}
