/* io/program.h: runs another program, without a shell, and reads what it prints; words of commands as text.
 *
 * Threads: any.
 */
#ifndef RONDO_IO_PROGRAM_H
#define RONDO_IO_PROGRAM_H

#include "core/arena.h"

/* The most bytes that a program may print to each of its streams. */
#define PROGRAM_MOST_OUTPUT ((size_t)64 << 20)

/* How a program ended, and what it printed. Texts are from the arena of program_run. */
struct program_outcome {
    int status;      /* exit status; -1 if a signal ended it */
    int signal;      /* that ended it; 0: none */
    const char *out; /* standard output */
    const char *err; /* standard error */
};

/* Runs words[0], which is searched for in PATH unless it has a slash, with the arguments words[1], … up to NULL, and waits
 * for its end. It gets the environment and the working directory of this process, and no input. RONDO_NOT_FOUND if there is
 * no such program, RONDO_IO if it cannot be started or prints too much; a program that fails is RONDO_OK, with its status.
 */
rondo_status program_run(const char *const *words, struct program_outcome *outcome, struct arena *arena,
                         struct errors *errors);

/* A text as a word of a command that a person copies to a shell: in single quotes if it needs them. From `arena`, or `text`
 * itself; NULL: out of memory. */
const char *shell_word(const char *text, struct arena *arena);

#endif
