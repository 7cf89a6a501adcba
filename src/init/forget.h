/*
 * Memory that a copy of init has no use for, given back. A fork shares all pages; as soon as init writes to one, the copy is left with the old one,
 * and with what it held: frames, in them the application's environment.
 */
#ifndef FORGET_H
#define FORGET_H

#include <stddef.h>

/* In a copy that does not exec: what was read, written and kept for the controller is gone (zero). */
void forget_all(void);
/* The whole pages of it. */
void forget(void *at, size_t length);

#endif
