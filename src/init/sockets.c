#define _GNU_SOURCE
#include "sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "child.h"
#include "text.h"

struct held {
	char name[MAX_SOCKET_NAME + 1];
	int fd;
	dev_t device; /* of a Unix socket's file */
	ino_t inode;
};

union address {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
	struct sockaddr_un path;
};

static struct held held[MAX_SOCKETS];
static unsigned count;

static const char *const stages[] = {"", "limit", "socket", "option", "bind", "owner", "listen"};

const char *sockets_stage(enum listen_stage stage) { return stages[stage]; }

const char *sockets_text(enum listen_stage stage, int error)
{
	_Static_assert(MAX_SOCKETS == 16, "the text says 16");
	if (stage == LISTEN_LIMIT)
		return "16 sockets are held already, and that is the most";
	return error ? strerror(error) : "";
}

static bool name_valid(struct span name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] < ' ' || name.at[i] == ':' || name.at[i] == 0x7f)
			return false;
	return name.len >= 1 && name.len <= MAX_SOCKET_NAME;
}

static bool address_valid(const struct msg_listen *m)
{
	switch (m->family) {
	case FAMILY_IPV4:
		return m->address.len == sizeof(struct in_addr);
	case FAMILY_IPV6:
		return m->address.len == sizeof(struct in6_addr);
	case FAMILY_UNIX: /* abstract ones begin with NUL: nobody owns them, and nothing says who may connect */
		return m->address.len > 0 && !memchr(m->address.at, '\0', m->address.len);
	default:
		return false;
	}
}

bool sockets_valid(const struct msg_listen *m)
{
	return name_valid(m->name) && address_valid(m) && m->mode <= 0777 && m->uid >= -1 && m->gid >= -1 && m->reuse_port <= 1;
}

/* The length that bind(2) wants, 0 where a path is too long. */
static socklen_t address_of(const struct msg_listen *m, union address *to)
{
	memset(to, 0, sizeof *to);
	switch (m->family) {
	case FAMILY_IPV4:
		to->ipv4.sin_family = AF_INET;
		to->ipv4.sin_port = htons(m->port);
		memcpy(&to->ipv4.sin_addr, m->address.at, m->address.len);
		return sizeof to->ipv4;
	case FAMILY_IPV6:
		to->ipv6.sin6_family = AF_INET6;
		to->ipv6.sin6_port = htons(m->port);
		memcpy(&to->ipv6.sin6_addr, m->address.at, m->address.len);
		return sizeof to->ipv6;
	default:
		to->path.sun_family = AF_UNIX;
		if (m->address.len >= sizeof to->path.sun_path)
			return 0;
		memcpy(to->path.sun_path, m->address.at, m->address.len);
		return sizeof to->path;
	}
}

static bool set(int fd, int level, int option, int value) { return setsockopt(fd, level, option, &value, sizeof value) == 0; }

static bool set_options(int fd, const struct msg_listen *m)
{
	if (m->family == FAMILY_UNIX)
		return true;
	/* The port of connections that have just been closed is free for a listener. */
	return set(fd, SOL_SOCKET, SO_REUSEADDR, 1) && (!m->reuse_port || set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
	       (m->family != FAMILY_IPV6 || set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0)); /* `::` is for both, whatever net.ipv6.bindv6only says */
}

/*
 * The file of a socket that nobody listens on is in the way for ever, and removed: 0. A live one (or one that cannot be told from it) is
 * somebody's, and what is no socket is never touched: the errno that says so.
 */
static int remove_stale(const union address *address)
{
	struct stat info;
	const char *path = address->path.sun_path;
	if (lstat(path, &info) < 0)
		return errno == ENOENT ? 0 : errno;
	if (!S_ISSOCK(info.st_mode))
		return ENOTSOCK;
	int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe < 0)
		return errno;
	bool refused = connect(probe, &address->any, sizeof address->path) < 0 && errno == ECONNREFUSED;
	close(probe);
	if (!refused)
		return EADDRINUSE;
	return unlink(path) == 0 || errno == ENOENT ? 0 : errno;
}

static int bind_once(int fd, const union address *address, socklen_t length, uint32_t mode)
{
	mode_t before = umask(0777 & ~mode); /* the file has its mode from its first moment on (unix(7)) */
	int error = bind(fd, &address->any, length) == 0 ? 0 : errno;
	umask(before);
	return error;
}

static int bind_to(int fd, const struct msg_listen *m)
{
	union address address;
	socklen_t length = address_of(m, &address);
	if (length == 0)
		return ENAMETOOLONG;
	int error = bind_once(fd, &address, length, m->mode);
	if (error != EADDRINUSE || m->family != FAMILY_UNIX)
		return error;
	error = remove_stale(&address);
	return error ? error : bind_once(fd, &address, length, m->mode);
}

/* The path of a bound Unix socket; empty for others. */
static const char *path_of(int fd, union address *address)
{
	socklen_t length = sizeof *address;
	memset(address, 0, sizeof *address);
	return getsockname(fd, &address->any, &length) == 0 && address->any.sa_family == AF_UNIX ? address->path.sun_path : "";
}

