/* kit/sample_texts.c: see kit/sample_texts.h. */
#include "kit/sample_texts.h"

#include <string.h>

enum { ALIGNMENT = 64, MOST_WORDS = 8, MOST_REFERENCES = 3 };

static const char *const words[] = {"a",
                                    "the",
                                    "tree.",
                                    "(b)",
                                    "1,5",
                                    "it's",
                                    "x-1",
                                    "Z\xc3\xbcrich",
                                    "\xc3\x84RGER",
                                    "\xe6\x97\xa5\xe6\x9c\xac",
                                    "THE",
                                    "a",
                                    "end,",
                                    "\xf0\x9f\x98\x80",
                                    "\xce\xa3\xce\xa3"};
enum { WORDS = sizeof words / sizeof words[0] };

/* ---- placing ---- */

/* Copies texts to a buffer of the guard, at its end. */
static int place_lines(struct sample_lines *lines, const char *name, const char *const *texts, int64_t count,
                       struct guard *guard) {
    *lines = (struct sample_lines){.count = count};
    for (int64_t i = 0; i < count; i++) {
        lines->size += strlen(texts[i]) + 1;
    }
    lines->size = (lines->size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    char *at = guard_alloc(guard, name, lines->size);
    lines->texts = guard_alloc(guard, name, (size_t)count * sizeof *lines->texts);
    if (at == NULL || lines->texts == NULL) {
        return 0;
    }
    lines->bytes = at;
    at += lines->size;
    for (int64_t i = count - 1; i >= 0; i--) {
        const size_t size = strlen(texts[i]) + 1;
        at -= size;
        memcpy(at, texts[i], size);
        lines->texts[i] = at;
    }
    return 1;
}

static int place(struct sample_texts *texts, const char *const *generated, const char *const *references,
                 const int64_t *begin, int64_t count, struct guard *guard) {
    *texts = (struct sample_texts){.count = count};
    texts->reference_begin = guard_alloc(guard, "reference_begin", (size_t)(count + 1) * sizeof *begin);
    if (texts->reference_begin == NULL) {
        return 0;
    }
    memcpy(texts->reference_begin, begin, (size_t)(count + 1) * sizeof *begin);
    return place_lines(&texts->generated, "generated", generated, count, guard) &&
           place_lines(&texts->references, "references", references, begin[count], guard);
}

/* Pointers and numbers while texts are put together. */
struct draft {
    struct arena *arena;
    const char **generated, **references;
    int64_t *begin;
};

static int open_draft(struct draft *draft, int64_t count, int64_t references) {
    *draft = (struct draft){.arena = arena_create()};
    if (draft->arena != NULL) {
        draft->generated = arena_calloc(draft->arena, (size_t)count + 1, sizeof *draft->generated);
        draft->references = arena_calloc(draft->arena, (size_t)references + 1, sizeof *draft->references);
        draft->begin = arena_calloc(draft->arena, (size_t)count + 1, sizeof *draft->begin);
    }
    return draft->arena != NULL && !arena_failed(draft->arena);
}

/* ---- drawing ---- */

/* A text that has some of the `n_like` words of `like`. Its words are written to `own`, their number is returned. */
static int32_t draw_words(struct rng_stream stream, const int32_t *like, int32_t n_like, int32_t *own) {
    const int32_t count = (int32_t)rng_below(stream, 0, MOST_WORDS);
    for (int32_t i = 0; i < count; i++) {
        const int is_same = i < n_like && rng_below(stream, 1 + 2 * (uint64_t)i, 3) > 0;
        own[i] = is_same ? like[i] : (int32_t)rng_below(stream, 2 + 2 * (uint64_t)i, WORDS);
    }
    return count;
}

static const char *text_of(const int32_t *numbers, int32_t count, struct arena *arena) {
    const char *text = "";
    for (int32_t i = 0; i < count && text != NULL; i++) {
        text = arena_printf(arena, "%s%s%s", text, i == 0 ? "" : " ", words[numbers[i]]);
    }
    return text;
}

int sample_texts_draw(struct sample_texts *texts, int64_t count, struct rng_stream stream, struct guard *guard) {
    struct draft draft;
    int is_made = open_draft(&draft, count, MOST_REFERENCES * count);
    for (int64_t i = 0; is_made && i < count; i++) {
        const struct rng_stream own = rng_substream(stream, (uint64_t)i);
        int32_t generated[MOST_WORDS] = {0}, reference[MOST_WORDS];
        const int32_t n = i % 5 == 3 ? 0 : draw_words(rng_substream(own, 0), generated, 0, generated);
        draft.generated[i] = text_of(generated, n, draft.arena);
        draft.begin[i + 1] = draft.begin[i] + 1 + (int64_t)rng_below(own, 0, MOST_REFERENCES);
        for (int64_t r = draft.begin[i]; r < draft.begin[i + 1]; r++) {
            const struct rng_stream of_reference = rng_substream(own, (uint64_t)(1 + r - draft.begin[i]));
            const int32_t n_words = i % 7 == 5 ? 0 : draw_words(of_reference, generated, n, reference);
            draft.references[r] = text_of(reference, n_words, draft.arena);
        }
    }
    is_made = is_made && !arena_failed(draft.arena) &&
              place(texts, draft.generated, draft.references, draft.begin, count, guard);
    arena_destroy(draft.arena);
    return is_made;
}

int sample_texts_take(struct sample_texts *texts, const struct sample_texts *from, int64_t first, int64_t step,
                      int64_t count, struct guard *guard) {
    struct draft draft;
    int is_made = open_draft(&draft, count, from->references.count);
    for (int64_t i = 0; is_made && i < count; i++) {
        const int64_t row = first + step * i, references = from->reference_begin[row + 1] - from->reference_begin[row];
        draft.generated[i] = from->generated.texts[row];
        draft.begin[i + 1] = draft.begin[i] + references;
        for (int64_t r = 0; r < references; r++) {
            draft.references[draft.begin[i] + r] = from->references.texts[from->reference_begin[row] + r];
        }
    }
    is_made = is_made && place(texts, draft.generated, draft.references, draft.begin, count, guard);
    arena_destroy(draft.arena);
    return is_made;
}

int sample_texts_perfect(struct sample_texts *texts, struct guard *guard) {
    struct draft draft;
    int is_made = open_draft(&draft, texts->count, 0);
    for (int64_t i = 0; is_made && i < texts->count; i++) {
        draft.generated[i] = texts->references.texts[texts->reference_begin[i]];
    }
    is_made = is_made && place_lines(&texts->generated, "generated", draft.generated, texts->count, guard);
    arena_destroy(draft.arena);
    return is_made;
}
