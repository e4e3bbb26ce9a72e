#define _GNU_SOURCE /* pipe2 */
#include "io/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* What a stream of the program has printed so far. */
struct program_stream {
    int ends[2]; /* of its pipe: ours, and the program's; -1: closed */
    char *bytes; /* from malloc */
    size_t count, capacity;
};

static void close_end(int *end) {
    if (*end >= 0) {
        close(*end);
        *end = -1;
    }
}

/* Reads what has arrived; closes the pipe at its end. Returns 0, or a value of errno. */
static int read_stream(struct program_stream *stream) {
    if (stream->count == stream->capacity) {
        const size_t capacity = stream->capacity == 0 ? 4096 : 2 * stream->capacity;
        char *bytes = capacity > PROGRAM_MOST_OUTPUT ? NULL : realloc(stream->bytes, capacity);
        if (bytes == NULL) {
            return capacity > PROGRAM_MOST_OUTPUT ? EFBIG : ENOMEM;
        }
        stream->bytes = bytes;
        stream->capacity = capacity;
    }
    const ssize_t got = read(stream->ends[0], stream->bytes + stream->count, stream->capacity - stream->count);
    if (got < 0) {
        return errno == EINTR ? 0 : errno;
    }
    if (got == 0) {
        close_end(&stream->ends[0]);
    }
    stream->count += (size_t)got;
    return 0;
}

/* Reads both streams until the program has closed them. Both at the same time: a pipe that fills up would stop it. */
static int read_streams(struct program_stream *streams) {
    int error = 0;
    while (error == 0 && (streams[0].ends[0] >= 0 || streams[1].ends[0] >= 0)) {
        struct pollfd waiting[2] = {{streams[0].ends[0], POLLIN, 0}, {streams[1].ends[0], POLLIN, 0}};
        if (poll(waiting, 2, -1) < 0) {
            error = errno == EINTR ? 0 : errno;
            continue;
        }
        for (int i = 0; i < 2 && error == 0; i++) {
            error = waiting[i].revents == 0 ? 0 : read_stream(&streams[i]);
        }
    }
    return error;
}

/* Starts the program with both streams as its output. Returns 0, or a value of errno. */
static int start(const char *const *words, const struct program_stream *streams, pid_t *id) {
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0) {
        return error;
    }
    error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    for (int i = 0; i < 2 && error == 0; i++) {
        error = posix_spawn_file_actions_adddup2(&actions, streams[i].ends[1], STDOUT_FILENO + i);
    }
    /* The words are not changed; posix_spawnp takes them as char * for the sake of old programs. */
    error = error == 0 ? posix_spawnp(id, words[0], &actions, NULL, (char *const *)words, environ) : error;
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static void wait_for_end(pid_t id, struct program_outcome *outcome) {
    int wait_status = 0;
    while (waitpid(id, &wait_status, 0) < 0 && errno == EINTR) {
    }
    outcome->status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
    outcome->signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
}

rondo_status program_run(const char *const *words, struct program_outcome *outcome, struct arena *arena,
                         struct errors *errors) {
    struct program_stream streams[2] = {{.ends = {-1, -1}}, {.ends = {-1, -1}}};
    pid_t id = 0;
    *outcome = (struct program_outcome){.out = "", .err = ""};
    int error = pipe2(streams[0].ends, O_CLOEXEC) == 0 && pipe2(streams[1].ends, O_CLOEXEC) == 0 ? 0 : errno;
    error = error == 0 ? start(words, streams, &id) : error;
    close_end(&streams[0].ends[1]);
    close_end(&streams[1].ends[1]);
    if (id > 0) {
        error = read_streams(streams);
        close_end(&streams[0].ends[0]); /* after an error, so that a program that still prints ends */
        close_end(&streams[1].ends[0]);
        wait_for_end(id, outcome);
    }
    close_end(&streams[0].ends[0]);
    close_end(&streams[1].ends[0]);
    if (error == 0) {
        outcome->out = arena_strndup(arena, streams[0].bytes, streams[0].count);
        outcome->err = arena_strndup(arena, streams[1].bytes, streams[1].count);
    }
    free(streams[0].bytes);
    free(streams[1].bytes);
    if (error == ENOMEM || arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    /* Where posix_spawn cannot report that the program is missing, as under valgrind, its process ends so. */
    const int is_missing = outcome->status == 127 && outcome->out[0] == '\0' && outcome->err[0] == '\0';
    if (error == ENOENT || is_missing) {
        return errors_add(errors, RONDO_NOT_FOUND, "cannot find the program '%s'%s", words[0],
                          strchr(words[0], '/') == NULL ? " in the folders of PATH" : "");
    }
    return error == 0 ? RONDO_OK
                      : errors_add(errors, RONDO_IO, "cannot run '%s': %s", words[0],
                                   error == EFBIG ? "it prints too much" : strerror(error));
}

const char *shell_word(const char *text, struct arena *arena) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./+=:,@%";
    if (text[0] != '\0' && text[strspn(text, plain)] == '\0') {
        return text;
    }
    const char *quoted = "'";
    for (const char *rest = text; quoted != NULL && *rest != '\0';) {
        const int length = (int)strcspn(rest, "'");
        quoted = arena_printf(arena, "%s%.*s%s", quoted, length, rest, rest[length] == '\'' ? "'\\''" : "");
        rest += length + (rest[length] == '\'');
    }
    return quoted == NULL ? NULL : arena_printf(arena, "%s'", quoted);
}
