/*
 * The standing orders: what init does by itself, with or without a controller. Set by the controller's `orders` effect, complete each time.
 * Until then, and in plain mode for good: TERM, INT and QUIT stop, everything else is forwarded as it is, the application's end is the container's.
 */
#ifndef ORDERS_H
#define ORDERS_H

#include "messages.gen.h"

enum { SIGNALS = 65, EXIT_CODES = 256 }; /* signal numbers 1..64 on Linux */

struct orders {
	uint32_t main_token;
	uint8_t main_end, stop_signal, scope;
	uint32_t stop_timeout_ms;
	uint8_t actions[SIGNALS], targets[SIGNALS], exit_map[EXIT_CODES];
};

extern struct orders orders;

void orders_default(void);
/* The message has been checked (orders_valid). */
void orders_set(const struct msg_orders *m);
bool orders_valid(const struct msg_orders *m);

#endif
