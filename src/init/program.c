#define _GNU_SOURCE
#include "program.h"

#include <errno.h>
#include <unistd.h>

#include "child.h"
#include "codes.h"
#include "text.h"

extern char **environ;

/* The texts that say something about a name, one for each name: the last that was put in. Open addressing; half of the places stay free. */
struct names {
	char **place;
	size_t mask;
};

static size_t name_length(const char *text) { return strcspn(text, "="); }

/* Where the text of this name is, or would be. FNV-1a. */
static char **place_of(const struct names *names, const char *text)
{
	size_t length = name_length(text), at = 2166136261u;
	for (size_t i = 0; i < length; i++)
		at = (at ^ (uint8_t)text[i]) * 16777619u;
	while (names->place[at &= names->mask] &&
	       (name_length(names->place[at]) != length || strncmp(names->place[at], text, length) != 0))
		at++;
	return &names->place[at];
}

static void put_all(struct names *names, char *const *texts)
{
	for (; *texts; texts++)
		*place_of(names, *texts) = *texts;
}

/* Those that have the last word about their name. */
static char **add_last(char **to, const struct names *names, char *const *texts)
{
	for (; *texts; texts++)
		if (*place_of(names, *texts) == *texts)
			*to++ = *texts;
	return to;
}

static size_t length_of(char *const *texts)
{
	size_t n = 0;
	while (texts[n])
		n++;
	return n;
}

char **program_environment(const struct msg_spawn *m, char *const *own)
{
	size_t inherited = length_of(environ), named = m->env_unset.count + m->env_set.count + length_of(own);
	if (named == 0 && !(m->flags & SPAWN_CLEAR_ENV))
		return environ;
	char **set = child_texts(m->env_set);
	struct names names = {.mask = 1};
	while (names.mask < 2 * named)
		names.mask = 2 * names.mask + 1;
	names.place = child_room((names.mask + 1) * sizeof *names.place);
	put_all(&names, child_texts(m->env_unset));
	put_all(&names, set);
	put_all(&names, own);
	char **environment = child_room((inherited + named + 1) * sizeof *environment), **to = environment;
	if (!(m->flags & SPAWN_CLEAR_ENV))
		for (char **variable = environ; *variable; variable++)
			if (!*place_of(&names, *variable))
				*to++ = *variable;
	add_last(add_last(to, &names, set), &names, own);
	return environment;
}

/* ENOENT of a file that is there is about its interpreter: the #! line's, or the dynamic loader. */
static _Noreturn void exec_failed(const char *file, int error)
{
	if (error == ENOENT && access(file, F_OK) == 0)
		child_fail("interpreter", error, EXIT_CANNOT_EXECUTE);
	child_fail("exec", error, error == ENOENT || error == ENOTDIR ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE);
}

_Noreturn void program_exec(char **argv, char **environment)
{
	const char *path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *name = argv[0];
	int worst = ENOENT;
	if (!*name)
		child_fail("exec", ENOENT, EXIT_NOT_FOUND);
	if (strchr(name, '/')) {
		execve(name, argv, environment);
		exec_failed(name, errno);
	}
	for (char **variable = environment; *variable; variable++)
		if (strncmp(*variable, "PATH=", 5) == 0)
			path = *variable + 5;
	for (const char *end; path; path = *end ? end + 1 : NULL) {
		char file[4096];
		end = strchrnul(path, ':');
		int length = (int)(end - path);
		if (text_format(file, sizeof file, "%.*s%s%s", length, path, length ? "/" : "", name) >= (int)sizeof file)
			continue;
		execve(file, argv, environment);
		if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
			exec_failed(file, errno);
		if (errno == ENOENT && access(file, F_OK) == 0)
			exec_failed(file, errno);
		if (errno == EACCES)
			worst = EACCES; /* execvp(3): remembered, while another directory may have it */
	}
	child_fail("exec", worst, worst == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE);
}
