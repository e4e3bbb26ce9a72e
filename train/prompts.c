#include "train/prompts.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"

/* ---- tasks that generate ---- */

/* Refuses a task that reads its data otherwise than the first one. */
static rondo_status check_same_data(const struct task *first, const struct task *task, const char *const *folders,
                                    int32_t index, struct errors *errors) {
    json_t *one = task_data_save(&first->data, errors), *other = task_data_save(&task->data, errors);
    const int are_known = one != NULL && other != NULL;
    const int is_same = are_known && first->data.reader->class == task->data.reader->class && json_equal(one, other);
    json_decref(one);
    json_decref(other);
    return !are_known ? errors->status
           : is_same
               ? RONDO_OK
               : errors_add(errors, RONDO_INVALID,
                            "the runs '%s' and '%s' do not predict together: what their readers have learned is not "
                            "the same, such as the vocabulary",
                            folders[0], folders[index]);
}

rondo_status prompts_check_tasks(struct task *const *tasks, const char *const *folders, int32_t n_tasks,
                                 const struct generate_settings *settings, struct errors *errors) {
    for (int32_t i = 0; i < n_tasks; i++) {
        const char *why_not = NULL;
        if (!model_generates(network_model(tasks[i]->network), &why_not)) {
            return errors_add(errors, RONDO_INVALID, "the run '%s' does not generate: %s", folders[i], why_not);
        }
        if (i > 0) {
            RONDO_TRY(check_same_data(tasks[0], tasks[i], folders, i, errors));
        }
    }
    return prompts_check_settings(tasks[0], settings, errors);
}

rondo_status prompts_check_settings(const struct task *task, const struct generate_settings *settings,
                                    struct errors *errors) {
    const struct dataset *shape = task->data.shape;
    const struct stream *target = dataset_find(shape, "target");
    const int has_source = dataset_find(shape, "source") != NULL;
    if (settings->unknown == GENERATE_REPLACE && (!has_source || !model_reads_memory(network_model(task->network)))) {
        return errors_add_at(
            errors, RONDO_INVALID, settings->unknown_where,
            "'unknown' is replace, which copies the symbol of the source that is attended to most, and "
            "the model has no %s",
            has_source ? "attention" : "source");
    }
    return target->kind == STREAM_REAL ? RONDO_OK : generate_settings_fit(settings, target->size, errors);
}

/* ---- prompts ---- */

rondo_status prompts_open(struct prompts *prompts, const struct task *task, const struct generate_settings *settings,
                          struct errors *errors) {
    *prompts = (struct prompts){.task = task, .settings = *settings, .arena = arena_create()};
    prompts->list.attention = settings->unknown == GENERATE_REPLACE;
    return prompts->arena == NULL ? errors_no_memory(errors) : RONDO_OK;
}

/* Frees the examples that belong to the prompts; those of prompts_add_examples do not. */
static void drop_examples(struct prompts *prompts) {
    dataset_destroy(prompts->dataset);
    prompts->dataset = NULL;
    prompts->list.dataset = NULL;
    prompts->list.count = 0;
}

void prompts_close(struct prompts *prompts) {
    drop_examples(prompts);
    free(prompts->items);
    arena_destroy(prompts->arena);
    *prompts = (struct prompts){0};
}

/* The prefix is copied past the reset of the arena. */
rondo_status prompts_clear(struct prompts *prompts, struct errors *errors) {
    struct arena *arena = arena_create();
    int32_t *prefix = arena == NULL ? NULL : arena_calloc(arena, (size_t)prompts->n_prefix + 1, sizeof *prefix);
    if (prefix == NULL) {
        arena_destroy(arena);
        return errors_no_memory(errors);
    }
    if (prompts->n_prefix > 0) {
        memcpy(prefix, prompts->prefix, (size_t)prompts->n_prefix * sizeof *prefix);
    }
    arena_destroy(prompts->arena);
    prompts->arena = arena;
    prompts->prefix = prefix;
    drop_examples(prompts);
    return RONDO_OK;
}

/* The ids of a text that the model goes on with. */
static rondo_status encode(struct prompts *prompts, const char *text, struct location where, int32_t **ids,
                           int64_t *count, struct errors *errors) {
    return prompts->settings.unknown == GENERATE_ALLOW
               ? task_encode(prompts->task, "target", text, where, prompts->arena, ids, count, errors)
               : task_encode_known(prompts->task, "target", text, where, prompts->arena, ids, count, errors);
}

