#include "cli/naive_scores.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* 1 if a metric has a value for forecasts without a model. */
static int has_plain_metric(const struct network *network) {
    int has_one = 0;
    for (int32_t m = 0; m < network_metric_count(network); m++) {
        has_one |= network_metric_is_plain(network, m);
    }
    return has_one;
}

/* The mean absolute error over all numbers of the scored targets, in the units of the data; NaN: there are none. */
static rondo_status measure_mae(const struct dataset *dataset, enum naive_kind kind, double *mae,
                                struct errors *errors) {
    const struct stream *target = dataset_find(dataset, "target");
    double *numbers = calloc((size_t)target->size, sizeof *numbers);
    double sum = 0;
    int64_t count = 0;
    if (numbers == NULL) {
        return errors_no_memory(errors);
    }
    for (int64_t i = 0; i < dataset->count; i++) {
        const int64_t begin = target->begin[i] + (dataset->context == NULL ? 0 : dataset->context[i]);
        for (int64_t element = begin; element < target->begin[i] + target->length[i]; element++) {
            if (!stream_has_target(target, element)) {
                continue;
            }
            naive_forecast(dataset, i, element, kind, numbers);
            for (int64_t k = 0; k < target->size; k++) {
                sum += fabs((double)stream_number(target, element, k) - numbers[k]);
            }
            count += target->size;
        }
    }
    free(numbers);
    *mae = sum / (double)count;
    return RONDO_OK;
}

rondo_status naive_scores_measure(struct naive_scores *naive, const struct task *task, const struct dataset *dataset,
                                  struct errors *errors) {
    *naive = (struct naive_scores){0};
    naive->has_only_mae = !has_plain_metric(task->network);
    for (int kind = 0; kind < NAIVE_KINDS; kind++) {
        naive->is_known[kind] = naive_is_known(dataset, kind);
        if (naive->is_known[kind] && naive->has_only_mae) {
            RONDO_TRY(measure_mae(dataset, kind, &naive->mae[kind], errors));
        } else if (naive->is_known[kind]) {
            RONDO_TRY(network_evaluate_naive(task->network, dataset, kind, task->experiment->schedule.batch,
                                             &naive->scores[kind], errors));
        }
    }
    return RONDO_OK;
}

void naive_scores_print(const struct naive_scores *naive, const struct network *network) {
    for (int kind = 0; kind < NAIVE_KINDS; kind++) {
        const char *before = ": ";
        if (!naive->is_known[kind]) {
            continue;
        }
        printf("  %s", naive_names[kind]);
        if (naive->has_only_mae) {
            printf(": mae %.4f", naive->mae[kind]);
        }
        for (int32_t m = 0; m < network_metric_count(network); m++) {
            if (network_metric_is_plain(network, m)) {
                printf("%s%s %.4f", before, network_metric_name(network, m),
                       network_metric(network, &naive->scores[kind], m));
                before = ", ";
            }
        }
        printf("\n");
    }
}

int naive_scores_json(const struct naive_scores *naive, const struct network *network, struct json_t *object) {
    json_t *baselines = json_object();
    int failed = baselines == NULL;
    for (int kind = 0; kind < NAIVE_KINDS; kind++) {
        json_t *member = naive->is_known[kind] ? json_object() : NULL;
        for (int32_t m = 0; member != NULL && m < network_metric_count(network); m++) {
            if (network_metric_is_plain(network, m)) {
                const double value = network_metric(network, &naive->scores[kind], m);
                json_t *number = isfinite(value) ? json_real(value) : json_null();
                failed |= json_object_set_new(member, network_metric_name(network, m), number) != 0;
            }
        }
        if (member != NULL && naive->has_only_mae) {
            json_t *number = isfinite(naive->mae[kind]) ? json_real(naive->mae[kind]) : json_null();
            failed |= json_object_set_new(member, "mae", number) != 0;
        }
        failed |= naive->is_known[kind] && json_object_set_new(baselines, naive_keys[kind], member) != 0;
    }
    if (json_object_size(baselines) > 0) {
        failed |= json_object_set(object, "baselines", baselines) != 0;
    }
    json_decref(baselines);
    return failed;
}
