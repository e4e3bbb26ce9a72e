/* tests/test_nonfinite.c: values that are not finite during a training: what is reported, what an update that is left out
 * changes, and where a run goes back to.
 *
 * The dropout of the cells below gives infinity to a few of their values, by random words that depend on the step only.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"
#include "tests/session_fixture.h"
#include "tests/suite.h"
#include "tiny.h"
#include "train/resume.h"
#include "train/train.h"

#define BURSTS(equation) "cell: bursts\nsource: nobody\nstate: [h]\nequations: |\n  h' = " equation "\n"

#define CARRY(cell, schedule)                                                                                          \
    "rondo: 1\nname: carry\narchitecture: \"N:N\"\n"                                                                   \
    "data: {reader: characters, train: text.txt, window: 5, carry: true}\n"                                            \
    "model: {feedback: true, embedding: {size: 4}, layers: [{cell: " cell ", hidden: 4}]}\n"                           \
    "loss: {plugin: softmax_cross_entropy}\noptimizer: {plugin: adam}\nschedule: {epochs: 6, batch: 3" schedule "}\n"

#define DIVERGING(lr, schedule) DIVERGING_WITH(lr, "", schedule)
#define DIVERGING_WITH(lr, wrappers, schedule)                                                                         \
    "rondo: 1\nname: diverging\narchitecture: \"N:1\"\n"                                                               \
    "data: {reader: text, train: three.tsv, valid: three.tsv, columns: {text: 0, label: 1}, target: number}\n"         \
    "model: {embedding: {size: 4}, layers: [{cell: rnn_tanh, hidden: 4}]}\n"                                           \
    "loss: {plugin: squared_error}\noptimizer: {plugin: sgd, lr: " lr wrappers "}\n"                                   \
    "schedule: {epochs: 9, batch: 1, on_nonfinite: rollback" schedule "}\n"

static void open_sandbox(void) {
    sandbox_open();
    tiny_write();
    /* The loss becomes infinite. */
    sandbox_write("loss.yaml", BURSTS("tanh(x @ W + h @ U) * exp(dropout(sigmoid(x @ V), rate=0.995))"));
    /* tanh hides the infinite value from the loss: only the gradient is not finite. */
    sandbox_write("gradient.yaml", BURSTS("tanh(x @ W + h @ U + exp(dropout(sigmoid(x @ V), rate=0.995)))"));
    sandbox_write("text.txt", "tea and soup and pie and tea and bread and fish and rice and tea and soup and bread\n");
    sandbox_write("carry.yaml", CARRY("loss.yaml", ""));
    /* c is infinite after 23 steps, which only the text for validation has. */
    sandbox_write("grows.yaml", "cell: grows\nsource: nobody\nstate: [h, c]\nequations: |\n  c' = 50 * c + 1\n"
                                "  h' = tanh(x @ W + h @ U) * (1 - 0 * c)\n");
    sandbox_write("short.txt", "tea and soup and pie and tea and soup\n");
    sandbox_write("carry_grows.yaml", CARRY("grows.yaml", ""));
    sandbox_write("carry_gradient.yaml", CARRY("gradient.yaml", ""));
    tiny_edit("loss_run.yaml",
              "model:", "model: {embedding: {size: 4}, layers: [{cell: loss.yaml, hidden: 4}], pool: mean}");
    tiny_edit("gradient_run.yaml",
              "model:", "model: {embedding: {size: 4}, layers: [{cell: gradient.yaml, hidden: 4}], pool: mean}");
    tiny_edit("always_run.yaml",
              "model:", "model: {embedding: {size: 4}, layers: [{cell: loss.yaml, hidden: 64}], pool: mean}");
    tiny_edit("late_run.yaml",
              "optimizer:", "optimizer: {plugin: fails_late, how: not_finite}\nplugins: [fails_late.so]");
    char plugin[1024];
    snprintf(plugin, sizeof plugin, "%s/fails_late.so", variable("RONDO_TEST_BAD"));
    sandbox_copy(plugin, "fails_late.so");
    sandbox_write("large.tsv", "tea\t1e9\nsoup\t-1e9\n");
    tiny_edit("large_run.yaml", "loss:", "loss: {plugin: squared_error}");
    sandbox_write("three.tsv", "tea\t1e9\nsoup\t-1e9\ncake\t3\n");
    sandbox_write("diverging.yaml", DIVERGING("5", ""));
    sandbox_write(
        "often.yaml",
        DIVERGING("5", ", validate: {steps: 5}, checkpoint: {every: {steps: 4}, keep: 1}, rollback_factor: 0.05"));
    sandbox_write(
        "start.yaml",
        DIVERGING("1000", ", validate: {epochs: 9}, checkpoint: {every: {steps: 100}}, rollback_factor: 0.001"));
    sandbox_write("composite.yaml",
                  DIVERGING_WITH("5", ", momentum: 0.5, wrappers: [{plugin: ema}]",
                                 ", accumulate: 2, learning_rate: {plugin: plateau}, validate: {steps: 5}, "
                                 "rollback_factor: 0.01, checkpoint: {every: {steps: 7}}, "
                                 "early_stopping: {metric: [valid.loss, valid.mae], patience: 100}"));
    sandbox_write("validation.yaml", DIVERGING("1000", ", rollback_factor: 0.001"));
    sandbox_write("carry_skip.yaml", CARRY("loss.yaml", ", on_nonfinite: skip"));
}

