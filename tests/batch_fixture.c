/* tests/batch_fixture.c: see tests/batch_fixture.h. */
#define _POSIX_C_SOURCE 200809L
#include "batch_fixture.h"

#include <math.h>
#include <string.h>

static struct host_call batch_fixture_host(const struct batch_fixture *batch) {
    struct host_call host = fixture_host(batch->loss->base.name);
    host.recorder = tape_recorder(fixture.tape);
    return host;
}

struct batch_fixture batch_fixture_create(const char *name, const char *kind, int64_t target_size, int64_t rows,
                                          const char *options, int32_t dtype) {
    const rondo_loss *loss = (const rondo_loss *)fixture_find(RONDO_KIND_LOSS, name);
    struct batch_fixture batch = {.loss = loss, .rows = rows, .losses = rows};
    batch.call = (rondo_loss_call){.struct_size = sizeof batch.call,
                                   .target_kind = strcmp(kind, "class") == 0  ? RONDO_TARGET_CLASS
                                                  : strcmp(kind, "real") == 0 ? RONDO_TARGET_REAL
                                                                              : RONDO_TARGET_LIST,
                                   .options = fixture_options(&loss->base, options),
                                   .target_size = target_size};
    ck_assert_msg(batch.call.options != NULL, "%s", fixture_first_error());
    struct host_call host = batch_fixture_host(&batch);
    int64_t size = 0;
    ck_assert_int_eq(loss->output_size(&host.base, &batch.call, &size), RONDO_OK);
    batch.outputs = fixture_tensor(dtype, 2, rows, size);
    batch.targets =
        strcmp(kind, "real") == 0 ? fixture_tensor(dtype, 2, rows, target_size) : fixture_tensor(RONDO_I32, 1, rows, 0);
    return batch;
}

static int64_t *numbers(int64_t count) {
    int64_t *memory = arena_alloc(fixture.arena, sizeof *memory * (size_t)count);
    ck_assert_ptr_nonnull(memory);
    memset(memory, 0, sizeof *memory * (size_t)count);
    return memory;
}

void batch_fixture_lay_out(struct batch_fixture *batch, int64_t count, const double *lengths,
                           const double *list_lengths) {
    int64_t *steps_of = numbers(count), *list_begin = numbers(count + 1);
    for (int64_t s = 0; s < count; s++) {
        steps_of[s] = (int64_t)lengths[s];
        list_begin[s + 1] = list_begin[s] + (int64_t)list_lengths[s];
    }
    int64_t *begin = numbers(steps_of[0] + 1);
    for (int64_t t = 0; t < steps_of[0]; t++) {
        begin[t + 1] = begin[t];
        for (int64_t s = 0; s < count; s++) {
            begin[t + 1] += steps_of[s] > t;
        }
    }
    ck_assert_int_eq(begin[steps_of[0]], batch->rows);
    batch->sequences = (rondo_sequences){.struct_size = sizeof batch->sequences,
                                         .count = count,
                                         .steps = steps_of[0],
                                         .lengths = steps_of,
                                         .begin = begin,
                                         .target_begin = list_begin};
    batch->losses = count;
    batch->targets = fixture_tensor(RONDO_I32, 1, list_begin[count], 0);
}

rondo_value batch_fixture_record(struct batch_fixture *batch, rondo_value *outputs) {
    batch->call.sequences = batch->sequences.count > 0 ? &batch->sequences : NULL;
    tape_reset(fixture.tape);
    *outputs = tape_parameter(fixture.tape, "outputs", &batch->outputs, NULL);
    const rondo_value targets = tape_constant(fixture.tape, &batch->targets);
    struct host_call host = batch_fixture_host(batch);
    return batch->loss->record(&host.base, &batch->call, *outputs, targets);
}

const rondo_tensor *batch_fixture_losses(struct batch_fixture *batch) {
    rondo_value outputs;
    const rondo_tensor *losses = tape_tensor(fixture.tape, batch_fixture_record(batch, &outputs));
    ck_assert_msg(losses != NULL, "%s", fixture_first_error());
    ck_assert_int_eq(losses->ndim, 1);
    ck_assert_int_eq(losses->shape[0], batch->losses);
    return losses;
}

const rondo_tensor *batch_fixture_gradient(struct batch_fixture *batch) {
    rondo_value outputs;
    const rondo_value losses = batch_fixture_record(batch, &outputs);
    const rondo_value mean = tape_apply_named(fixture.tape, "mean", NULL, &losses, 1);
    ck_assert_msg(tape_backward(fixture.tape, mean) == RONDO_OK, "%s", fixture_first_error());
    const rondo_tensor *gradient = tape_gradient(fixture.tape, outputs);
    ck_assert_ptr_nonnull(gradient);
    return gradient;
}

