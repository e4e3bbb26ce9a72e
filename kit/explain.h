/* kit/explain.h: the names of all checks, and what each asks for: its section of docs/plugin-abi.md, which is embedded
 * in the program. */
#ifndef RONDO_KIT_EXPLAIN_H
#define RONDO_KIT_EXPLAIN_H

#include "kit/check.h"

/* The file with the sections. */
#define CHECK_PAGE "docs/plugin-abi.md"

/* 1 if a table of checks has one of this name. */
int table_has(const struct kit_check *table, const char *name);

/* RONDO_INVALID, with the nearest name, for each of `names` (ends with NULL) that is not a check. */
rondo_status known_checks(const char *const *names, struct errors *errors);

/* All checks with a line on each, kind by kind. From `arena`; NULL if memory is short. */
const char *list_checks(struct arena *arena);

/* What the check asks of each kind, then its section of the page; "prints" has a section too. From `arena`; NULL with
 * an error: RONDO_INVALID if there is no such check. */
const char *explain_check(const char *name, struct arena *arena, struct errors *errors);

#endif
