/*
 * A nest: a small process between init and the application, so that instances that live side by side can be told apart. It is a subreaper, thus
 * what descends from it is exactly the instance's tree; it collects the orphans of that, and ends by itself once nothing of the tree is left.
 *
 * The application itself it never collects before init knows of the end (`nest_release`): until then the pid cannot be another's, and init may signal it.
 * Killed, it leaves its children to init, which then keeps them as its own: the instance goes on, un-nested.
 */
#ifndef NEST_H
#define NEST_H

#include <stdbool.h>
#include <sys/types.h>

struct slot;

/* What comes from there. */
struct nest_word {
	enum { NEST_STARTED, NEST_FAILED, NEST_STOPPED, NEST_ENDED } kind;
	int value; /* pid, errno, signal, wait status */
};

/*
 * fork(2) with a nest in between: 0 in the child, which is to become the application; its pid in init, with the nest noted in the slot; -1 with errno.
 * init waits for the child's first instruction, a fraction of a millisecond; a second at most where somebody has stopped the nest.
 */
pid_t nest_fork(struct slot *slot);
/* The next word, without blocking. False: none is there. */
bool nest_hear(struct slot *slot, struct nest_word *word);
/* The end has been taken note of: the nest may collect the application. */
void nest_release(struct slot *slot);
void nest_hang_up(struct slot *slot);

#endif
