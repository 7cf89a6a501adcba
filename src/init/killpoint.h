/*
 * For tests of the hand-over only: with REINIT_TEST, init kills its controller when the n-th point of the link is passed (REINIT_TEST_KILL_AT=n),
 * so that a test can walk all of them. Nothing of it is in the released program.
 */
#ifndef KILLPOINT_H
#define KILLPOINT_H

#include <stddef.h>

#ifdef REINIT_TEST
void kill_point(void);
/* Cuts what is to be written to its half if the next point is the one. */
size_t kill_point_cut(size_t length);
#else
static inline void kill_point(void) {}
static inline size_t kill_point_cut(size_t length) { return length; }
#endif

#endif
