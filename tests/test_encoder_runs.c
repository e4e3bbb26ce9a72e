/* tests/test_encoder_runs.c: trainings of encoder and decoder on pairs of texts: threads, engines, resumed and frozen parts, shared
 * vectors, and what the commands show of them. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "sandbox.h"
#include "store/safetensors.h"
#include "tests/suite.h"

static const char experiment[] =
    "rondo: 1\n"
    "name: reverse\n"
    "architecture: \"N:N\"\n"
    "data: {reader: pairs, train: train.tsv, valid: valid.tsv, columns: {source: 0, target: 1}, tokens: characters, "
    "shared: true}\n"
    "model:\n"
    "  feedback: true\n"
    "  embedding: {size: 6, dropout: 0.1}\n"
    "  encoder: [{cell: gru, hidden: 5, direction: both, dropout: 0.1}]\n"
    "  layers: [{cell: gru_reset_after, hidden: 7, zoneout: 0.1}, {block: attention, dropout: 0.1}]\n"
    "loss: {plugin: softmax_cross_entropy}\n"
    "optimizer: {plugin: adam, lr: 0.01}\n"
    "schedule: {epochs: 2, batch: 20, seed: 3}\n";

/* Words of one to seven letters, and each written backward. */
static void write_pairs(const char *name, int count, unsigned seed) {
    char *text = sandbox_memory((size_t)count * 20 + 1);
    size_t length = 0;
    for (int i = 0; i < count; i++) {
        char word[8], back[8];
        const int n = 1 + (int)((seed + (unsigned)i * 5u) % 7u);
        for (int k = 0; k < n; k++) {
            seed = seed * 1103515245u + 12345u;
            word[k] = back[n - 1 - k] = (char)('a' + (int)(seed >> 16) % 5);
        }
        word[n] = back[n] = '\0';
        length += (size_t)sprintf(text + length, "%s\t%s\n", word, back);
    }
    sandbox_write(name, text);
}

static void setup(void) {
    sandbox_open();
    sandbox_write("e.yaml", experiment);
    sandbox_write("causal.yaml", "block: causal\noutput: y\nequations: |\n"
                                 "  y = tanh(attention(x @ Q, memory @ K, memory, causal=true) @ C + x @ W)\n");
    sandbox_write("near.yaml", "block: near\noutput: y\nequations: |\n"
                               "  y = tanh(attention(x @ Q, x @ K, x, window=2) @ C + x @ W)\n");
    sandbox_write("alone.yaml", "block: alone\noutput: y\nequations: |\n  y = tanh(x @ W + b)\n");
    write_pairs("train.tsv", 90, 1);
    write_pairs("valid.tsv", 20, 7);
}

static void train(const char *flags, const char *run) {
    char arguments[768];
    snprintf(arguments, sizeof arguments, "train %s --quiet --out %s", flags, run);
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(arguments, &outcome, 0);
}

static void assert_same_weights(const char *a, const char *b) {
    size_t size, other_size;
    const char *one = sandbox_read(sandbox_path("%s/weights.safetensors", a), &size);
    const char *other = sandbox_read(sandbox_path("%s/weights.safetensors", b), &other_size);
    ck_assert_msg(size == other_size && memcmp(one, other, size) == 0, "the weights of '%s' and '%s' differ", a, b);
}

START_TEST(any_number_of_threads_gives_the_same_weights) {
    train("e.yaml --threads 1", "one");
    train("e.yaml --threads 3", "three");
    assert_same_weights("one", "three");
}
END_TEST

/* The rest of a training that was interrupted between two epochs is what it would have been. */
START_TEST(a_resumed_training_ends_with_the_same_weights) {
    train("e.yaml --set schedule.epochs=4", "whole");
    train("e.yaml --set schedule.epochs=2", "part");
    const struct outcome resumed =
        sandbox_run((struct call){.arguments = "train --resume part --quiet --set schedule.epochs=4"});
    assert_status("resume", &resumed, 0);
    assert_same_weights("whole", "part");
}
END_TEST