rondo_status prompts_set_prefix(struct prompts *prompts, const char *text, struct location where,
                                struct errors *errors) {
    int32_t *ids;
    int64_t count;
    RONDO_TRY(encode(prompts, text, where, &ids, &count, errors));
    if (count >= prompts->settings.max_length) {
        return errors_add_at(errors, RONDO_INVALID, where,
                             "the beginning of the text has %lld symbols, and 'max_length' is %lld: nothing is left to "
                             "write",
                             (long long)count, (long long)prompts->settings.max_length);
    }
    prompts->prefix = ids;
    prompts->n_prefix = count;
    for (int64_t i = 0; i < prompts->list.count; i++) {
        prompts->items[i].prefix = ids;
        prompts->items[i].n_prefix = count;
    }
    return RONDO_OK;
}

/* Appends a prompt with the prefix. */
static rondo_status append(struct prompts *prompts, struct generate_prompt prompt, struct errors *errors) {
    if (prompts->list.count == prompts->capacity) {
        const int64_t capacity = prompts->capacity == 0 ? 16 : 2 * prompts->capacity;
        struct generate_prompt *items = memory_realloc(prompts->items, (size_t)capacity * sizeof *items);
        if (items == NULL) {
            return errors_no_memory(errors);
        }
        prompts->items = items;
        prompts->capacity = capacity;
    }
    prompt.prefix = prompts->n_prefix == 0 ? NULL : prompts->prefix;
    prompt.n_prefix = prompts->n_prefix;
    prompts->items[prompts->list.count++] = prompt;
    prompts->list.prompts = prompts->items;
    return RONDO_OK;
}

/* The prompt of a model of plain texts. */
static rondo_status add_context(struct prompts *prompts, const char *text, struct location where, uint64_t number,
                                struct errors *errors) {
    struct generate_prompt prompt = {.number = number};
    if (text != NULL) {
        int32_t *ids;
        RONDO_TRY(encode(prompts, text, where, &ids, &prompt.n_context, errors));
        prompt.context = ids;
    }
    return append(prompts, prompt, errors);
}

rondo_status prompts_add(struct prompts *prompts, const char *text, struct location where, uint64_t number,
                         struct errors *errors) {
    const struct task *task = prompts->task;
    const struct reader *reader = task->data.reader;
    if (!task_has_inputs(task)) {
        return add_context(prompts, text, where, number, errors);
    }
    if (text == NULL) {
        return errors_add_at(errors, RONDO_INVALID, where, "the model needs a prompt: it reads '%s' before it writes",
                             dataset_find(task->data.shape, "source") != NULL ? "source" : "input");
    }
    if (reader->class->add == NULL) {
        return errors_add_at(errors, RONDO_INVALID, where,
                             "reader '%s' of the run does not read texts: its prompts are files like those of the "
                             "training",
                             reader->class->name);
    }
    if (prompts->dataset == NULL) {
        prompts->dataset = task_data_describe(&task->data, errors);
        prompts->list.dataset = prompts->dataset;
    }
    if (prompts->dataset == NULL) {
        return errors->status;
    }
    RONDO_TRY(reader_add(reader, text, where, prompts->dataset, errors));
    return append(prompts, (struct generate_prompt){.example = prompts->dataset->count - 1, .number = number}, errors);
}

rondo_status prompts_add_examples(struct prompts *prompts, const struct dataset *dataset, int64_t begin, int64_t end,
                                  uint64_t number, struct errors *errors) {
    prompts->list.dataset = dataset;
    for (int64_t i = begin; i < end; i++) {
        const struct generate_prompt prompt = {.example = i, .number = number + (uint64_t)(i - begin)};
        RONDO_TRY(append(prompts, prompt, errors));
    }
    return RONDO_OK;
}

void prompts_set_first_sample(struct prompts *prompts, int64_t first) {
    for (int64_t i = 0; i < prompts->list.count; i++) {
        prompts->items[i].first_sample = first;
    }
}

/* ---- results ---- */

/* The symbol of the source that symbol number `step` of the result attended to most: as it is written there, if the vocabulary lacks
 * it. *symbol from `arena`, or of the dataset. */
