/* Words in the order of their ids, and an open-addressing table of ids by hash. */
#include "data/vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/memory_limit.h"

struct vocabulary_entry {
    const char *word; /* in the pool */
    int64_t count;
    uint64_t hash;
};

struct vocabulary {
    struct vocabulary_entry *entries; /* [size], by id */
    int32_t size, capacity;
    int32_t n_kept; /* of vocabulary_keep */
    int32_t *slots; /* [n_slots] id + 1; 0: the slot is free */
    size_t n_slots; /* a power of two, at least twice the size */
    struct arena *pool;
    char *pool_next; /* words are packed into pieces of the arena */
    size_t pool_left;
};

enum { FIRST_CAPACITY = 64, POOL_PIECE = 64 * 1024, MAX_ENTRIES = 1 << 28 };

struct vocabulary *vocabulary_create(void) {
    struct vocabulary *vocabulary = memory_calloc(1, sizeof *vocabulary);
    if (vocabulary == NULL) {
        return NULL;
    }
    vocabulary->capacity = FIRST_CAPACITY;
    vocabulary->n_slots = 2 * FIRST_CAPACITY;
    vocabulary->entries = memory_alloc(FIRST_CAPACITY * sizeof *vocabulary->entries);
    vocabulary->slots = memory_calloc(vocabulary->n_slots, sizeof *vocabulary->slots);
    vocabulary->pool = arena_create();
    if (vocabulary->entries == NULL || vocabulary->slots == NULL || vocabulary->pool == NULL) {
        vocabulary_destroy(vocabulary);
        return NULL;
    }
    return vocabulary;
}

void vocabulary_destroy(struct vocabulary *vocabulary) {
    if (vocabulary == NULL) {
        return;
    }
    free(vocabulary->entries);
    free(vocabulary->slots);
    arena_destroy(vocabulary->pool);
    free(vocabulary);
}

/* FNV-1a. The halves are combined because only the low bits choose the slot. */
static uint64_t hash_of(const char *word) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *word != '\0'; word++) {
        hash = (hash ^ (unsigned char)*word) * 0x100000001b3u;
    }
    return hash ^ hash >> 32;
}

/* The slot that holds `word`, or the free slot for it. */
static size_t find_slot(const struct vocabulary *vocabulary, const char *word, uint64_t hash) {
    size_t slot = (size_t)hash & (vocabulary->n_slots - 1);
    while (vocabulary->slots[slot] != 0) {
        const struct vocabulary_entry *entry = &vocabulary->entries[vocabulary->slots[slot] - 1];
        if (entry->hash == hash && strcmp(entry->word, word) == 0) {
            break;
        }
        slot = (slot + 1) & (vocabulary->n_slots - 1);
    }
    return slot;
}

/* Fills the slots from the entries. */
static void fill_slots(struct vocabulary *vocabulary) {
    memset(vocabulary->slots, 0, vocabulary->n_slots * sizeof *vocabulary->slots);
    for (int32_t id = 0; id < vocabulary->size; id++) {
        const struct vocabulary_entry *entry = &vocabulary->entries[id];
        vocabulary->slots[find_slot(vocabulary, entry->word, entry->hash)] = id + 1;
    }
}

static int grow(struct vocabulary *vocabulary) {
    const int32_t capacity = 2 * vocabulary->capacity;
    const uint64_t more =
        (uint64_t)vocabulary->capacity * (sizeof *vocabulary->entries + 2 * sizeof *vocabulary->slots);
    if (capacity > MAX_ENTRIES || !memory_has_room(more)) {
        memory_refuse(more);
        return 0;
    }
    struct vocabulary_entry *entries = memory_realloc(vocabulary->entries, (size_t)capacity * sizeof *entries);
    if (entries == NULL) {
        return 0;
    }
    vocabulary->entries = entries;
    const size_t n_slots = 2 * (size_t)capacity;
    int32_t *slots = memory_realloc(vocabulary->slots, n_slots * sizeof *slots);
    if (slots == NULL) {
        return 0;
    }
    vocabulary->slots = slots;
    vocabulary->n_slots = n_slots;
    vocabulary->capacity = capacity;
    fill_slots(vocabulary);
    return 1;
}

