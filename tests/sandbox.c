/* tests/sandbox.c: see tests/sandbox.h. */
#define _XOPEN_SOURCE 700
#include "sandbox.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATH_SIZE = 2048, BUFFERS = 8, MAX_ARGUMENTS = 64, SECONDS = 120 };

static char root[PATH_SIZE];

/* ---- memory ---- */

static union block {
    union block *next;
    max_align_t data;
} * blocks;

char *sandbox_memory(size_t size) {
    union block *block = malloc(sizeof *block + size);
    ck_assert_ptr_nonnull(block);
    block->next = blocks;
    blocks = block;
    return (char *)(block + 1);
}

/* ---- the folder ---- */

void sandbox_open(void) {
    const char *temporary = getenv("TMPDIR");
    snprintf(root, sizeof root, "%s/rondo-test-XXXXXX", temporary == NULL || *temporary == '\0' ? "/tmp" : temporary);
    ck_assert_msg(mkdtemp(root) != NULL, "cannot make the folder '%s'", root);
    umask(022); /* a plug-in that everybody may write to is refused */
}

static int remove_entry(const char *name, const struct stat *found, int type, struct FTW *walk) {
    (void)found, (void)type, (void)walk;
    return remove(name);
}

void sandbox_close(void) {
    nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* The path of a name, which may be absolute, in the next buffer. */
static char *next_path(const char *name) {
    static char buffers[BUFFERS][PATH_SIZE];
    static int turn;
    turn = (turn + 1) % BUFFERS;
    const int length = name[0] == '/' ? snprintf(buffers[turn], PATH_SIZE, "%s", name)
                                      : snprintf(buffers[turn], PATH_SIZE, "%s/%s", root, name);
    ck_assert_msg(length >= 0 && length < PATH_SIZE, "the path of '%s' is too long", name);
    return buffers[turn];
}

const char *sandbox_path(const char *format, ...) {
    char name[PATH_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    return next_path(name);
}

/* The path of a name in the sandbox, with all folders above it. */
static char *new_path(const char *name) {
    char *path = next_path(name);
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
    return path;
}

void sandbox_write_bytes(const char *name, const void *bytes, size_t size) {
    char *path = new_path(name);
    FILE *file = fopen(path, "wb");
    ck_assert_msg(file != NULL, "cannot make '%s'", path);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

void sandbox_write(const char *name, const char *text) {
    sandbox_write_bytes(name, text, strlen(text));
}

/* All of an open file, from its start. */
static char *read_all(FILE *file, size_t *size) {
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    const long length = ftell(file);
    ck_assert_int_ge(length, 0);
    rewind(file);
    char *text = sandbox_memory((size_t)length + 1);
    ck_assert_uint_eq(fread(text, 1, (size_t)length, file), (size_t)length);
    text[length] = '\0';
    if (size != NULL) {
        *size = (size_t)length;
    }
    return text;
}

char *sandbox_read(const char *name, size_t *size) {
    FILE *file = fopen(next_path(name), "rb");
    ck_assert_msg(file != NULL, "there is no file '%s'", name);
    char *text = read_all(file, size);
    fclose(file);
    return text;
}

int sandbox_has(const char *name) {
    struct stat found;
    return lstat(next_path(name), &found) == 0;
}

void sandbox_copy(const char *from, const char *to) {
    char command[2 * PATH_SIZE + 32];
    snprintf(command, sizeof command, "cp -RL '%s' '%s'", next_path(from), new_path(to));
    ck_assert_msg(system(command) == 0, "failed: %s", command);
}

void sandbox_remove(const char *name) {
    ck_assert_int_eq(nftw(next_path(name), remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static int entries;

static int count_entry(const char *name, const struct stat *found, int type, struct FTW *walk) {
    (void)name, (void)found, (void)type, (void)walk;
    entries++;
    return 0;
}

int sandbox_entries(void) {
    entries = 0;
    ck_assert_int_eq(nftw(root, count_entry, 16, FTW_PHYS), 0);
    return entries;
}

const char *variable(const char *name) {
    const char *text = getenv(name);
    ck_assert_msg(text != NULL && text[0] == '/', "the variable %s must hold an absolute path", name);
    return text;
}

/* ---- programs ---- */

static void split(char *text, char **words) {
    int count = 1; /* the first argument follows the program's name */
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
        ck_assert_int_lt(count, MAX_ARGUMENTS);
        words[count++] = word;
    }
}

/* A temporary file without a name, which is read from its start. */
static FILE *stream_of(const char *text) {
    FILE *stream = tmpfile();
    ck_assert_ptr_nonnull(stream);
    ck_assert_int_ge(fputs(text, stream), 0);
    ck_assert_int_eq(fflush(stream), 0);
    rewind(stream);
    return stream;
}

/* In the child: becomes the program. Standard streams are files, not pipes: a file never fills up, so neither side has
 * to wait. */
static void become(const struct call *call, char **words, FILE *const *streams) {
    if (chdir(root) != 0) {
        _exit(126);
    }
    for (int i = 0; i < 3; i++) {
        dup2(fileno(streams[i]), i);
    }
    if (call->output != NULL) {
        const int descriptor = open(call->output, O_WRONLY | O_CREAT | O_TRUNC, 0666);
        dup2(descriptor, STDOUT_FILENO);
    }
    unsetenv("RONDO_PLUGIN_PATH");
    unsetenv("RONDO_CELL_PATH");
    unsetenv("RONDO_BLOCK_PATH");
    if (call->environment != NULL) {
        char name[64];
        const char *equals = strchr(call->environment, '=');
        snprintf(name, sizeof name, "%.*s", (int)(equals - call->environment), call->environment);
        setenv(name, equals + 1, 1);
    }
    /* The tests may have been started by nohup, or by a program that ignores some of these signals. */
    static const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE, SIGXFSZ};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        signal(signals[i], SIG_DFL);
    }
    if (call->ignored_signal != 0) {
        signal(call->ignored_signal, SIG_IGN);
    }
    alarm(SECONDS); /* also limits the time of the program */
    execv(words[0], words);
    _exit(127);
}

static const char *describe_end(int wait_status) {
    char *text = sandbox_memory(64);
    if (WIFEXITED(wait_status)) {
        snprintf(text, 64, "exit status %d", WEXITSTATUS(wait_status));
    } else if (WTERMSIG(wait_status) == SIGALRM) {
        snprintf(text, 64, "still running after %d seconds", SECONDS);
    } else {
        snprintf(text, 64, "signal %d", WTERMSIG(wait_status));
    }
    return text;
}

struct process {
    pid_t id;
    FILE *streams[3];
};

struct process *sandbox_start(struct call call) {
    char *words[MAX_ARGUMENTS + 1] = {NULL};
    char *text = strdup(call.arguments == NULL ? "" : call.arguments);
    char *program = strdup(call.program == NULL ? variable("RONDO_PROGRAM") : call.program);
    ck_assert(text != NULL && program != NULL);
    words[0] = program;
    split(text, words);
    struct process *process = (struct process *)sandbox_memory(sizeof *process);
    *process =
        (struct process){.streams = {stream_of(call.input == NULL ? "" : call.input), stream_of(""), stream_of("")}};
    process->id = fork();
    ck_assert_int_ge(process->id, 0);
    if (process->id == 0) {
        become(&call, words, process->streams);
    }
    free(text);
    free(program);
    return process;
}

/* The child writes at the position of the descriptor that it shares with this process, so reading must not change this
 * position. */
static int stream_has(FILE *stream, const char *text) {
    static char buffer[1 << 16];
    const ssize_t size = pread(fileno(stream), buffer, sizeof buffer - 1, 0);
    ck_assert_int_ge(size, 0);
    buffer[size] = '\0';
    return strstr(buffer, text) != NULL;
}

void sandbox_await(struct process *process, const char *text) {
    const struct timespec pause = {.tv_nsec = 1000 * 1000};
    siginfo_t ended = {0};
    while (!stream_has(process->streams[2], text)) {
        ck_assert_int_eq(waitid(P_PID, (id_t)process->id, &ended, WEXITED | WNOHANG | WNOWAIT), 0);
        ck_assert_msg(ended.si_pid == 0 || stream_has(process->streams[2], text), "it ended without printing '%s'",
                      text);
        nanosleep(&pause, NULL);
    }
}

void sandbox_signal(const struct process *process, int number) {
    ck_assert_int_eq(kill(process->id, number), 0);
}

struct outcome sandbox_finish(struct process *process) {
    int wait_status = 0;
    ck_assert_int_eq(waitpid(process->id, &wait_status, 0), process->id);
    const struct outcome outcome = {.status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1,
                                    .signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0,
                                    .end = describe_end(wait_status),
                                    .out = read_all(process->streams[1], NULL),
                                    .err = read_all(process->streams[2], NULL)};
    for (int i = 0; i < 3; i++) {
        fclose(process->streams[i]);
    }
    return outcome;
}

struct outcome sandbox_run(struct call call) {
    return sandbox_finish(sandbox_start(call));
}

void assert_status(const char *what, const struct outcome *outcome, int status) {
    ck_assert_msg(outcome->status == status, "%s: %s, expected exit status %d; it printed:\n%.1000s\n%.2500s", what,
                  outcome->end, status, outcome->out, outcome->err);
}

void assert_parts(const char *what, const char *text, const char *parts) {
    for (const char *part = parts; *part != '\0';) {
        const size_t length = strcspn(part, "|");
        char wanted[512];
        ck_assert_uint_lt(length, sizeof wanted);
        snprintf(wanted, sizeof wanted, "%.*s", (int)length, part);
        ck_assert_msg(strstr(text, wanted) != NULL, "%s: '%s' is not in:\n%.4000s", what, wanted, text);
        part += length + (part[length] == '|');
    }
}
