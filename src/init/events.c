#define _GNU_SOURCE
#include "events.h"

#include "clock.h"
#include "codes.h"
#include "forget.h"
#include "say.h"
#include "signals.h"
#include "sockets.h"

struct event {
	uint64_t seq, at, value;
	uint32_t token, id;
	int32_t pid, number; /* number: status, errno or signal */
	uint8_t type, detail;
};

/* Sequence numbers count from 1; an event stands at seq % MAX_EVENTS. */
static struct event ring[MAX_EVENTS];
static uint64_t oldest = 1, next = 1, untold = 1;
static unsigned realtime, realtime_lost, notified, output_files;
static uint32_t again; /* bit n: standard signal n has come again since it was told */

void events_forget(void) { forget(ring, sizeof ring); }

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

/* The event's number, 0 where no such event waits. */
static uint64_t pending(uint8_t type, int signo)
{
	for (uint64_t seq = oldest; seq < next; seq++)
		if (ring[seq % MAX_EVENTS].type == type && ring[seq % MAX_EVENTS].number == signo)
			return seq;
	return 0;
}

/*
 * As in the kernel, where a signal that comes in its handler is pending once: of each standard signal one event is kept. Another one that
 * comes before that is told is the same; one that comes after may not be (the controller may have acted already), and is told once that is acknowledged.
 */
static bool coalesces(int signo)
{
	uint64_t seq = pending(MSG_SIGNAL, signo);
	if (seq > 0 && seq < untold)
		again |= 1U << signo;
	return seq > 0;
}

void event_signal(int signo, uint64_t value, pid_t sender)
{
	if (signo < FIRST_REALTIME) {
		if (coalesces(signo))
			return;
	} else if (realtime >= MAX_REALTIME) {
		if (realtime_lost++ == 0)
			say(SAY_WARN, "more than %d real-time signals wait for the controller: further ones are dropped", MAX_REALTIME);
		return;
	} else {
		realtime++;
	}
	struct event *event = add(MSG_SIGNAL);
	event->number = signo;
	event->value = value;
	event->pid = sender;
}

void event_stopping(int signo)
{
	if (pending(MSG_STOPPING, signo))
		return;
	add(MSG_STOPPING)->number = signo;
}

void event_signalled(uint32_t id, uint32_t token, uint8_t result, uint64_t at)
{
	struct event *event = add(MSG_SIGNALLED);
	event->at = at;
	event->id = id;
	event->token = token;
	event->detail = result;
}

/* The last word of the instance, if it has not been told yet; 0 where there is none. One that has been told may have been acted upon already. */
static uint32_t last_word(uint32_t token)
{
	for (uint64_t seq = next; seq-- > untold;)
		if (ring[seq % MAX_EVENTS].type == MSG_NOTIFIED && ring[seq % MAX_EVENTS].token == token)
			return (uint32_t)ring[seq % MAX_EVENTS].number;
	return 0;
}

/* Where there is no room, the last word waits in the slot: those between are nothing that anybody could still act upon. */
void event_notified(struct slot *slot, pid_t pid, uint32_t states)
{
	if (slot->unsaid || notified >= MAX_NOTIFIED) {
		slot->unsaid = states;
		slot->unsaid_pid = pid;
		return;
	}
	if (last_word(slot->token) == states)
		return;
	struct event *event = add(MSG_NOTIFIED);
	event->token = slot->token;
	event->pid = pid;
	event->number = (int32_t)states;
	notified++;
}

static void notify_unsaid(void)
{
	for (struct slot *slot = slots; slot < slots + MAX_SLOTS && notified < MAX_NOTIFIED; slot++) {
		uint32_t states = slot->unsaid;
		slot->unsaid = 0;
		if (states)
			event_notified(slot, slot->unsaid_pid, states);
	}
}

void event_listening(uint32_t id, int error, uint8_t stage)
{
	struct event *event = add(MSG_LISTENING);
	event->id = id;
	event->number = error;
	event->detail = stage;
}

bool event_output_file(int error, uint8_t stage)
{
	struct event *event = NULL;
	for (uint64_t seq = untold; seq < next; seq++)
		if (ring[seq % MAX_EVENTS].type == MSG_OUTPUT_FILE)
			event = &ring[seq % MAX_EVENTS];
	if (!event) {
		if (output_files >= MAX_OUTPUT_FILES)
			return false;
		output_files++;
		event = add(MSG_OUTPUT_FILE);
	}
	event->number = error;
	event->detail = stage;
	return true;
}

