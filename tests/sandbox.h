/* tests/sandbox.h: a temporary folder, and programs that run in it.
 *
 * Names of files are relative to the sandbox. An error in the sandbox itself fails the running test, or ends the
 * program in a fixture, so no function here returns an error. There is one sandbox per process. Texts that are returned
 * live as long as the process, which is short, because each test runs in its own process.
 */
#ifndef RONDO_TESTS_SANDBOX_H
#define RONDO_TESTS_SANDBOX_H

#include <stddef.h>

/* Memory that lasts as long as the process. */
char *sandbox_memory(size_t size);

/* Makes the folder, below TMPDIR or /tmp. For an unchecked fixture: all tests of a case then share it, each in its own
 * process, and it is removed whatever becomes of them. */
void sandbox_open(void);
/* Removes it with its contents. */
void sandbox_close(void);

/* The absolute path of printf's arguments within the sandbox, in one of a few buffers that later calls use again. */
const char *sandbox_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Missing folders in the path of a file that is written or copied are created. */
void sandbox_write(const char *name, const char *text);
void sandbox_write_bytes(const char *name, const void *bytes, size_t size);
/* The whole file, NUL-terminated; size may be NULL. */
char *sandbox_read(const char *name, size_t *size);
int sandbox_has(const char *name);
/* Copies a folder or a file with cp -R; `from` may be absolute, links are followed. */
void sandbox_copy(const char *from, const char *to);
/* Removes a file, or a folder with its contents. */
void sandbox_remove(const char *name);
/* The number of files and folders. */
int sandbox_entries(void);

/* The value of an environment variable that the build sets; a test without it would test nothing, so that is a failure.
 */
const char *variable(const char *name);

/* A program to run in the sandbox. The variables RONDO_PLUGIN_PATH and RONDO_CELL_PATH are not passed on. */
struct call {
    const char *program;     /* a path; NULL: RONDO_PROGRAM */
    const char *arguments;   /* separated by blanks */
    const char *input;       /* standard input; NULL: none */
    const char *environment; /* one further "NAME=value", or NULL */
    const char *output;      /* a file to write standard output to, or NULL */
    int ignored_signal;      /* a signal that the program is started with as ignored; 0: none */
};
/* How a program ended. */
struct outcome {
    int status;      /* exit status; -1 if a signal or the time limit ended it */
    int signal;      /* signal that ended it; 0: none */
    const char *end; /* "exit status 2", "signal 11": for messages */
    const char *out; /* standard output, "" if it went to a file */
    const char *err; /* standard error */
};
struct outcome sandbox_run(struct call call);

/* A program that is still running, for tests of signals. Call sandbox_finish for each, which waits for its end. */
struct process;
struct process *sandbox_start(struct call call);
/* Waits until standard error contains `text`, at most for the time limit of a program. Fails the test if the program
 * ends before that. */
void sandbox_await(struct process *process, const char *text);
void sandbox_signal(const struct process *process, int number);
struct outcome sandbox_finish(struct process *process);

/* Fails the test unless the exit status is `status`, with the output of the program in the message. `what` names the
 * case. */
void assert_status(const char *what, const struct outcome *outcome, int status);
/* Fails the test unless all of `parts`, separated by '|', are in `text`, in any order. */
void assert_parts(const char *what, const char *text, const char *parts);

#endif
