/* tests/test_training_keys.c: the sections `loss`, `optimizer` and `schedule`: their effect on a run, the places of
 * mistakes, and the end of a run whose plug-in fails. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

static void setup(void) {
    sandbox_open();
    tiny_write();
    char bad[1024];
    snprintf(bad, sizeof bad, "%s/fails_late.so", variable("RONDO_TEST_BAD"));
    sandbox_copy(bad, "fails_late.so");
}

/* ---- what is refused ---- */

static const struct {
    const char *name, *key, *line, *parts; /* lines 6, 7 and 8 are loss, optimizer and schedule */
} refused[] = {
    {"a wrapper as the optimizer", "optimizer:", "optimizer: {plugin: lookahead}",
     "bad.yaml:7:21: 'lookahead' goes around an optimizer: name it under 'optimizer.wrappers'"},
    {"an optimizer as a wrapper", "optimizer:", "optimizer: {plugin: sgd, wrappers: [{plugin: adam}]}",
     "bad.yaml:7:46: 'adam' is an optimizer and not a wrapper: name it as 'optimizer.plugin'"},
    {"an unknown wrapper", "optimizer:", "optimizer: {plugin: sgd, wrappers: [{plugin: lookahed}]}",
     "bad.yaml:7:46: unknown optimizer 'lookahed' (did you mean 'lookahead'?)"},
    {"an option that a wrapper has not", "optimizer:", "optimizer: {plugin: sgd, wrappers: [{plugin: ema, deca: 0.5}]}",
     "bad.yaml:7:51: unknown key 'deca' in optimizer.wrappers.0 (did you mean 'decay'?)"},
    {"two averages", "optimizer:", "optimizer: {plugin: sgd, wrappers: [{plugin: ema}, {plugin: swa}]}",
     "bad.yaml:7:61: 'swa' and 'ema' both keep the weights to evaluate: take one of them"},
    {"wrappers that are no list", "optimizer:", "optimizer: {plugin: sgd, wrappers: {plugin: ema}}",
     "bad.yaml:7:36: 'optimizer.wrappers' must be a list"},
    {"groups that are no list", "optimizer:", "optimizer: {plugin: sgd, groups: {match: x}}",
     "bad.yaml:7:34: 'optimizer.groups' must be a list"},
    {"a group without a pattern", "optimizer:", "optimizer: {plugin: sgd, groups: [{lr: 1}]}",
     "bad.yaml:7:35: 'optimizer.groups.0.match' must be a pattern of parameter names"},
    {"a group of an unknown option", "optimizer:", "optimizer: {plugin: sgd, groups: [{match: \"*\", rl: 1}]}",
     "bad.yaml:7:48: unknown key 'rl' in optimizer.groups.0 (did you mean 'lr'?)"},
    {"a group out of range", "optimizer:", "optimizer: {plugin: sgd, groups: [{match: \"*\", lr: -1}]}",
     "bad.yaml:7:52: 'lr' is -1, expected a number in [0, 1000]"},
    {"a group whose options do not go together", "optimizer:",
     "optimizer: {plugin: sgd, groups: [{match: \"*\", nesterov: true}]}", "bad.yaml:7:58: sgd: 'nesterov' is true"},
    {"a group of nothing", "optimizer:", "optimizer: {plugin: sgd, groups: [{match: \"layers.0.U_x\", lr: 1}]}",
     "bad.yaml:7:35: no parameter's name fits 'layers.0.U_x' (did you mean 'layers.0.U_"},
    {"a group behind a wider one",
     "optimizer:", "optimizer: {plugin: sgd, groups: [{match: \"*\", lr: 1}, {match: \"head.*\", lr: 2}]}",
     "bad.yaml:7:56: every parameter of optimizer.groups.1 belongs to an earlier group, such as number 0"},
    {"a pattern of several that fits nothing",
     "optimizer:", "optimizer: {plugin: sgd, groups: [{match: [\"head.*\", \"embeding.*\"], lr: 1}]}",
     "bad.yaml:7:35: no parameter's name fits 'embeding.*' (did you mean 'embedding."},
    {"an option of frozen parameters",
     "optimizer:", "optimizer: {plugin: sgd, groups: [{match: \"head.*\", frozen: true, lr: 1}]}",
     "bad.yaml:7:67: 'optimizer.groups.0.lr' is not used: the parameters of the group are frozen"},
    {"a group that changes nothing", "optimizer:", "optimizer: {plugin: sgd, groups: [{match: \"head.*\"}]}",
     "bad.yaml:7:35: 'optimizer.groups.0' changes nothing"},
    {"a wrapper twice", "optimizer:", "optimizer: {plugin: sgd, wrappers: [{plugin: ema}, {plugin: ema}]}",
     "bad.yaml:7:61: 'ema' is a wrapper already"},
    {"a rise that never ends", "schedule:", "schedule: {epochs: 2, batch: 8, warmup: {steps: 7}}",
     "bad.yaml:8:41: 'schedule.warmup' is 7 updates long and the run 6 (3 per epoch): the learning rate would never"},
    {"a rise that leaves nothing",
     "schedule:", "schedule: {epochs: 2, warmup: {epochs: 2}, learning_rate: {plugin: cosine}}",
     "(1 per epoch): nothing is left for 'schedule.learning_rate'"},
    {"a sum of nothing but zeros", "loss:", "loss: {sum: [{plugin: hinge, weight: 0}]}",
     "bad.yaml:6:13: every 'weight' of 'loss.sum' is 0"},
    {"weights of classes that are all zero", "loss:", "loss: {plugin: softmax_cross_entropy, class_weights: [0, 0]}",
     "'class_weights' are all 0"},
    {"a margin beside a soft one", "loss:", "loss: {plugin: triplet, soft_margin: true, margin: 3}",
     "bad.yaml:6:52: triplet: 'margin' is 3, and is not used if 'soft_margin' is true"},
    {"mistakes that data and model tell, at once",
     "schedule:", "schedule: {epochs: 1, warmup: {epochs: 9}, early_stopping: {metric: valid.acuracy}}",
     "there is no metric 'valid.acuracy'|'schedule.warmup' is 9 updates long and the run 1"},
    {"everything frozen", "optimizer:", "optimizer: {plugin: sgd, groups: [{match: \"*\", frozen: true}]}",
     "bad.yaml:7:35: all parameters are frozen: there is nothing to train"},
    {"an unknown schedule", "schedule:", "schedule: {learning_rate: {plugin: cosin}}",
     "bad.yaml:8:36: unknown schedule 'cosin' (did you mean 'cosine'?)"},
    {"a schedule without its unit", "schedule:", "schedule: {learning_rate: {plugin: step, every: 3}}", "'unit'"},
    {"a warm-up without a length", "schedule:", "schedule: {warmup: {from: 0.5}}",
     "bad.yaml:8:20: 'schedule.warmup' has no length, expected {steps: N} or {epochs: N}"},
    {"a warm-up with two lengths", "schedule:", "schedule: {warmup: {steps: 3, epochs: 1}}",
     "bad.yaml:8:31: 'schedule.warmup' has both 'steps' and 'epochs', expected one of them"},
    {"a warm-up in another unit", "schedule:", "schedule: {warmup: {minutes: 3}}",
     "bad.yaml:8:21: unknown key 'minutes' in schedule.warmup, expected one of steps, epochs, from"},
    {"part of an update", "schedule:", "schedule: {warmup: {steps: 1.5}}", "bad.yaml:8:28: 'steps' is "},
    {"a warm-up as it was written before", "schedule:", "schedule: {warmup: {length: 3, unit: epochs}}",
     "bad.yaml:8:21: 'length' and 'unit' of 'schedule.warmup' are now one key: write {epochs: 3}"},
    {"a warm-up as it was written before, without a unit", "schedule:", "schedule: {warmup: {length: 3}}",
     "bad.yaml:8:21: 'length' and 'unit' of 'schedule.warmup' are now one key: write {steps: N}"},
    {"a warm-up that is a number", "schedule:", "schedule: {warmup: 3}", "bad.yaml:8:20: 'warmup' must be a mapping"},
    {"validation never", "schedule:", "schedule: {validate: {steps: 0}}",
     "bad.yaml:8:30: 'schedule.validate.steps' is 0, expected more"},
    {"validation at two times", "schedule:", "schedule: {validate: {epochs: 1, steps: 2}}",
     "bad.yaml:8:23: 'schedule.validate' has both 'steps' and 'epochs', expected one of them"},
    {"validation by the clock", "schedule:", "schedule: {validate: {minutes: 2}}",
     "bad.yaml:8:23: unknown key 'minutes' in schedule.validate"},
    {"batches of nothing", "schedule:", "schedule: {batch: 0}",
     "bad.yaml:8:19: 'batch' is 0, expected an integer in [1, 65536]"},
    {"batches of no step", "schedule:", "schedule: {batch: {steps: 0}}", "bad.yaml:8:27: 'steps' is 0, expected "},
    {"batches by another measure", "schedule:", "schedule: {batch: {tokens: 9}}",
     "bad.yaml:8:20: unknown key 'tokens' in schedule.batch|'steps'"},
    {"batches in a list", "schedule:", "schedule: {batch: [8]}",
     "bad.yaml:8:19: 'schedule.batch' must be a number of examples, or {steps: N}"},
    {"batches in quotes", "schedule:", "schedule: {batch: \"8\"}",
     "bad.yaml:8:19: 'schedule.batch' must be a number of examples, or {steps: N}"},
    {"updates of no batch", "schedule:", "schedule: {accumulate: 0}",
     "bad.yaml:8:24: 'accumulate' is 0, expected an integer in [1, 65536]"},
    {"a sum of nothing", "loss:", "loss: {sum: []}", "bad.yaml:6:13: 'loss.sum' must be a list of losses"},
    {"a sum beside a plug-in", "loss:", "loss: {plugin: hinge, sum: [{plugin: hinge}]}",
     "bad.yaml:6:8: 'loss' has both 'plugin' and 'sum', expected one of them"},
    {"a sum of other outputs",
     "loss:", "loss: {sum: [{plugin: softmax_cross_entropy}, {plugin: sigmoid_cross_entropy}]}",
     "bad.yaml:6:56: 'sigmoid_cross_entropy' wants 1 outputs a row and 'softmax_cross_entropy' 2"},
    {"a sum with a loss that computes its own outputs",
     "loss:", "loss: {sum: [{plugin: softmax_cross_entropy}, {plugin: sampled_softmax}]}",
     "bad.yaml:6:56: 'sampled_softmax' computes its own outputs, so it cannot be part of a sum"},
    {"a negative weight", "loss:", "loss: {sum: [{plugin: hinge, weight: -1}]}", "bad.yaml:6:38: 'weight' is -1"},
    {"a wrong number of class weights", "loss:", "loss: {plugin: softmax_cross_entropy, class_weights: [1, 2, 3]}",
     "bad.yaml:6:54: 'class_weights' has 3 numbers, expected one for each of 2 classes"},
    {"an option with the name of a key", "loss:", "loss: {plugin: hinge, weight: 2}",
     "bad.yaml:6:23: unknown key 'weight' in loss"},
    {"several mistakes at once", "optimizer:", "optimizer: {plugin: sgd, lr: -1, wrappers: [{plugin: adam}]}",
     "'lr' is -1|'adam' is an optimizer"},
};

