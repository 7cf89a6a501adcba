#define _GNU_SOURCE
#include "text.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct text {
	char *to;
	size_t size, length;
};

struct conversion {
	int longs, width, precision;
};

static void add(struct text *text, const char *from, size_t length)
{
	if (text->length < text->size) {
		size_t room = text->size - text->length;
		memcpy(text->to + text->length, from, length < room ? length : room);
	}
	text->length += length;
}

static void add_number(struct text *text, unsigned long long value, unsigned base, bool negative, int width)
{
	char digits[24];
	int at = sizeof digits;
	do {
		digits[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value > 0);
	if (negative)
		add(text, "-", 1);
	for (int zeros = width - negative - ((int)sizeof digits - at); zeros > 0; zeros--)
		add(text, "0", 1);
	add(text, digits + at, sizeof digits - (size_t)at);
}

/* What stands between % and the letter. */
static const char *read_conversion(struct conversion *conversion, const char *form, va_list *values)
{
	*conversion = (struct conversion){.precision = INT_MAX};
	for (; *form >= '0' && *form <= '9'; form++)
		conversion->width = conversion->width * 10 + (*form - '0');
	if (*form == '.' && *++form == '*') {
		conversion->precision = va_arg(*values, int);
		form++;
	} else if (form[-1] == '.') {
		for (conversion->precision = 0; *form >= '0' && *form <= '9'; form++)
			conversion->precision = conversion->precision * 10 + (*form - '0');
	}
	for (; *form == 'l'; form++)
		conversion->longs++;
	return form;
}

static void add_value(struct text *text, char letter, const struct conversion *conversion, va_list *values)
{
	if (letter == 's') {
		const char *string = va_arg(*values, const char *);
		add(text, string, strnlen(string, (size_t)conversion->precision));
	} else if (letter == 'd') {
		long long value = conversion->longs > 1 ? va_arg(*values, long long) : conversion->longs ? va_arg(*values, long) : va_arg(*values, int);
		unsigned long long size = value < 0 ? 0ULL - (unsigned long long)value : (unsigned long long)value;
		add_number(text, size, 10, value < 0, conversion->width);
	} else if (letter == 'u' || letter == 'x') {
		unsigned long long value = conversion->longs > 1 ? va_arg(*values, unsigned long long)
					   : conversion->longs	 ? va_arg(*values, unsigned long)
								 : va_arg(*values, unsigned);
		add_number(text, value, letter == 'x' ? 16 : 10, false, conversion->width);
	} else {
		add(text, "?", 1); /* test/init/text.test.ts knows every form that is in use */
	}
}

int text_vformat(char *to, size_t size, const char *form, va_list given)
{
	struct text text = {.to = to, .size = size};
	va_list values;
	va_copy(values, given); /* an array on some machines, which cannot be pointed to as a parameter */
	while (*form) {
		size_t plain = strcspn(form, "%");
		add(&text, form, plain);
		form += plain;
		if (*form == '\0')
			break;
		struct conversion conversion;
		form = read_conversion(&conversion, form + 1, &values);
		add_value(&text, *form++, &conversion, &values);
	}
	va_end(values);
	if (size > 0)
		to[text.length < size ? text.length : size - 1] = '\0';
	return (int)text.length;
}

int text_format(char *to, size_t size, const char *form, ...)
{
	va_list values;
	va_start(values, form);
	int length = text_vformat(to, size, form, values);
	va_end(values);
	return length;
}

/* UTC as ISO 8601, by hand: strftime(3) and the time zones that it reads are a tenth of this program. Days to date: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
void text_time(char to[TEXT_TIME])
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	long days = now.tv_sec / 86400 + 719468, second = now.tv_sec % 86400;
	long era = days / 146097, of_era = days % 146097;
	long year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	long of_year = of_era - (365 * year + year / 4 - year / 100);
	long shifted = (5 * of_year + 2) / 153, day = of_year - (153 * shifted + 2) / 5 + 1;
	long month = shifted < 10 ? shifted + 3 : shifted - 9;
	text_format(to, TEXT_TIME, "%04ld-%02ld-%02ldT%02ld:%02ld:%02ld.%03ldZ", era * 400 + year + (month <= 2), month, day, second / 3600,
			second / 60 % 60, second % 60, now.tv_nsec / 1000000);
}

int text_put(int fd, const char *form, ...)
{
	char text[8192];
	va_list values;
	va_start(values, form);
	int length = text_vformat(text, sizeof text, form, values);
	va_end(values);
	size_t all = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
	return write(fd, text, all) == (ssize_t)all ? length : -1;
}

struct run {
	int begin, length;
};

/* The first of the longest runs of groups that are zero. One group alone is not shortened. */
static struct run longest_zeros(const unsigned groups[8])
{
	struct run longest = {8, 1}, run = {0, 0};
	for (int i = 0; i < 8; i++) {
		run = groups[i] ? (struct run){i + 1, 0} : (struct run){run.begin, run.length + 1};
		if (run.length > longest.length)
			longest = run;
	}
	return longest;
}

void text_ipv6(char to[TEXT_IPV6], const unsigned char address[16])
{
	unsigned groups[8];
	for (int i = 0; i < 8; i++)
		groups[i] = (unsigned)address[2 * i] << 8 | address[2 * i + 1];
	struct run zeros = longest_zeros(groups);
	int n = 0, after = zeros.begin + zeros.length;
	for (int i = 0; i < 8; i = i == zeros.begin ? after : i + 1) {
		if (i == zeros.begin)
			n += text_format(to + n, TEXT_IPV6 - (size_t)n, "::");
		else
			n += text_format(to + n, TEXT_IPV6 - (size_t)n, "%s%x", i == 0 || i == after ? "" : ":", groups[i]);
	}
}