static rondo_status attended_symbol(const struct prompts *prompts, const struct generate_hypothesis *hypothesis,
                                    int64_t prompt, int64_t step, struct arena *arena, const char **symbol,
                                    struct errors *errors) {
    if (hypothesis->attention == NULL) {
        return errors_add(
            errors, RONDO_INVALID,
            "'unknown' is replace, which copies the symbol of the source that is attended to most, and the "
            "model has no attention");
    }
    const float *row = hypothesis->attention + step * hypothesis->steps;
    int64_t best = 0;
    for (int64_t k = 1; k < hypothesis->steps; k++) {
        best = row[k] > row[best] ? k : best;
    }
    const struct stream *source = dataset_find(prompts->list.dataset, "source");
    const int64_t element = source->begin[prompts->list.prompts[prompt].example] + best;
    const int32_t id = stream_id(source, element);
    *symbol = id == source->unknown ? stream_unknown_text(source, element) : NULL;
    return *symbol != NULL ? RONDO_OK : task_decode(prompts->task, "source", &id, 1, 0, arena, symbol, errors);
}

/* The text with symbols of the source in place of unknown ones. */
static rondo_status replaced_text(const struct prompts *prompts, const struct generate_hypothesis *hypothesis,
                                  int64_t prompt, struct arena *arena, const char **text, struct errors *errors) {
    const struct stream *target = dataset_find(prompts->task->data.shape, "target");
    const char **symbols = arena_calloc(arena, (size_t)hypothesis->length + 1, sizeof *symbols);
    if (symbols == NULL) {
        return errors_no_memory(errors);
    }
    for (int64_t i = 0; i < hypothesis->length; i++) {
        if (hypothesis->ids[i] == target->unknown) {
            RONDO_TRY(attended_symbol(prompts, hypothesis, prompt, i, arena, &symbols[i], errors));
        }
    }
    return task_decode_replaced(prompts->task, "target", hypothesis->ids, hypothesis->length, symbols, arena, text,
                                errors);
}

/* The classes that a reader without texts has, with blanks between them. */
static rondo_status joined_names(const struct prompts *prompts, const struct generate_hypothesis *hypothesis,
                                 struct arena *arena, const char **text, struct errors *errors) {
    *text = "";
    for (int64_t i = 0; i < hypothesis->length && *text != NULL; i++) {
        const char *name = task_class_name(prompts->task, hypothesis->ids[i]), *blank = i == 0 ? "" : " ";
        *text = name == NULL ? arena_printf(arena, "%s%s%d", *text, blank, hypothesis->ids[i])
                             : arena_printf(arena, "%s%s%s", *text, blank, name);
    }
    return *text == NULL ? errors_no_memory(errors) : RONDO_OK;
}

static int has_unknown(const struct prompts *prompts, const struct generate_hypothesis *hypothesis) {
    const struct stream *target = dataset_find(prompts->task->data.shape, "target");
    for (int64_t i = 0; i < hypothesis->length && target->unknown >= 0; i++) {
        if (hypothesis->ids[i] == target->unknown) {
            return 1;
        }
    }
    return 0;
}

rondo_status prompts_text(const struct prompts *prompts, const struct generate_hypothesis *hypothesis, int64_t prompt,
                          struct arena *arena, const char **text, struct errors *errors) {
    *text = NULL;
    if (hypothesis->ids == NULL) {
        return RONDO_OK;
    }
    if (prompts->settings.unknown == GENERATE_REPLACE && has_unknown(prompts, hypothesis)) {
        return replaced_text(prompts, hypothesis, prompt, arena, text, errors);
    }
    if (prompts->task->data.reader->class->decode == NULL) {
        return joined_names(prompts, hypothesis, arena, text, errors);
    }
    return task_decode(prompts->task, "target", hypothesis->ids, hypothesis->length, 0, arena, text, errors);
}

struct reader_prediction prompts_prediction(const struct prompts *prompts, const struct generate_hypothesis *hypothesis,
                                            int64_t prompt) {
    struct reader_prediction prediction = task_prediction(prompts->task, prompts->list.dataset,
                                                          prompts->list.prompts[prompt].example, hypothesis->numbers);
    prediction.steps = hypothesis->length;
    return prediction;
}