START_TEST(a_mistake_is_told_at_its_place) {
    tiny_edit("bad.yaml", refused[_i].key, refused[_i].line);
    const struct outcome outcome = sandbox_run((struct call){.arguments = "check bad.yaml"});
    assert_status(refused[_i].name, &outcome, 2);
    assert_parts(refused[_i].name, outcome.err, refused[_i].parts);
}
END_TEST

START_TEST(a_schedule_that_watches_needs_something_to_watch) {
    tiny_edit("bad.yaml", "data:", "data: {reader: text, train: train.tsv}");
    const struct outcome outcome =
        sandbox_run((struct call){.arguments = "check bad.yaml --set schedule.learning_rate.plugin=plateau"});
    assert_status("plateau", &outcome, 2);
    assert_parts("plateau", outcome.err, "'plateau' watches a metric on validation data: give 'data.valid'");
}
END_TEST

/* ---- runs that must give the same weights ---- */

/* Trains with these arguments and gives the bytes of the weights. */
static const char *train(const char *name, const char *arguments, size_t *size) {
    char line[1024], weights[64];
    snprintf(line, sizeof line, "train e.yaml --quiet --out %s %s", name, arguments);
    const struct outcome outcome = sandbox_run((struct call){.arguments = line});
    assert_status(arguments, &outcome, 0);
    snprintf(weights, sizeof weights, "%s/weights.safetensors", name);
    const char *bytes = sandbox_read(weights, size);
    sandbox_remove(name);
    return bytes;
}