/* 1 if the tensor has the same bytes in both files of weights. */
static int is_same_tensor(const char *name, const char *a, const char *b) {
    struct arena *arena = arena_create();
    struct errors errors = {0};
    const char *const runs[] = {a, b};
    const struct named_tensor *found[2] = {NULL, NULL};
    for (int k = 0; k < 2; k++) {
        struct named_tensor *tensors;
        int32_t count;
        const char *file = sandbox_path("%s/weights.safetensors", runs[k]);
        ck_assert_int_eq(safetensors_read(file, arena, &tensors, &count, NULL, &errors), RONDO_OK);
        for (int32_t i = 0; i < count; i++) {
            found[k] = strcmp(tensors[i].name, name) == 0 ? &tensors[i] : found[k];
        }
        ck_assert_msg(found[k] != NULL, "there is no '%s'", name);
    }
    const size_t bytes = tensor_bytes(&found[0]->tensor);
    const int is_same = memcmp(found[0]->tensor.data, found[1]->tensor.data, bytes) == 0;
    arena_destroy(arena);
    return is_same;
}

static const struct {
    const char *name;
    int is_frozen;
} parts[] = {
    {"encoder.0.forward.W_r", 1}, {"encoder.0.backward.U_n", 1}, {"embedding.source.W", 1}, {"embedding.previous.W", 0},
    {"bridge.layers.0.h.W", 0},   {"layers.0.W_r", 0},           {"layers.1.W_q", 0},       {"head.W", 0},
};

START_TEST(parts_are_frozen_by_their_names) {
    sandbox_write("frozen.yaml",
                  "extends: e.yaml\n"
                  "optimizer: {groups: [{match: [\"encoder.*\", \"embedding.source.*\"], frozen: true}]}\n");
    train("frozen.yaml --set schedule.epochs=1", "frozen1");
    train("frozen.yaml --set schedule.epochs=2", "frozen2");
    for (int i = 0; i < ROWS(parts); i++) {
        ck_assert_msg(is_same_tensor(parts[i].name, "frozen1", "frozen2") == parts[i].is_frozen, "%s", parts[i].name);
    }
}
END_TEST

START_TEST(both_streams_share_their_vectors) {
    const struct outcome shared =
        sandbox_run((struct call){.arguments = "check e.yaml --set model.embedding.share=true"});
    assert_status("check", &shared, 0);
    assert_parts("check", shared.out, "embedding.W  |encoder.0.forward.W_r|bridge.layers.0.h.W|layers.1.W_q|head.W");
    ck_assert_msg(strstr(shared.out, "embedding.source.W") == NULL, "%s", shared.out);
    const struct outcome apart = sandbox_run(
        (struct call){.arguments = "check e.yaml --set model.embedding.share=true --set data.shared=false"});
    assert_status("check", &apart, 2);
    assert_parts("check", apart.err, "'model.embedding.share' is not used: no two streams");
    train("e.yaml --set model.embedding.share=true --threads 1", "shared1");
    train("e.yaml --set model.embedding.share=true --threads 3", "shared3");
    assert_same_weights("shared1", "shared3");
}
END_TEST

/* ---- commands ---- */

START_TEST(commands_show_encoder_bridge_and_blocks) {
    train("e.yaml", "run");
    const struct outcome show = sandbox_run((struct call){.arguments = "runs show run"});
    assert_status("runs show", &show, 0);
    assert_parts("runs show", show.out,
                 "model.encoder.0 |gru, hidden 5, direction both, dropout 0.1|model.bridge |learnt|model.layers.0 "
                 "|model.layers.1 |attention over memory, dropout 0.1|cells/attention.yaml|cells/gru.yaml");
    const struct outcome inspect = sandbox_run((struct call){.arguments = "inspect run"});
    assert_status("inspect", &inspect, 0);
    assert_parts("inspect", inspect.out, "blocks, which have no states: layers.1 (attention)");
    const struct outcome evaluated = sandbox_run((struct call){.arguments = "eval run --on valid"});
    assert_status("eval", &evaluated, 0);
}
END_TEST

