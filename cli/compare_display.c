#include "cli/compare_display.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/print.h"
#include "io/json.h"

enum { MOST_ROWS = 30, NAME_WIDTH = 28 };

static const char *state_text(enum compared_state state) {
    static const char *const texts[] = {"missing", "running", "failed", "finished", "scored"};
    return texts[state];
}

static const char *variant_name(const struct compare_display *display, const struct phase_job *job) {
    return display->plan->comparison.variants[job->job.variant].name;
}

/* ---- lines ---- */

/* "lstm, seed 3", "lstm, trial 2, seed 1". */
static void print_job(const struct compare_display *display, const struct phase_job *job) {
    print_text(stderr, variant_name(display, job));
    if (job->trial >= 0) {
        fprintf(stderr, ", trial %d", job->trial + 1);
    }
    fprintf(stderr, ", seed %lld", (long long)job->job.seed);
}

static void print_end(const struct compare_display *display, const struct phase_job *job,
                      const struct compared_run *run) {
    const struct comparison *comparison = &display->plan->comparison;
    print_job(display, job);
    if (run->state == COMPARED_FAILED) {
        fprintf(stderr, ": failed: ");
        print_text(stderr, run->reason);
    } else if (job->is_score) {
        fprintf(stderr, ": %s %s %.4f", comparison->part, comparison->metric, run->score);
    } else {
        const int is_early = run->state == COMPARED_RUNNING || run->state == COMPARED_MISSING;
        fprintf(stderr, ": %s", is_early ? "paused" : "trained");
        if (!isnan(run->valid)) {
            fprintf(stderr, ", valid %s %.4f", comparison->metric, run->valid);
        }
        if (isnan(run->epochs)) {
            fprintf(stderr, " in the first epoch");
        } else {
            fprintf(stderr, ", %.0f epoch%s", run->epochs, run->epochs == 1 ? "" : "s");
        }
        if (!isnan(run->seconds)) {
            fprintf(stderr, ", %.1f s", run->seconds);
        }
    }
    fprintf(stderr, "\n");
}

/* ---- JSON ---- */

/* Prints the object on a line, and takes it over. */
static void print_object(json_t *object) {
    char *text = json_write(object, JSON_REAL_PRECISION(9));
    json_decref(object);
    if (text != NULL) {
        printf("%s\n", text);
        fflush(stdout);
    }
    free(text);
}

static json_t *job_json(const struct compare_display *display, const char *event, const struct phase_job *job) {
    json_t *object = json_pack("{s:s, s:s, s:o, s:I}", "event", event, "phase", display->phase->name, "variant",
                               json_text(variant_name(display, job)), "seed", (json_int_t)job->job.seed);
    if (job->trial >= 0) {
        json_object_set_new(object, "trial", json_integer(job->trial + 1));
    }
    return object;
}

static void set_number(json_t *object, const char *key, double value) {
    json_object_set_new(object, key, isfinite(value) ? json_real(value) : json_null());
}

static void print_end_json(const struct compare_display *display, const struct phase_job *job,
                           const struct compared_run *run) {
    json_t *object = job_json(display, "end", job);
    json_object_set_new(object, "state", json_string(state_text(run->state)));
    json_object_set_new(object, "reason", run->reason == NULL ? json_null() : json_text(run->reason));
    set_number(object, "valid", run->valid);
    set_number(object, "score", run->score);
    set_number(object, "epochs", run->epochs);
    set_number(object, "seconds", run->seconds);
    print_object(object);
}

/* ---- the table ---- */

static void clear_table(struct compare_display *display) {
    if (display->drawn > 0) {
        fprintf(stderr, "\033[%dA\033[J", display->drawn);
        display->drawn = 0;
    }
}

/* "1:02:03", "2:03". */
static void print_time(double seconds) {
    const long long all = (long long)(seconds + 0.5);
    if (all >= 3600) {
        fprintf(stderr, "%lld:%02lld:%02lld", all / 3600, all / 60 % 60, all % 60);
    } else {
        fprintf(stderr, "%lld:%02lld", all / 60, all % 60);
    }
}

/* The share of the work of this command that is done; 0: not known yet. */
static double done_share(const struct compare_display *display, int32_t *done) {
    double share = 0;
    *done = 0;
    for (int32_t v = 0; v < display->plan->comparison.n_variants; v++) {
        *done += display->rows[v].done + display->rows[v].failed;
        share += display->rows[v].share;
    }
    return display->n_left == 0 ? 1 : (*done + share) / display->n_left;
}

