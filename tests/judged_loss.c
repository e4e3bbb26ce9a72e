/* tests/judged_loss.c: see tests/judged_loss.h. */
#define _POSIX_C_SOURCE 200809L
#include "judged_loss.h"

#include <math.h>
#include <string.h>

static struct host_call judged_host(const struct judged *judged) {
    struct host_call host = fixture_host(judged->loss->base.name);
    host.recorder = tape_recorder(fixture.tape);
    return host;
}

struct judged judge(const char *name, const char *kind, int64_t target_size, int64_t rows, const char *options,
                    int32_t dtype) {
    const rondo_loss *loss = (const rondo_loss *)fixture_find(RONDO_KIND_LOSS, name);
    struct judged judged = {.loss = loss, .rows = rows, .losses = rows};
    judged.call = (rondo_loss_call){.struct_size = sizeof judged.call,
                                    .target_kind = strcmp(kind, "class") == 0  ? RONDO_TARGET_CLASS
                                                   : strcmp(kind, "real") == 0 ? RONDO_TARGET_REAL
                                                                               : RONDO_TARGET_LIST,
                                    .options = fixture_options(&loss->base, options),
                                    .target_size = target_size};
    ck_assert_msg(judged.call.options != NULL, "%s", fixture_first_error());
    struct host_call host = judged_host(&judged);
    int64_t size = 0;
    ck_assert_int_eq(loss->output_size(&host.base, &judged.call, &size), RONDO_OK);
    judged.outputs = fixture_tensor(dtype, 2, rows, size);
    judged.targets =
        strcmp(kind, "real") == 0 ? fixture_tensor(dtype, 2, rows, target_size) : fixture_tensor(RONDO_I32, 1, rows, 0);
    return judged;
}

static int64_t *numbers(int64_t count) {
    int64_t *memory = arena_alloc(fixture.arena, sizeof *memory * (size_t)count);
    ck_assert_ptr_nonnull(memory);
    memset(memory, 0, sizeof *memory * (size_t)count);
    return memory;
}

void judged_lay_out(struct judged *judged, int64_t count, const double *lengths, const double *list_lengths) {
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
    ck_assert_int_eq(begin[steps_of[0]], judged->rows);
    judged->sequences = (rondo_sequences){.struct_size = sizeof judged->sequences,
                                          .count = count,
                                          .steps = steps_of[0],
                                          .lengths = steps_of,
                                          .begin = begin,
                                          .target_begin = list_begin};
    judged->losses = count;
    judged->targets = fixture_tensor(RONDO_I32, 1, list_begin[count], 0);
}

rondo_value judged_record(struct judged *judged, rondo_value *outputs) {
    judged->call.sequences = judged->sequences.count > 0 ? &judged->sequences : NULL;
    tape_reset(fixture.tape);
    *outputs = tape_parameter(fixture.tape, "outputs", &judged->outputs, NULL);
    const rondo_value targets = tape_constant(fixture.tape, &judged->targets);
    struct host_call host = judged_host(judged);
    return judged->loss->record(&host.base, &judged->call, *outputs, targets);
}

const rondo_tensor *judged_losses(struct judged *judged) {
    rondo_value outputs;
    const rondo_tensor *losses = tape_tensor(fixture.tape, judged_record(judged, &outputs));
    ck_assert_msg(losses != NULL, "%s", fixture_first_error());
    ck_assert_int_eq(losses->ndim, 1);
    ck_assert_int_eq(losses->shape[0], judged->losses);
    return losses;
}

const rondo_tensor *judged_gradient(struct judged *judged) {
    rondo_value outputs;
    const rondo_value losses = judged_record(judged, &outputs);
    const rondo_value mean = tape_apply_named(fixture.tape, "mean", NULL, &losses, 1);
    ck_assert_msg(tape_backward(fixture.tape, mean) == RONDO_OK, "%s", fixture_first_error());
    const rondo_tensor *gradient = tape_gradient(fixture.tape, outputs);
    ck_assert_ptr_nonnull(gradient);
    return gradient;
}

rondo_tensor judged_predict(const struct judged *judged) {
    if (judged->loss->predict == NULL) {
        return judged->outputs;
    }
    struct host_call host = judged_host(judged);
    int64_t size = judged->call.target_size;
    if (judged->loss->prediction_size != NULL) {
        ck_assert_int_eq(judged->loss->prediction_size(&host.base, &judged->call, &size), RONDO_OK);
    }
    const rondo_tensor predictions = fixture_tensor(judged->outputs.dtype, 2, judged->rows, size);
    const rondo_status status = judged->loss->predict(&host.base, &judged->call, &judged->outputs, &predictions);
    ck_assert_int_eq(host_result(&host, status), RONDO_OK);
    return predictions;
}

rondo_status judged_measure(struct judged *judged, const rondo_tensor *predictions, double *sums) {
    judged->call.sequences = judged->sequences.count > 0 ? &judged->sequences : NULL;
    struct host_call host = judged_host(judged);
    memset(sums, 0, sizeof *sums * MOST_METRICS);
    return host_result(&host, judged->loss->measure(&host.base, &judged->call, predictions, &judged->targets, sums));
}

void judged_waves(const rondo_tensor *tensor, double scale) {
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        tensor_set(tensor, i, scale * sin(1.7 * (double)i + 0.3 * (double)(i % 7)));
    }
}

void judged_finite(const rondo_tensor *tensor, const char *what) {
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        ck_assert_msg(isfinite(tensor_get(tensor, i)), "%s [%d] is %g", what, (int)i, tensor_get(tensor, i));
    }
}