static const struct {
    const char *name, *first, *second;
    int same;
} pairs[] = {
    {"another optimizer", "--set optimizer.plugin=adam", "--set optimizer.plugin=adamax", 0},
    {"lookahead that never looks", "--set optimizer.lr=0.05",
     "--set optimizer.wrappers.0.plugin=lookahead --set optimizer.wrappers.0.period=1000", 1},
    {"lookahead", "--set optimizer.lr=0.05",
     "--set optimizer.wrappers.0.plugin=lookahead --set optimizer.wrappers.0.period=2", 0},
    {"an average of the last weights alone", "--set optimizer.lr=0.05",
     "--set optimizer.wrappers.0.plugin=ema --set optimizer.wrappers.0.decay=0", 1},
    {"an average", "--set optimizer.lr=0.05",
     "--set optimizer.wrappers.0.plugin=ema --set optimizer.wrappers.0.decay=0.9", 0},
    {"an average that never moves", "--set optimizer.lr=0 --set schedule.epochs=1",
     "--set optimizer.wrappers.0.plugin=swa --set optimizer.wrappers.0.start=1 --set "
     "optimizer.wrappers.0.period=1000000000 --set schedule.epochs=1",
     0},
    {"centralised gradients", "--set optimizer.lr=0.05", "--set optimizer.wrappers.0.plugin=centralise", 0},
    {"half the rate by a schedule", "--set optimizer.lr=0.025",
     "--set schedule.learning_rate.plugin=constant --set schedule.learning_rate.factor=0.5", 1},
    {"no rise", "--set optimizer.lr=0.05", "--set schedule.warmup.epochs=0", 1},
    {"a rise that is none", "--set optimizer.lr=0.05", "--set schedule.warmup.steps=5 --set schedule.warmup.from=1", 1},
    {"a rise in epochs", "--set schedule.warmup.epochs=2", "--set schedule.warmup.steps=6", 1},
    {"a rise over half an epoch", "--set schedule.warmup.epochs=0.5", "--set schedule.warmup.steps=2", 1},
    {"a rise", "--set optimizer.lr=0.05", "--set schedule.warmup.steps=5", 0},
    {"a group with what all have", "--set optimizer.lr=0.05",
     "--set optimizer.groups.0.match=layers* --set optimizer.groups.0.lr=0.05", 1},
    {"a group with a rate of its own", "--set optimizer.lr=0.05",
     "--set optimizer.groups.0.match=layers* --set optimizer.groups.0.lr=0.01", 0},
    {"nothing moves: frozen, or no rate", "--set optimizer.lr=0 --set schedule.epochs=1",
     "--set optimizer.lr=0 --set optimizer.groups.0.match=layers* --set optimizer.groups.0.frozen=true", 1},
    {"one batch per update", "--set optimizer.lr=0.05", "--set schedule.accumulate=1", 1},
    {"three batches per update", "--set schedule.epochs=3", "--set schedule.epochs=9 --set schedule.accumulate=3", 0},
    {"all examples in a batch", "--set schedule.batch=24", "--set schedule.batch={\"steps\":1000}", 1},
    {"batches of few steps", "--set optimizer.lr=0.05", "--set schedule.batch={\"steps\":16}", 0},
    {"validation at the end of each epoch", "--set optimizer.lr=0.05", "--set schedule.validate.steps=3", 1},
    {"validation after every other epoch, and the end", "--set schedule.validate.epochs=2",
     "--set schedule.validate.steps=6", 1},
    {"a sum of one", "--set optimizer.lr=0.05", "--set loss={} --set loss.sum.0.plugin=softmax_cross_entropy", 1},
    {"lazy rows without memory", "--set optimizer.plugin=sgd",
     "--set optimizer.plugin=sgd --set model.embedding.lazy=true", 1},
    {"lazy rows", "--set optimizer.lr=0.05", "--set model.embedding.lazy=true", 0},
    {"a key that is taken away", "--set optimizer.lr=0.05", "--set optimizer.beta1=0.5 --set optimizer.beta1=null", 1},
    {"a sum of two halves", "--set optimizer.lr=0.05",
     "--set loss={} --set loss.sum.0.plugin=hinge --set loss.sum.1.plugin=softmax_cross_entropy", 0},
};

