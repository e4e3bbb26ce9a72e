/* train/embed_predict.c: the embedding API (rondo/rondo.h): prediction with a trained run. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "io/utf8.h"
#include "train/embed_errors.h"
#include "train/embed_run.h"
#include "train/run_record.h"

enum { BATCH = 64 };

/* The arrays are allocated with malloc. */
struct rondo_result {
    struct dataset *dataset; /* NULL: nothing was predicted yet */
    int64_t *begin;          /* [count + 1] first row of each example */
    float *values;           /* [begin[count], outputs] */
    struct arena *texts;     /* of rondo_result_text */
    const rondo_run *run;
};

struct rondo_run {
    struct session *session;
    struct task *task;
    struct rondo_result result; /* of the last prediction */
};

struct task *embed_run_task(const rondo_run *run) {
    return run->task;
}

static void clear_result(struct rondo_result *result) {
    dataset_destroy(result->dataset);
    free(result->begin);
    free(result->values);
    arena_destroy(result->texts);
    *result = (struct rondo_result){0};
}

rondo_run *rondo_run_open_best(const char *folder, const char *metric, int32_t threads, char *error, size_t size) {
    struct errors errors = {0};
    rondo_run *run = memory_calloc(1, sizeof *run);
    if (run == NULL) {
        errors_no_memory(&errors);
    } else if (folder == NULL || threads < 0) {
        errors_add(&errors, RONDO_INVALID, folder == NULL ? "the folder is NULL" : "threads is negative");
    } else {
        const struct session_settings settings = {.threads = threads};
        run->session = session_create(&settings, &errors);
        const struct run_record_settings record = {.folder = folder, .best = metric};
        run->task = run->session == NULL ? NULL : run_record_open(&record, run->session, &errors);
    }
    if (embed_errors(&errors, error, size) != RONDO_OK) {
        rondo_run_close(run);
        return NULL;
    }
    return run;
}

rondo_run *rondo_run_open(const char *folder, int32_t threads, char *error, size_t size) {
    return rondo_run_open_best(folder, NULL, threads, error, size);
}

void rondo_run_close(rondo_run *run) {
    if (run != NULL) {
        clear_result(&run->result);
        task_destroy(run->task);
        session_destroy(run->session);
        free(run);
    }
}

_Static_assert((int)RONDO_LOG_DEBUG == (int)LOG_LEVEL_DEBUG && (int)RONDO_LOG_INFO == (int)LOG_LEVEL_INFO,
               "the levels of rondo.h are those of core/log.h");

void rondo_run_set_log(rondo_run *run, rondo_log_function function, void *arg) {
    registry_set_log(run->session->registry, (struct log_receiver){function, arg});
}

int64_t rondo_run_outputs(const rondo_run *run) {
    return network_prediction_size(run->task->network);
}

const char *rondo_run_label(const rondo_run *run, int64_t index) {
    const struct vocabulary *labels = task_labels(run->task);
    return labels == NULL || index < 0 || index >= vocabulary_size(labels) ? NULL
                                                                           : vocabulary_word(labels, (int32_t)index);
}

int64_t rondo_run_stream(const rondo_run *run, const char *stream, int64_t *ids) {
    const struct stream *found = stream == NULL ? NULL : dataset_find(run->task->data.shape, stream);
    if (found == NULL) {
        return -1;
    }
    if (ids != NULL) {
        *ids = found->kind == STREAM_REAL ? 0 : found->size;
    }
    return found->kind == STREAM_REAL ? found->size : 0;
}

/* ---- examples ---- */

static rondo_status add_text(const rondo_run *run, const char *text, int64_t example, struct dataset *dataset,
                             struct errors *errors) {
    const struct reader *reader = run->task->data.reader;
    size_t bad;
    if (reader->class->add == NULL) {
        return errors_add(errors, RONDO_INVALID, "reader '%s' of the run does not read texts", reader->class->name);
    }
    if (text == NULL) {
        return errors_add(errors, RONDO_INVALID, "text %lld is NULL", (long long)example);
    }
    if (!utf8_check(text, strlen(text), &bad)) {
        return errors_add(errors, RONDO_INVALID, "text %lld is not UTF-8 at byte %zu", (long long)example, bad);
    }
    return reader_add(reader, text, (struct location){0}, dataset, errors);
}