/* ---- the command ---- */

#define LARGE                                                                                                          \
    "--set data.target=number --set data.train=large.tsv --set data.valid=large.tsv --set optimizer.plugin=sgd "       \
    "--set optimizer.lr=1000 "

static const struct {
    const char *what, *arguments;
    int status;
    const char *parts; /* of standard error, or of standard output with status 0 */
} commands[] = {
    {"the loss", "loss_run.yaml", 1,
     "the loss is not finite; it began with op 'exp' in layers.0.forward |, in example | (counted from 0)|"
     "training stopped in epoch |, at step |: batch | of 3, with examples |"},
    {"the norms of the updates before", "loss_run.yaml --set schedule.seed=3", 1,
     "gradient norm of the update before: |; loss: |schedule.clip_norm (now 0: no limit) or a smaller optimizer.lr|; "
     "schedule.on_nonfinite: skip leaves"},
    {"the gradient", "gradient_run.yaml", 1,
     "the gradient of 'embedding.W' is not finite; it began with op 'exp' in layers.0.forward, and of the gradients "
     "with "
     "the backward pass of op 'exp' in layers.0.forward|training stopped in epoch |, at step |: batch "},
    {"the gradient, with the engine tape", "gradient_run.yaml --engine=tape", 1,
     "and of the gradients with the backward pass of op 'exp' in layers.0.forward"},
    {"one of several batches",
     "loss_run.yaml --set schedule.epochs=30 --set schedule.accumulate=3 --set schedule.batch=4", 1,
     "training stopped in epoch |, at step |: batch | of 6, with examples "},
    {"the first update has none before", "always_run.yaml", 1, "at step 1: batch 1 of 3"},
    {"a value after an update", "late_run.yaml", 1,
     "the value is not finite after update 5|in epoch 2, at step 5: batch 2 of 3"},
    {"a value after an update of several batches", "late_run.yaml --set schedule.accumulate=2 --set schedule.batch=4",
     1, "at step 5: batches 3 to 4 of 6, with examples"},
    {"a value cannot be skipped",
     "late_run.yaml --set schedule.on_nonfinite=skip --set schedule.checkpoint.every.steps=3", 1,
     "the value is not finite after update 5|this update has changed weights, so it cannot be skipped|"
     " --set schedule.on_nonfinite=rollback\n"},
    {"a validation", "large_run.yaml --set schedule.epochs=1000 --set schedule.batch=1 " LARGE, 1,
     "the loss is not finite|stopped at the validation of epoch |, after step |gradient norms of the |the weights of "
     "epoch "},
    {"a validation of windows that carry states",
     "carry_grows.yaml --set data.train=short.txt --set data.valid=text.txt --set schedule.batch=3", 1,
     "the loss is not finite; it began with op 'mul' in layers.0.forward|stopped at the validation of epoch 1"},
    {"a validation cannot be skipped",
     "large_run.yaml --set schedule.on_nonfinite=skip --set schedule.epochs=1000 --set schedule.batch=1 " LARGE, 1,
     "the loss is not finite|stopped at the validation of epoch "},
    {"skipped for the loss", "loss_run.yaml --set schedule.on_nonfinite=skip", 0, ", 1 update skipped, valid loss "},
    {"skipped for the gradient", "gradient_run.yaml --set schedule.on_nonfinite=skip", 0,
     ", 1 update skipped, valid loss "},
    {"skipped, as JSON", "loss_run.yaml --set schedule.on_nonfinite=skip --json", 0, "\"skipped\": "},
    {"nothing to skip", "e.yaml --set schedule.on_nonfinite=skip --json", 0, "\"skipped\": 0"},
    {"too many",
     "always_run.yaml --set schedule.on_nonfinite=skip --set schedule.nonfinite_limit=3 --set "
     "schedule.checkpoint.every.steps=3",
     1,
     "3 updates have been skipped, and schedule.nonfinite_limit allows no more|in epoch 2, at step 4|"
     "to go on: rondo train --resume run| --set schedule.nonfinite_limit=6\n"},
    {"back from a loss, a gradient and a validation", "diverging.yaml", 0, " rollbacks, valid loss "},
    {"back, as JSON", "diverging.yaml --json", 0, "\"rollbacks\": |\"skipped\": 0"},
    {"back from a value", "late_run.yaml --set schedule.on_nonfinite=rollback --set schedule.nonfinite_limit=2", 1,
     "the value is not finite after update 5|the training has gone back 2 times, and schedule.nonfinite_limit allows "
     "no more|the checkpoint of epoch 1|to go on: rondo train --resume run| --set schedule.nonfinite_limit=4\n"},
    {"back from the first update", "always_run.yaml --set schedule.on_nonfinite=rollback", 1,
     "at step 1: batch 1 of 3|has gone back 10 times"},
    {"a stop names the way on", "late_run.yaml --set schedule.checkpoint.every.steps=3", 1,
     "the checkpoint of epoch 1 is in |to go on: rondo train --resume run| --set schedule.on_nonfinite=rollback"},
};