START_TEST(what_should_train_the_same_does) {
    size_t first_size, second_size;
    const char *first = train("first", pairs[_i].first, &first_size);
    const char *second = train("second", pairs[_i].second, &second_size);
    ck_assert_int_eq(first_size, second_size);
    ck_assert_msg((memcmp(first, second, first_size) == 0) == pairs[_i].same, "%s: %s weights", pairs[_i].name,
                  pairs[_i].same ? "other" : "the same");
}
END_TEST

/* ---- the plug-ins that Rondo ships ---- */

/* The optimizers and wrappers that Rondo ships, by the names of their files. */
static int shipped(const char **names, int most) {
    char folder[1024];
    snprintf(folder, sizeof folder, "%s/optimizers", variable("RONDO_TEST_PLUGINS"));
    DIR *stream = opendir(folder);
    ck_assert_msg(stream != NULL, "cannot read '%s'", folder);
    int count = 0;
    for (const struct dirent *item; (item = readdir(stream)) != NULL;) {
        const size_t length = strlen(item->d_name);
        if (length > 3 && strcmp(item->d_name + length - 3, ".so") == 0) {
            ck_assert_int_lt(count, most);
            char *name = sandbox_memory(length);
            memcpy(name, item->d_name, length - 3);
            name[length - 3] = '\0';
            names[count++] = name;
        }
    }
    closedir(stream);
    return count;
}

static int is_wrapper(const char *name) {
    static const char *const wrappers[] = {"centralise", "ema", "lookahead", "swa"};
    for (int i = 0; i < ROWS(wrappers); i++) {
        if (strcmp(wrappers[i], name) == 0) {
            return 1;
        }
    }
    return 0;
}

START_TEST(every_optimizer_is_swapped_in_by_one_set) {
    const char *names[64];
    const int count = shipped(names, ROWS(names));
    int optimizers = 0;
    for (int i = 0; i < count; i++) {
        char arguments[256];
        snprintf(arguments, sizeof arguments, "train e.yaml --quiet --json --out %s --set optimizer.%splugin=%s",
                 names[i], is_wrapper(names[i]) ? "wrappers.0." : "", names[i]);
        const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
        assert_status(names[i], &outcome, 0);
        assert_parts(names[i], outcome.out, "\"accuracy\"");
        sandbox_remove(names[i]);
        optimizers += !is_wrapper(names[i]);
    }
    ck_assert_int_ge(optimizers, 17);
}
END_TEST

/* ---- other losses ---- */

static const struct {
    const char *name, *arguments, *trained, *predicted; /* parts of what `train` and `predict` print */
} losses[] = {
    {"two heads",
     "--set loss={} --set loss.sum.0.plugin=softmax_cross_entropy --set loss.sum.0.weight=0.5 --set "
     "loss.sum.1.plugin=hinge",
     "accuracy|perplexity|softmax_cross_entropy_loss|hinge_loss", "great\t|other\t"},
    {"an embedding", "--set loss.plugin=triplet --set loss.size=3", "valid loss ", "\t"},
    {"its own outputs", "--set loss.plugin=sampled_softmax --set loss.samples=1", "accuracy", "great\t|other\t"},
    {"curvature from drawn targets", "--set optimizer.plugin=sophia --set optimizer.period=1", "accuracy", "great\t"},
};

