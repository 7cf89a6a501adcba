#define _GNU_SOURCE
#include "slots.h"

#include <errno.h>
#include <unistd.h>

#include "clock.h"
#include "codes.h"
#include "forget.h"
#include "nest.h"
#include "orders.h"

struct slot slots[MAX_SLOTS];
static struct capture captures[MAX_CAPTURES];
static struct slot *end = slots; /* beyond the last that was ever used */

struct slot *slot_of_token(uint32_t token)
{
	for (struct slot *slot = slots; token != 0 && slot < slots + MAX_SLOTS; slot++)
		if (slot->token == token)
			return slot;
	return NULL;
}

struct slot *slot_of_pid(pid_t pid)
{
	for (struct slot *slot = slots; slot < end; slot++) /* once an orphan: worth not looking at slots that were never used */
		if (slot->token != 0 && slot->pid == pid)
			return slot;
	return NULL;
}

struct slot *slot_of_nest(pid_t pid)
{
	for (struct slot *slot = slots; slot < end; slot++)
		if (slot->token != 0 && slot->nest == pid)
			return slot;
	return NULL;
}

struct slot *slot_of_main(void)
{
	struct slot *found = NULL;
	for (struct slot *slot = slots; slot < slots + MAX_SLOTS; slot++)
		if (slot->token != 0 && slot->role == ROLE_MAIN && slot->pid > 0 && (!found || slot->token == orders.main_token))
			found = slot;
	return found;
}

struct slot *slot_take(uint32_t token, uint8_t role)
{
	for (struct slot *slot = slots; slot < slots + MAX_SLOTS; slot++)
		if (slot->token == 0) {
			*slot = (struct slot){.token = token, .role = role, .state = SLOT_SPAWNING, .exec_fd = -1, .nest_fd = -1, .pid_fd = -1, .timeout_at = NEVER, .sweep_kill_at = NEVER};
			slot->stop = (struct stop){.send_at = NEVER, .again_at = NEVER, .kill_at = NEVER};
			if (end <= slot)
				end = slot + 1;
			return slot;
		}
	return NULL;
}

void slot_fail(struct slot *slot, const char *stage, int error)
{
	slot->state = SLOT_EXITED;
	slot->failed = true;
	slot->error = error;
	slot->status = EXIT_CANNOT_EXECUTE;
	strncpy(slot->stage, stage, sizeof slot->stage - 1);
}

void slot_free(struct slot *slot)
{
	if (slot->exec_fd >= 0)
		close(slot->exec_fd);
	if (slot->pid_fd >= 0)
		close(slot->pid_fd);
	nest_hang_up(slot);
	if (slot->capture) {
		capture_close(slot->capture);
		slot->capture->used = false;
	}
	*slot = (struct slot){.exec_fd = -1, .nest_fd = -1, .pid_fd = -1};
}

unsigned slots_used(void)
{
	unsigned n = 0;
	for (struct slot *slot = slots; slot < slots + MAX_SLOTS; slot++)
		n += slot->token != 0;
	return n;
}

unsigned slots_free(void) { return MAX_SLOTS - slots_used(); }

void slots_forget(void)
{
	forget(slots, sizeof slots);
	forget(captures, sizeof captures);
}

struct capture *capture_take(int fd)
{
	for (struct capture *capture = captures; capture < captures + MAX_CAPTURES; capture++)
		if (!capture->used) {
			capture->used = true;
			capture->fd = fd;
			capture->total = 0;
			return capture;
		}
	return NULL;
}

static void keep(struct capture *capture, const uint8_t *at, size_t n)
{
	for (; n > 0; at++, n--, capture->total++) {
		if (capture->total < CAPTURE_HALF)
			capture->head[capture->total] = *at;
		else
			capture->tail[(capture->total - CAPTURE_HALF) % CAPTURE_HALF] = *at;
	}
}

void capture_read(struct capture *capture)
{
	uint8_t chunk[4096];
	/* Bounded, so that one that floods its output cannot keep init from the rest; poll(2) brings it back here. */
	for (int i = 0; i < 16 && capture->fd >= 0; i++) {
		ssize_t got = read(capture->fd, chunk, sizeof chunk);
		if (got > 0)
			keep(capture, chunk, (size_t)got);
		else if (got == 0)
			capture_close(capture);
		else if (errno != EINTR)
			return;
	}
}

void capture_close(struct capture *capture)
{
	if (capture->fd >= 0)
		close(capture->fd);
	capture->fd = -1;
}

struct span capture_kept(const struct capture *capture)
{
	static uint8_t kept[2 * CAPTURE_HALF];
	size_t head = capture->total < CAPTURE_HALF ? (size_t)capture->total : CAPTURE_HALF;
	uint64_t rest = capture->total - head;
	size_t tail = rest < CAPTURE_HALF ? (size_t)rest : CAPTURE_HALF;
	size_t start = rest > CAPTURE_HALF ? (size_t)(rest % CAPTURE_HALF) : 0;
	memcpy(kept, capture->head, head);
	memcpy(kept + head, capture->tail + start, tail - start);
	memcpy(kept + head + tail - start, capture->tail, start);
	return (struct span){kept, head + tail};
}
