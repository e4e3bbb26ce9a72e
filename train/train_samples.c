/* train/train_samples.c: what a model writes while it is trained (generate.show), in samples.jsonl and for the observer. The same
 * examples after each validation: the first ones of the validation data, or texts without a prompt. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "io/json.h"
#include "train/prompts.h"
#include "train/train_parts.h"

struct train_samples {
    struct prompts prompts;
    struct generator *generator;
    struct train_sample *samples; /* [prompts.list.count] of the last interval */
    struct arena *arena;          /* of their texts */
};

/* ---- the examples ---- */

static rondo_status add_prompts(struct train_samples *samples, const struct task *task, int64_t count,
                                struct errors *errors) {
    const struct dataset *valid = task->data.valid;
    if (task_has_inputs(task)) {
        RONDO_CHECK(valid != NULL, errors, "the task has been checked");
        return prompts_add_examples(&samples->prompts, valid, 0, count < valid->count ? count : valid->count, 0,
                                    errors);
    }
    for (int64_t i = 0; i < count; i++) {
        RONDO_TRY(prompts_add(&samples->prompts, NULL, (struct location){0}, (uint64_t)i, errors));
    }
    return RONDO_OK;
}

static rondo_status open_samples(struct train_samples *samples, struct task *task, struct errors *errors) {
    struct generate_settings settings = task->experiment->generate;
    const char *const folders[] = {task->experiment->name};
    struct network *const networks[] = {task->network};
    settings.samples = settings.n_best = 1;
    RONDO_TRY(prompts_check_tasks(&task, folders, 1, &settings, errors));
    RONDO_TRY(prompts_open(&samples->prompts, task, &settings, errors));
    RONDO_TRY(add_prompts(samples, task, settings.show, errors));
    samples->samples = memory_calloc((size_t)samples->prompts.list.count + 1, sizeof *samples->samples);
    samples->generator = generator_create(networks, 1, task->data.shape, &settings, errors);
    samples->arena = arena_create();
    if (samples->generator == NULL) {
        return errors->status;
    }
    return samples->samples == NULL || samples->arena == NULL ? errors_no_memory(errors) : RONDO_OK;
}

rondo_status training_begin_samples(struct experiment_training *training, struct errors *errors) {
    struct task *task = training->task;
    if (task->experiment->generate.show == 0 || training->samples != NULL) {
        return RONDO_OK;
    }
    RONDO_TRY(run_folder_make_samples(training->run, errors));
    training->samples = memory_calloc(1, sizeof *training->samples);
    return training->samples == NULL ? errors_no_memory(errors) : open_samples(training->samples, task, errors);
}

void training_end_samples(struct experiment_training *training) {
    struct train_samples *samples = training->samples;
    if (samples != NULL) {
        generator_destroy(samples->generator);
        prompts_close(&samples->prompts);
        arena_destroy(samples->arena);
        free(samples->samples);
        free(samples);
        training->samples = NULL;
    }
}

/* ---- an interval ---- */

static json_t *text_or_null(const char *text) {
    return text == NULL ? json_null() : json_text(text);
}

static json_t *numbers_json(const struct generate_hypothesis *hypothesis, int64_t size) {
    json_t *steps = json_array();
    int failed = steps == NULL;
    for (int64_t step = 0; step < hypothesis->length && !failed; step++) {
        json_t *row = json_array();
        for (int64_t k = 0; k < size && !failed; k++) {
            const double number = (double)hypothesis->numbers[step * size + k];
            failed |= json_array_append_new(row, isfinite(number) ? json_real(number) : json_null()) != 0;
        }
        failed |= json_array_append_new(steps, row) != 0;
    }
    if (failed) {
        json_decref(steps);
        return NULL;
    }
    return steps;
}

/* {"prompt": …, "reference": …, "output": …, "log_probability": …, "ended": …}; NULL: out of memory. */
static json_t *sample_json(const struct task *task, const struct train_sample *sample,
                           const struct generate_hypothesis *hypothesis) {
    const int64_t size = dataset_find(task->data.shape, "target")->size;
    return json_pack("{s:o, s:o, s:o, s:f, s:b}", "prompt", text_or_null(sample->prompt), "reference",
                     text_or_null(sample->reference), "output",
                     sample->output == NULL ? numbers_json(hypothesis, size) : json_text(sample->output),
                     "log_probability", hypothesis->score, "ended", hypothesis->ended);
}

/* Writes all texts to their end. An interrupt must not end it: the trainer has counted the validation already, so that a resumed
 * training would not come back to it. */
static rondo_status write_texts(struct train_samples *samples, struct errors *errors) {
    int64_t n_alive = 1;
    RONDO_TRY(generator_start(samples->generator, &samples->prompts.list, errors));
    while (n_alive > 0) {
        RONDO_TRY(generator_step(samples->generator, &n_alive, errors));
    }
    return RONDO_OK;
}

/* Generates all samples, and adds them to the line. */
static rondo_status add_samples(struct train_samples *samples, const struct task *task, json_t *list,
                                struct errors *errors) {
    const struct generate_prompts *prompts = &samples->prompts.list;
    arena_reset(samples->arena);
    RONDO_TRY(write_texts(samples, errors));
    for (int64_t i = 0; i < prompts->count; i++) {
        const struct generate_hypothesis *result;
        struct train_sample *sample = &samples->samples[i];
        int64_t count;
        RONDO_TRY(generator_results(samples->generator, i, &result, &count, errors));
        RONDO_CHECK(count > 0, errors, "each prompt has a result");
        *sample = (struct train_sample){NULL, NULL, NULL};
        if (prompts->dataset != NULL) {
            const int64_t example = prompts->prompts[i].example;
            const char *from = dataset_find(prompts->dataset, "source") != NULL ? "source" : "input";
            RONDO_TRY(
                task_example_text(task, prompts->dataset, from, example, samples->arena, &sample->prompt, errors));
            RONDO_TRY(task_example_text(task, prompts->dataset, "target", example, samples->arena, &sample->reference,
                                        errors));
        }
        RONDO_TRY(prompts_text(&samples->prompts, result, i, samples->arena, &sample->output, errors));
        if (json_array_append_new(list, sample_json(task, sample, result)) != 0) {
            return errors_no_memory(errors);
        }
    }
    return RONDO_OK;
}

rondo_status training_write_samples(struct experiment_training *training, const struct trainer_progress *progress,
                                    struct errors *errors) {
    if (training->samples == NULL) {
        return RONDO_OK;
    }
    json_t *list = json_array();
    json_t *line = json_pack("{s:I, s:I, s:O}", "epoch", (json_int_t)progress->epoch, "step",
                             (json_int_t)progress->steps, "samples", list);
    rondo_status status =
        line == NULL ? errors_no_memory(errors) : add_samples(training->samples, training->task, list, errors);
    status = status == RONDO_OK ? run_folder_append(training->run, RUN_SAMPLES, line, errors) : status;
    json_decref(line);
    json_decref(list);
    return status;
}

void training_report_samples(const struct experiment_training *training) {
    if (training->samples != NULL && training->observer->samples != NULL) {
        training->observer->samples(training->observer->arg, training->samples->samples,
                                    training->samples->prompts.list.count);
    }
}