/* Checks the values of one input, which dataset_add would refuse as a bug. */
static rondo_status check_values(const struct stream *stream, const rondo_input *input, int64_t example,
                                 struct errors *errors) {
    const int64_t count = input->steps * (stream->kind == STREAM_REAL ? stream->size : 1);
    for (int64_t i = 0; i < count; i++) {
        if (stream->kind == STREAM_REAL && !isfinite(((const float *)input->values)[i])) {
            return errors_add(errors, RONDO_INVALID, "example %lld: number %lld of stream '%s' is not finite",
                              (long long)example, (long long)i, stream->name);
        }
        const int32_t id = stream->kind == STREAM_REAL ? 0 : ((const int32_t *)input->values)[i];
        if (stream->kind != STREAM_REAL && (id < 0 || id >= stream->size)) {
            return errors_add(errors, RONDO_INVALID,
                              "example %lld: id %d at step %lld of stream '%s', expected 0 to %lld", (long long)example,
                              (int)id, (long long)i, stream->name, (long long)stream->size - 1);
        }
    }
    return RONDO_OK;
}

/* The values of a stream in the form in which it stores them. From `arena`; NULL: out of memory. */
static const void *stored_values(const struct stream *stream, const rondo_input *input, struct arena *arena) {
    if (stream->store == STORE_I32 || stream->store == STORE_F32) {
        return input->values;
    }
    const int64_t count = input->steps * (stream->kind == STREAM_REAL ? stream->size : 1);
    void *stored = arena_calloc(arena, (size_t)count + 1, sizeof(uint16_t)); /* or bytes */
    for (int64_t i = 0; stored != NULL && i < count; i++) {
        if (stream->kind == STREAM_REAL) {
            ((unsigned char *)stored)[i] = (unsigned char)((const float *)input->values)[i];
        } else {
            store_id(stream->store, stored, i, ((const int32_t *)input->values)[i]);
        }
    }
    return stored;
}

/* The input of that stream; NULL: it is not given. */
static const rondo_input *find_input(const rondo_input *inputs, int32_t n_inputs, const char *stream) {
    for (int32_t k = 0; k < n_inputs; k++) {
        if (inputs[k].stream != NULL && strcmp(inputs[k].stream, stream) == 0) {
            return &inputs[k];
        }
    }
    return NULL;
}

static rondo_status check_streams(const struct dataset *dataset, const rondo_input *inputs, int32_t n_inputs,
                                  int64_t example, struct errors *errors) {
    for (int32_t k = 0; k < n_inputs; k++) {
        struct suggestion near = {0};
        const char *name = inputs[k].stream == NULL ? "" : inputs[k].stream;
        for (int32_t s = 0; s < dataset->n_streams; s++) {
            suggest(&near, name, dataset->streams[s].name);
        }
        if (dataset_find(dataset, name) == NULL) {
            return errors_add(errors, RONDO_INVALID, "example %lld: the run has no stream '%s'%s", (long long)example,
                              name, suggestion_text(&near).text);
        }
        if (inputs[k].values == NULL || inputs[k].steps < 1) {
            return errors_add(errors, RONDO_INVALID, "example %lld: stream '%s' has no values", (long long)example,
                              name);
        }
    }
    return RONDO_OK;
}

static rondo_status add_example(const rondo_run *run, const rondo_input *inputs, int32_t n_inputs, int64_t example,
                                struct dataset *dataset, struct arena *arena, struct errors *errors) {
    if (inputs[0].steps == -1) {
        return add_text(run, inputs[0].values, example, dataset, errors);
    }
    RONDO_TRY(check_streams(dataset, inputs, n_inputs, example, errors));
    struct stream_part parts[DATASET_MOST_STREAMS] = {{NULL, 0}};
    for (int32_t s = 0; s < dataset->n_streams; s++) {
        const struct stream *stream = &dataset->streams[s];
        const rondo_input *input = find_input(inputs, n_inputs, stream->name);
        if (input == NULL && strcmp(stream->name, "input") == 0) {
            return errors_add(errors, RONDO_INVALID, "example %lld: stream 'input' is missing", (long long)example);
        }
        if (input != NULL) {
            RONDO_TRY(check_values(stream, input, example, errors));
            parts[s] = (struct stream_part){stored_values(stream, input, arena), input->steps};
            if (parts[s].values == NULL) {
                return errors_no_memory(errors);
            }
        }
    }
    return dataset_add(dataset, parts, errors);
}

/* Adds all examples to a new dataset of the result. */
static rondo_status add_examples(rondo_run *run, const rondo_input *inputs, int64_t count, int32_t n_inputs,
                                 struct errors *errors) {
    struct arena *arena = arena_create();
    rondo_status status = arena == NULL ? errors_no_memory(errors) : RONDO_OK;
    run->result.dataset = task_data_describe(&run->task->data, errors);
    status = run->result.dataset == NULL ? errors->status : status;
    for (int64_t i = 0; i < count && status == RONDO_OK; i++) {
        status = add_example(run, inputs + i * n_inputs, n_inputs, i, run->result.dataset, arena, errors);
        arena_reset(arena);
    }
    arena_destroy(arena);
    return status;
}