START_TEST(a_loss_of_another_kind_trains_and_predicts) {
    char arguments[512];
    snprintf(arguments, sizeof arguments, "train e.yaml --quiet --out other --set schedule.epochs=10 %s",
             losses[_i].arguments);
    const struct outcome trained = sandbox_run((struct call){.arguments = arguments});
    assert_status(losses[_i].name, &trained, 0);
    assert_parts(losses[_i].name, trained.out, losses[_i].trained);
    const struct outcome predicted =
        sandbox_run((struct call){.arguments = "predict other", .input = "tea lovely\nsoup awful\n"});
    assert_status(losses[_i].name, &predicted, 0);
    assert_parts(losses[_i].name, predicted.out, losses[_i].predicted);
    sandbox_remove("other");
}
END_TEST

/* The losses of the heads are computed anyway; metrics that need predictions are computed only on the validation
 * data. */
START_TEST(epochs_record_the_loss_of_every_head_of_a_sum) {
    const struct outcome trained =
        sandbox_run((struct call){.arguments = "train e.yaml --quiet --out heads --set schedule.epochs=1 --set loss={} "
                                               "--set loss.sum.0.plugin=softmax_cross_entropy --set "
                                               "loss.sum.1.plugin=hinge --set loss.sum.2.plugin=hinge"});
    assert_status("train", &trained, 0);
    json_t *line = json_loads(sandbox_read("heads/metrics.jsonl", NULL), JSON_DISABLE_EOF_CHECK, NULL);
    static const char *const all_losses[] = {"loss", "softmax_cross_entropy_loss", "hinge_loss", "hinge_loss_2"};
    static const char *const others[] = {"accuracy", "perplexity"};
    const json_t *train = json_object_get(line, "train"), *valid = json_object_get(line, "valid");
    ck_assert_uint_eq(json_object_size(train), ROWS(all_losses));
    ck_assert_uint_eq(json_object_size(valid), ROWS(all_losses) + ROWS(others));
    for (int i = 0; i < ROWS(all_losses); i++) {
        ck_assert_msg(json_is_real(json_object_get(train, all_losses[i])), "train has no %s", all_losses[i]);
        ck_assert_msg(json_is_real(json_object_get(valid, all_losses[i])), "valid has no %s", all_losses[i]);
    }
    for (int i = 0; i < ROWS(others); i++) {
        ck_assert_msg(json_is_real(json_object_get(valid, others[i])), "valid has no %s", others[i]);
    }
    const double sum = json_real_value(json_object_get(train, all_losses[1])) +
                       2 * json_real_value(json_object_get(train, all_losses[2]));
    ck_assert_double_eq_tol(json_real_value(json_object_get(train, "loss")), sum, 1e-5);
    json_decref(line);
    sandbox_remove("heads");
}
END_TEST

START_TEST(curvature_needs_predictions_of_classes) {
    const struct outcome outcome =
        sandbox_run((struct call){.arguments = "check e.yaml --set optimizer.plugin=sophia --set loss.plugin=triplet"});
    assert_status("sophia", &outcome, 2);
    assert_parts("sophia", outcome.err,
                 "'sophia' draws targets from predictions, so it needs a loss that predicts probabilities of classes, "
                 "and 'triplet' does not");
}
END_TEST

/* ---- the schedule in the output ---- */

START_TEST(the_schedule_is_drawn_and_recorded) {
    const struct outcome checked =
        sandbox_run((struct call){.arguments = "check e.yaml --set schedule.learning_rate.plugin=polynomial "
                                               "--set schedule.warmup.epochs=1"});
    assert_status("check", &checked, 0);
    assert_parts("check", checked.out, "learning rate\n|0.05|update (3 per epoch)|9\n");
    const struct outcome trained =
        sandbox_run((struct call){.arguments = "train e.yaml --quiet --out drawn --set "
                                               "schedule.learning_rate.plugin=constant --set "
                                               "schedule.learning_rate.factor=0.25"});
    assert_status("train", &trained, 0);
    assert_parts("train", sandbox_read("drawn/metrics.jsonl", NULL), "\"lr_scale\":0.25");
    sandbox_remove("drawn");
}
END_TEST

/* ---- validation inside an epoch ---- */

START_TEST(every_validation_has_a_line) {
    const struct outcome trained = sandbox_run(
        (struct call){.arguments = "train e.yaml --out lines --set schedule.validate.steps=2 --set optimizer.lr=0.01"});
    assert_status("train", &trained, 0);
    assert_parts(
        "train", trained.err,
        "epoch 1/3, update 2/3  train loss|epoch 2/3, update 1/3  train|epoch 2/3  train|update 2/3|epoch 3/3  ");
    static const int steps[] = {2, 4, 6, 8, 9}, epochs[] = {1, 2, 2, 3, 3};
    const char *line = sandbox_read("lines/metrics.jsonl", NULL);
    int best_step = 0;
    for (int i = 0; i < ROWS(steps); i++, line = strchr(line, '\n') + 1) {
        json_t *object = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
        ck_assert_int_eq(json_integer_value(json_object_get(object, "step")), steps[i]);
        ck_assert_int_eq(json_integer_value(json_object_get(object, "epoch")), epochs[i]);
        ck_assert(json_is_real(json_object_get(json_object_get(object, "valid"), "loss")));
        best_step = json_is_true(json_object_get(object, "best")) ? steps[i] : best_step;
        json_decref(object);
    }
    json_t *end = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
    ck_assert_int_eq(json_integer_value(json_object_get(end, "best_step")), best_step);
    ck_assert_int_eq(json_integer_value(json_object_get(end, "steps")), 9);
    json_decref(end);
    sandbox_remove("lines");
}
END_TEST

