#define _GNU_SOURCE
#include "output-state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "text.h"

enum { RETRY_MS = 10000 / PACE, NAME = MAX_OUTPUT_PATH + 16 };

static int fd = -1;

/* The file's trouble is told by init, when this process has left (output-pump.c). Until the next attempt all goes to stdout and stderr. */
static bool trouble(enum output_stage stage, int error)
{
	output_state->error = error;
	output_state->stage = stage;
	output_state->retry_at = now_ms() + RETRY_MS;
	return false;
}

static char *numbered(char to[NAME], uint32_t number)
{
	text_format(to, NAME, number ? "%s.%u" : "%s", output_settings.path, number);
	return to;
}

/* A write that the pump before did not come to count is cut off again: the block is written once more. */
static void recover(const struct stat *file)
{
	const struct output_state *s = output_state;
	if (s->writing && !s->lanes[s->writing - 1].filed && s->device == file->st_dev && s->inode == file->st_ino && s->size < (uint64_t)file->st_size)
		while (ftruncate(fd, (off_t)s->size) < 0 && errno == EINTR)
			;
	output_state->writing = 0;
}

/* No link: a directory that others write to would lead elsewhere. O_NONBLOCK: nor is a FIFO waited for. */
static bool open_file(void)
{
	struct stat file;
	fd = open(output_settings.path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0640);
	if (fd < 0)
		return trouble(FILE_OPEN, errno);
	if (fstat(fd, &file) < 0 || !S_ISREG(file.st_mode)) {
		close(fd);
		fd = -1;
		return trouble(FILE_OPEN, EINVAL);
	}
	recover(&file);
	return true;
}

/* Another program may have moved the file away (logrotate), or removed it. */
static bool still_there(struct stat *file)
{
	struct stat named;
	return fstat(fd, file) == 0 && lstat(output_settings.path, &named) == 0 && named.st_dev == file->st_dev && named.st_ino == file->st_ino;
}

static bool ready(struct stat *file)
{
	if (fd >= 0 && still_there(file))
		return true;
	if (fd >= 0)
		close(fd);
	return open_file() && fstat(fd, file) == 0;
}

/*
 * app.log → app.log.1 → app.log.2 …, the last one first, so that each rename(2) has a free place but for the oldest file's. A shift that was broken off
 * has left such a place; it ends there, and no file is pushed out twice for one rotation.
 */
static bool rotate(void)
{
	char from[NAME], to[NAME];
	struct stat any;
	uint32_t last = output_settings.max_files - 1, free_place = 1;
	if (last == 0 && unlink(output_settings.path) < 0)
		return trouble(FILE_ROTATE, errno);
	while (free_place < last && lstat(numbered(to, free_place), &any) == 0)
		free_place++;
	for (uint32_t place = last ? free_place : 0; place > 0; place--) {
		if (rename(numbered(from, place - 1), numbered(to, place)) < 0)
			return trouble(FILE_ROTATE, errno);
		output_step();
	}
	close(fd);
	return open_file();
}

/* Whole or not at all: what cannot be written to its end is taken back. */
static bool write_block(const struct lane *lane, uint64_t size)
{
	for (uint32_t at = 0; at < lane->out_end;) {
		ssize_t n = write(fd, lane->out + at, lane->out_end - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int error = n < 0 ? errno : ENOSPC;
			if (ftruncate(fd, (off_t)size) < 0)
				error = errno;
			return trouble(FILE_WRITE, error);
		}
		at += (uint32_t)n;
	}
	return true;
}

void output_file_begin(bool permitted)
{
	struct output_state *s = output_state;
	if (s->writing && s->lanes[s->writing - 1].filed)
		s->writing = 0; /* only this was still to do */
	if (permitted)
		return;
	if (output_settings.path[0])
		trouble(FILE_OPEN, EPERM);
	output_settings.path[0] = '\0';
}

void output_file(struct lane *lane, uint8_t number)
{
	struct output_state *s = output_state;
	struct stat file;
	bool troubled = s->stage != FILE_WORKS && now_ms() < s->retry_at;
	if ((troubled && s->stage != FILE_ROTATE) || !ready(&file))
		return;
	uint64_t size = (uint64_t)file.st_size;
	if (size > 0 && size + lane->out_end > output_settings.max_size && !troubled) {
		rotate(); /* where that fails the file grows: rather than that a line is lost */
		if (fd < 0 || fstat(fd, &file) < 0)
			return;
		troubled = s->stage == FILE_ROTATE && now_ms() < s->retry_at;
		size = (uint64_t)file.st_size;
	}
	s->device = file.st_dev;
	s->inode = file.st_ino;
	s->size = size;
	__atomic_store_n(&s->writing, (uint8_t)(number + 1), __ATOMIC_RELEASE); /* from here on the file may have to be cut back to that */
	bool done = write_block(lane, size);
	output_step();
	lane->filed = done;
	output_step();
	__atomic_store_n(&s->writing, 0, __ATOMIC_RELEASE);
	if (!done)
		return;
	s->moved += lane->out_end;
	if (!troubled)
		s->stage = FILE_WORKS;
}
