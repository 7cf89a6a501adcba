#define _GNU_SOURCE
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "events.h"
#include "output-state.h"
#include "say.h"

enum { YOUNG_MS = 100 / PACE, AGAIN_MS = 1000, STUCK_MS = 5000 / PACE, LEAST_SIZE = 65536 };

struct output_state *output_state;
struct output_settings output_settings;
static int inputs[LANES];
static pid_t pump;
static bool replaced, finishing, other_file; /* replaced: TERM is on its way to the pump; other_file: the next one writes to another than this one */
static uint8_t told;
static uint64_t started_at, start_at = NEVER;

bool output_valid(const struct msg_output *m)
{
	return m->format <= OUTPUT_JSON && m->timestamps <= 1 && m->also_stdout <= 1 && m->uid >= -1 && m->gid >= -1 && m->prefix.len <= MAX_PREFIX &&
	       !memchr(m->prefix.at, '\n', m->prefix.len) && m->path.len <= MAX_OUTPUT_PATH && !memchr(m->path.at, '\0', m->path.len) &&
	       (m->path.len == 0 || (m->path.at[0] == '/' && m->max_size >= LEAST_SIZE && m->max_files >= 1));
}

/* The only memory that init takes after its start, once: the pump and those after it work in it. */
static bool take_memory(void)
{
	if (output_state)
		return true;
	void *memory = mmap(NULL, sizeof *output_state, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return false;
	output_state = memory;
	for (int i = 0; i < LANES; i++)
		inputs[i] = -1;
	return true;
}

static void replace_pump(void)
{
	if (pump <= 0 || replaced)
		return;
	__atomic_store_n(&output_state->asked, true, __ATOMIC_RELEASE);
	replaced = kill(pump, SIGTERM) == 0;
}

void output_set(const struct msg_output *m)
{
	struct output_settings new = {
		.json = m->format == OUTPUT_JSON, .timestamps = m->timestamps, .also_stdout = m->also_stdout,
		.prefix_length = (uint32_t)m->prefix.len, .max_files = m->max_files, .uid = m->uid, .gid = m->gid, .max_size = m->max_size,
	};
	memcpy(new.prefix, m->prefix.at, m->prefix.len);
	memcpy(new.path, m->path.at, m->path.len);
	other_file |= output_state && strcmp(new.path, output_settings.path) != 0;
	output_settings = new;
	if (output_state)
		output_state->retry_at = 0;
	replace_pump();
}

static int lanes_used(void)
{
	int n = 0;
	for (int i = 0; output_state && i < LANES; i++)
		n += inputs[i] >= 0;
	return n;
}

/* The read end is ours alone, so it may be O_NONBLOCK: whoever opens the pipe by path to read from it cannot make the pump wait. */
static bool open_lane(uint8_t stream, int *end)
{
	int ends[2], lane = 0;
	while (lane < LANES && inputs[lane] >= 0)
		lane++;
	if (lane == LANES) {
		errno = EBUSY;
		return false;
	}
	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	struct lane *new = &output_state->lanes[lane];
	new->stream = stream;
	new->over = new->in_line = false;
	inputs[lane] = ends[0];
	*end = ends[1];
	return true;
}

static void close_lane(int lane)
{
	close(inputs[lane]);
	inputs[lane] = -1;
}

void output_open(int ends[2])
{
	ends[0] = ends[1] = -1;
	if (take_memory() && open_lane(STDOUT_FILENO, &ends[0]) && open_lane(STDERR_FILENO, &ends[1]))
		return;
	say(SAY_WARN, "the application's output goes where it would without `output`: there is no pipe for it (%s)", strerror(errno));
	if (ends[0] >= 0)
		close(ends[0]); /* the lane has ended, and is closed as such */
	ends[0] = -1;
}

/* What has been told is of the file before: trouble with this one is news, and that it works is where there was trouble. */
static void forget_file(void)
{
	output_state->stage = FILE_NOT_TRIED;
	output_state->retry_at = 0;
	if (told != FILE_WORKS)
		told = FILE_NOT_TRIED;
	other_file = false;
}

static void start_pump(void)
{
	if (other_file)
		forget_file();
	replaced = output_state->asked = false;
	start_at = NEVER;
	started_at = now_ms();
	pid_t pid = fork();
	if (pid == 0)
		output_pump(inputs, finishing);
	if (pid > 0) {
		pump = pid;
		return;
	}
	say(SAY_WARN, "the application's output waits: there is no process for it (%s)", strerror(errno));
	start_at = started_at + AGAIN_MS;
}

void output_begin(void)
{
	if (pump > 0)
		replace_pump(); /* its pipes are those of before */
	else if (lanes_used() > 0)
		start_pump();
}

bool output_is_pump(pid_t pid) { return pump > 0 && pid == pump; }

static void close_ended(void)
{
	for (int i = 0; i < LANES; i++)
		if (inputs[i] >= 0 && output_state->lanes[i].over)
			close_lane(i);
}

/* At once, but one that dies as soon as it is there is given time. */
static void start_next(int status)
{
	bool fails = !replaced && !(WIFEXITED(status) && WEXITSTATUS(status) == 0) && now_ms() < started_at + YOUNG_MS;
	if (lanes_used() == 0)
		return;
	if (fails)
		start_at = now_ms() + YOUNG_MS;
	else
		start_pump();
}

bool output_ended(pid_t pid, int status)
{
	if (!output_is_pump(pid))
		return false;
	pump = 0;
	close_ended();
	uint8_t stage = output_state->stage;
	if (stage != told && stage != FILE_NOT_TRIED && event_output_file(stage ? output_state->error : 0, stage))
		told = stage;
	start_next(status);
	return true;
}

uint64_t output_deadline(void) { return start_at; }

void output_tick(uint64_t now)
{
	if (now >= start_at)
		start_pump();
}

/* Until it has ended, or nothing has moved for so long: counted in pauses, for by the clock a container that was frozen has waited as well. */
static bool pump_ends(void)
{
	uint64_t moved = output_state->moved;
	for (int quiet = 0; quiet < STUCK_MS; quiet++) {
		pid_t ended = waitpid(pump, NULL, WNOHANG);
		if (ended == pump || (ended < 0 && errno == ECHILD))
			return true;
		if (moved != output_state->moved)
			quiet = 0;
		moved = output_state->moved;
		struct timespec pause = {0, 1000000};
		nanosleep(&pause, NULL);
	}
	return false;
}

void output_flush(void)
{
	finishing = true;
	replace_pump();
	for (int tries = 0; pump > 0 || lanes_used() > 0;) {
		if (pump <= 0)
			start_pump();
		if (pump <= 0 || !pump_ends() || ++tries > 2 * LANES)
			break;
		pump = 0;
		close_ended();
	}
	if (lanes_used() == 0)
		return;
	say(SAY_WARN, "nobody has read the application's output for %d ms: the last of it is lost", STUCK_MS);
	if (pump > 0)
		kill(pump, SIGKILL); /* it would hold what it writes to open */
}
