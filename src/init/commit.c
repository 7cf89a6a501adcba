#define _GNU_SOURCE
#include "commit.h"

#include <errno.h>
#include <signal.h>

#include "clock.h"
#include "container.h"
#include "events.h"
#include "forget.h"
#include "instance.h"
#include "link.h"
#include "orders.h"
#include "output.h"
#include "proc.h"
#include "signals.h"
#include "slots.h"
#include "sockets.h"
#include "spawn.h"
#include "target.h"

enum { MAX_EFFECTS = 128, DEFAULT_STOP = SIGTERM };

static _Alignas(4096) uint8_t memo[MAX_MEMO];
static size_t memo_length;

struct span commit_memo(void) { return (struct span){memo, memo_length}; }

void commit_forget(void) { forget(memo, sizeof memo); }

/* An effect: `u8 version · u8 type · fields`, a frame whose length is the list's own. One of these, decoded. */
struct effect {
	uint8_t type;
	union {
		struct msg_spawn spawn;
		struct msg_attach attach;
		struct msg_signal_to signal_to;
		struct msg_stop stop;
		struct msg_orders orders;
		struct msg_listen listen;
		struct msg_output output;
		struct msg_count count;
		struct msg_exit exit;
	};
};

static bool decode(struct span bytes, struct effect *effect)
{
	uint8_t version;
	if (!take_u8(&bytes, &version) || version != PROTOCOL_VERSION || !take_u8(&bytes, &effect->type))
		return false;
	switch (effect->type) {
	case MSG_SPAWN:
		return decode_spawn(bytes, &effect->spawn) && spawn_valid(&effect->spawn);
	case MSG_ATTACH:
		return decode_attach(bytes, &effect->attach) && target_valid(&effect->attach);
	case MSG_SIGNAL_TO:
		return decode_signal_to(bytes, &effect->signal_to) && effect->signal_to.signo >= 1 && effect->signal_to.signo < SIGNALS &&
		       effect->signal_to.scope <= SCOPE_GROUP && effect->signal_to.guard <= 1;
	case MSG_STOP:
		return decode_stop(bytes, &effect->stop) && effect->stop.signo < SIGNALS;
	case MSG_ORDERS:
		return decode_orders(bytes, &effect->orders) && orders_valid(&effect->orders);
	case MSG_LISTEN:
		return decode_listen(bytes, &effect->listen) && sockets_valid(&effect->listen);
	case MSG_OUTPUT:
		return decode_output(bytes, &effect->output) && output_valid(&effect->output);
	case MSG_COUNT:
		return decode_count(bytes, &effect->count);
	case MSG_EXIT:
		return decode_exit(bytes, &effect->exit);
	default:
		return false;
	}
}

/* What the effects take: each answer has its room, each process its slot, before anything is done. */
static bool fits(struct list effects, uint64_t ack)
{
	struct span bytes;
	struct effect effect;
	unsigned spawns = 0, answers = 0, free_slots, room;
	if (effects.count > MAX_EFFECTS)
		return false;
	while (list_next(&effects, &bytes)) {
		if (!decode(bytes, &effect))
			return false;
		spawns += effect.type == MSG_SPAWN || effect.type == MSG_ATTACH;
		answers += effect.type == MSG_SIGNAL_TO || effect.type == MSG_STOP || effect.type == MSG_LISTEN;
	}
	events_after(ack, &free_slots, &room);
	return spawns <= free_slots && answers + 3 * spawns <= room;
}

/* One whose tree could not be told from that of the new one. */
static bool instance_exists(void)
{
	for (const struct slot *slot = slots; slot < slots + MAX_SLOTS; slot++)
		if (slot->token != 0 && slot->role == ROLE_MAIN)
			return true;
	return false;
}

/* A spawn that is not obeyed is answered like one that failed. */
static void refuse_spawn(const struct msg_spawn *m, const char *stage, int error)
{
	struct slot *slot = slot_take(m->token, ROLE_HELPER);
	if (!slot)
		return;
	slot_fail(slot, stage, error);
	event_spawn_failed(slot);
}

