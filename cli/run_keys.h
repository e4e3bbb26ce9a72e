/* cli/run_keys.h: everything that can be asked of a run by a name, for filters, columns and orders of `rondo runs`:
 *
 *     facts     run, state, name, metric, score, epochs, steps, best_epoch, best_step, parameters, size, date, seconds, memory, version
 *     keys      of its experiment: optimizer.lr, model.layers.0.cell
 *     scores    valid.accuracy, test.loss; loss means valid.loss, or train.loss without validation data
 *
 * Threads: main thread.
 */
#ifndef RONDO_CLI_RUN_KEYS_H
#define RONDO_CLI_RUN_KEYS_H

#include "store/run_summary.h"

/* What a run says to a name. */
struct run_answer {
    const char *text; /* NULL: nothing */
    double number;    /* NaN: it is no number */
    int is_score;
};
/* From `arena`. */
struct run_answer run_answer(const struct run_summary *run, const char *key, struct arena *arena);

/* Checks that some run knows the key. RONDO_NOT_FOUND with an error at `flag`, which names the nearest key. */
rondo_status run_key_check(const char *flag, const char *key, const struct run_summary *runs, int32_t count,
                           struct errors *errors);

/* One condition of --where: "optimizer.lr=0.01", "valid.accuracy>0.9", "model.layers.0.cell!=lstm". */
enum run_relation { RUN_EQUAL, RUN_NOT_EQUAL, RUN_LESS, RUN_LESS_EQUAL, RUN_GREATER, RUN_GREATER_EQUAL };
struct run_condition {
    const char *key, *value;
    enum run_relation relation;
};
rondo_status run_condition_read(const char *text, struct run_condition *condition, struct arena *arena,
                                struct errors *errors);
/* Numbers are compared as numbers, all else as texts. A run without the key fulfils only "!=". */
int run_condition_holds(const struct run_condition *condition, const struct run_summary *run, struct arena *arena);

/* Texts for people; from `arena`. */
const char *run_score_text(double value, struct arena *arena);      /* "0.9120" */
const char *run_size_text(int64_t bytes, struct arena *arena);      /* "66 kB" */
const char *run_date_text(int64_t seconds, struct arena *arena);    /* "2026-11-29 23:25", local time */
const char *run_utc_text(int64_t seconds, struct arena *arena);     /* "2026-11-29T23:25:02Z"; NULL: it is no date */
const char *run_count_text(int64_t count, struct arena *arena);     /* "289"; "" for -1 */
const char *run_duration_text(double seconds, struct arena *arena); /* "1:02:03 h" */
/* "unfinished at step 40", "damaged: reader.json is missing" */
const char *run_state_text(const struct run_summary *run, struct arena *arena);

#endif
