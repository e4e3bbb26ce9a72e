/* tests/test_encoder_keys.c: model.encoder, model.bridge and model.embedding.share: what they make of a model, and the places of errors. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <stdio.h>

#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

static const struct {
    const char *name, *equation;
} blocks[] = {
    {"causal", "attention(x @ W_q, memory @ W_k, memory, heads=1, causal=true)"},
    {"window", "attention(x @ W_q, memory @ W_k, memory, window=2)"},
    {"rotary", "attention(x @ W_q, memory @ W_k, memory, rotary=true)"},
    {"own_keys", "attention(x @ W_q, x @ W_k, x @ W_v, causal=true)"},
    {"own_values", "additive_attention(x @ W_q, x @ W_k, x, v)"},
    {"each_step", "x @ V"},
};

static void setup(void) {
    sandbox_open();
    tiny_write();
    char file[512];
    snprintf(file, sizeof file, "%s/gru.yaml", variable("RONDO_CELL_PATH"));
    sandbox_copy(file, "gru.yaml");
    sandbox_write("mistaken.yaml", "cell: mistaken\nstate: [h]\nequations: |\n  h' = tahn(x @ W)\n");
    sandbox_write("reading.yaml", "cell: reading\nstate: [h]\nequations: |\n"
                                  "  h' = tanh(x @ W + attention(h, memory @ K, memory) @ C)\n");
    for (size_t i = 0; i < ROWS(blocks); i++) {
        char text[512];
        snprintf(file, sizeof file, "%s.yaml", blocks[i].name);
        snprintf(text, sizeof text, "block: %s\noutput: y\nequations: |\n  c = %s\n  y = tanh(c @ W)\n", blocks[i].name,
                 blocks[i].equation);
        sandbox_write(file, text);
    }
}

/* ---- refused, with a reader that gives no source ---- */

#define OVER_MEMORY(block)                                                                                             \
    "encoder: [{cell: gru, hidden: 3}], layers: [{cell: gru, hidden: 4}, {block: ./" block ".yaml}]"

