#define _GNU_SOURCE
#include "fds.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CLOEXEC_ONLY = 1 << 2, ENOUGH = 1024 }; /* CLOSE_RANGE_CLOEXEC of linux/close_range.h, 5.11 */

static void range(unsigned first, unsigned last, unsigned flags)
{
	if (first > last || syscall(SYS_close_range, first, last, flags) == 0)
		return;
	/* An older kernel, or a seccomp profile that does not know the call. */
	for (unsigned fd = first; fd <= last && fd < ENOUGH; fd++) {
		if (flags & CLOEXEC_ONLY)
			fcntl((int)fd, F_SETFD, FD_CLOEXEC);
		else
			close((int)fd);
	}
}

void fds_begin(bool closed[3])
{
	for (int fd = 0; fd <= 2; fd++)
		closed[fd] = fcntl(fd, F_GETFD) < 0 && errno == EBADF;
	for (int fd = 0; fd <= 2; fd++)
		while (closed[fd]) { /* open(2) gives the lowest free number: at the latest the third is this one */
			int placeholder = open("/", O_PATH | O_CLOEXEC);
			if (placeholder < 0 || placeholder >= fd)
				break;
		}
	range(3, ~0U, CLOEXEC_ONLY);
}

void fds_close_from(unsigned first) { range(first, ~0U, 0); }
