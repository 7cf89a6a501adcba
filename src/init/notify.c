#define _GNU_SOURCE
#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "events.h"
#include "instance.h"
#include "text.h"

enum { AT_ONCE = 16, LONGEST = 4096 };

static int fd = -1;
static char variable[64];

static bool bind_unguessable(int new)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	uint64_t random[2];
	int on = 1;
	if (getrandom(random, sizeof random, GRND_NONBLOCK) != sizeof random)
		return false;
	int length = text_format(variable, sizeof variable, "NOTIFY_SOCKET=@reinit-%016llx%016llx", (unsigned long long)random[0], (unsigned long long)random[1]);
	const char *name = strchr(variable, '@') + 1; /* for the kernel it begins with NUL instead */
	size_t name_length = (size_t)(variable + length - name);
	memcpy(address.sun_path + 1, name, name_length);
	return setsockopt(new, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0 &&
	       bind(new, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + name_length)) == 0;
}

const char *notify_variable(void)
{
	if (fd >= 0)
		return variable;
	int new = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (new < 0)
		return NULL;
	if (!bind_unguessable(new)) {
		int error = errno;
		close(new);
		errno = error;
		return NULL;
	}
	fd = new;
	return variable;
}

int notify_fd(void) { return fd; }

/* The lines that are known, as NOTIFY_ bits; anything may stand beside them (STATUS=, MAINPID=, what is to come). */
static uint32_t states_of(const char *text)
{
	static const struct { const char *line; uint32_t state; } known[] = {
		{"READY=1", NOTIFY_READY}, {"RELOADING=1", NOTIFY_RELOADING}, {"STOPPING=1", NOTIFY_STOPPING},
	};
	uint32_t states = 0;
	for (const char *end; *text; text = *end ? end + 1 : end) {
		end = strchrnul(text, '\n');
		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			if (strlen(known[i].line) == (size_t)(end - text) && memcmp(known[i].line, text, (size_t)(end - text)) == 0)
				states |= known[i].state;
	}
	return states;
}

/* The sender as the kernel knows it; 0 where it is of no process of this PID namespace. */
static pid_t sender_of(struct msghdr *message)
{
	struct ucred sender;
	const struct cmsghdr *control = CMSG_FIRSTHDR(message);
	if (!control || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_CREDENTIALS || control->cmsg_len < CMSG_LEN(sizeof sender))
		return 0;
	memcpy(&sender, CMSG_DATA(control), sizeof sender);
	return sender.pid;
}

/* False where none waits. */
static bool read_one(void)
{
	char text[LONGEST + 1];
	/*
	 * Room for the credentials and for nothing behind them: descriptors that are sent along (FDSTORE=1, BARRIER=1) are never ours; the kernel
	 * closes them, which is the answer to BARRIER=1 (unix(7), MSG_CTRUNC).
	 */
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec into = {text, LONGEST};
	struct msghdr message = {.msg_iov = &into, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (got < 0)
		return errno == EINTR;
	text[got] = '\0';
	uint32_t states = message.msg_flags & MSG_TRUNC ? 0 : states_of(text);
	pid_t sender = sender_of(&message);
	struct slot *slot = states && sender > 0 ? instance_of(sender) : NULL;
	if (slot)
		event_notified(slot, sender, states);
	return true;
}

void notify_read(void)
{
	for (int i = 0; i < AT_ONCE && read_one(); i++)
		;
}
