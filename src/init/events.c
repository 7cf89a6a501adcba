#define _GNU_SOURCE
#include "events.h"

#include "clock.h"
#include "say.h"

#include <signal.h>

struct event {
	uint64_t seq, at, value;
	uint32_t token, id;
	int32_t pid, number; /* number: status, errno or signal */
	uint8_t type, detail;
};

/* Sequence numbers count from 1; an event stands at seq % MAX_EVENTS. */
static struct event ring[MAX_EVENTS];
static uint64_t oldest = 1, next = 1, untold = 1;
static unsigned realtime, realtime_lost;

static struct event *add(uint8_t type)
{
	struct event *event = &ring[next % MAX_EVENTS];
	*event = (struct event){.seq = next, .at = now_ms(), .type = type};
	next++;
	return event;
}

void event_spawned(const struct slot *slot)
{
	struct event *event = add(MSG_SPAWNED);
	event->token = slot->token;
	event->pid = slot->pid;
}

void event_spawn_failed(const struct slot *slot)
{
	struct event *event = add(MSG_SPAWN_FAILED);
	event->token = slot->token;
	event->number = slot->error;
}

void event_exited(const struct slot *slot)
{
	struct event *event = add(MSG_EXITED);
	event->token = slot->token;
	event->pid = slot->last_pid;
	event->number = slot->status;
	event->detail = slot->cause;
}

void event_gone(uint32_t token, uint32_t killed)
{
	struct event *event = add(MSG_GONE);
	event->token = token;
	event->value = killed;
}

static bool pending(uint8_t type, int signo, uint64_t from)
{
	for (uint64_t seq = from; seq < next; seq++)
		if (ring[seq % MAX_EVENTS].type == type && ring[seq % MAX_EVENTS].number == signo)
			return true;
	return false;
}

void event_signal(int signo, uint64_t value, pid_t sender)
{
	if (signo < SIGRTMIN) {
		if (pending(MSG_SIGNAL, signo, untold)) /* not read yet: the same as pending twice in the kernel (signal(7)) */
			return;
	} else if (realtime >= MAX_REALTIME) {
		if (realtime_lost++ == 0)
			say(SAY_WARN, "more than %d real-time signals wait for the controller: further ones are dropped", MAX_REALTIME);
		return;
	} else {
		realtime++;
	}
	if (next - oldest >= MAX_EVENTS)
		return; /* unreachable while commit.c keeps room; a wrong sum there must not overwrite what is kept */
	struct event *event = add(MSG_SIGNAL);
	event->number = signo;
	event->value = value;
	event->pid = sender;
}

void event_stopping(int signo)
{
	if (pending(MSG_STOPPING, signo, oldest) || next - oldest >= MAX_EVENTS)
		return;
	add(MSG_STOPPING)->number = signo;
}

void event_signalled(uint32_t id, uint32_t token, uint8_t result)
{
	struct event *event = add(MSG_SIGNALLED);
	event->id = id;
	event->token = token;
	event->detail = result;
}

unsigned events_room(void)
{
	/* A slot has at most three events to come; signals and the stop at most these. */
	unsigned promised = slots_used() * 3 + 2 * 31 + MAX_REALTIME + 8;
	unsigned kept = (unsigned)(next - oldest);
	return kept + promised >= MAX_EVENTS ? 0 : MAX_EVENTS - kept - promised;
}

uint64_t events_next_seq(void) { return next; }
uint64_t events_oldest(void) { return oldest; }
bool events_waiting(void) { return oldest < next; }

void events_acknowledge(uint64_t seq)
{
	for (; oldest <= seq && oldest < next; oldest++) {
		const struct event *event = &ring[oldest % MAX_EVENTS];
		struct slot *slot = slot_of_token(event->token);
		if (event->type == MSG_SIGNAL && event->number >= SIGRTMIN && --realtime == 0)
			realtime_lost = 0;
		if (slot && (event->type == MSG_SPAWN_FAILED || event->type == MSG_GONE || (event->type == MSG_EXITED && slot->role == ROLE_HELPER)))
			slot_free(slot);
	}
	if (untold < oldest)
		untold = oldest;
}

void events_rewind(void) { untold = oldest; }

static void encode_failure(struct buf *out, const struct event *event)
{
	const struct slot *slot = slot_of_token(event->token);
	const char *stage = slot ? slot->stage : "exec";
	struct msg_spawn_failed m = {
		.seq = event->seq, .at_ms = event->at, .token = event->token, .error = event->number,
		.exit_code = (uint8_t)(slot ? slot->status : 126), .stage = span_of(stage), .text = span_of(strerror(event->number)),
	};
	encode_spawn_failed(out, &m);
}

static void encode_exit(struct buf *out, const struct event *event)
{
	const struct slot *slot = slot_of_token(event->token);
	struct msg_exited m = {
		.seq = event->seq, .at_ms = event->at, .token = event->token, .pid = event->pid, .status = event->number, .cause = event->detail,
	};
	if (slot && slot->capture) {
		m.output = capture_kept(slot->capture);
		m.output_total = slot->capture->total;
	}
	encode_exited(out, &m);
}

static void encode(struct buf *out, const struct event *event)
{
	uint64_t seq = event->seq, at = event->at;
	switch (event->type) {
	case MSG_SPAWNED:
		encode_spawned(out, &(struct msg_spawned){seq, at, event->token, event->pid});
		break;
	case MSG_SPAWN_FAILED:
		encode_failure(out, event);
		break;
	case MSG_EXITED:
		encode_exit(out, event);
		break;
	case MSG_GONE:
		encode_gone(out, &(struct msg_gone){seq, at, event->token, (uint32_t)event->value});
		break;
	case MSG_SIGNAL:
		encode_signal(out, &(struct msg_signal){seq, at, (uint8_t)event->number, event->value & ((1ULL << 53) - 1), event->pid});
		break;
	case MSG_STOPPING:
		encode_stopping(out, &(struct msg_stopping){seq, at, (uint8_t)event->number});
		break;
	case MSG_SIGNALLED:
		encode_signalled(out, &(struct msg_signalled){seq, at, event->id, event->token, event->detail});
		break;
	}
}

bool events_tell(struct buf *out)
{
	if (untold >= next)
		return false;
	encode(out, &ring[untold % MAX_EVENTS]);
	if (out->full)
		return false;
	untold++;
	return true;
}
