/* The first words on a link: what init is, what the last controller left, what runs. */
#ifndef HELLO_H
#define HELLO_H

#include "messages.gen.h"

/* Facts that do not change after start: HELLO_PID1, HELLO_SUBREAPER… */
void hello_facts(uint32_t flags);
void hello_encode(struct buf *out);

#endif