static const struct {
    const char *name, *model, *parts, *flags;
} refused[] = {
    {"an encoder without a source", "encoder: [{cell: gru, hidden: 4}], layers: [{cell: gru, hidden: 4}]",
     "bad.yaml:5:33: 'model.encoder' reads the stream 'source', and reader 'text' does not give it here; reader "
     "'pairs' does",
     ""},
    {"a bridge without an encoder", "bridge: last, layers: [{cell: gru, hidden: 4}]",
     "bad.yaml:5:33: 'model.bridge' is not used: the model has no encoder ('model.encoder')", ""},
    {"a bridge that is none", "encoder: [{cell: gru, hidden: 4}], bridge: lst, layers: [{cell: gru, hidden: 4}]",
     "bad.yaml:5:76: unknown bridge 'lst' (did you mean 'last'?), expected none, last, mean, learnt", ""},
    {"an encoder without layers", "encoder: [], layers: [{cell: gru, hidden: 4}]",
     "bad.yaml:5:42: 'model.encoder' must be a list of 1 to 64 layers, such as [{cell: lstm, hidden: 64}]", ""},
    {"an encoder that is no list", "encoder: {cell: gru, hidden: 4}, layers: [{cell: gru, hidden: 4}]",
     "bad.yaml:5:42: 'model.encoder' must be a list of 1 to 64 layers", ""},
    {"a mistake in a layer of the encoder",
     "encoder: [{cell: gru, hidden: 4}, {cell: gru, hiden: 4}], layers: [{cell: gru, hidden: 4}]",
     "bad.yaml:5:79: unknown key 'hiden' in model.encoder.1 (did you mean 'hidden'?)", ""},
    {"mistakes in both lists",
     "encoder: [{cell: gru, hidden: 4, projection: 2}], layers: [{cell: gru, hidden: 4, projection: 4}]",
     "bad.yaml:5:66: 'projection' makes state 'h'|bad.yaml:5:115: 'projection' is 4", ""},
    {"a block without an encoder", "layers: [{cell: gru, hidden: 4}, {block: attention}]",
     "bad.yaml:5:67: block 'attention' looks at the memory, the outputs of an encoder, and there is none here; "
     "expected "
     "'model.encoder', whose own layers cannot read it, or 'over: self'",
     ""},
    {"a block over the memory in the encoder",
     "encoder: [{block: attention}, {cell: gru, hidden: 3}], layers: [{cell: gru, hidden: 4}]",
     "bad.yaml:5:44: block 'attention' looks at the memory, the outputs of an encoder, and there is none here", ""},
    {"positions between steps and memory: causal", OVER_MEMORY("causal"),
     "causal.yaml:4:57: option 'causal' of 'attention' compares positions, and a step has none in common with the "
     "memory; expected 'attention' without it, or 'over: self', with which a block looks at its own steps",
     ""},
    {"positions between steps and memory: window", OVER_MEMORY("window"),
     "window.yaml:4:48: option 'window' of 'attention' compares positions", ""},
    {"positions between steps and memory: rotary", OVER_MEMORY("rotary"),
     "rotary.yaml:4:48: option 'rotary' of 'attention' compares positions", ""},
    {"keys of the own steps over the memory", OVER_MEMORY("own_keys"),
     "own_keys.yaml:4:28: 'keys' of 'attention' has shape [batch, 4], a value of the step, and a step sees no other "
     "step; expected a value computed from 'memory', or 'over: self', with which a block looks at its own steps|"
     "own_keys.yaml:4:37: 'values' of 'attention'",
     ""},
    {"values of the own steps over the memory", OVER_MEMORY("own_values"),
     "own_values.yaml:4:44: 'values' of 'additive_attention' has shape [batch, 4]", ""},
    {"a block that does not read the memory", OVER_MEMORY("each_step"),
     "bad.yaml:5:102: block 'each_step' never reads the memory that it is to look at, expected equations that use "
     "'memory', or 'over: self'",
     ""},
    {"a block over itself that is not said to be", "layers: [{block: self_attention}]",
     "bad.yaml:5:43: the equations of block 'self_attention' are for its own steps; expected 'over: self'", ""},
    {"a block that there is not", "layers: [{cell: gru, hidden: 4}, {block: atention, over: self}]",
     "bad.yaml:5:74: there is no block 'atention' (did you mean 'attention'?), looked in ", ""},
    {"a cell and a block", "layers: [{cell: gru, block: attention, hidden: 4}]",
     "bad.yaml:5:43: a layer is a cell or a block, and model.layers.0 has both keys", ""},
    {"a key of cells in a block", "layers: [{block: attention, over: self, zoneout: 0.1}]",
     "bad.yaml:5:73: unknown key 'zoneout' in model.layers.0", ""},
    {"an option of another block", "layers: [{block: attention_additive, over: self, heads: 2}]",
     "bad.yaml:5:82: unknown key 'heads' in model.layers.0", ""},
    {"heads that do not divide", "layers: [{block: attention, over: self, heads: 3}]",
     "attention.yaml:|'heads' is 3, which does not divide|"
     "bad.yaml:5:73: model.layers.0 uses block 'attention' with 'heads: 3'",
     ""},
    {"heads that are no number of heads", "layers: [{block: attention, over: self, heads: 2.5}]",
     "bad.yaml:5:80: 'heads' is 2.5, expected an integer in [1, 1024]", ""},
    {"a cell whose equations have a mistake", "layers: [{cell: ./mistaken.yaml, hidden: 4}]",
     "mistaken.yaml:4:|bad.yaml:5:43: model.layers.0 uses cell 'mistaken'", ""},
    {"a cell that reads the memory in the encoder",
     "encoder: [{cell: ./reading.yaml, hidden: 4}], layers: [{cell: gru, hidden: 4}]",
     "bad.yaml:5:44: cell 'reading' reads the memory, the outputs of an encoder, and there is none here; expected "
     "'model.encoder', whose own layers cannot read it",
     ""},
    {"a block as a cell and a cell as a block", "layers: [{cell: attention, hidden: 4}, {block: gru}]",
     "bad.yaml:5:49: 'attention' is a block, expected 'block: attention'|'gru' is a cell, expected 'cell: gru'", ""},
    {"two mistakes in a layer", "layers: [{block: atention, over: slef, count: 0, heads: 2}]",
     "there is no block 'atention'|'over' is 'slef', expected one of memory, self (did you mean 'self'?)|'count' is 0",
     ""},
    {"a cell in place of a block", "layers: [{block: ./gru.yaml, over: self}]",
     "gru.yaml:1:1: unknown key 'cell' in a block|gru.yaml:1:1: 'output' is missing, expected the value of the "
     "equations",
     ""},
    {"one vocabulary", "layers: [{cell: gru, hidden: 4}]",
     "'model.embedding.share' is not used: no two streams that the model reads have the same vocabulary",
     "--set model.embedding.share=true"},
    {"an embedding of no stream", "layers: [{cell: gru, hidden: 4}]",
     "'model.embedding.source' is not used: the model does not read the stream 'source'; model.encoder makes it do so",
     "--set model.embedding.source.size=3"},
};

START_TEST(a_mistake_is_reported_at_its_place) {
    char line[512], arguments[512];
    snprintf(line, sizeof line, "model: {embedding: {size: 4},   %s, pool: mean}", refused[_i].model);
    tiny_edit("bad.yaml", "model:", line);
    snprintf(arguments, sizeof arguments, "check bad.yaml %s", refused[_i].flags);
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(refused[_i].name, &outcome, 2);
    assert_parts(refused[_i].name, outcome.err, refused[_i].parts);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("encoder_keys");
    TCase *keys = tcase_create("keys");
    tcase_set_timeout(keys, 120);
    tcase_add_unchecked_fixture(keys, setup, sandbox_close);
    tcase_add_loop_test(keys, a_mistake_is_reported_at_its_place, 0, ROWS(refused));
    suite_add_tcase(suite, keys);
    return run_suite(suite);
}
