/* train/embed_generate.c: the embedding API (rondo/rondo.h): generation with a trained run. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "io/utf8.h"
#include "train/embed_errors.h"
#include "train/embed_run.h"
#include "train/prompts.h"

struct rondo_generation {
    struct task *task;       /* of the run */
    struct network *network; /* of the task */
    struct generate_settings settings;
    struct generator *generator;
    struct prompts prompts;    /* of the last start */
    struct arena *arena;       /* of the text that `next` gave last */
    int is_begun, has_results; /* has_results: whole texts, of which `given` have been passed on */
    int64_t given;
    uint64_t starts;
    /* Texts by pieces: [count] ids so far, of which `printed` have been passed on. */
    int32_t *ids;
    int64_t count, printed, capacity;
    double score;
    int failed; /* memory was short for the ids */
};

/* 1 if texts are given piece by piece. */
static int is_single(const rondo_generation *generation) {
    return generation->settings.beams == 1 && generation->settings.samples == 1 &&
           generation->settings.unknown != GENERATE_REPLACE;
}

/* ---- opening ---- */

static rondo_status open_generation(rondo_generation *generation, const char *settings, struct errors *errors) {
    struct task *task = generation->task;
    const char *const folders[] = {task->experiment->name};
    generation->network = task->network;
    generation->settings = task->experiment->generate;
    generation->score = NAN;
    generation->arena = arena_create();
    if (generation->arena == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(generate_settings_parse(&generation->settings, settings, errors));
    RONDO_TRY(prompts_check_tasks(&task, folders, 1, &generation->settings, errors));
    if (dataset_find(task->data.shape, "target")->kind != STREAM_CLASS) {
        return errors_add(errors, RONDO_INVALID,
                          "the run writes numbers and no text; rondo_run_predict_inputs predicts numbers");
    }
    generation->generator = generator_create(&generation->network, 1, task->data.shape, &generation->settings, errors);
    return generation->generator == NULL ? errors->status
                                         : prompts_open(&generation->prompts, task, &generation->settings, errors);
}

rondo_generation *rondo_generation_open(rondo_run *run, const char *settings, char *error, size_t size) {
    struct errors errors = {0};
    rondo_generation *generation = memory_calloc(1, sizeof *generation);
    if (generation == NULL) {
        errors_no_memory(&errors);
    } else {
        generation->task = embed_run_task(run);
        open_generation(generation, settings, &errors);
    }
    if (embed_errors(&errors, error, size) != RONDO_OK) {
        rondo_generation_close(generation);
        return NULL;
    }
    return generation;
}

void rondo_generation_close(rondo_generation *generation) {
    if (generation != NULL) {
        generator_destroy(generation->generator);
        prompts_close(&generation->prompts);
        arena_destroy(generation->arena);
        free(generation->ids);
        free(generation);
    }
}

/* ---- the beginning of a text ---- */

static rondo_status check_text(const char *text, const char *what, struct errors *errors) {
    size_t bad;
    return text == NULL || utf8_check(text, strlen(text), &bad)
               ? RONDO_OK
               : errors_add(errors, RONDO_INVALID, "the %s is not UTF-8 at byte %zu", what, bad);
}

/* Nothing of the new text has been passed on. */
static void begin(rondo_generation *generation) {
    generation->is_begun = 1;
    generation->has_results = 0;
    generation->given = generation->count = generation->printed = 0;
    generation->score = NAN;
}

static rondo_status start(rondo_generation *generation, const char *prompt, const char *prefix, struct errors *errors) {
    const struct location of_prompt = {"the prompt", 0, 0}, of_prefix = {"the prefix", 0, 0};
    generation->is_begun = 0;
    RONDO_TRY(check_text(prompt, "prompt", errors));
    RONDO_TRY(check_text(prefix, "prefix", errors));
    RONDO_TRY(prompts_clear(&generation->prompts, errors));
    RONDO_TRY(prompts_set_prefix(&generation->prompts, prefix == NULL ? "" : prefix, of_prefix, errors));
    RONDO_TRY(prompts_add(&generation->prompts, prompt, of_prompt, generation->starts, errors));
    RONDO_TRY(generator_start(generation->generator, &generation->prompts.list, errors));
    generation->starts++;
    begin(generation);
    return RONDO_OK;
}

rondo_status rondo_generation_start(rondo_generation *generation, const char *prompt, const char *prefix, char *error,
                                    size_t size) {
    struct errors errors = {0};
    start(generation, prompt, prefix, &errors);
    return embed_errors(&errors, error, size);
}

static rondo_status go_on(rondo_generation *generation, const char *text, struct errors *errors) {
    if (!is_single(generation)) {
        return errors_add(errors, RONDO_INVALID,
                          "only a single text, written without a beam and without replacing symbols, goes on");
    }
    if (!generation->is_begun) {
        return errors_add(errors, RONDO_INVALID, "no text has been started");
    }
    RONDO_TRY(check_text(text, "text", errors));
    struct generate_prompt prompt = {.number = generation->starts};
    int32_t *ids = NULL;
    const struct location where = {"the text", 0, 0};
    arena_reset(generation->arena);
    if (text != NULL && text[0] != '\0') {
        const int allows = generation->settings.unknown == GENERATE_ALLOW;
        RONDO_TRY((allows ? task_encode : task_encode_known)(generation->task, "target", text, where, generation->arena,
                                                             &ids, &prompt.n_context, errors));
        prompt.context = ids;
    }
    generation->is_begun = 0;
    RONDO_TRY(generator_continue(generation->generator, &prompt, errors));
    generation->starts++;
    begin(generation);
    return RONDO_OK;
}

rondo_status rondo_generation_continue(rondo_generation *generation, const char *text, char *error, size_t size) {
    struct errors errors = {0};
    go_on(generation, text, &errors);
    return embed_errors(&errors, error, size);
}

/* ---- what is written ---- */

/* struct generate_observer: keeps the symbols, and stops the run after each. */
static int keep(void *arg, int64_t prompt, int64_t sample, const int32_t *ids, const float *numbers, int64_t count) {
    rondo_generation *generation = arg;
    (void)prompt;
    (void)sample;
    (void)numbers;
    if (generation->count + count > generation->capacity) {
        const int64_t capacity = 2 * (generation->count + count) + 64;
        int32_t *larger = memory_realloc(generation->ids, (size_t)capacity * sizeof *larger);
        if (larger == NULL) {
            generation->failed = 1;
            return 1;
        }
        generation->ids = larger;
        generation->capacity = capacity;
    }
    memcpy(generation->ids + generation->count, ids, (size_t)count * sizeof *ids);
    generation->count += count;
    return 1;
}

/* The results of the generator, whose texts are whole or as long as they are so far. */
static rondo_status find_results(rondo_generation *generation, const struct generate_hypothesis **results,
                                 int64_t *count, struct errors *errors) {
    return generator_results(generation->generator, 0, results, count, errors);
}

/* The next symbol. */
static int next_piece(rondo_generation *generation, const char **text, struct errors *errors) {
    const struct generate_observer observer = {generation, keep};
    const int64_t printed = generation->printed;
    const rondo_status status = generator_run(generation->generator, &observer, errors);
    if (generation->failed) {
        generation->failed = 0;
        errors_no_memory(errors);
    }
    if (status != RONDO_OK || generation->count == printed) {
        return 0;
    }
    generation->printed = generation->count;
    return task_decode(generation->task, "target", generation->ids + printed, generation->count - printed, printed,
                       generation->arena, text, errors) == RONDO_OK;
}

/* The next of several texts. */
static int next_text(rondo_generation *generation, const char **text, struct errors *errors) {
    const struct generate_hypothesis *results;
    int64_t count;
    if (!generation->has_results && generator_run(generation->generator, NULL, errors) != RONDO_OK) {
        return 0;
    }
    generation->has_results = 1;
    if (find_results(generation, &results, &count, errors) != RONDO_OK || generation->given >= count) {
        return 0;
    }
    const struct generate_hypothesis *result = &results[generation->given++];
    generation->score = result->score;
    return prompts_text(&generation->prompts, result, 0, generation->arena, text, errors) == RONDO_OK;
}

int32_t rondo_generation_next(rondo_generation *generation, const char **text, char *error, size_t size) {
    struct errors errors = {0};
    int32_t found = 0;
    *text = "";
    arena_reset(generation->arena);
    if (!generation->is_begun) {
        errors_add(&errors, RONDO_INVALID, "no text has been started");
    } else {
        found = is_single(generation) ? next_piece(generation, text, &errors) : next_text(generation, text, &errors);
    }
    const rondo_status status = embed_errors(&errors, error, size);
    return status == RONDO_OK ? found : -(int32_t)status;
}

double rondo_generation_score(rondo_generation *generation) {
    if (!generation->is_begun || !is_single(generation)) {
        return generation->score;
    }
    struct errors ignored = {0};
    const struct generate_hypothesis *results;
    int64_t count = 0;
    const rondo_status status = find_results(generation, &results, &count, &ignored);
    errors_free(&ignored);
    return status == RONDO_OK && count > 0 && generation->count > 0 ? results[0].score : (double)NAN;
}
