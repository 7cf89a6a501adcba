#define _GNU_SOURCE
#include "hello.h"

#include "clock.h"
#include "commit.h"
#include "container.h"
#include "controller.h"
#include "events.h"
#include "orders.h"
#include "slots.h"
#include "spawn.h"

static uint32_t facts;

void hello_facts(uint32_t flags) { facts = flags; }

/* Only the program's name: the other arguments may hold secrets, and nobody there needs them. */
static struct list command_name(uint8_t *room, size_t size)
{
	char **command = spawn_command();
	if (!command || !command[0])
		return (struct list){.count = 0};
	struct buf item = {.at = room, .cap = size};
	put_bytes(&item, span_of(command[0]));
	if (item.full) /* no path is so long: it cannot be started either */
		return (struct list){.count = 0};
	return (struct list){.items = {room, item.len}, .count = 1};
}

void hello_encode(struct buf *out)
{
	uint8_t name[4096];
	struct msg_hello hello = {
		.flags = facts | (container_stopping() ? HELLO_SPAWNING_STOPPED : 0),
		.generation = controller_generation(),
		.now_ms = now_ms(),
		.next_seq = events_next_seq(),
		.main_token = orders.main_token,
		.stop_signal = (uint8_t)container_stopping(),
		.slots = slots_used(),
		.command = command_name(name, sizeof name),
		.memo = commit_memo(),
	};
	encode_hello(out, &hello);
	for (const struct slot *slot = slots; slot < slots + MAX_SLOTS; slot++)
		if (slot->token != 0)
			encode_slot(out, &(struct msg_slot){slot->token, slot->role, slot->state, slot->last_pid, slot->spawned_ms});
}
