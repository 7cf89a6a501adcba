#define _GNU_SOURCE
#include "program.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "child.h"
#include "codes.h"

extern char **environ;

static bool same_name(const char *variable, const char *name, size_t length)
{
	return strncmp(variable, name, length) == 0 && (variable[length] == '=' || variable[length] == '\0');
}

static void unset(char **environment, const char *name, size_t length)
{
	char **to = environment;
	for (char **from = environment; *from; from++)
		if (!same_name(*from, name, length))
			*to++ = *from;
	*to = NULL;
}

static void set(char **environment, char *variable)
{
	unset(environment, variable, (size_t)(strchr(variable, '=') - variable));
	while (*environment)
		environment++;
	*environment = variable;
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
	size_t inherited = length_of(environ);
	if (m->env_set.count == 0 && m->env_unset.count == 0 && !*own && !(m->flags & SPAWN_CLEAR_ENV))
		return environ;
	char **environment = child_room((inherited + m->env_set.count + length_of(own) + 1) * sizeof *environment);
	if (!(m->flags & SPAWN_CLEAR_ENV))
		memcpy(environment, environ, inherited * sizeof *environment);
	for (char **name = child_texts(m->env_unset); *name; name++)
		unset(environment, *name, strlen(*name));
	for (char **variable = child_texts(m->env_set); *variable; variable++)
		set(environment, *variable);
	for (; *own; own++)
		set(environment, *own);
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
		if (snprintf(file, sizeof file, "%.*s%s%s", length, path, length ? "/" : "", name) >= (int)sizeof file)
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
