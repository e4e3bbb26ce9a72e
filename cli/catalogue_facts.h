/* cli/catalogue_facts.h: the description of an entry as texts, for all formats of output. All memory is from `arena`. */
#ifndef RONDO_CLI_CATALOGUE_FACTS_H
#define RONDO_CLI_CATALOGUE_FACTS_H

#include "cli/catalogue.h"

/* A key: an option, a key of a section, or a section within it. */
struct key_row {
    const char *key;
    const char *default_text; /* as written in an experiment; NULL: must be given; "": none */
    const char *expected, *help;
    const char *section; /* the name of the section under this key; NULL: it is not a section */
};
/* The keys of an entry, [*count]; NULL: out of memory. */
const struct key_row *entry_keys(const struct entry *entry, struct arena *arena, int32_t *count);
/* The default for readers: "must be given", "none", "0.001". */
const char *key_default(const struct key_row *row);
/* The values that an option accepts: "integer in [1, 64]"; NULL: out of memory. */
const char *expected_text(const rondo_option *option, struct arena *arena);

/* One property, such as "state": "first_moment (like the parameter)". */
struct fact {
    const char *label, *text;
};
enum { FACTS_MOST = 8 };
/* Fills `facts` and returns their number; -1: out of memory. */
int32_t entry_facts(const struct entry *entry, struct arena *arena, struct fact facts[FACTS_MOST]);

/* An example of its use: a line of an experiment, or an equation. NULL for a section, or out of memory. */
const char *entry_example(const struct entry *entry, struct arena *arena);

/* Describes the state in a slot of an optimizer: "like the parameter", "a copy of the parameter at first", … */
const char *slot_text(const rondo_slot *slot);
/* "classes", "numbers" or "lists" for an enum rondo_target_kind; NULL past the last. */
const char *target_kind_text(int32_t kind);

#endif
