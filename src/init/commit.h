/* One commit: checked whole, then applied whole. The memo is what the controller saved with it, opaque. */
#ifndef COMMIT_H
#define COMMIT_H

#include <stdbool.h>

#include "messages.gen.h"

/* `fields`: the commit without its frame. False: refused, nothing has been applied. */
bool commit_apply(struct span fields);
struct span commit_memo(void);
/* See forget.h. */
void commit_forget(void);

#endif