START_TEST(a_value_that_is_not_finite_is_reported) {
    char line[512];
    snprintf(line, sizeof line, "train %s --quiet --out run%d", commands[_i].arguments, _i);
    const struct outcome outcome = sandbox_run((struct call){.arguments = line});
    assert_status(commands[_i].what, &outcome, commands[_i].status);
    assert_parts(commands[_i].what, commands[_i].status == 0 ? outcome.out : outcome.err, commands[_i].parts);
    const int is_first = strstr(commands[_i].what, "first update") != NULL;
    ck_assert(!is_first || strstr(outcome.err, "gradient norm") == NULL); /* nothing before it can have grown */
}
END_TEST

START_TEST(a_skipped_update_is_in_the_log_and_is_announced) {
    const struct outcome outcome =
        sandbox_run((struct call){.arguments = "train loss_run.yaml --out logged --set schedule.on_nonfinite=skip"});
    assert_status("skip", &outcome, 0);
    assert_parts("skip", outcome.err, "step | of epoch | is skipped: the loss is not finite; it began with ");
    assert_parts("skip", sandbox_read("logged/metrics.jsonl", NULL), "\"skipped\":");
    const struct outcome plain = sandbox_run((struct call){.arguments = "train e.yaml --quiet --out plain"});
    assert_status("plain", &plain, 0);
    ck_assert_ptr_null(strstr(sandbox_read("plain/metrics.jsonl", NULL), "skipped"));
}
END_TEST

