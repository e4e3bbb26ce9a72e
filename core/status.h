/* core/status.h: how failures are reported.
 *
 * A function that can fail returns a rondo_status (rondo/plugin.h) and appends the text to a list of errors that its
 * caller owns. The list can hold several: the reader of experiments adds one entry per mistake and continues, so that a
 * user sees all of them together. Nothing in the library prints, exits or aborts.
 *
 *     struct errors errors = {0};
 *     if (tape_backward(tape, loss) != RONDO_OK) …
 *     errors_free(&errors);
 *
 * Two kinds of checks, never mixed:
 *   a user's mistake   errors_add / errors_add_at, with RONDO_INVALID or RONDO_NOT_FOUND
 *   a bug of our own   RONDO_CHECK(condition, errors, "what should hold"), which gives RONDO_INTERNAL
 *
 * Text: lower-case first letter, the subject in single quotes, no full stop; what is wrong, what was expected, the
 * nearest right name.
 *
 * Threads: a list belongs to one thread at a time.
 */
#ifndef RONDO_CORE_STATUS_H
#define RONDO_CORE_STATUS_H

#include "rondo/plugin.h"

/* A place in a text file. `file` is borrowed; line and column count from 1, 0 means unknown. */
struct location {
    const char *file;
    int32_t line, column;
};

/* The largest number of texts that a list stores; further errors are only counted. */
#define ERRORS_MAX 50

/* Where an error is, as far as it was known when the error was added. */
struct error_place {
    int32_t file_length;  /* the file's name is these first bytes of the text; 0: no file */
    int32_t line, column; /* from 1; 0: unknown */
    int32_t message;      /* the message without the place is the text from this byte on */
};

/* The error of errors_no_memory that was added last, while parts of its text can be added. */
struct error_memory {
    int32_t number;     /* 1 + its index; 0: there is none */
    int32_t purpose_at; /* the byte of the text where a purpose goes */
    int32_t has_purpose, has_hint;
};

/* Zero-initialised is empty. */
struct errors {
    rondo_status status; /* status of the first error; RONDO_OK while there is none */
    int32_t count;       /* number of all errors that were added, also those after the first ERRORS_MAX */
    struct error_memory memory;
    char *texts[ERRORS_MAX];
    struct error_place places[ERRORS_MAX];
};

/* Adds an error; returns `status`. The text is formatted at once, so its arguments need not last. */
rondo_status errors_add(struct errors *errors, rondo_status status, const char *format, ...) RONDO_PRINTF(3, 4);
/* The same with "file:line:column: " before the text, as far as they are known. */
rondo_status errors_add_at(struct errors *errors, rondo_status status, struct location where, const char *format, ...)
    RONDO_PRINTF(4, 5);
/* The text of error `index` < min(count, ERRORS_MAX). A fixed text if memory was short. */
const char *errors_text(const struct errors *errors, int32_t index);
/* The place of error `index`, for a program that reads errors. */
struct error_place errors_place(const struct errors *errors, int32_t index);
/* Moves all errors of `from` to the end of `to`; `from` is empty afterwards. */
void errors_move(struct errors *to, struct errors *from);
/* Moves error `index` < min(count, ERRORS_MAX) as it is; `from` keeps its count, and no text in its place. */
void errors_move_one(struct errors *to, struct errors *from, int32_t index);
/* Frees the texts and empties the list. */
void errors_free(struct errors *errors);

/* Adds "out of memory", with the bytes that were refused if they are known (core/memory.h), and the limit; returns
 * RONDO_NO_MEMORY. */
rondo_status errors_no_memory(struct errors *errors);
/* If `status` is RONDO_NO_MEMORY, adds what the memory was for to the error that the call with this status has added:
 *
 *     out of memory: 1.2 GB for PURPOSE; 3.1 GB are in use of at most 4.0 GB, which is physical memory and swap
 *
 * A caller further out adds its own as " in PURPOSE": a noun, such as "the gradients of 4 parts of a batch". `where` is put
 * before the text if it has no place. Adds the error if there is none of errors_no_memory. Returns `status`. */
rondo_status errors_memory_for(struct errors *errors, rondo_status status, struct location where, const char *purpose,
                               ...) RONDO_PRINTF(4, 5);
/* The same with "; HINT" at the end, which says what takes less memory. The innermost hint is kept; an empty one is none. */
rondo_status errors_memory_hint(struct errors *errors, rondo_status status, const char *hint);
/* For RONDO_CHECK. Adds the place and the condition; returns RONDO_INTERNAL. */
rondo_status errors_bug(struct errors *errors, const char *file, int line, const char *what);

/* The fixed text of a status: "invalid input". */
const char *status_text(rondo_status status);

/* Returns the status of a call from the calling function if it is not RONDO_OK. */
#define RONDO_TRY(call)                                                                                                \
    do {                                                                                                               \
        const rondo_status try_status_ = (call);                                                                       \
        if (try_status_ != RONDO_OK) {                                                                                 \
            return try_status_;                                                                                        \
        }                                                                                                              \
    } while (0)

/* A check for bugs of our own: returns RONDO_INTERNAL from the calling function if `condition` does not hold. */
#define RONDO_CHECK(condition, errors, what)                                                                           \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            return errors_bug(errors, __FILE__, __LINE__, what);                                                       \
        }                                                                                                              \
    } while (0)

#endif
