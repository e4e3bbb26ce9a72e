/* cli/catalogue_facts.h: what is told of an entry, as texts for whoever prints them. All memory is from `arena`. */
#ifndef RONDO_CLI_CATALOGUE_FACTS_H
#define RONDO_CLI_CATALOGUE_FACTS_H

#include "cli/catalogue.h"

/* A key: an option, a key of a section, or a section within it. */
struct key_row {
    const char *key;
    const char *default_text; /* as one writes it; NULL: must be given; "": none */
    const char *expected, *help;
    const char *section; /* the name of the section that it holds; NULL: none */
};
/* The rows of an entry, *count of them; NULL: no memory. */
const struct key_row *entry_keys(const struct entry *entry, struct arena *arena, int32_t *count);
/* The default as people read it: "must be given", "none", "0.001". */
const char *key_default(const struct key_row *row);
/* "integer in [1, 64]": what an option takes; NULL: no memory. */
const char *expected_text(const rondo_option *option, struct arena *arena);

/* One property: state: "first_moment (like the parameter)". */
struct fact {
    const char *label, *text;
};
enum { FACTS_MOST = 8 };
/* Fills `facts`; how many; -1: no memory. */
int32_t entry_facts(const struct entry *entry, struct arena *arena, struct fact facts[FACTS_MOST]);

/* How it is written: a line of an experiment, or an equation. NULL for a section, or without memory. */
const char *entry_example(const struct entry *entry, struct arena *arena);

/* "like the parameter", "a copy of the parameter at first", …: the state in a slot of an optimizer. */
const char *slot_text(const rondo_slot *slot);

#endif
