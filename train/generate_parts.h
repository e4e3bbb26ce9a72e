/* train/generate_parts.h: what a generator consists of. Private to the files generate*.c.
 *
 *     generate.c          creation, and the beginning of texts
 *     generate_step.c     one symbol for each text
 *     generate_results.c  hypotheses as a caller gets them, and what they attend to
 */
#ifndef RONDO_TRAIN_GENERATE_PARTS_H
#define RONDO_TRAIN_GENERATE_PARTS_H

#include "train/generate.h"
#include "train/search.h"
#include "train/stepper.h"

enum { GENERATE_MOST_SHARDS = 16 };

/* A prompt, copied. */
struct generate_text {
    int64_t example, first_sample;
    uint64_t number;
    int32_t *ids;       /* [n_context + n_prefix]; NULL: numbers */
    double *numbers;    /* the same, as the model sees them */
    const void *prefix; /* [n_prefix] ids, or numbers in the units of the data (float) */
    int64_t n_context, n_prefix;
};

/* Consecutive prompts, whose searches run together. */
struct generate_shard {
    struct generator *generator;
    struct stepper **steppers; /* [n_networks] */
    struct search_tree tree;
    struct search_scratch scratch;
    struct arena *arena; /* of the scratch */
    struct errors errors;
    int64_t first_prompt, n_prompts;
    /* The searches that are on the tape, each with a row for each beam; before the first step, each with one row. */
    int64_t *slots; /* [n_slots] numbers of searches */
    int64_t n_slots, n_alive;
    int is_begun;     /* 1: no step has followed the first pass, in which each prompt has one row */
    int64_t *origin;  /* [rows] */
    int32_t *ids;     /* [rows] */
    double *numbers;  /* [rows, size] */
    uint32_t *words;  /* [rows, sample_words] of numbers that are drawn */
    double *drawn;    /* [rows, size] */
    float *predicted; /* [rows, size] the mean of several models, or f32 of another dtype */
};

struct generator {
    struct generate_settings settings;
    struct search_settings search;
    struct network *const *networks;
    int32_t n_networks;
    const struct dataset *shape;
    const struct stream *target; /* of `shape` */
    int is_real;
    int draws; /* 1: the numbers are drawn; 0: they are the predictions */
    int64_t samples, beams;
    struct arena *arena; /* of the generator */
    struct generate_shard *shards[GENERATE_MOST_SHARDS];
    int64_t n_made; /* shards that were made */
    /* Since the last start: */
    int64_t n_shards, shard_prompts; /* shards that are used, and the prompts of each but the last */
    struct arena *texts;
    const struct dataset *dataset;
    int attention;
    struct stepper *attender;      /* reads texts once more, for what they attend to; NULL: not needed yet */
    struct generate_text *prompts; /* [n_prompts] */
    int64_t n_prompts;
    int64_t steps;           /* so far */
    struct search *searches; /* [n_prompts * samples] */
};

static inline struct search *generate_search(const struct generator *generator, int64_t number) {
    return &generator->searches[number];
}

static inline const struct generate_text *generate_text_of(const struct generator *generator, int64_t search) {
    return &generator->prompts[search / generator->samples];
}

/* The stream of targets of the data that is generated for, which has the scaling. */
static inline const struct stream *generate_target(const struct generator *generator) {
    const struct stream *target = generator->dataset == NULL ? NULL : dataset_find(generator->dataset, "target");
    return target == NULL ? generator->target : target;
}

/* The shard of a prompt. */
static inline const struct generate_shard *generate_shard_of(const struct generator *generator, int64_t prompt) {
    return generator->shards[prompt / generator->shard_prompts];
}

/* The group of an example, by which its numbers are scaled. */
static inline int32_t generate_group(const struct generator *generator, const struct generate_text *text) {
    const int has_example = generator->dataset != NULL && text->example < generator->dataset->count;
    return has_example ? dataset_group(generator->dataset, text->example) : 0;
}

/* Numbers of the model, [size], in the units of the data. */
static inline void generate_to_units(const struct generator *generator, const struct generate_text *text,
                                     const double *seen, float *numbers) {
    const struct stream *target = generate_target(generator);
    for (int64_t k = 0; k < target->size; k++) {
        numbers[k] = (float)stream_to_units(target, generate_group(generator, text), k, seen[k]);
    }
}

/* The first error of the shards, which then have none. */
rondo_status generate_collect_errors(struct generator *generator, struct errors *errors);

#endif
