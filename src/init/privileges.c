#define _GNU_SOURCE
#include "privileges.h"

#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/capability.h, which musl-gcc does not find: capget(2), _LINUX_CAPABILITY_VERSION_3. */
enum { CAP_CHOWN = 0, CAP_DAC_READ_SEARCH = 2, CAP_FOWNER = 3, CAP_KILL = 5, VERSION_3 = 0x20080522 };
struct header { uint32_t version; int pid; };
struct data { uint32_t effective, permitted, inheritable; };

void privileges_reduce(void)
{
	struct header header = {VERSION_3, 0};
	struct data data[2];
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); /* else exec as root gives all of the bounding set back (capabilities(7)) */
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capget, &header, data) < 0)
		return;
	uint32_t keep = data[0].permitted & (1U << CAP_DAC_READ_SEARCH | 1U << CAP_CHOWN | 1U << CAP_FOWNER);
	data[0] = (struct data){keep, keep, 0};
	data[1] = (struct data){0, 0, 0};
	syscall(SYS_capset, &header, data);
}

bool privileges_can_kill(void)
{
	struct header header = {VERSION_3, 0};
	struct data data[2];
	return syscall(SYS_capget, &header, data) == 0 && data[0].effective >> CAP_KILL & 1;
}