/* ---- the state of a training ---- */

enum { MOST_STEPS = 64 };

/* A training with its state after each update. */
struct recording {
    struct archive *states[MOST_STEPS + 1]; /* by the number of updates */
    int is_skipped[MOST_STEPS + 1];
    int64_t steps, skipped;
};

static rondo_status record_update(void *arg, const struct trainer_progress *progress, struct errors *errors) {
    struct recording *recording = arg;
    (void)errors;
    ck_assert_int_le(progress->steps, MOST_STEPS);
    recording->is_skipped[progress->steps] = progress->skip_reason != NULL;
    return RONDO_OK;
}

static rondo_status record_state(void *arg, enum trainer_pause why, const struct trainer_progress *progress,
                                 const struct training *training, struct errors *errors) {
    struct recording *recording = arg;
    (void)why, (void)errors;
    recording->states[progress->steps] = archive_create();
    trainer_save(training, recording->states[progress->steps]);
    ck_assert(!archive_is_failed(recording->states[progress->steps]));
    return RONDO_OK;
}

/* Trains an experiment of the sandbox, from the start or from a state. */
static void record(const char *file, const char *const *assignments, struct archive *from,
                   struct recording *recording) {
    char path[1024];
    snprintf(path, sizeof path, "%s", sandbox_path("%s", file));
    struct task *task = task_open(path, assignments, session, TASK_TRAIN | TASK_VALID, &support.errors);
    ck_assert_msg(task != NULL, "%s", support_error(&support));
    support_ok(&support, model_initialise(network_model(task->network), from == NULL ? 1 : 2, NULL, &support.errors),
               "initialise");
    struct trainer_settings settings = train_settings(task);
    const struct trainer_observer observer = {.update_end = record_update, .pause = record_state, .arg = recording};
    struct trainer_result result;
    settings.resume = from;
    support_ok(
        &support,
        trainer_run(task->network, task->data.train, task->data.valid, &settings, &observer, &result, &support.errors),
        "training");
    recording->steps = result.steps;
    recording->skipped = result.skipped;
    task_destroy(task);
}

static void forget(struct recording *recording) {
    for (int64_t step = 0; step <= MOST_STEPS; step++) {
        archive_destroy(recording->states[step]);
    }
}

static const struct archive_entry *find_entry(const struct archive *archive, const char *name) {
    for (int32_t i = 0; i < archive_count(archive); i++) {
        if (strcmp(archive_entry(archive, i)->name, name) == 0) {
            return archive_entry(archive, i);
        }
    }
    return NULL;
}

/* The name of an entry of `a` that `b` does not have with the same bytes; NULL: there is none. `but`: names that begin with
 * one of these are left out. */
static const char *difference(const struct archive *a, const struct archive *b, const char *const *but) {
    for (int32_t i = 0; i < archive_count(a); i++) {
        const struct archive_entry *one = archive_entry(a, i), *two = find_entry(b, one->name);
        int is_left_out = 0;
        for (const char *const *name = but; *name != NULL; name++) {
            is_left_out |= strncmp(one->name, *name, strlen(*name)) == 0;
        }
        if (!is_left_out &&
            (two == NULL || one->bytes != two->bytes || memcmp(one->data, two->data, one->bytes) != 0)) {
            return one->name;
        }
    }
    return NULL;
}

static const char *const counters[] = {"trainer.", "best.", NULL}, *const measured[] = {"trainer.interval_seconds",
                                                                                        NULL};