/* With a learning rate of 0 no validation is better than the first. */
START_TEST(patience_counts_validations) {
    const struct outcome trained =
        sandbox_run((struct call){.arguments = "train e.yaml --quiet --out patient --set optimizer.lr=0 --set "
                                               "schedule.validate.steps=2 --set schedule.early_stopping.patience=2"});
    assert_status("train", &trained, 0);
    assert_parts("train", trained.out, "best epoch 1 (step 2) of 2 (stopped early)");
    sandbox_remove("patient");
}
END_TEST

/* The figure that `rondo eval RUN --on valid` prints for a metric. */
static double evaluated(const char *flags, const char *metric) {
    char arguments[200];
    snprintf(arguments, sizeof arguments, "eval kept --on valid --json %s", flags);
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(arguments, &outcome, 0);
    json_t *object = json_loads(outcome.out, 0, NULL);
    const double value = json_real_value(json_object_get(object, metric));
    json_decref(object);
    return value;
}

/* A learning rate so high that the loss gets worse while the accuracy gets better. */
START_TEST(a_run_keeps_the_best_weights_by_each_metric) {
    const struct outcome trained = sandbox_run(
        (struct call){.arguments = "train e.yaml --quiet --out kept --set schedule.epochs=6 --set optimizer.lr=0.4 "
                                   "--set schedule.early_stopping.metric=[valid.accuracy,loss]"});
    assert_status("train", &trained, 2);
    assert_parts("train", trained.err, "there is no metric 'loss' (did you mean 'valid.loss'?)");
    const struct outcome again = sandbox_run(
        (struct call){.arguments = "train e.yaml --quiet --out kept --set schedule.epochs=6 --set optimizer.lr=0.4 "
                                   "--set schedule.early_stopping.metric=[valid.accuracy,valid.loss]"});
    assert_status("train", &again, 0);
    double loss = HUGE_VAL, accuracy = -1;
    int loss_step = 0, accuracy_step = 0, loss_kept = 0;
    const char *line = sandbox_read("kept/metrics.jsonl", NULL);
    for (int i = 0; i < 6; i++, line = strchr(line, '\n') + 1) {
        json_t *object = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL), *valid = json_object_get(object, "valid");
        const double own_loss = json_real_value(json_object_get(valid, "loss"));
        const double own_accuracy = json_real_value(json_object_get(valid, "accuracy"));
        const int step = (int)json_integer_value(json_object_get(object, "step"));
        loss_step = own_loss < loss ? step : loss_step;
        loss = own_loss < loss ? own_loss : loss;
        accuracy_step = own_accuracy > accuracy ? step : accuracy_step;
        accuracy = own_accuracy > accuracy ? own_accuracy : accuracy;
        const char *by = json_string_value(json_array_get(json_object_get(object, "best_by"), 0));
        loss_kept = by != NULL && strcmp(by, "loss") == 0 ? step : loss_kept;
        json_decref(object);
    }
    ck_assert_int_ne(loss_step, accuracy_step);
    ck_assert_int_eq(loss_step, loss_kept);
    const double rounding = 1e-6; /* of a line of metrics.jsonl, and of batches of another size */
    ck_assert_double_eq_tol(evaluated("", "accuracy"), accuracy, rounding);
    ck_assert_double_eq_tol(evaluated("--best accuracy", "accuracy"), accuracy, rounding);
    ck_assert_double_eq_tol(evaluated("--best loss", "loss"), loss, rounding);
    ck_assert_double_eq_tol(evaluated("--best valid.loss", "loss"), loss, rounding);
    ck_assert_double_gt(evaluated("", "loss"), loss + rounding);
    const struct outcome unknown =
        sandbox_run((struct call){.arguments = "predict kept --best acuracy", .input = "x\n"});
    assert_status("predict", &unknown, 2);
    assert_parts("predict", unknown.err,
                 "--best: the run has no best weights by 'acuracy' (did you mean 'accuracy'?), expected one of "
                 "'schedule.early_stopping.metric': valid.accuracy, valid.loss");
    sandbox_remove("kept");
}
END_TEST

START_TEST(validation_needs_data) {
    tiny_edit("bad.yaml", "data:", "data: {reader: text, train: train.tsv}");
    const struct outcome outcome =
        sandbox_run((struct call){.arguments = "check bad.yaml --set schedule.validate.steps=3"});
    assert_status("validate", &outcome, 2);
    assert_parts("validate", outcome.err, "'schedule.validate' is not used without validation data: give 'data.valid'");
}
END_TEST

static const struct {
    const char *name, *arguments, *parts;
} counted[] = {
    {"updates of two batches", "--set schedule.accumulate=2", "update (2 per epoch)|6\n"},
    {"updates of more batches than an epoch has", "--set schedule.accumulate=50", "update (1 per epoch)|3\n"},
    {"batches of steps", "--set schedule.batch={\"steps\":1}", "update (24 per epoch)|72\n"},
};

