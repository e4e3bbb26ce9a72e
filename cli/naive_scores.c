#include "cli/naive_scores.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

/* 1 if a metric has a value for forecasts without a model. */
static int has_plain_metric(const struct network *network) {
    int has_one = 0;
    for (int32_t m = 0; m < network_metric_count(network); m++) {
        has_one |= network_metric_is_plain(network, m);
    }
    return has_one;
}

rondo_status naive_scores_measure(struct naive_scores *naive, const struct task *task, const struct dataset *dataset,
                                  struct errors *errors) {
    *naive = (struct naive_scores){0};
    for (int kind = 0; kind < NAIVE_KINDS; kind++) {
        if (naive_is_known(dataset, kind) && has_plain_metric(task->network)) {
            naive->is_known[kind] = 1;
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
        failed |= naive->is_known[kind] && json_object_set_new(baselines, naive_keys[kind], member) != 0;
    }
    if (json_object_size(baselines) > 0) {
        failed |= json_object_set(object, "baselines", baselines) != 0;
    }
    json_decref(baselines);
    return failed;
}
