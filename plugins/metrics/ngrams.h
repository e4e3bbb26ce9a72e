/* plugins/metrics/ngrams.h: the n-grams of a group of texts (texts.h), as numbers. Each plug-in gets its own copy.
 *
 *     ngrams_begin(&ngrams);
 *     for (int order = 1; …; order++) {
 *         ngrams_raise(&ngrams);
 *         … n-gram number i of text t: ngrams.grams[group.begin[t] + i], for i in 0 .. ngrams_count(&ngrams, t) - 1
 *     }
 */
#ifndef RONDO_PLUGINS_NGRAMS_H
#define RONDO_PLUGINS_NGRAMS_H

#include "texts.h"

struct ngrams {
    struct text_group *group;
    int64_t order;
    int32_t *grams;  /* [units of the group] the number of the n-gram that begins there */
    int32_t *counts; /* [2][most_units + 1] how often each n-gram occurs; zero between calls */
};

static inline rondo_status ngrams_create(rondo_context *ctx, struct text_group *group, struct ngrams *ngrams) {
    const size_t most = (size_t)group->most_units + 1;
    *ngrams = (struct ngrams){.group = group};
    ngrams->grams = ctx->host->alloc(ctx, most * sizeof *ngrams->grams);
    ngrams->counts = ctx->host->alloc(ctx, 2 * most * sizeof *ngrams->counts);
    if (ngrams->grams == NULL || ngrams->counts == NULL) {
        return RONDO_NO_MEMORY;
    }
    memset(ngrams->counts, 0, 2 * most * sizeof *ngrams->counts);
    return RONDO_OK;
}

/* The n-grams of order 0 of the texts that have been read. */
static inline void ngrams_begin(struct ngrams *ngrams) {
    ngrams->order = 0;
    memset(ngrams->grams, 0, (size_t)ngrams->group->begin[ngrams->group->n_texts] * sizeof *ngrams->grams);
}

/* Of text t: as many as its units, less order - 1. */
static inline int64_t ngrams_count(const struct ngrams *ngrams, int64_t t) {
    const int64_t units = ngrams->group->begin[t + 1] - ngrams->group->begin[t];
    return units < ngrams->order ? 0 : units - ngrams->order + 1;
}

static inline const int32_t *ngrams_of(const struct ngrams *ngrams, int64_t t) {
    return ngrams->grams + ngrams->group->begin[t];
}

/* The next order: the n-gram at i is the one before, and the unit that follows it. */
static inline void ngrams_raise(struct ngrams *ngrams) {
    struct text_group *group = ngrams->group;
    pair_clear(&group->pairs, group->begin[group->n_texts]);
    ngrams->order++;
    for (int64_t t = 0; t < group->n_texts; t++) {
        for (int64_t i = group->begin[t]; i < group->begin[t] + ngrams_count(ngrams, t); i++) {
            ngrams->grams[i] = pair_number(&group->pairs, ngrams->grams[i], group->units[i + ngrams->order - 1]);
        }
    }
}

/* The number of n-grams that the generated text shares with one reference (t >= 1), or with the references together
 * (t = 0): of those the largest count holds. An n-gram counts as often as it occurs in both. */
static inline int64_t ngrams_matches(struct ngrams *ngrams, int64_t t) {
    int32_t *most = ngrams->counts, *own = ngrams->counts + ngrams->group->most_units + 1;
    const int64_t first = t == 0 ? 1 : t, last = t == 0 ? ngrams->group->n_texts - 1 : t;
    for (int64_t r = first; r <= last; r++) {
        const int32_t *grams = ngrams_of(ngrams, r);
        for (int64_t i = 0; i < ngrams_count(ngrams, r); i++) {
            own[grams[i]]++;
            most[grams[i]] = own[grams[i]] > most[grams[i]] ? own[grams[i]] : most[grams[i]];
        }
        for (int64_t i = 0; i < ngrams_count(ngrams, r); i++) {
            own[grams[i]] = 0;
        }
    }
    const int32_t *generated = ngrams_of(ngrams, 0);
    int64_t matches = 0;
    for (int64_t i = 0; i < ngrams_count(ngrams, 0); i++) {
        matches += own[generated[i]]++ < most[generated[i]];
    }
    for (int64_t i = 0; i < ngrams_count(ngrams, 0); i++) {
        own[generated[i]] = 0;
    }
    for (int64_t r = first; r <= last; r++) {
        for (int64_t i = 0; i < ngrams_count(ngrams, r); i++) {
            most[ngrams_of(ngrams, r)[i]] = 0;
        }
    }
    return matches;
}

#endif