static const struct {
    const char *file;
    const char *assignments[4];
} trainings[] = {
    {"loss_run.yaml", {NULL}},
    {"gradient_run.yaml", {NULL}},
    {"loss_run.yaml", {"schedule.accumulate=2", "schedule.batch=4", NULL}},
    {"gradient_run.yaml", {"schedule.accumulate=2", "schedule.batch=4", "schedule.validate.steps=2", NULL}},
    {"carry.yaml", {NULL}},
    {"carry.yaml", {"schedule.accumulate=2", NULL}},
    {"carry_gradient.yaml", {NULL}},
    {"carry_gradient.yaml", {"schedule.accumulate=2", NULL}},
};

/* The row of `trainings`, with skips. */
static void record_row(int row, struct archive *from, struct recording *recording) {
    const char *assignments[6];
    int count = 0;
    for (; trainings[row].assignments[count] != NULL; count++) {
        assignments[count] = trainings[row].assignments[count];
    }
    assignments[count++] = "schedule.on_nonfinite=skip";
    assignments[count] = NULL;
    record(trainings[row].file, assignments, from, recording);
}

/* Weights, slots and carried states. */
START_TEST(a_skipped_update_changes_nothing) {
    struct recording recording = {.steps = 0};
    int64_t skipped = 0;
    record_row(_i, NULL, &recording);
    for (int64_t step = 1; step <= recording.steps; step++) {
        skipped += recording.is_skipped[step];
        if (step > 1) {
            const char *changed = difference(recording.states[step - 1], recording.states[step], counters);
            ck_assert_msg((changed == NULL) == recording.is_skipped[step], "step %d: %s", (int)step,
                          changed == NULL ? "the same" : changed);
        }
    }
    ck_assert_int_gt(skipped, 0);
    ck_assert_int_lt(skipped, recording.steps);
    ck_assert_int_eq(skipped, recording.skipped);
    forget(&recording);
}
END_TEST

START_TEST(a_training_with_skips_goes_on_from_any_update) {
    struct recording alone = {.steps = 0};
    record_row(_i, NULL, &alone);
    for (int64_t step = 1; step < alone.steps; step++) {
        struct recording resumed = {.steps = 0};
        record_row(_i, alone.states[step], &resumed);
        ck_assert_int_eq(resumed.steps, alone.steps);
        ck_assert_int_eq(resumed.skipped, alone.skipped);
        const char *changed = difference(alone.states[alone.steps], resumed.states[alone.steps], measured);
        ck_assert_msg(changed == NULL, "from step %d: %s", (int)step, changed);
        forget(&resumed);
    }
    forget(&alone);
}
END_TEST

START_TEST(skips_do_not_depend_on_threads) {
    struct recording one = {.steps = 0}, two = {.steps = 0};
    record_row(_i, NULL, &one);
    session_restart(2);
    record_row(_i, NULL, &two);
    ck_assert_int_eq(one.skipped, two.skipped);
    const char *changed = difference(one.states[one.steps], two.states[two.steps], measured);
    ck_assert_msg(changed == NULL, "%s", changed);
    forget(&one);
    forget(&two);
}
END_TEST

/* ---- going back ---- */

