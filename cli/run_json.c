#include "cli/run_json.h"

#include <math.h>

#include "cli/run_keys.h"
#include "io/json.h"

static json_t *text_json(const char *text) {
    return text == NULL ? json_null() : json_text(text);
}

static json_t *number_json(double number) {
    return isfinite(number) ? json_real(number) : json_null();
}

static json_t *count_json(int64_t count) {
    return count < 0 ? json_null() : json_integer((json_int_t)count);
}

static json_t *values_json(struct json_builder *builder, const struct run_values *values) {
    json_t *object = json_object();
    for (int32_t i = 0; i < values->count; i++) {
        json_set(builder, object, values->items[i].key, json_text(values->items[i].text));
    }
    return object;
}

json_t *run_json(struct json_builder *builder, const struct run_summary *run) {
    json_t *object = json_object(), *scores = json_object();
    for (int32_t i = 0; i < run->n_scores; i++) {
        json_set(builder, scores, run->scores[i].name, number_json(run->scores[i].value));
    }
    json_set(builder, object, "run", json_text(run->folder));
    json_set(builder, object, "state", json_string(run_state_name(run->state)));
    json_set(builder, object, "reason", text_json(run->reason));
    json_set(builder, object, "name", text_json(run->name));
    json_set(builder, object, "metric", text_json(run->metric));
    json_set(builder, object, "score", number_json(run->metric == NULL ? NAN : run_summary_score(run, run->metric)));
    json_set(builder, object, "epochs", count_json(run->epochs));
    json_set(builder, object, "steps", count_json(run->steps));
    json_set(builder, object, "best_epoch", count_json(run->best_epoch));
    json_set(builder, object, "best_step", count_json(run->best_step));
    json_set(builder, object, "stopped_early", json_boolean(run->stopped_early));
    json_set(builder, object, "checkpoint", count_json(run->checkpoint));
    json_set(builder, object, "parameters", count_json(run->parameters));
    json_set(builder, object, "bytes", count_json(run->bytes));
    json_set(builder, object, "foreign_files", count_json(run->foreign));
    json_set(builder, object, "started",
             text_json(run->started < 0 ? NULL : run_utc_text(run->started, builder->arena)));
    json_set(builder, object, "seconds", number_json(run->seconds));
    json_set(builder, object, "memory_megabytes", number_json(run->memory));
    json_set(builder, object, "rondo", text_json(run->version));
    json_set(builder, object, "scores", scores);
    json_set(builder, object, "values", values_json(builder, &run->values));
    json_set(builder, object, "contents", values_json(builder, &run->contents));
    return object;
}

json_t *seed_group_json(struct json_builder *builder, const struct seed_group *group) {
    json_t *object = json_object(), *runs = json_array();
    const char *metric = seed_group_metric(group);
    const struct seed_band band =
        metric == NULL ? (struct seed_band){0, NAN, NAN, NAN, NAN} : seed_group_band(group, metric);
    for (int32_t i = 0; i < group->count; i++) {
        json_append(builder, runs, run_json(builder, group->runs[i]));
    }
    json_set(builder, object, "folder", json_text(group->folder));
    json_set(builder, object, "varies", values_json(builder, &group->varies));
    json_set(builder, object, "metric", text_json(metric));
    json_set(builder, object, "count", json_integer(band.count));
    json_set(builder, object, "mean", number_json(band.mean));
    json_set(builder, object, "deviation", number_json(band.deviation));
    json_set(builder, object, "runs", runs);
    return object;
}
