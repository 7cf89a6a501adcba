#define _GNU_SOURCE
#include "orders.h"

#include <signal.h>

#include "say.h"

struct orders orders;

void orders_default(void)
{
	orders = (struct orders){.main_end = MAIN_END_EXIT, .scope = SCOPE_PROCESS};
	for (int i = 0; i < SIGNALS; i++)
		orders.targets[i] = (uint8_t)i;
	for (int i = 0; i < EXIT_CODES; i++)
		orders.exit_map[i] = (uint8_t)i;
	orders.actions[SIGTERM] = orders.actions[SIGINT] = orders.actions[SIGQUIT] = ACTION_STOP;
}

bool orders_valid(const struct msg_orders *m)
{
	if (m->main_end > MAIN_END_HOLD || m->scope > SCOPE_GROUP || m->log_format > LOG_TEXT || m->stop_signal >= SIGNALS ||
	    m->actions.len != SIGNALS || m->targets.len != SIGNALS || m->exit_map.len != EXIT_CODES)
		return false;
	for (int i = 1; i < SIGNALS; i++)
		if (m->actions.at[i] > ACTION_DROP || m->targets.at[i] >= SIGNALS || (m->targets.at[i] == 0 && m->actions.at[i] == ACTION_FORWARD))
			return false;
	return true;
}

void orders_set(const struct msg_orders *m)
{
	orders.main_token = m->main_token;
	orders.main_end = m->main_end;
	orders.stop_signal = m->stop_signal;
	orders.scope = m->scope;
	orders.stop_timeout_ms = m->stop_timeout_ms;
	memcpy(orders.actions, m->actions.at, SIGNALS);
	memcpy(orders.targets, m->targets.at, SIGNALS);
	memcpy(orders.exit_map, m->exit_map.at, EXIT_CODES);
	say_settings(SAY_INFO, m->log_format);
}