/* ---- predictions ---- */

static rondo_status predict_examples(rondo_run *run, struct errors *errors) {
    struct rondo_result *result = &run->result;
    struct network *network = run->task->network;
    const int64_t count = result->dataset->count;
    RONDO_TRY(dataset_fits(result->dataset, network_plan(network), 0, "predictions", errors));
    result->begin = memory_calloc((size_t)count + 1, sizeof *result->begin);
    if (result->begin == NULL) {
        return errors_no_memory(errors);
    }
    for (int64_t i = 0; i < count; i++) {
        result->begin[i + 1] = result->begin[i] + network_prediction_rows(network, result->dataset, i);
    }
    result->values =
        memory_calloc((size_t)(result->begin[count] * network_prediction_size(network)) + 1, sizeof *result->values);
    return result->values == NULL ? errors_no_memory(errors)
                                  : network_predict(network, result->dataset, BATCH, result->values, NULL, errors);
}

static rondo_status predict(rondo_run *run, const rondo_input *inputs, int64_t count, int32_t n_inputs,
                            struct errors *errors) {
    clear_result(&run->result);
    run->result.run = run;
    if (count < 0 || n_inputs < 1 || (count > 0 && inputs == NULL)) {
        return errors_add(errors, RONDO_INVALID,
                          count < 0      ? "count is negative"
                          : n_inputs < 1 ? "n_inputs is below 1"
                                         : "inputs is NULL");
    }
    run->result.texts = arena_create();
    if (run->result.texts == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(add_examples(run, inputs, count, n_inputs, errors));
    return predict_examples(run, errors);
}

rondo_status rondo_run_predict_inputs(rondo_run *run, const rondo_input *inputs, int64_t count, int32_t n_inputs,
                                      const rondo_result **result, char *error, size_t size) {
    struct errors errors = {0};
    predict(run, inputs, count, n_inputs, &errors);
    *result = errors.count == 0 ? &run->result : NULL;
    return embed_errors(&errors, error, size);
}

/* The texts as inputs of one each. */
static rondo_status predict_texts(rondo_run *run, const char *const *texts, int64_t count, float *predictions,
                                  struct errors *errors) {
    if (count < 0 || (count > 0 && (texts == NULL || predictions == NULL))) {
        return errors_add(errors, RONDO_INVALID, count < 0 ? "count is negative" : "texts or predictions is NULL");
    }
    if (network_plan(run->task->network)->architecture.output_every_step) {
        return errors_add(errors, RONDO_INVALID,
                          "the run has an output at every step; rondo_run_predict_inputs gives all of them");
    }
    rondo_input *inputs = memory_calloc((size_t)count + 1, sizeof *inputs);
    if (inputs == NULL) {
        return errors_no_memory(errors);
    }
    for (int64_t i = 0; i < count; i++) {
        inputs[i] = (rondo_input){.values = texts[i], .steps = -1};
    }
    const rondo_status status = predict(run, inputs, count, 1, errors);
    if (status == RONDO_OK && count > 0) {
        memcpy(predictions, run->result.values,
               (size_t)(count * network_prediction_size(run->task->network)) * sizeof *predictions);
    }
    free(inputs);
    return status;
}

rondo_status rondo_run_predict(rondo_run *run, const char *const *texts, int64_t count, float *predictions, char *error,
                               size_t size) {
    struct errors errors = {0};
    predict_texts(run, texts, count, predictions, &errors);
    return embed_errors(&errors, error, size);
}

/* ---- results ---- */

int64_t rondo_result_steps(const rondo_result *result, int64_t example) {
    return result->begin[example + 1] - result->begin[example];
}

const float *rondo_result_values(const rondo_result *result, int64_t example) {
    return result->values + result->begin[example] * network_prediction_size(result->run->task->network);
}

/* The shown fields, with tabs between them; from `arena`. */
static const char *line_of(const struct fields *fields, struct arena *arena) {
    const char *line = "";
    for (const struct field_shown *shown = fields->first; shown != NULL && line != NULL; shown = shown->next) {
        line = arena_printf(arena, "%s%s%s", line, shown == fields->first ? "" : "\t", shown->text);
    }
    return line;
}

const char *rondo_result_text(const rondo_result *result, int64_t example) {
    const struct task *task = result->run->task;
    const struct reader_prediction prediction =
        task_prediction(task, result->dataset, example, rondo_result_values(result, example));
    struct errors ignored = {0};
    struct fields fields;
    fields_open(&fields, result->texts);
    const rondo_status status = reader_render(task->data.reader, &prediction, &fields, &ignored);
    const char *line = status == RONDO_OK ? line_of(&fields, result->texts) : NULL;
    fields_close(&fields);
    errors_free(&ignored);
    return line;
}
