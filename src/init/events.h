/*
 * What init has to tell: kept, in order, until the controller has acknowledged it, and told again to each new controller.
 * The room is fixed. Before a commit is applied its answers have their room (commit.c); signals coalesce or are capped; so nothing is ever dropped unsaid.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include "slots.h"

enum { MAX_EVENTS = 640, MAX_REALTIME = 64, MAX_NOTIFIED = 64, MAX_OUTPUT_FILES = 4 };

void event_spawned(const struct slot *slot);
void event_spawn_failed(const struct slot *slot);
void event_exited(const struct slot *slot);
void event_gone(uint32_t token, uint32_t killed);
void event_signal(int signo, uint64_t value, pid_t sender);
void event_stopping(int signo);
void event_signalled(uint32_t id, uint32_t token, uint8_t result, uint64_t at);
/* `states`: NOTIFY_ bits of one datagram. What repeats the last word of the instance before that has been told is the same. */
void event_notified(struct slot *slot, pid_t pid, uint32_t states);
/* Where the output goes is other than it was; `stage`: an enum output_stage. What has not been told yet is overtaken by what holds now. False: too many wait. */
bool event_output_file(int error, uint8_t stage);
/* `stage`: an enum listen_stage. */
void event_listening(uint32_t id, int error, uint8_t stage);

/* What there is once events up to `seq` are acknowledged: free slots, and room for further events with all that is promised already taken off. */
void events_after(uint64_t seq, unsigned *free_slots, unsigned *room);
uint64_t events_next_seq(void);
uint64_t events_oldest(void);  /* its sequence number, or the next one's */
bool events_waiting(void); /* some are not acknowledged */
/* Forgets events up to `seq`, and frees the slots whose story they end. */
void events_acknowledge(uint64_t seq);

/* See forget.h. */
void events_forget(void);

/* Telling: a cursor that a new link sets back to the oldest unacknowledged event. */
void events_rewind(void);
/* Encodes the next untold event; false where there is none or it does not fit (out->full). */
bool events_tell(struct buf *out);

#endif
