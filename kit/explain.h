/* kit/explain.h: the names of all checks, and the description of each: its section of docs/plugin-abi.md, which is
 * embedded in the program. */
#ifndef RONDO_KIT_EXPLAIN_H
#define RONDO_KIT_EXPLAIN_H

#include "kit/check.h"

/* The file with the sections. */
#define CHECK_PAGE "docs/plugin-abi.md"

/* 1 if a table of checks has a check of this name. */
int table_has(const struct kit_check *table, const char *name);

/* RONDO_INVALID, with the nearest name, for each of `names` (ends with NULL) that is not a check. */
rondo_status known_checks(const char *const *names, struct errors *errors);

/* A list of all checks by kind, with one line for each. From `arena`; NULL if memory is short. */
const char *list_checks(struct arena *arena);

/* The summary of the check for each kind, then its section of the page; "prints" has a section too. From `arena`; NULL
 * with an error: RONDO_INVALID if there is no such check. */
const char *explain_check(const char *name, struct arena *arena, struct errors *errors);

#endif
