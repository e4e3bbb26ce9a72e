#include "tests/model_run.h"
#include "tests/suite.h"

#include <check.h>
#include <string.h>

/* The layers with what their settings leave open. */
static void complete(const struct cell_layer_settings *layers, int32_t n_layers, const struct test_cell *cell,
                     struct cell_layer_settings completed[MOST_CELLS]) {
    ck_assert_int_le(n_layers, MOST_CELLS);
    for (int32_t i = 0; i < n_layers; i++) {
        completed[i] = layers[i];
        completed[i].cell = layers[i].cell != NULL ? layers[i].cell : define(cell);
        completed[i].hidden = layers[i].hidden > 0 ? layers[i].hidden : HIDDEN;
    }
}

struct model *model_run_model(const struct model_settings *settings, const struct test_cell *cell) {
    struct cell_layer_settings layers[MOST_CELLS], encoder[MOST_CELLS];
    struct model_settings used = *settings;
    complete(settings->layers, settings->n_layers, cell, layers);
    complete(settings->encoder, settings->n_encoder, cell, encoder);
    used.dtype = RONDO_F64;
    used.layers = layers;
    used.encoder = encoder;
    used.output_size = used.output_size > 0 ? used.output_size : OUTPUTS;
    return model_create(&used, support.registry, &support.errors);
}

static rondo_tensor random_input(const struct model_input *input, int64_t n) {
    if (input->symbols == 0) {
        return matrix(n, input->size, input->name);
    }
    rondo_tensor ids = tensor_1d(RONDO_I32, n, NULL);
    support_ok(&support, tensor_alloc(&ids, support.arena, &support.errors), "memory");
    for (int64_t i = 0; i < n; i++) {
        tensor_set(&ids, i, (double)rng_below(rng_stream(1, input->name), (uint64_t)i, (uint64_t)input->symbols));
    }
    return ids;
}

struct model_run model_run_create(const struct model_settings *settings, const struct test_cell *cell,
                                  const int64_t *lengths, int64_t rows) {
    int64_t *copy = arena_alloc(support.arena, sizeof *copy * (size_t)rows);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, lengths, sizeof *copy * (size_t)rows);
    struct model_run run = {.model = model_run_model(settings, cell),
                            .time = support_time(&support, copy, rows),
                            .n_inputs = settings->n_inputs};
    ck_assert_msg(run.model != NULL, "%s", support_error(&support));
    ck_assert_int_le(model_parameter_count(run.model), MOST_PARAMETERS);
    support_ok(&support, model_allocate(run.model, &support.errors), "memory");
    for (int32_t p = 0; p < model_parameter_count(run.model); p++) {
        const struct model_parameter *parameter = &model_parameters(run.model)[p];
        const struct rng_stream stream = rng_stream(1, parameter->name);
        for (int64_t i = 0; i < rondo_count(&parameter->value); i++) {
            tensor_set(&parameter->value, i, 0.5 * rng_normal(stream, (uint64_t)i));
        }
    }
    for (int32_t i = 0; i < run.n_inputs; i++) {
        run.inputs[i] =
            random_input(&settings->inputs[i], settings->inputs[i].every_step ? run.time.total : run.time.rows);
    }
    return run;
}

