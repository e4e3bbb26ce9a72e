#include "cli/written.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/json_builder.h"
#include "cli/print.h"
#include "data/next_symbol.h"
#include "io/json.h"
#include "io/utf8.h"

/* Plots of one SVG file: more would be no picture. */
enum { MOST_PLOTS = 100 };

static const struct task *task_of(const struct written *written) {
    return written->generation.tasks[0];
}

static const struct stream *target_of(const struct written *written) {
    return dataset_find(task_of(written)->data.shape, "target");
}

int written_is_for(const struct task *task) {
    const char *why_not;
    const int knows_targets = task->data.shape->timeline != NULL; /* of all steps but the last */
    return task->experiment->model.feedback && task_has_inputs(task) && !knows_targets &&
           model_generates(network_model(task->network), &why_not);
}

/* What `attention` draws: symbols that attended to symbols. */
static rondo_status check_attention(const struct written *written, const char *folder) {
    const int is_possible =
        target_of(written)->kind == STREAM_CLASS && dataset_find(task_of(written)->data.shape, "source") != NULL;
    return !written->attention->flag.is_given || is_possible
               ? RONDO_OK
               : errors_add(written->errors, RONDO_INVALID,
                            "--attention: the run '%s' writes no text for a source, so there is nothing to attend to",
                            folder);
}

rondo_status written_open(struct written *written, const char *folder, struct task *task,
                          const struct generation_flags *given) {
    RONDO_TRY(generation_open_task(&written->generation, folder, task, given, written->errors));
    RONDO_TRY(check_attention(written, folder));
    RONDO_TRY(prompts_open(&written->prompts, task, &written->generation.settings, written->errors));
    written->prompts.list.attention |= written->attention->flag.is_given;
    return RONDO_OK;
}

void written_close(struct written *written) {
    prompts_close(&written->prompts);
    generation_close(&written->generation);
}

/* ---- attention ---- */

/* A symbol for people, from `arena`. `written`: as it is written in the text; NULL: as the vocabulary has it. */
static const char *symbol_name(const struct stream *stream, int32_t id, const char *written, struct arena *arena) {
    char text[NEXT_SYMBOL_BYTES];
    const int is_text = written != NULL && utf8_check(written, strlen(written), NULL); /* not a byte of a character */
    const char *word = is_text ? written : stream->names == NULL ? NULL : vocabulary_word(stream->names, id);
    return word == NULL ? arena_printf(arena, "%d", id) : arena_strdup(arena, next_symbol_visible(word, text));
}

/* The symbols of a result: [count] texts from `arena`; NULL: out of memory. */
static const char **symbol_names(const struct stream *stream, const int32_t *ids, int64_t count, struct arena *arena) {
    const char **names = arena_calloc(arena, (size_t)count + 1, sizeof(const char *));
    for (int64_t i = 0; i < count && names != NULL; i++) {
        names[i] = symbol_name(stream, ids[i], NULL, arena);
    }
    return arena_failed(arena) ? NULL : names;
}

/* The symbols of the source, the unknown ones as they are written there. */
static const char **source_names(const struct written *written, int64_t prompt, int64_t count, struct arena *arena) {
    const struct generate_prompts *list = &written->prompts.list;
    const struct stream *source = dataset_find(list->dataset, "source");
    const char **names = arena_calloc(arena, (size_t)count + 1, sizeof(const char *));
    for (int64_t i = 0; i < count && names != NULL; i++) {
        const int64_t element = source->begin[list->prompts[prompt].example] + i;
        names[i] = symbol_name(source, stream_id(source, element), stream_unknown_text(source, element), arena);
    }
    return arena_failed(arena) ? NULL : names;
}

/* The symbols of a result, with those of the source in place of unknown ones if the text has them. */
static const char **output_names(const struct written *written, const struct generate_hypothesis *hypothesis,
                                 const char **source, struct arena *arena) {
    const struct stream *target = target_of(written);
    const char **names = symbol_names(target, hypothesis->ids, hypothesis->length, arena);
    const int replaces = written->generation.settings.unknown == GENERATE_REPLACE && names != NULL && source != NULL;
    for (int64_t i = 0; replaces && i < hypothesis->length; i++) {
        const float *row = hypothesis->attention + i * hypothesis->steps;
        int64_t best = 0;
        for (int64_t k = 1; k < hypothesis->steps; k++) {
            best = row[k] > row[best] ? k : best;
        }
        names[i] = hypothesis->ids[i] == target->unknown ? source[best] : names[i];
    }
    return names;
}

