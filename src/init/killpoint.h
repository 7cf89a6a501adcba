/*
 * For tests of what may be killed. Of the hand-over: with REINIT_TEST, init kills its controller when the n-th point of the link is passed (REINIT_TEST_KILL_AT=n),
 * so that a test can walk all of them. Of the output pump: it kills itself at each n-th point that is passed, whichever pump it is
 * (REINIT_TEST_OUTPUT_KILL_EVERY=n). Nothing of it is in the released program.
 */
#ifndef KILLPOINT_H
#define KILLPOINT_H

#include <stddef.h>
#include <stdint.h>

#ifdef REINIT_TEST
void kill_point(void);
/* Cuts what is to be written to its half if the next point is the one. */
size_t kill_point_cut(size_t length);
/* `passed`: counted over all processes that die of it. */
void kill_point_own(uint64_t *passed);
#else
static inline void kill_point(void) {}
static inline size_t kill_point_cut(size_t length) { return length; }
static inline void kill_point_own(uint64_t *passed) { (void)passed; }
#endif

#endif