START_TEST(the_length_of_an_epoch_follows_from_its_batches) {
    char line[256];
    snprintf(line, sizeof line, "check e.yaml --set schedule.learning_rate.plugin=cosine %s", counted[_i].arguments);
    const struct outcome outcome = sandbox_run((struct call){.arguments = line});
    assert_status(counted[_i].name, &outcome, 0);
    assert_parts(counted[_i].name, outcome.out, counted[_i].parts);
}
END_TEST

/* ---- rows of embeddings ---- */

static const struct {
    const char *arguments;
    int status;
    const char *parts; /* of what `check` prints */
} row_updates[] = {
    {"e.yaml --set model.embedding.lazy=true --set optimizer.plugin=muon", 2,
     "--set model.embedding.lazy=true: 'model.embedding.lazy' needs an optimizer and wrappers that process each "
     "element by itself, and 'muon' needs whole parameters"},
    {"e.yaml --set model.embedding.input.lazy=true --set optimizer.wrappers.0.plugin=centralise", 2,
     "'model.embedding.input.lazy' needs|'centralise' needs whole parameters"},
    {"tied.yaml --set model.embedding.lazy=true", 2,
     "'model.embedding.lazy' is not used: the head uses the same vectors (model.head.tie)"},
    {"tied.yaml --set model.embedding.lazy=true --set loss.plugin=sampled_softmax", 0, "parameters"},
    {"tied.yaml --set model.embedding.lazy=true --set loss.plugin=sampled_softmax --set optimizer.plugin=sophia", 2,
     "'model.embedding.lazy' is not used: the head uses the same vectors (model.head.tie)"},
    {"tied.yaml --set loss.plugin=sampled_softmax", 0,
     "embedding.W: every update processes all |rows, because of 'adam'; with model.embedding.lazy, only those that "
     "occur"},
    {"e.yaml", 0,
     "embedding.W: every update processes all |rows, because of 'adam'; with model.embedding.lazy, only those that "
     "occur"},
    {"e.yaml --set optimizer.plugin=muon", 0, "rows, because of 'muon'\n"},
    {"e.yaml --set optimizer.plugin=sgd --set optimizer.wrappers.0.plugin=lookahead", 0, "because of 'lookahead'\n"},
};

START_TEST(what_an_update_of_an_embedding_processes_is_checked) {
    char arguments[256];
    sandbox_write("letters.txt", "tea and soup and pie and tea and bread and fish and rice and tea and soup\n");
    tiny_edit("tied.yaml", NULL,
              "rondo: 1\narchitecture: \"N:N\"\ndata: {reader: characters, train: letters.txt}\n"
              "model: {feedback: true, embedding: {size: 4}, layers: [{cell: gru, hidden: 4}], head: {tie: true}}\n"
              "loss: {plugin: softmax_cross_entropy}\noptimizer: {plugin: adam}\n");
    snprintf(arguments, sizeof arguments, "check %s", row_updates[_i].arguments);
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(arguments, &outcome, row_updates[_i].status);
    assert_parts(arguments, row_updates[_i].status == 0 ? outcome.out : outcome.err, row_updates[_i].parts);
}
END_TEST

static const char *const silent[] = {
    "check e.yaml --set optimizer.plugin=sgd",
    "check e.yaml --set model.embedding.lazy=true",
    "check e.yaml --set optimizer.groups.0.match=embedding.* --set optimizer.groups.0.frozen=true",
};

START_TEST(an_update_of_the_rows_that_occur_is_not_mentioned) {
    const struct outcome outcome = sandbox_run((struct call){.arguments = silent[_i]});
    assert_status(silent[_i], &outcome, 0);
    ck_assert_msg(strstr(outcome.out, "every update processes") == NULL, "%s", outcome.out);
}
END_TEST

START_TEST(lanes_need_batches_of_examples) {
    sandbox_write("text.txt", "tea and soup and pie and tea and bread and fish and rice and tea and soup\n");
    tiny_edit("lanes.yaml", NULL,
              "rondo: 1\narchitecture: \"N:N\"\n"
              "data: {reader: characters, train: text.txt, window: 5, carry: true}\n"
              "model: {feedback: true, embedding: {size: 4}, layers: [{cell: gru, hidden: 4}]}\n"
              "loss: {plugin: softmax_cross_entropy}\noptimizer: {plugin: adam}\n"
              "schedule: {epochs: 1, batch: {steps: 20}}\n");
    const struct outcome refused_steps = sandbox_run((struct call){.arguments = "check lanes.yaml"});
    assert_status("steps", &refused_steps, 2);
    assert_parts("steps", refused_steps.err,
                 "lanes.yaml:7:30: 'data.carry' trains one lane for each example of a batch, expected a number of");
    /* Two windows of each lane are one update. */
    const struct outcome trained = sandbox_run((struct call){
        .arguments = "train lanes.yaml --quiet --out lanes --set schedule.batch=2 --set schedule.accumulate=2"});
    assert_status("lanes", &trained, 0);
    sandbox_remove("lanes");
}
END_TEST

/* ---- unknown words ---- */