START_TEST(a_source_without_an_encoder_is_refused) {
    const struct outcome outcome =
        sandbox_run((struct call){.arguments = "check e.yaml --set model.encoder=null --set model.layers.1.over=self"});
    assert_status("check", &outcome, 2);
    assert_parts("check", outcome.err,
                 "e.yaml:6:3: nothing reads the stream 'source' of reader 'pairs'; expected 'model.encoder'");
}
END_TEST

/* ---- a model that would read the targets that it is to predict ---- */

static const struct {
    const char *name, *flags, *parts; /* of the error; NULL: it is trained */
} readers_of_targets[] = {
    {"both directions", "--set model.layers.0.direction=both",
     "e.yaml:6:13: with 'model.feedback' the input of a step is the target of the step before, and 'layers.0' also "
     "reads later steps: the targets that it is to predict; expected 'direction: forward'"},
    {"backward", "--set model.layers.0.direction=backward", "'layers.0' also reads later steps"},
    {"a block over itself", "--set model.layers.1.over=self",
     "e.yaml:6:13: with 'model.feedback' the input of a step is the target of the step before, and 'layers.1' also "
     "reads later steps: the targets that it is to predict; expected a block with 'over: memory', or one whose "
     "attention has causal=true"},
    {"a block near each step", "--set model.layers.1.over=self --set model.layers.1.block=./near.yaml",
     "'layers.1' also reads later steps"},
    {"a causal block", "--set model.layers.1.over=self --set model.layers.1.block=./causal.yaml", NULL},
    {"a block of each step", "--set model.layers.1.over=self --set model.layers.1.block=./alone.yaml", NULL},
};

START_TEST(no_layer_reads_the_targets_that_it_is_to_predict) {
    char arguments[512];
    snprintf(arguments, sizeof arguments, "check e.yaml %s", readers_of_targets[_i].flags);
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(readers_of_targets[_i].name, &outcome, readers_of_targets[_i].parts == NULL ? 0 : 2);
    if (readers_of_targets[_i].parts != NULL) {
        assert_parts(readers_of_targets[_i].name, outcome.err, readers_of_targets[_i].parts);
    }
}
END_TEST

START_TEST(a_causal_block_trains_and_says_that_it_cannot_generate) {
    const struct outcome checked = sandbox_run((struct call){
        .arguments = "check e.yaml --set model.layers.1.over=self --set model.layers.1.block=./causal.yaml"});
    assert_status("check", &checked, 0);
    assert_parts("check", checked.out, "the model cannot generate: 'layers.1' looks at all earlier steps");
    train("e.yaml --set schedule.epochs=1 --set model.layers.1.over=self --set model.layers.1.block=./causal.yaml",
          "causal");
    const struct outcome evaluated = sandbox_run((struct call){.arguments = "eval causal --on valid"});
    assert_status("eval", &evaluated, 0);
    const struct outcome written = sandbox_run((struct call){.arguments = "generate causal", .input = "abc\n"});
    assert_status("generate", &written, 2);
    assert_parts("generate", written.err,
                 "'layers.1' looks at all earlier steps, and a generator keeps only states from step to step");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("encoder_runs");
    TCase *runs = tcase_create("runs");
    tcase_set_timeout(runs, 240);
    tcase_add_unchecked_fixture(runs, setup, sandbox_close);
    tcase_add_test(runs, any_number_of_threads_gives_the_same_weights);
    tcase_add_test(runs, a_resumed_training_ends_with_the_same_weights);
    tcase_add_test(runs, parts_are_frozen_by_their_names);
    tcase_add_test(runs, both_streams_share_their_vectors);
    tcase_add_test(runs, commands_show_encoder_bridge_and_blocks);
    tcase_add_test(runs, a_source_without_an_encoder_is_refused);
    tcase_add_loop_test(runs, no_layer_reads_the_targets_that_it_is_to_predict, 0, ROWS(readers_of_targets));
    tcase_add_test(runs, a_causal_block_trains_and_says_that_it_cannot_generate);
    suite_add_tcase(suite, runs);
    return run_suite(suite);
}