static rondo_status require_attention(const struct written *written, const struct generate_hypothesis *hypothesis) {
    return hypothesis->attention != NULL
               ? RONDO_OK
               : errors_add(written->errors, RONDO_INVALID, "--attention: the model has no attention");
}

/* Adds the grid of a result to the page, or prints it. */
static rondo_status plot_attention(struct written *written, const struct generate_hypothesis *hypothesis,
                                   int64_t prompt, const char *text) {
    struct plot_page *page = written->attention;
    RONDO_TRY(require_attention(written, hypothesis));
    const int has_room = page->flag.file == NULL || page->count < MOST_PLOTS;
    written->left_out += !has_room;
    if (!has_room || hypothesis->length == 0) {
        return RONDO_OK;
    }
    struct arena *arena = page->flag.file == NULL ? arena_create() : page->arena;
    struct plot *plot = arena == NULL             ? NULL
                        : page->flag.file == NULL ? arena_calloc(arena, 1, sizeof *plot)
                                                  : plot_page_add(page);
    struct plot_grid *grid = arena == NULL ? NULL : arena_calloc(arena, 1, sizeof *grid);
    const size_t cells = (size_t)(hypothesis->length * hypothesis->steps);
    float *values = arena == NULL ? NULL : arena_calloc(arena, cells + 1, sizeof *values);
    int has_memory = plot != NULL && grid != NULL && values != NULL;
    if (has_memory) {
        memcpy(values, hypothesis->attention, cells * sizeof *values);
        const char **source = source_names(written, prompt, hypothesis->steps, arena);
        *grid = (struct plot_grid){.row_names = output_names(written, hypothesis, source, arena),
                                   .column_names = source,
                                   .values = values,
                                   .rows = hypothesis->length,
                                   .columns = hypothesis->steps};
        plot->grid = grid;
        plot->title = page->flag.file == NULL ? NULL : arena_strdup(arena, text);
        has_memory = !arena_failed(arena) && grid->row_names != NULL && grid->column_names != NULL;
    }
    if (has_memory && page->flag.file == NULL) {
        plot_print(stdout, plot, NULL);
    }
    if (page->flag.file == NULL) {
        arena_destroy(arena);
    }
    return has_memory ? RONDO_OK : errors_no_memory(written->errors);
}

static json_t *texts_json(struct json_builder *builder, const char *const *texts, int64_t count) {
    json_t *array = json_array();
    for (int64_t i = 0; texts != NULL && array != NULL && i < count; i++) {
        json_append(builder, array, json_text(texts[i]));
    }
    builder->failed |= texts == NULL;
    return array;
}

/* "attention": {"source": […], "output": […], "weights": [[…], …]} */
static json_t *attention_json(const struct written *written, const struct generate_hypothesis *hypothesis,
                              int64_t prompt, struct json_builder *builder) {
    json_t *object = json_object(), *rows = json_array();
    const int64_t columns = hypothesis->steps;
    const char **source = source_names(written, prompt, columns, builder->arena);
    json_set(builder, object, "source", texts_json(builder, source, columns));
    json_set(builder, object, "output",
             texts_json(builder, output_names(written, hypothesis, source, builder->arena), hypothesis->length));
    for (int64_t r = 0; r < hypothesis->length && rows != NULL; r++) {
        json_t *row = json_array();
        for (int64_t c = 0; c < columns && row != NULL; c++) {
            json_append(builder, row, json_real((double)hypothesis->attention[r * columns + c]));
        }
        json_append(builder, rows, row);
    }
    json_set(builder, object, "weights", rows);
    return object;
}

/* ---- texts ---- */

/* 1 if an example has several results. */
static int has_several(const struct written *written) {
    const struct generate_settings *settings = &written->generation.settings;
    return settings->n_best > 1 || settings->samples > 1;
}