uint64_t events_next_seq(void) { return next; }
uint64_t events_oldest(void) { return oldest; }
bool events_waiting(void) { return oldest < next; }

static void signal_acknowledged(const struct event *event)
{
	if (event->number >= FIRST_REALTIME) {
		if (--realtime == 0)
			realtime_lost = 0;
	} else if (again >> event->number & 1) {
		again &= ~(1U << event->number);
		add(MSG_SIGNAL)->number = event->number;
	}
}

/* The slot whose story the event ends. What never ran ends with its failure, but where it has been told to stop: then `gone` is still to come. */
static struct slot *ends(const struct event *event)
{
	struct slot *slot = slot_of_token(event->token);
	if (!slot)
		return NULL;
	switch (event->type) {
	case MSG_SPAWN_FAILED:
		return slot->stop.wanted ? NULL : slot;
	case MSG_EXITED:
		return slot->role == ROLE_MAIN ? NULL : slot;
	case MSG_GONE:
		return slot;
	default:
		return NULL;
	}
}

void events_acknowledge(uint64_t seq)
{
	for (; oldest <= seq && oldest < next; oldest++) {
		const struct event event = ring[oldest % MAX_EVENTS];
		struct slot *slot = ends(&event);
		if (slot)
			slot_free(slot);
		if (event.type == MSG_SIGNAL)
			signal_acknowledged(&event);
		notified -= event.type == MSG_NOTIFIED;
		output_files -= event.type == MSG_OUTPUT_FILE;
	}
	if (untold < oldest)
		untold = oldest;
	notify_unsaid();
}

static bool is_capped(const struct event *event)
{
	return event->type == MSG_NOTIFIED || event->type == MSG_OUTPUT_FILE || (event->type == MSG_SIGNAL && event->number >= FIRST_REALTIME);
}

void events_after(uint64_t seq, unsigned *free_slots, unsigned *room)
{
	*free_slots = slots_free();
	for (uint64_t at = oldest; at <= seq && at < next; at++)
		*free_slots += ends(&ring[at % MAX_EVENTS]) != NULL;
	uint64_t first = seq < oldest ? oldest : seq + 1;
	unsigned capped = 0; /* these stand in the room that is promised to their kind already */
	for (uint64_t at = first; at < next; at++)
		capped += is_capped(&ring[at % MAX_EVENTS]);
	/* A slot has at most three events to come; stops and standard signals at most 31 each. */
	unsigned promised = (MAX_SLOTS - *free_slots) * 3 + 2 * 31 + MAX_REALTIME + MAX_NOTIFIED + MAX_OUTPUT_FILES - capped;
	unsigned kept = (unsigned)(next - first);
	*room = kept + promised >= MAX_EVENTS ? 0 : MAX_EVENTS - kept - promised;
}

void events_rewind(void) { untold = oldest; }

static void encode_failure(struct buf *out, const struct event *event)
{
	const struct slot *slot = slot_of_token(event->token);
	const char *stage = slot ? slot->stage : "exec";
	struct msg_spawn_failed m = {
		.seq = event->seq, .at_ms = event->at, .token = event->token, .error = event->number,
		.exit_code = (uint8_t)(slot ? slot->status : EXIT_CANNOT_EXECUTE), .stage = span_of(stage), .text = span_of(strerror(event->number)),
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

static void encode_listened(struct buf *out, const struct event *event)
{
	struct msg_listening m = {
		.seq = event->seq, .at_ms = event->at, .id = event->id, .error = event->number,
		.stage = span_of(sockets_stage(event->detail)), .text = span_of(sockets_text(event->detail, event->number)),
	};
	encode_listening(out, &m);
}

static void encode_output(struct buf *out, const struct event *event)
{
	static const char *const stages[] = {"", "open", "write", "rotate"};
	struct msg_output_file m = {
		.seq = event->seq, .at_ms = event->at, .error = event->number, .stage = span_of(stages[event->detail]),
		.text = span_of(event->number ? strerror(event->number) : ""),
	};
	encode_output_file(out, &m);
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
	case MSG_NOTIFIED:
		encode_notified(out, &(struct msg_notified){seq, at, event->token, event->pid, (uint32_t)event->number});
		break;
	case MSG_LISTENING:
		encode_listened(out, event);
		break;
	case MSG_OUTPUT_FILE:
		encode_output(out, event);
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