static void apply_spawn(const struct msg_spawn *m)
{
	if (slot_of_token(m->token))
		return;
	if (m->role == ROLE_MAIN && container_stopping()) {
		refuse_spawn(m, "stopping", ECANCELED);
		return;
	}
	if (m->role == ROLE_MAIN && !(m->flags & SPAWN_NEST) && instance_exists()) {
		refuse_spawn(m, "busy", EBUSY);
		return;
	}
	if (m->role == ROLE_MAIN)
		container_decided();
	struct slot *slot = spawn(m);
	if (slot && slot->failed) {
		event_spawn_failed(slot);
		if (slot->role == ROLE_MAIN)
			container_main_ended(slot);
	}
}

static void apply_attach(const struct msg_attach *m)
{
	struct slot *slot = slot_of_token(m->token) ? NULL : target_attach(m);
	if (!slot)
		return;
	if (slot->failed)
		event_spawn_failed(slot);
	else
		event_spawned(slot);
}

static uint8_t guarded(const struct slot *slot, const struct msg_signal_to *m)
{
	if (container_stopping() || slot->stop.wanted)
		return SIGNALLED_STOPPING;
	if (slot->exec_ms == 0 || now_ms() < slot->exec_ms + m->min_age_ms)
		return SIGNALLED_NOT_YET;
	return proc_takes(slot->pid, m->signo);
}

static uint8_t signal_slot(struct slot *slot, const struct msg_signal_to *m)
{
	if (!slot || slot->pid <= 0)
		return SIGNALLED_NO_PROCESS;
	uint8_t verdict = m->guard ? guarded(slot, m) : SIGNALLED_SENT;
	if (verdict != SIGNALLED_SENT)
		return verdict;
	int error = slot->role == ROLE_TARGET ? target_send(slot, m->signo) : signals_send(slot, m->signo, m->scope);
	if (error)
		return error == EPERM ? SIGNALLED_NOT_PERMITTED : SIGNALLED_NO_PROCESS;
	if (m->guard) {
		slot->signalled = true;
		slot->signalled_ms = now_ms();
	}
	return SIGNALLED_SENT;
}

/* It is told as of before it was sent: whatever the process does because of it is younger, also where we are not scheduled meanwhile. */
static void apply_signal(const struct msg_signal_to *m)
{
	uint64_t at = now_ms();
	event_signalled(m->id, m->token, signal_slot(slot_of_token(m->token), m), at);
}

static void apply_stop(const struct msg_stop *m)
{
	struct slot *slot = slot_of_token(m->token);
	if (slot && slot->role == ROLE_TARGET) { /* not ours to end: it is let go */
		slot_free(slot);
		slot = NULL;
	}
	if (container_ended_with(m->token) || (!slot && m->token == orders.main_token))
		container_decided();
	if (!slot)
		event_gone(m->token, 0);
	else if (container_stopping() && slot->pid > 0)
		return; /* it is being stopped already, with the container */
	else
		instance_stop(slot, m->signo ? m->signo : DEFAULT_STOP, m->timeout_ms);
}

static void apply_listen(const struct msg_listen *m)
{
	enum listen_stage stage;
	int error = sockets_listen(m, &stage);
	event_listening(m->id, error, (uint8_t)stage);
}

static void apply(const struct effect *effect)
{
	switch (effect->type) {
	case MSG_SPAWN:
		apply_spawn(&effect->spawn);
		break;
	case MSG_ATTACH:
		apply_attach(&effect->attach);
		break;
	case MSG_SIGNAL_TO:
		apply_signal(&effect->signal_to);
		break;
	case MSG_STOP:
		apply_stop(&effect->stop);
		break;
	case MSG_ORDERS:
		orders_set(&effect->orders);
		container_ordered();
		break;
	case MSG_LISTEN:
		apply_listen(&effect->listen);
		break;
	case MSG_OUTPUT:
		output_set(&effect->output);
		break;
	case MSG_COUNT:
		link_count(effect->count.id);
		break;
	case MSG_EXIT:
		container_leave(effect->exit.code);
		break;
	}
}

bool commit_apply(struct span fields)
{
	struct msg_commit commit;
	struct span bytes;
	struct effect effect;
	if (!decode_commit(fields, &commit) || commit.ack >= events_next_seq() || commit.memo.len > MAX_MEMO || commit.has_memo > 1 || !fits(commit.effects, commit.ack))
		return false;
	events_acknowledge(commit.ack);
	if (commit.has_memo) {
		memcpy(memo, commit.memo.at, commit.memo.len);
		memo_length = commit.memo.len;
	}
	while (list_next(&commit.effects, &bytes)) {
		decode(bytes, &effect);
		apply(&effect);
	}
	return true;
}