static rondo_status print_json(const struct written *written, const struct generate_hypothesis *hypothesis,
                               int64_t prompt, int64_t rank, const char *text, struct arena *arena) {
    const struct dataset *dataset = written->prompts.list.dataset;
    const int64_t example = written->prompts.list.prompts[prompt].example;
    const char *source = dataset->texts == NULL ? NULL : dataset->texts[example];
    struct json_builder builder = {.arena = arena};
    json_t *object = json_object();
    json_set(&builder, object, "prompt", source == NULL ? json_null() : json_text(source));
    json_set(&builder, object, written->generation.settings.beams > 1 ? "rank" : "sample", json_integer(rank + 1));
    json_set(&builder, object, "output", json_text(text));
    json_set(&builder, object, "log_probability", json_real(hypothesis->score));
    json_set(&builder, object, "symbols", json_integer(hypothesis->scored));
    json_set(&builder, object, "ended", json_boolean(hypothesis->ended));
    if (written->attention->flag.is_given && hypothesis->attention != NULL) {
        json_set(&builder, object, "attention", attention_json(written, hypothesis, prompt, &builder));
    }
    return output_json(json_built(&builder, object), JSON_COMPACT | JSON_REAL_PRECISION(6), written->errors);
}

static rondo_status print_text_result(struct written *written, const struct generate_hypothesis *hypothesis,
                                      int64_t prompt, int64_t rank, struct arena *arena) {
    const char *text;
    RONDO_TRY(prompts_text(&written->prompts, hypothesis, prompt, arena, &text, written->errors));
    if (written->json) {
        RONDO_TRY(print_json(written, hypothesis, prompt, rank, text, arena));
    } else {
        if (has_several(written)) {
            printf("%lld\t", (long long)(written->count + prompt) + 1);
        }
        if (written->scores) {
            printf("%.4f\t", hypothesis->score);
        }
        print_text(stdout, text);
        printf("\n");
    }
    const int is_drawn = written->attention->flag.is_given && rank == 0;
    return is_drawn && (!written->json || written->attention->flag.file != NULL)
               ? plot_attention(written, hypothesis, prompt, text)
               : RONDO_OK;
}

/* struct generation_taker */
static rondo_status print_result(void *arg, const struct generate_hypothesis *hypothesis, int64_t prompt,
                                 int64_t rank) {
    struct written *written = arg;
    if (hypothesis->ids == NULL) {
        const struct reader_prediction prediction = prompts_prediction(&written->prompts, hypothesis, prompt);
        return written->print(written->arg, &prediction);
    }
    struct arena *arena = arena_create();
    const rondo_status status =
        arena == NULL ? errors_no_memory(written->errors) : print_text_result(written, hypothesis, prompt, rank, arena);
    arena_destroy(arena);
    return status;
}

static rondo_status print_range(struct written *written, const struct dataset *dataset, int64_t begin, int64_t end) {
    const struct generation_taker taker = {written, print_result};
    RONDO_TRY(prompts_add_examples(&written->prompts, dataset, begin, end, (uint64_t)written->count, written->errors));
    RONDO_TRY(generation_run(&written->generation, &written->prompts, &taker, written->errors));
    written->count += end - begin;
    return prompts_clear(&written->prompts, written->errors);
}

rondo_status written_print(struct written *written, const struct dataset *dataset) {
    const int64_t batch = generation_batch(&written->generation);
    for (int64_t begin = 0; begin < dataset->count; begin += batch) {
        RONDO_TRY(
            print_range(written, dataset, begin, dataset->count - begin < batch ? dataset->count : begin + batch));
    }
    return RONDO_OK;
}

rondo_status written_show(struct written *written, const char *title) {
    struct plot_page *page = written->attention;
    if (written->left_out > 0) {
        struct errors warnings = {0};
        errors_add(&warnings, RONDO_INVALID,
                   "'%s' has pictures of the first %d outputs, and not of the %lld after them", page->flag.file,
                   MOST_PLOTS, (long long)written->left_out);
        report_warnings(&warnings, written->json);
    }
    return page->flag.file == NULL ? RONDO_OK : plot_page_show(page, title, "there is no output", written->errors);
}
