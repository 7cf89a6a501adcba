/*
 * The container's life: its stop, and its end when the application has ended. init leaves by order, or because its main child is gone for good;
 * it never leaves for another reason once the application has run.
 */
#ifndef CONTAINER_H
#define CONTAINER_H

#include <stdbool.h>
#include <stdint.h>

struct slot;

/* A stop signal has come (again). */
void container_stop(int signo);
int container_stopping(void); /* the signal that began it, or 0 */

/* The application's process has been reaped, or could not be started. */
void container_main_ended(struct slot *slot);
/* Whether it is this one's end that ends the container, unless that is decided otherwise. */
bool container_ended_with(uint32_t token);
/* The controller has decided what the end of the main child means (docs/protocol.md, main_end). */
void container_decided(void);
/* New orders are in force. With `hold` it takes longer to decide: the end is kept, and its code, should nobody be left to decide. */
void container_ordered(void);
/* There is no controller and will be none: what was held for it is decided by the standing orders. Where it was about to start the next instance, nothing will. */
void container_abandoned(void);

void container_leave(int code);
/* True once it is time to leave. */
bool container_leaving(int *code);

uint64_t container_deadline(void);
void container_tick(uint64_t now);

#endif
