/*
 * Texts with values in them, as printf(3) makes them, but only what init uses: %s (with a precision), %d, %u, %x, with `l`, `ll`, and zeros to a
 * width. libc's own knows floating point, and is a fifth of this program.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdarg.h>
#include <stddef.h>

/* Like snprintf(3): what does not fit is cut, the end is always NUL, and the length that there is without a cut is returned. */
__attribute__((format(printf, 3, 4))) int text_format(char *to, size_t size, const char *form, ...);
__attribute__((format(printf, 3, 0))) int text_vformat(char *to, size_t size, const char *form, va_list values);

/* An IPv6 address as RFC 5952 writes it (inet_ntop(3) would bring libc's printf along). */
enum { TEXT_IPV6 = 40 };
void text_ipv6(char to[TEXT_IPV6], const unsigned char address[16]);

/* The time of now, in UTC, as ISO 8601 has it, with milliseconds. */
enum { TEXT_TIME = 32 };
void text_time(char to[TEXT_TIME]);

/* Like dprintf(3), at most 8 KiB; -1 if it could not be written. For before there is a pump. */
__attribute__((format(printf, 2, 3))) int text_put(int fd, const char *form, ...);

#endif