/* What the command prints and logs. */
START_TEST(a_rollback_is_in_the_log_and_is_announced) {
    const struct outcome outcome = sandbox_run((struct call){.arguments = "train diverging.yaml --out back"});
    assert_status("back", &outcome, 0);
    assert_parts("back", outcome.err,
                 "back to the checkpoint after step |, learning rate times 0.5: the loss is not finite");
    const char *metrics = sandbox_read("back/metrics.jsonl", NULL), *timings = sandbox_read("back/timings.jsonl", NULL);
    assert_parts("back", metrics, "{\"rollback\":|\"lr_factor\":0.");
    int lines = 0, times = 0;
    for (const char *at = metrics; (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    for (const char *at = timings; (at = strchr(at, '\n')) != NULL; at++) {
        times++;
    }
    ck_assert_int_eq(lines, times);
}
END_TEST

static void assert_same_file(const char *one_in, const char *two_in, const char *name) {
    char one[64], two[64];
    size_t one_size, two_size;
    snprintf(one, sizeof one, "%s/%s", one_in, name);
    snprintf(two, sizeof two, "%s/%s", two_in, name);
    const char *a = sandbox_read(one, &one_size), *b = sandbox_read(two, &two_size);
    ck_assert_msg(one_size == two_size && memcmp(a, b, one_size) == 0, "%s and %s differ", one, two);
}

/* The checkpoint is intact, and is the state before the update that failed. */
START_TEST(a_run_that_stopped_goes_on_as_if_it_had_always_skipped) {
    static const struct {
        const char *arguments;
        int status;
    } calls[] = {{"train loss_run.yaml --quiet --out stopped --set schedule.checkpoint.every.steps=1", 1},
                 {"train --resume stopped --quiet --set schedule.on_nonfinite=skip", 0},
                 {"train loss_run.yaml --quiet --out skipping --set schedule.on_nonfinite=skip", 0}};
    for (int i = 0; i < ROWS(calls); i++) {
        const struct outcome outcome = sandbox_run((struct call){.arguments = calls[i].arguments});
        assert_status(calls[i].arguments, &outcome, calls[i].status);
    }
    assert_same_file("stopped", "skipping", "metrics.jsonl");
    assert_same_file("stopped", "skipping", "weights.safetensors");
}
END_TEST

#define LONG "--set schedule.epochs=4 --set schedule.validate.epochs=4 --set schedule.checkpoint.every.steps=100"

/* Before the first checkpoint there are only the initial weights: the run becomes that of a lower learning rate. A factor
 * that is a power of two multiplies without rounding. */
START_TEST(going_back_to_the_start_is_training_with_a_lower_rate) {
    const struct outcome back =
        sandbox_run((struct call){.arguments = "train diverging.yaml --out to_start --set optimizer.lr=1000 --set "
                                               "schedule.rollback_factor=0.0009765625 " LONG});
    assert_status("back", &back, 0);
    assert_parts("back", back.err, "back to the initial weights, learning rate times 0.000976562");
    const struct outcome low =
        sandbox_run((struct call){.arguments = "train diverging.yaml --out low --set optimizer.lr=0.9765625 " LONG});
    assert_status("low", &low, 0);
    ck_assert_ptr_null(strstr(low.err, "back to"));
    size_t one, two;
    const char *a = sandbox_read("to_start/weights.safetensors", &one);
    const char *b = sandbox_read("low/weights.safetensors", &two);
    ck_assert_uint_eq(one, two);
    ck_assert_int_eq(memcmp(a, b, one), 0);
}
END_TEST

/* The end of a run, in a process of its own, at one of its events: updates, validations and rollbacks. */
enum end { NO_END, KILLED, KILLED_BY_FAILURE, INTERRUPTED };
enum { MOST_EVENTS = 256 };
struct ending {
    enum end end;
    int64_t event; /* the run ends at this one, from 1 */
    int64_t events, rollbacks;
    char is_failure[MOST_EVENTS + 1]; /* by event: 1 for a rollback, or an update that is left out */
};

static void note_event(struct ending *ending, int is_failure) {
    ck_assert_int_lt(++ending->events, MOST_EVENTS);
    ending->is_failure[ending->events] = (char)is_failure;
    if ((ending->end == KILLED && ending->events == ending->event) ||
        (ending->end == KILLED_BY_FAILURE && is_failure)) {
        _exit(9);
    }
}

static void note_update(void *arg, const struct trainer_progress *progress) {
    note_event(arg, progress->skip_reason != NULL);
}

static void note_interval(void *arg, const struct trainer_progress *progress) {
    (void)progress;
    note_event(arg, 0);
}

static void note_rollback(void *arg, int64_t rollbacks, int64_t step, double lr_factor, const char *reason) {
    struct ending *ending = arg;
    (void)rollbacks, (void)step, (void)lr_factor, (void)reason;
    ending->rollbacks++;
    note_event(ending, 1);
}

static int is_over(void *arg) {
    const struct ending *ending = arg;
    return ending->end == INTERRUPTED && ending->events >= ending->event;
}

struct numbers {
    int64_t status, events, rollbacks;
    char is_failure[MOST_EVENTS + 1];
};

/* Trains in `folder`, or goes on in it. */
static struct numbers run_to(const char *experiment, const char *folder, int resumes, enum end end, int64_t event) {
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        struct errors errors = {0}, notes = {0};
        struct ending ending = {.end = end, .event = event};
        const struct session_settings settings = {.threads = 1 + resumes}; /* threads do not matter */
        struct session *own = session_create(&settings, &errors);
        const struct train_observer observer = {
            .update_end = note_update, .interval_end = note_interval, .rollback = note_rollback, .arg = &ending};
        struct train_result result;
        char path[1024];
        snprintf(path, sizeof path, "%s", sandbox_path("%s", experiment));
        own->interrupt = (struct interrupt){.is_requested = is_over, .arg = &ending};
        struct numbers numbers = {.status = RONDO_INTERNAL};
        struct resume resume;
        if (resumes) {
            const struct resume_settings again = {.folder = sandbox_path("%s", folder)};
            numbers.status = resume_open(&resume, &again, own, &notes, &errors);
            numbers.status =
                numbers.status == RONDO_OK ? train_resume(&resume, &observer, &result, &errors) : numbers.status;
        } else {
            struct task *task = task_open(path, NULL, own, TASK_TRAIN | TASK_VALID, &errors);
            numbers.status = task == NULL
                                 ? errors.status
                                 : train_experiment(task, sandbox_path("%s", folder), &observer, &result, &errors);
        }
        numbers.events = ending.events;
        numbers.rollbacks = ending.rollbacks;
        memcpy(numbers.is_failure, ending.is_failure, sizeof numbers.is_failure);
        for (int32_t i = 0; i < errors.count && numbers.status != RONDO_INTERRUPTED; i++) {
            fprintf(stderr, "%s\n", errors_text(&errors, i));
        }
        _exit(write(ends[1], &numbers, sizeof numbers) == (ssize_t)sizeof numbers ? 0 : 1);
    }
    struct numbers numbers = {.status = -1};
    int status;
    close(ends[1]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    if (WEXITSTATUS(status) == 0) {
        ck_assert_int_eq(read(ends[0], &numbers, sizeof numbers), sizeof numbers);
    }
    ck_assert_int_eq(WEXITSTATUS(status), numbers.status == -1 ? 9 : 0);
    close(ends[0]);
    return numbers;
}

static const struct {
    const char *experiment;
    enum end end;
    int rolls_back;
} endings[] = {
    {"diverging.yaml", KILLED, 1},       {"diverging.yaml", INTERRUPTED, 1}, {"often.yaml", KILLED, 1},
    {"often.yaml", INTERRUPTED, 1},      {"composite.yaml", KILLED, 1},      {"validation.yaml", INTERRUPTED, 1},
    {"start.yaml", KILLED, 1},           {"start.yaml", INTERRUPTED, 1},     {"carry_skip.yaml", KILLED, 0},
    {"carry_skip.yaml", INTERRUPTED, 0},
};

/* Wherever a run ends, also between a rollback and the next checkpoint, it goes on to the same bytes: tried at each event
 * close to a failure, and at every fifth other one. */
START_TEST(a_run_that_skips_or_goes_back_can_end_anywhere) {
    const char *experiment = endings[_i].experiment;
    char alone_in[32], ended_in[32];
    snprintf(alone_in, sizeof alone_in, "alone%d", _i);
    const struct numbers alone = run_to(experiment, alone_in, 0, NO_END, 0);
    ck_assert_int_eq(alone.status, RONDO_OK);
    ck_assert_int_eq(alone.rollbacks > 0, endings[_i].rolls_back);
    for (int64_t event = 1; event <= alone.events; event++) {
        int is_near = 0;
        for (int64_t near = event - 1; near <= event + 4; near++) {
            is_near |= near <= alone.events && alone.is_failure[near];
        }
        if (!is_near && event % 5 != 1) {
            continue;
        }
        snprintf(ended_in, sizeof ended_in, "ended%d-%d", _i, (int)event);
        const struct numbers ended = run_to(experiment, ended_in, 0, endings[_i].end, event);
        if (ended.status != RONDO_OK) { /* the last event may be the end itself */
            ck_assert_int_eq(ended.status, endings[_i].end == KILLED ? -1 : RONDO_INTERRUPTED);
            ck_assert_int_eq(run_to(experiment, ended_in, 1, NO_END, 0).status, RONDO_OK);
        }
        assert_same_file(alone_in, ended_in, "metrics.jsonl");
        assert_same_file(alone_in, ended_in, "weights.safetensors");
        if (strcmp(experiment, "composite.yaml") == 0) {
            assert_same_file(alone_in, ended_in, "weights.mae.safetensors");
        }
        sandbox_remove(ended_in);
    }
}
END_TEST

/* A checkpoint of an interrupt knows the length of a log that a rollback cuts. The run is interrupted after a rollback; killed by
 * the next one, to the same checkpoint; and goes on. */
START_TEST(a_rollback_removes_the_checkpoints_after_that_which_it_goes_to) {
    const struct numbers alone = run_to("diverging.yaml", "alone", 0, NO_END, 0);
    int64_t tried = 0;
    for (int64_t event = 1; event <= alone.events; event++) {
        if (alone.is_failure[event]) {
            ck_assert_int_eq(run_to("diverging.yaml", "ended", 0, INTERRUPTED, event + 1).status, RONDO_INTERRUPTED);
            tried += run_to("diverging.yaml", "ended", 1, KILLED_BY_FAILURE, 0).status == -1;
            ck_assert_int_eq(run_to("diverging.yaml", "ended", 1, NO_END, 0).status, RONDO_OK);
            assert_same_file("alone", "ended", "metrics.jsonl");
            sandbox_remove("ended");
        }
    }
    ck_assert_int_gt(tried, 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("values that are not finite");
    TCase *cases = tcase_create("command");
    tcase_set_timeout(cases, 240);
    tcase_add_unchecked_fixture(cases, open_sandbox, sandbox_close);
    tcase_add_loop_test(cases, a_value_that_is_not_finite_is_reported, 0, ROWS(commands));
    tcase_add_test(cases, a_skipped_update_is_in_the_log_and_is_announced);
    tcase_add_test(cases, a_run_that_stopped_goes_on_as_if_it_had_always_skipped);
    tcase_add_test(cases, a_rollback_is_in_the_log_and_is_announced);
    tcase_add_test(cases, going_back_to_the_start_is_training_with_a_lower_rate);
    tcase_add_loop_test(cases, a_run_that_skips_or_goes_back_can_end_anywhere, 0, ROWS(endings));
    tcase_add_test(cases, a_rollback_removes_the_checkpoints_after_that_which_it_goes_to);
    suite_add_tcase(suite, cases);
    TCase *states = add_case(suite, "state", 120, session_setup, session_teardown);
    tcase_add_unchecked_fixture(states, open_sandbox, sandbox_close);
    tcase_add_loop_test(states, a_skipped_update_changes_nothing, 0, ROWS(trainings));
    tcase_add_loop_test(states, a_training_with_skips_goes_on_from_any_update, 0, ROWS(trainings));
    tcase_add_loop_test(states, skips_do_not_depend_on_threads, 0, ROWS(trainings));
    return run_suite(suite);
}
