/*
 * Keeping the controller: started with nothing of the container's but its files, watched for hanging, started again when it ends.
 * It can die at any instant; what it must not forget is here (memo, events), and what it must not be away for is in the standing orders.
 */
#ifndef CONTROLLER_H
#define CONTROLLER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Finds Node and the bundles relative to this program. `arguments`: reinit's own, before `--`. */
void controller_begin(char *const *arguments, int count);
void controller_start(void);
void controller_kill(void);

bool controller_is(pid_t pid);
/* It has not been reaped. */
bool controller_alive(void);
/* True if `pid` was the controller; it will be started again. */
bool controller_ended(pid_t pid, int status);
/* There is one, or will be soon: what is handed to it will be handled. */
bool controller_hopeful(void);
/* It runs and the link is up: it can still say something before init leaves. */
bool controller_connected(void);
uint32_t controller_generation(void);

uint64_t controller_deadline(void);
void controller_tick(uint64_t now);

#endif
