/* data/vocabulary.h: maps words to numbers and back. Id 0 is the unknown word. Class labels use the same structure.
 *
 * Threads: filled on one thread; afterwards read from any.
 */
#ifndef RONDO_DATA_VOCABULARY_H
#define RONDO_DATA_VOCABULARY_H

#include "core/arena.h"

struct vocabulary;

/* The text of id 0 in a vocabulary of words. */
#define UNKNOWN_WORD "<unk>"

/* An empty vocabulary; NULL if out of memory. */
struct vocabulary *vocabulary_create(void);
void vocabulary_destroy(struct vocabulary *vocabulary);

/* Counts one occurrence of `word`, adding it at the end if it is new. Returns its id, or -1 if out of memory. Ids
 * are valid until one of the functions below orders the entries. To read a saved vocabulary, count its words in their
 * order and call none of these. */
int32_t vocabulary_count(struct vocabulary *vocabulary, const char *word);
/* Occurrences of the word of an id that were counted. */
int64_t vocabulary_times(const struct vocabulary *vocabulary, int32_t id);
/* Before vocabulary_finish, which then keeps `word` whatever its count: after the unknown word, and not counted in
 * `max_size`. RONDO_NO_MEMORY if out of memory. */
rondo_status vocabulary_keep(struct vocabulary *vocabulary, const char *word, struct errors *errors);
/* Keeps words seen at least `min_count` times, the `max_size` most frequent ones (0: all), ordered by count and then by
 * text; id 0 becomes UNKNOWN_WORD, which is not counted in `max_size`. For words. RONDO_NO_MEMORY if out of memory. */
rondo_status vocabulary_finish(struct vocabulary *vocabulary, int64_t min_count, int64_t max_size,
                               struct errors *errors);
/* Orders the entries by text, without an unknown word. For labels: their ids do not depend on the order of the data. */
rondo_status vocabulary_finish_labels(struct vocabulary *vocabulary, struct errors *errors);

/* Number of entries, ids 0 .. size - 1. */
int32_t vocabulary_size(const struct vocabulary *vocabulary);
/* The id, or -1 if the vocabulary does not contain the word. */
int32_t vocabulary_find(const struct vocabulary *vocabulary, const char *word);
/* The text of an id; owned by the vocabulary. */
const char *vocabulary_word(const struct vocabulary *vocabulary, int32_t id);

#endif
