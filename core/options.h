/* core/options.h: fills and reads option structs by their table (rondo/plugin.h), with errors that a user can act on.
 *
 * The same functions serve the YAML of experiments, ops in equations, options of plug-ins and `rondo list`.
 * Threads: any; a function accesses only what its arguments point to.
 */
#ifndef RONDO_CORE_OPTIONS_H
#define RONDO_CORE_OPTIONS_H

#include "core/arena.h"

/* 1 if the option holds one number or several, each within [min, max]; 1 if it holds a list of them. */
int option_has_range(const rondo_option *option);
int option_is_list(const rondo_option *option);

/* The row with this key; NULL: none. `table` may be NULL. */
const rondo_option *option_find(const rondo_option *table, const char *key);

/* A new struct of `size` bytes, from `arena`, with the defaults of `table`. Required options stay zero until they are
 * set. NULL with an error if memory is short, or if a default does not parse (a bug in the table). */
void *options_create(const rondo_option *table, size_t size, struct arena *arena, struct errors *errors);

/* Copies the options struct `from` of `size` bytes to `to`, with everything that it owns: the texts and arrays that its
 * fields point to are copied to `arena`, so that the copy outlives the original. NULL in a field stays NULL. `table` may
 * be NULL. RONDO_NO_MEMORY, without an error text, if memory is short. */
rondo_status options_copy(const rondo_option *table, size_t size, const void *from, void *to, struct arena *arena);

/* Parses `text` as the value of `option` and stores it in the struct. RONDO_INVALID at `where`, with what was expected: a
 * number within the range, one of the choices (with the nearest), … Strings and arrays are allocated in `arena`. */
rondo_status option_set(const rondo_option *option, void *options, const char *text, struct arena *arena,
                        struct location where, struct errors *errors);

/* The value of one option, given by code: a number, a truth value (0 or 1), or the word of a choice. */
struct option_value {
    const char *key;
    double number;
    const char *word; /* the word of a RONDO_CHOICE; NULL for other types */
};
/* Stores values in the struct without parsing text. A key or word that the table does not have, or a number outside its
 * range, is a bug of the caller: RONDO_INTERNAL. */
rondo_status options_store(const rondo_option *table, void *options, const struct option_value *values, int32_t count,
                           struct errors *errors);

/* Adds "unknown option 'x' of Y (did you mean 'z'?)", where Y is `of`, with the known keys; returns RONDO_INVALID. */
rondo_status option_unknown(const rondo_option *table, const char *key, const char *of, struct location where,
                            struct errors *errors);

/* Parses pairs such as "axis=-1 keep=true", separated by blanks or commas, and stores them in a struct from
 * options_create; a value may be a list in brackets. NULL sets nothing. An error for every required option that the text
 * does not set. `of` names the owner in errors. */
rondo_status options_parse(const rondo_option *table, void *options, const char *text, const char *of,
                           struct arena *arena, struct location where, struct errors *errors);

/* 1 if such a text, which has been parsed without errors, sets this key. */
int options_text_gives(const char *text, const char *key);

/* Adds an error for every required option for which is_given(arg, key) returns 0. */
rondo_status options_require(const rondo_option *table, int (*is_given)(const void *arg, const char *key),
                             const void *arg, const char *of, struct location where, struct errors *errors);

/* The value of `option` in the struct as text that option_set accepts. From `arena`; NULL if memory is short. */
const char *option_text(const rondo_option *option, const void *options, struct arena *arena);

/* "true or false", "integer in [1, 4096]", "one of mean, sum": for help and errors. From `arena`; NULL if memory is
 * short. */
const char *option_expected(const rondo_option *option, struct arena *arena);

#endif