/* A word that the training data do not have does not overrule the one that decides. */
START_TEST(an_unknown_word_does_not_decide) {
    for (int seed = 1; seed <= 3; seed++) {
        char line[256];
        snprintf(line, sizeof line,
                 "train e.yaml --quiet --out unseen%d --set schedule.epochs=30 --set schedule.seed=%d", seed, seed);
        const struct outcome trained = sandbox_run((struct call){.arguments = line});
        assert_status("train", &trained, 0);
        snprintf(line, sizeof line, "predict unseen%d", seed);
        const struct outcome predicted = sandbox_run((struct call){
            .arguments = line, .input = "tea lovely zyzzyva\nzyzzyva awful\nqwerty lovely\nsoup qwerty cold\n"});
        assert_status("predict", &predicted, 0);
        assert_parts(line, predicted.out, "great\t|other\t|great\t|other\t");
    }
}
END_TEST

/* ---- plug-ins that fail in the middle ---- */

static const struct {
    const char *how, *parts;
    int status;
} failures[] = {
    {"status", "optimizer 'fails_late' of '|fails_late.so', parameter '|failed and did not say why", 1},
    {"reason", "optimizer 'fails_late' of '|fails_late.so', parameter '|the moon is full", 1},
    {"unknown", "optimizer 'fails_late' of '|fails_late.so', parameter '|returned the unknown status 4711", 1},
    {"not_finite", "optimizer 'fails_late' of '|fails_late.so', parameter '|the value is not finite after update 5", 1},
};

/* Update 5 is in the second of epochs of three. */
START_TEST(a_failure_names_the_plugin_and_leaves_the_weights_of_the_epoch_before) {
    char line[256];
    snprintf(line, sizeof line, "optimizer: {plugin: fails_late, how: %s}\nplugins: [./fails_late.so]",
             failures[_i].how);
    tiny_edit("late.yaml", "optimizer:", line);
    const struct outcome outcome = sandbox_run((struct call){.arguments = "train late.yaml --quiet --out late"});
    assert_status(failures[_i].how, &outcome, failures[_i].status);
    assert_parts(failures[_i].how, outcome.err, failures[_i].parts);
    assert_parts(failures[_i].how, outcome.err,
                 "training stopped in epoch 2, at step 5|the weights of epoch 1 are in 'late'");
    const struct outcome judged = sandbox_run((struct call){.arguments = "eval late --on valid"});
    assert_status("eval", &judged, 0);
    sandbox_remove("late");
}
END_TEST

/* An op in the equations of a cell; both engines. */
START_TEST(an_op_that_gives_no_number_is_named_with_its_file) {
    char file[1024];
    snprintf(file, sizeof file, "%s/op_gives_nan.so", variable("RONDO_TEST_BAD"));
    sandbox_copy(file, "op_gives_nan.so");
    sandbox_write("nan.yaml",
                  "cell: nan\nsource: nobody\nstate: [h]\nequations: |\n  h' = op_gives_nan(x @ W + h @ U)\n");
    const struct outcome outcome = sandbox_run((struct call){
        .arguments = _i == 0
                         ? "train e.yaml --quiet --out nan --plugin op_gives_nan.so --set model.layers.0.cell=nan.yaml"
                         : "train e.yaml --quiet --out nan --plugin op_gives_nan.so --set "
                           "model.layers.0.cell=nan.yaml --engine=tape"});
    assert_status("nan", &outcome, 1);
    assert_parts("nan", outcome.err,
                 "the loss is not finite; it began with op 'op_gives_nan' (op_gives_nan.so) of |step 1");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("training keys");
    TCase *cases = tcase_create("training keys");
    tcase_set_timeout(cases, 240);
    tcase_add_unchecked_fixture(cases, setup, sandbox_close);
    tcase_add_loop_test(cases, a_mistake_is_told_at_its_place, 0, ROWS(refused));
    tcase_add_test(cases, a_schedule_that_watches_needs_something_to_watch);
    tcase_add_loop_test(cases, what_should_train_the_same_does, 0, ROWS(pairs));
    tcase_add_test(cases, every_optimizer_is_swapped_in_by_one_set);
    tcase_add_loop_test(cases, a_loss_of_another_kind_trains_and_predicts, 0, ROWS(losses));
    tcase_add_test(cases, epochs_record_the_loss_of_every_head_of_a_sum);
    tcase_add_test(cases, curvature_needs_predictions_of_classes);
    tcase_add_test(cases, the_schedule_is_drawn_and_recorded);
    tcase_add_test(cases, every_validation_has_a_line);
    tcase_add_test(cases, patience_counts_validations);
    tcase_add_test(cases, a_run_keeps_the_best_weights_by_each_metric);
    tcase_add_test(cases, validation_needs_data);
    tcase_add_loop_test(cases, the_length_of_an_epoch_follows_from_its_batches, 0, ROWS(counted));
    tcase_add_loop_test(cases, what_an_update_of_an_embedding_processes_is_checked, 0, ROWS(row_updates));
    tcase_add_loop_test(cases, an_update_of_the_rows_that_occur_is_not_mentioned, 0, ROWS(silent));
    tcase_add_test(cases, lanes_need_batches_of_examples);
    tcase_add_test(cases, an_unknown_word_does_not_decide);
    tcase_add_loop_test(cases, a_failure_names_the_plugin_and_leaves_the_weights_of_the_epoch_before, 0,
                        ROWS(failures));
    tcase_add_loop_test(cases, an_op_that_gives_no_number_is_named_with_its_file, 0, 2);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