/* Nobody can connect before listen(2), so that the owner is in time here. By descriptor: the name may be another's in a directory that is not ours alone. */
static int own_file(struct held *socket, const struct msg_listen *m)
{
	union address address;
	struct stat info = {0};
	int error = 0;
	int file = open(path_of(socket->fd, &address), O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (file < 0)
		return errno;
	if (fstat(file, &info) < 0 || !S_ISSOCK(info.st_mode))
		error = ENOTSOCK;
	else if ((m->uid >= 0 || m->gid >= 0) && fchownat(file, "", (uid_t)m->uid, (gid_t)m->gid, AT_EMPTY_PATH) < 0)
		error = errno;
	close(file);
	socket->device = info.st_dev;
	socket->inode = info.st_ino;
	return error;
}

static void remove_file(const struct held *socket)
{
	union address address;
	struct stat info;
	const char *path = path_of(socket->fd, &address);
	if (*path && lstat(path, &info) == 0 && S_ISSOCK(info.st_mode) && info.st_dev == socket->device && info.st_ino == socket->inode)
		unlink(path);
}

static int establish(struct held *socket, const struct msg_listen *m, enum listen_stage *stage)
{
	int error;
	*stage = LISTEN_OPTION;
	if (!set_options(socket->fd, m))
		return errno;
	*stage = LISTEN_BIND;
	if ((error = bind_to(socket->fd, m)))
		return error;
	*stage = LISTEN_OWNER;
	if (m->family == FAMILY_UNIX && (error = own_file(socket, m)))
		return error;
	*stage = LISTEN_LISTEN;
	if (listen(socket->fd, m->backlog > INT_MAX ? INT_MAX : (int)m->backlog) < 0)
		return errno;
	*stage = LISTEN_DONE;
	return 0;
}

static bool is_held(struct span name)
{
	for (unsigned i = 0; i < count; i++)
		if (strlen(held[i].name) == name.len && memcmp(held[i].name, name.at, name.len) == 0)
			return true;
	return false;
}

int sockets_listen(const struct msg_listen *m, enum listen_stage *stage)
{
	static const int families[] = {[FAMILY_IPV4] = AF_INET, [FAMILY_IPV6] = AF_INET6, [FAMILY_UNIX] = AF_UNIX};
	*stage = LISTEN_DONE;
	if (is_held(m->name))
		return 0;
	*stage = LISTEN_LIMIT;
	if (count == MAX_SOCKETS)
		return EMFILE;
	struct held *new = &held[count];
	*new = (struct held){.fd = socket(families[m->family], SOCK_STREAM | SOCK_CLOEXEC, 0)};
	*stage = LISTEN_SOCKET;
	if (new->fd < 0)
		return errno;
	memcpy(new->name, m->name.at, m->name.len);
	int error = establish(new, m, stage);
	if (error) {
		remove_file(new);
		close(new->fd);
	} else {
		count++;
	}
	return error;
}

unsigned sockets_held(void) { return count; }

/* First out of the way of 3…, where init's own numbers may be, then down to their places without close-on-exec. */
bool sockets_pass(void)
{
	int above[MAX_SOCKETS];
	for (unsigned i = 0; i < count; i++)
		if ((above[i] = fcntl(held[i].fd, F_DUPFD_CLOEXEC, BEYOND_PASSED)) < 0)
			return false;
	for (unsigned i = 0; i < count; i++)
		if (dup2(above[i], FIRST_PASSED + (int)i) < 0)
			return false;
	return true;
}

/* `host:port` or a path, as Server::Starter writes them. */
static int print_address(char *to, size_t size, int fd)
{
	union address address;
	socklen_t length = sizeof address;
	char host[TEXT_IPV6];
	const unsigned char *ipv4 = (const unsigned char *)&address.ipv4.sin_addr;
	memset(&address, 0, sizeof address);
	getsockname(fd, &address.any, &length);
	switch (address.any.sa_family) {
	case AF_INET:
		return text_format(to, size, "%d.%d.%d.%d:%u", ipv4[0], ipv4[1], ipv4[2], ipv4[3], ntohs(address.ipv4.sin_port));
	case AF_INET6:
		text_ipv6(host, address.ipv6.sin6_addr.s6_addr);
		return text_format(to, size, "[%s]:%u", host, ntohs(address.ipv6.sin6_port));
	default:
		return text_format(to, size, "%s", address.path.sun_path);
	}
}

/* sd_listen_fds(3), and Server::Starter's start_server(1). */
void sockets_variables(char **to)
{
	enum { EACH = sizeof(struct sockaddr_un) + 8, ROOM = 32 + MAX_SOCKETS * EACH };
	char *room = child_room(SOCKET_VARIABLES * ROOM);
	for (int i = 0; i < SOCKET_VARIABLES; i++)
		to[i] = room + i * ROOM;
	text_format(to[0], ROOM, "LISTEN_FDS=%u", count);
	text_format(to[1], ROOM, "LISTEN_PID=%d", getpid());
	int names = text_format(to[2], ROOM, "LISTEN_FDNAMES="), starter = text_format(to[3], ROOM, "SERVER_STARTER_PORT=");
	for (unsigned i = 0; i < count; i++) {
		names += text_format(to[2] + names, ROOM - (size_t)names, "%s%s", i ? ":" : "", held[i].name);
		starter += text_format(to[3] + starter, ROOM - (size_t)starter, "%s", i ? ";" : "");
		starter += print_address(to[3] + starter, ROOM - (size_t)starter, held[i].fd);
		starter += text_format(to[3] + starter, ROOM - (size_t)starter, "=%u", FIRST_PASSED + i);
	}
}

void sockets_remove(void)
{
	for (unsigned i = 0; i < count; i++)
		remove_file(&held[i]);
}
