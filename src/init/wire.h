/*
 * The bytes of the link: reading from a span that is never overrun, writing to a buffer that is never overfilled.
 * Every read checks; a decoder built of them refuses what is short, long or malformed. Little-endian, as both of reinit's platforms are.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const uint8_t *at;
	size_t len;
};

/* `count` byte strings, each with its length before it; checked as a whole when decoded, so that list_next cannot fail. */
struct list {
	struct span items;
	uint32_t count;
};

/* A buffer of fixed size. What does not fit sets `full` and is not written at all. */
struct buf {
	uint8_t *at;
	size_t len, cap;
	bool full;
};

static inline bool take(struct span *in, void *to, size_t n)
{
	if (in->len < n)
		return false;
	memcpy(to, in->at, n);
	in->at += n;
	in->len -= n;
	return true;
}

static inline bool take_u8(struct span *in, uint8_t *v) { return take(in, v, sizeof *v); }
static inline bool take_u16(struct span *in, uint16_t *v) { return take(in, v, sizeof *v); }
static inline bool take_u32(struct span *in, uint32_t *v) { return take(in, v, sizeof *v); }
static inline bool take_i32(struct span *in, int32_t *v) { return take(in, v, sizeof *v); }
static inline bool take_u64(struct span *in, uint64_t *v) { return take(in, v, sizeof *v); }

static inline bool take_bytes(struct span *in, struct span *v)
{
	uint32_t n;
	if (!take_u32(in, &n) || in->len < n)
		return false;
	*v = (struct span){in->at, n};
	in->at += n;
	in->len -= n;
	return true;
}

static inline bool take_list(struct span *in, struct list *v)
{
	if (!take_u32(in, &v->count))
		return false;
	const uint8_t *start = in->at;
	for (uint32_t i = 0; i < v->count; i++) {
		struct span item;
		if (!take_bytes(in, &item))
			return false;
	}
	v->items = (struct span){start, (size_t)(in->at - start)};
	return true;
}

/* The next item, or false at the end. */
static inline bool list_next(struct list *list, struct span *item)
{
	if (list->count == 0)
		return false;
	list->count--;
	return take_bytes(&list->items, item);
}

static inline void put(struct buf *out, const void *from, size_t n)
{
	if (out->full || out->cap - out->len < n) {
		out->full = true;
		return;
	}
	if (n > 0)
		memcpy(out->at + out->len, from, n);
	out->len += n;
}

static inline void put_u8(struct buf *out, uint8_t v) { put(out, &v, sizeof v); }
static inline void put_u16(struct buf *out, uint16_t v) { put(out, &v, sizeof v); }
static inline void put_u32(struct buf *out, uint32_t v) { put(out, &v, sizeof v); }
static inline void put_i32(struct buf *out, int32_t v) { put(out, &v, sizeof v); }
static inline void put_u64(struct buf *out, uint64_t v) { put(out, &v, sizeof v); }

static inline void put_bytes(struct buf *out, struct span v)
{
	put_u32(out, (uint32_t)v.len);
	put(out, v.at, v.len);
}

static inline void put_list(struct buf *out, struct list v)
{
	put_u32(out, v.count);
	put(out, v.items.at, v.items.len);
}

static inline size_t begin_frame(struct buf *out, uint8_t type)
{
	size_t start = out->len;
	put_u32(out, 0);
	put_u8(out, PROTOCOL_VERSION);
	put_u8(out, type);
	return start;
}

/* Fills in the length, or takes the whole frame back where it did not fit (`full` stays set for the caller to see). */
static inline void end_frame(struct buf *out, size_t start)
{
	if (out->full) {
		out->len = start;
		return;
	}
	uint32_t n = (uint32_t)(out->len - start - sizeof n);
	memcpy(out->at + start, &n, sizeof n);
}

static inline struct span span_of(const char *text) { return (struct span){(const uint8_t *)text, strlen(text)}; }

#endif