/* Sorts the rows by the length of their source, and packs the sources in this order. */
void model_run_read_source(struct model_run *run, const struct model_input *source, const int64_t *lengths,
                           const int64_t *names, int64_t rows) {
    int64_t *sorted = arena_alloc(support.arena, sizeof *sorted * (size_t)rows);
    ck_assert(sorted != NULL && rows <= MOST_ROWS);
    for (int64_t r = 0; r < rows; r++) {
        run->source_row[r] = 0;
        for (int64_t other = 0; other < rows; other++) {
            run->source_row[r] += lengths[other] > lengths[r] || (lengths[other] == lengths[r] && other < r);
        }
        sorted[run->source_row[r]] = lengths[r];
    }
    run->source_time = support_time(&support, sorted, rows);
    const int64_t columns = source->symbols > 0 ? 1 : source->size, total = run->source_time.total;
    run->source_input =
        source->symbols > 0 ? tensor_1d(RONDO_I32, total, NULL) : tensor_2d(RONDO_F64, total, columns, NULL);
    support_ok(&support, tensor_alloc(&run->source_input, support.arena, &support.errors), "memory");
    for (int64_t r = 0; r < rows; r++) {
        const struct rng_stream stream =
            rng_substream(rng_stream(1, "source"), (uint64_t)(names == NULL ? r : names[r]));
        for (int64_t i = 0; i < lengths[r] * columns; i++) {
            const int64_t at = (run->source_time.begin[i / columns] + run->source_row[r]) * columns + i % columns;
            tensor_set(&run->source_input, at,
                       source->symbols > 0 ? (double)rng_below(stream, (uint64_t)i, (uint64_t)source->symbols)
                                           : rng_normal(stream, (uint64_t)i));
        }
    }
}

struct model_result model_run_record(const struct model_run *run, rondo_value *parameters) {
    tape_reset(tape);
    for (int32_t p = 0; p < model_parameter_count(run->model); p++) {
        parameters[p] = tape_parameter(tape, "p", &model_parameters(run->model)[p].value, NULL);
    }
    const struct model_source source = {&run->source_time, &run->source_input, run->source_row};
    const struct model_call call = {.time = &run->time,
                                    .inputs = run->inputs,
                                    .parameters = parameters,
                                    .scored = run->scored,
                                    .carried = run->carried,
                                    .kept = run->kept,
                                    .lane = run->lane,
                                    .starts = run->starts,
                                    .source = run->source_time.rows > 0 ? &source : NULL,
                                    .memory = run->memory,
                                    .rows = run->rows,
                                    .probe = run->probe,
                                    .training = run->training,
                                    .stream = rng_stream(1, "pass"),
                                    .stepwise = run->stepwise};
    struct model_result result;
    support_ok(&support, model_record(run->model, tape, &call, &result), "a pass");
    ck_assert_int_lt(result.weight.id, 0);
    return result;
}

static rondo_value loss_of(const struct model_run *run, rondo_value outputs) {
    if (run->weights.data == NULL) {
        return weighted(outputs, "outputs");
    }
    const rondo_value product[2] = {outputs, tape_constant(tape, &run->weights)};
    const rondo_value all = tape_apply_named(tape, "mul", NULL, product, 2);
    return tape_apply_named(tape, "sum", "axis=[0, 1]", &all, 1);
}

double model_run_loss(void *arg) {
    const struct model_run *run = arg;
    rondo_value parameters[MOST_PARAMETERS];
    return tensor_get(tape_tensor(tape, loss_of(run, model_run_record(run, parameters).outputs)), 0);
}

void model_run_pass(struct model_run *run) {
    rondo_value parameters[MOST_PARAMETERS];
    const struct model_result result = model_run_record(run, parameters);
    support_ok(&support, tape_backward(tape, loss_of(run, result.outputs)), "backward");
    run->hidden = copy_of(tape_tensor(tape, result.hidden));
    run->outputs = copy_of(tape_tensor(tape, result.outputs));
    for (int32_t p = 0; p < model_parameter_count(run->model); p++) {
        run->gradients[p] =
            copy_of_gradient(tape_gradient(tape, parameters[p]), &model_parameters(run->model)[p].value);
    }
}

void model_run_check_gradients(struct model_run *run, double tolerance, const char *what) {
    for (int32_t p = 0; p < model_parameter_count(run->model); p++) {
        const struct model_parameter *parameter = &model_parameters(run->model)[p];
        support_central_differences(model_run_loss, run, &parameter->value, &run->gradients[p], tolerance,
                                    arena_printf(support.arena, "%s: %s", what, parameter->name));
    }
}