/* A copy of `word` that lives as long as the vocabulary. An arena would spend 64 bytes on each. */
static const char *keep_word(struct vocabulary *vocabulary, const char *word) {
    const size_t bytes = strlen(word) + 1;
    if (bytes > vocabulary->pool_left) {
        const size_t piece = bytes > POOL_PIECE ? bytes : POOL_PIECE;
        char *next = arena_alloc(vocabulary->pool, piece);
        if (next == NULL) {
            return NULL;
        }
        vocabulary->pool_next = next;
        vocabulary->pool_left = piece;
    }
    char *copy = vocabulary->pool_next;
    memcpy(copy, word, bytes);
    vocabulary->pool_next += bytes;
    vocabulary->pool_left -= bytes;
    return copy;
}

int32_t vocabulary_count(struct vocabulary *vocabulary, const char *word) {
    const uint64_t hash = hash_of(word);
    size_t slot = find_slot(vocabulary, word, hash);
    if (vocabulary->slots[slot] != 0) {
        const int32_t id = vocabulary->slots[slot] - 1;
        vocabulary->entries[id].count++;
        return id;
    }
    if (vocabulary->size == vocabulary->capacity) {
        if (!grow(vocabulary)) {
            return -1;
        }
        slot = find_slot(vocabulary, word, hash);
    }
    const char *copy = keep_word(vocabulary, word);
    if (copy == NULL) {
        return -1;
    }
    const int32_t id = vocabulary->size++;
    vocabulary->entries[id] = (struct vocabulary_entry){.word = copy, .count = 1, .hash = hash};
    vocabulary->slots[slot] = id + 1;
    return id;
}

static int by_text(const void *left, const void *right) {
    const struct vocabulary_entry *a = left, *b = right;
    return strcmp(a->word, b->word);
}

static int by_count_and_text(const void *left, const void *right) {
    const struct vocabulary_entry *a = left, *b = right;
    if (a->count != b->count) {
        return a->count > b->count ? -1 : 1;
    }
    return strcmp(a->word, b->word);
}

int64_t vocabulary_times(const struct vocabulary *vocabulary, int32_t id) {
    return vocabulary->entries[id].count;
}

/* Counts that no word can have put the unknown word and those that are kept first. */
rondo_status vocabulary_keep(struct vocabulary *vocabulary, const char *word, struct errors *errors) {
    const int32_t id = vocabulary_count(vocabulary, word);
    if (id < 0) {
        return errors_no_memory(errors);
    }
    vocabulary->entries[id].count = INT64_MAX - ++vocabulary->n_kept;
    return RONDO_OK;
}

rondo_status vocabulary_finish(struct vocabulary *vocabulary, int64_t min_count, int64_t max_size,
                               struct errors *errors) {
    const int32_t unknown = vocabulary_count(vocabulary, UNKNOWN_WORD);
    if (unknown < 0) {
        return errors_no_memory(errors);
    }
    vocabulary->entries[unknown].count = INT64_MAX;
    qsort(vocabulary->entries, (size_t)vocabulary->size, sizeof *vocabulary->entries, by_count_and_text);
    int32_t kept = 1 + vocabulary->n_kept;
    while (kept < vocabulary->size && vocabulary->entries[kept].count >= min_count &&
           (max_size == 0 || kept <= max_size + vocabulary->n_kept)) {
        kept++;
    }
    vocabulary->size = kept;
    fill_slots(vocabulary);
    return RONDO_OK;
}

rondo_status vocabulary_finish_labels(struct vocabulary *vocabulary, struct errors *errors) {
    (void)errors;
    qsort(vocabulary->entries, (size_t)vocabulary->size, sizeof *vocabulary->entries, by_text);
    fill_slots(vocabulary);
    return RONDO_OK;
}

int32_t vocabulary_size(const struct vocabulary *vocabulary) {
    return vocabulary->size;
}

int32_t vocabulary_find(const struct vocabulary *vocabulary, const char *word) {
    return vocabulary->slots[find_slot(vocabulary, word, hash_of(word))] - 1;
}

const char *vocabulary_word(const struct vocabulary *vocabulary, int32_t id) {
    return vocabulary->entries[id].word;
}