rondo_tensor batch_fixture_predict(const struct batch_fixture *batch) {
    if (batch->loss->predict == NULL) {
        return batch->outputs;
    }
    struct host_call host = batch_fixture_host(batch);
    int64_t size = batch->call.target_size;
    if (batch->loss->prediction_size != NULL) {
        ck_assert_int_eq(batch->loss->prediction_size(&host.base, &batch->call, &size), RONDO_OK);
    }
    const rondo_tensor predictions = fixture_tensor(batch->outputs.dtype, 2, batch->rows, size);
    const rondo_status status = batch->loss->predict(&host.base, &batch->call, &batch->outputs, &predictions);
    ck_assert_int_eq(host_result(&host, status), RONDO_OK);
    return predictions;
}

rondo_status batch_fixture_measure(struct batch_fixture *batch, const rondo_tensor *predictions, double *sums) {
    batch->call.sequences = batch->sequences.count > 0 ? &batch->sequences : NULL;
    struct host_call host = batch_fixture_host(batch);
    memset(sums, 0, sizeof *sums * MOST_METRICS);
    return host_result(&host, batch->loss->measure(&host.base, &batch->call, predictions, &batch->targets, sums));
}

int batch_fixture_next(struct golden *golden, int32_t dtype, struct batch_fixture *batch) {
    const char *word = golden_next(golden);
    if (word == NULL) {
        return 0;
    }
    ck_assert_str_eq(word, "case");
    char name[64], kind[16], options[128];
    int size = 0, rows = 0;
    ck_assert_int_eq(sscanf(golden->rest, "%63s %15s %d %d %127[^\n]", name, kind, &size, &rows, options), 5);
    *batch = batch_fixture_create(name, kind, size, rows, options, dtype);
    if (strcmp(kind, "list") == 0) {
        ck_assert_str_eq(golden_next(golden), "lengths");
        const int64_t count = golden->count;
        double *lengths = arena_alloc(fixture.arena, sizeof *lengths * (size_t)count);
        ck_assert_ptr_nonnull(lengths);
        memcpy(lengths, golden->numbers, sizeof *lengths * (size_t)count);
        batch_fixture_lay_out(batch, count, lengths, golden_numbers(golden, "target_lengths", count));
    }
    fixture_fill(&batch->outputs, golden_numbers(golden, "outputs", rondo_count(&batch->outputs)));
    fixture_fill(&batch->targets, golden_numbers(golden, "targets", rondo_count(&batch->targets)));
    return 1;
}

void batch_fixture_check_case(struct batch_fixture *batch, struct golden *golden, double tolerance, int number) {
    char what[96];
    snprintf(what, sizeof what, "case %d (%s)", number, batch->loss->base.name);
    fixture_all_near(batch_fixture_losses(batch), golden_numbers(golden, "losses", batch->losses), tolerance, what);
    fixture_all_near(batch_fixture_gradient(batch), golden_numbers(golden, "gradient", rondo_count(&batch->outputs)),
                     tolerance, what);
    const rondo_tensor predictions = batch_fixture_predict(batch);
    fixture_all_near(&predictions, golden_numbers(golden, "predictions", rondo_count(&predictions)), tolerance, what);
    double sums[MOST_METRICS];
    ck_assert_int_eq(batch_fixture_measure(batch, &predictions, sums), RONDO_OK);
    int count = 0;
    while (batch->loss->metrics[count].name != NULL) {
        count++;
    }
    const double *expected = golden_numbers(golden, "metrics", count);
    for (int k = 0; k < count; k++) {
        fixture_near(sums[k], expected[k], tolerance, batch->loss->metrics[k].name, number);
    }
}

double batch_fixture_mean_loss(struct batch_fixture *batch) {
    const rondo_tensor *losses = batch_fixture_losses(batch);
    double sum = 0;
    for (int64_t i = 0; i < batch->losses; i++) {
        sum += tensor_get(losses, i);
    }
    return sum / (double)batch->losses;
}

int batch_fixture_check_gradient(struct batch_fixture *batch, struct golden *golden, double tolerance) {
    enum { MOST = 256 };
    const int64_t count = rondo_count(&batch->outputs);
    const int is_small = count <= MOST;
    double found[MOST];
    const rondo_tensor *gradient = batch_fixture_gradient(batch);
    for (int64_t i = 0; i < count && is_small; i++) {
        found[i] = tensor_get(gradient, i);
    }
    for (int64_t i = 0; i < count && is_small; i++) {
        const double x = tensor_get(&batch->outputs, i), h = 1e-5;
        tensor_set(&batch->outputs, i, x + h);
        const double above = batch_fixture_mean_loss(batch);
        tensor_set(&batch->outputs, i, x - h);
        const double below = batch_fixture_mean_loss(batch);
        tensor_set(&batch->outputs, i, x);
        fixture_near(found[i], (above - below) / (2 * h), tolerance, batch->loss->base.name, i);
    }
    while (strcmp(golden_next(golden), "metrics") != 0) { /* not used here */
    }
    return is_small;
}

void batch_fixture_fill_waves(const rondo_tensor *tensor, double scale) {
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        tensor_set(tensor, i, scale * sin(1.7 * (double)i + 0.3 * (double)(i % 7)));
    }
}

void batch_fixture_check_finite(const rondo_tensor *tensor, const char *what) {
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        ck_assert_msg(isfinite(tensor_get(tensor, i)), "%s [%d] is %g", what, (int)i, tensor_get(tensor, i));
    }
}