static void draw_row(const struct compare_display *display, int32_t v) {
    const struct compare_row *row = &display->rows[v];
    const char *name = display->plan->comparison.variants[v].name;
    fprintf(stderr, "  ");
    print_text_within(stderr, name, NAME_WIDTH);
    fprintf(stderr, "%*s %4d/%-4d", NAME_WIDTH - printed_width(name, NAME_WIDTH), "", row->done + row->failed,
            row->jobs);
    if (row->running > 0) {
        fprintf(stderr, "  %d running", row->running);
    } else {
        fprintf(stderr, "  %-9s", row->done + row->failed == row->jobs ? "done" : "waiting");
    }
    if (row->running > 0 && row->epochs > 0) {
        fprintf(stderr, ", epoch %.0f/%.0f", row->epoch, row->epochs);
    }
    if (!isnan(row->score)) {
        fprintf(stderr, "  %s %.4f", display->plan->comparison.metric, row->score);
    }
    if (row->n_scores > 0) {
        fprintf(stderr, "  mean %.4f", row->sum / row->n_scores);
    }
    if (row->failed > 0) {
        fprintf(stderr, "  %d failed", row->failed);
    }
    fprintf(stderr, "\n");
}

static void draw_table(struct compare_display *display) {
    const int32_t count = display->plan->comparison.n_variants;
    const double elapsed = trainer_clock() - display->start;
    int32_t done, rows = 0;
    const double share = done_share(display, &done);
    clear_table(display);
    fprintf(stderr, "%s: %d of %d", display->phase->name, done, display->n_left);
    if (share > 0.01 && elapsed > 2) {
        fprintf(stderr, ", ");
        print_time(elapsed / share * (1 - share));
        fprintf(stderr, " left");
    }
    fprintf(stderr, "\n");
    for (int32_t v = 0; v < count; v++) {
        /* Of many variants, those that run now. */
        if (count <= MOST_ROWS || (display->rows[v].running > 0 && rows < MOST_ROWS)) {
            draw_row(display, v);
            rows++;
        }
    }
    display->drawn = rows + 1;
    display->redrawn = trainer_clock();
    fflush(stderr);
}

/* ---- the observer ---- */

static void on_phase(void *arg, const struct comparison_plan *plan, const struct comparison_phase *phase) {
    struct compare_display *display = arg;
    clear_table(display);
    display->plan = plan;
    display->phase = phase;
    display->n_left = phase->n_left;
    display->start = trainer_clock();
    for (int32_t v = 0; v < plan->comparison.n_variants; v++) {
        display->rows[v] = (struct compare_row){.score = NAN};
    }
    for (int32_t i = 0; i < phase->count; i++) {
        display->rows[phase->jobs[i].job.variant].jobs += !phase->jobs[i].is_done;
    }
    if (display->output == COMPARE_JSON && phase->n_left > 0) {
        print_object(json_pack("{s:s, s:s, s:i}", "event", "phase", "phase", phase->name, "left", phase->n_left));
    } else if (display->output == COMPARE_LINES && phase->n_left > 0) {
        fprintf(stderr, "%s: %d of %d to do\n", phase->name, phase->n_left, phase->count);
    }
}

static void on_begin(void *arg, const struct phase_job *job) {
    struct compare_display *display = arg;
    display->rows[job->job.variant].running++;
    if (display->output == COMPARE_JSON) {
        print_object(job_json(display, "begin", job));
    }
}

static void on_report(void *arg, const struct phase_job *job, const struct job_progress *progress) {
    struct compare_display *display = arg;
    struct compare_row *row = &display->rows[job->job.variant];
    row->epoch = progress->epoch;
    row->epochs = progress->epochs;
    row->share = progress->share * row->running;
    row->score = isnan(progress->score) ? row->score : progress->score;
    if (display->output == COMPARE_JSON) {
        json_t *object = job_json(display, "progress", job);
        set_number(object, "epoch", progress->epoch);
        set_number(object, "share", progress->share);
        set_number(object, "valid", progress->score);
        print_object(object);
    }
}

static void on_end(void *arg, const struct phase_job *job, const struct compared_run *run) {
    struct compare_display *display = arg;
    struct compare_row *row = &display->rows[job->job.variant];
    const double score = job->is_score ? run->score : run->valid;
    row->running--;
    row->share = 0;
    row->done += run->state != COMPARED_FAILED;
    row->failed += run->state == COMPARED_FAILED;
    if (run->state != COMPARED_FAILED && !isnan(score)) {
        row->sum += score;
        row->n_scores++;
    }
    if (display->output == COMPARE_JSON) {
        print_end_json(display, job, run);
    } else if (display->output == COMPARE_LINES) {
        print_end(display, job, run);
    } else if (display->output == COMPARE_TABLE && run->state == COMPARED_FAILED) {
        clear_table(display);
        print_end(display, job, run); /* stays above the table */
        draw_table(display);
    }
}

static void on_tick(void *arg) {
    struct compare_display *display = arg;
    if (display->output == COMPARE_TABLE && display->n_left > 0 && trainer_clock() - display->redrawn > 0.25) {
        draw_table(display);
    }
}

struct comparison_observer compare_display_observer(struct compare_display *display) {
    return (struct comparison_observer){
        .phase = on_phase, .begin = on_begin, .report = on_report, .end = on_end, .tick = on_tick, .arg = display};
}

void compare_display_close(struct compare_display *display) {
    clear_table(display);
}
