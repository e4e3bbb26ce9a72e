/* tests/test_training_bits.c: pins the results of a training run: its weights to the bit, its losses to six digits.
 *
 * A change may alter these numbers only if it changes what is computed, and says so: the order of a sum (shards, products,
 * reductions), a formula of an op, loss, optimizer or schedule, initial values, random streams, the order of examples. A
 * refactoring, a pass of the engine that reorders work, and the number of threads may not. After a declared
 * change, run with RONDO_PRINT_BITS=1 and copy the rows that it prints.
 *
 * The bits are those of gcc for x86-64 with FMA (AVX2 and AVX-512 give the same). Processors without fused multiply-adds round
 * differently, and so does what clang compiles for them (ops/vector_math.h): there, only the losses are compared.
 */
#include <check.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

static const struct {
    const char *what, *flags;
    uint64_t weights;    /* 64-bit FNV-1a of weights.safetensors */
    double train, valid; /* losses of the last epoch */
} runs[] = {
    {"one shard", "", 0x2fa46f77b4ea5976, 0.1497765, 0.1733439},
    {"a tree of five shards", "--set schedule.batch=80", 0x9160fad68ce87b9e, 0.6045413, 0.5411031},
    {"the same on two threads", "--set schedule.batch=80 --threads 2", 0x9160fad68ce87b9e, 0.6045413, 0.5411031},
    {"a large model, two shards", "--set schedule.batch=80 --set model.layers.0.hidden=450 --set schedule.epochs=2",
     0xc45c4f17ed5f3e4d, 1.625925, 0.5824619},
    {"the same on five threads",
     "--set schedule.batch=80 --set model.layers.0.hidden=450 --set schedule.epochs=2 --threads 5", 0xc45c4f17ed5f3e4d,
     1.625925, 0.5824619},
    {"widths that fit no tile", "--set model.embedding.size=13 --set model.layers.0.hidden=37", 0x15bbf82b9c253313,
     0.05868229, 0.001253089},
    {"two layers in both directions",
     "--set model.layers.0.cell=lstm --set model.layers.0.count=2 --set model.layers.0.direction=both",
     0x3e59c7afdab5d789, 0.0005920833, 0.0001391586},
    {"every random stream",
     "--set model.layers.0.dropout=0.1 --set model.layers.0.recurrent_dropout=0.1 --set model.layers.0.weight_drop=0.1 "
     "--set model.layers.0.zoneout=0.1 --set model.embedding.dropout=0.1 --set model.embedding.word_dropout=0.1",
     0x603ee8c567a47ffb, 0.3489086, 0.3570162},
    {"masks shared by all steps",
     "--set model.layers.0.variational_dropout=0.2 --set model.layers.0.layer_norm=true --set schedule.epochs=2",
     0x185b8b653fe80c92, 0.5869469, 0.428577},
    {"engine tape", "--engine=tape --set schedule.batch=80", 0x01528802de2bf7a7, 0.6045413, 0.5411031},
    {"clipping and weight decay", "--set optimizer.plugin=adamw --set schedule.clip_norm=0.1", 0x3f0e230e95c5f1b1,
     0.134071, 0.2506599},
    {"updates of two batches", "--set schedule.accumulate=2", 0xa23ccd9107c8ddd2, 0.3197985, 0.2755796},
    {"batches of steps", "--set schedule.batch={\"steps\":40}", 0x262c7d435dbcb4c5, 0.1686749, 0.147708},
    {"rare words are replaced", "--set model.embedding.rare_word_dropout=0.25", 0x136e47fd87e84edc, 0.1496877,
     0.6230591},
};

/* 96 texts of 1 to 9 words, all lengths; the last word determines the label. */
static void write_long_texts(void) {
    static const char *const words[] = {"soup", "tea", "pie", "bread", "fish", "rice", "and", "with"};
    static const char *const ends[] = {"lovely", "awful", "great", "cold", "tasty", "bland"};
    char *text = sandbox_memory(16384);
    text[0] = '\0';
    for (int i = 0; i < 96; i++) {
        for (int k = 0; k < i % 9; k++) {
            strcat(strcat(text, words[(i * 5 + k * 3) % 8]), " ");
        }
        strcat(strcat(text, ends[(i / 9) % 6]), (i / 9) % 2 == 0 ? "\tgreat\n" : "\tother\n");
    }
    sandbox_write("train.tsv", text);
}

static void setup(void) {
    sandbox_open();
    tiny_write();
    write_long_texts();
}

static uint64_t hash_file(const char *name) {
    size_t size;
    const char *bytes = sandbox_read(name, &size);
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3u;
    }
    return hash;
}

/* In all other rows: they are older than the default. */
#define NO_RARE "--set model.embedding.rare_word_dropout=0 "

/* The losses in the line of metrics.jsonl for the last epoch. */
static void read_losses(const char *name, double *train, double *valid) {
    const char *text = sandbox_read(name, NULL);
    *train = *valid = NAN;
    for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n') + 1) {
        json_t *object = json_loadb(line, strcspn(line, "\n"), 0, NULL);
        const json_t *part = json_object_get(object, "train");
        if (part != NULL) {
            *train = json_real_value(json_object_get(part, "loss"));
            *valid = json_real_value(json_object_get(json_object_get(object, "valid"), "loss"));
        }
        json_decref(object);
    }
}

static int bits_are_pinned_here(void) {
#if defined(__x86_64__) && (!defined(__clang__) || defined(__FMA__))
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return 0;
#endif
}

START_TEST(training_gives_the_pinned_weights_and_losses) {
    char arguments[1024];
    snprintf(arguments, sizeof arguments, "train e.yaml --quiet --out run%d %s%s", _i,
             strstr(runs[_i].flags, "rare_word_dropout") != NULL ? "" : NO_RARE, runs[_i].flags);
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(runs[_i].what, &outcome, 0);
    char name[64];
    snprintf(name, sizeof name, "run%d/weights.safetensors", _i);
    const uint64_t weights = hash_file(name);
    snprintf(name, sizeof name, "run%d/metrics.jsonl", _i);
    double train, valid;
    read_losses(name, &train, &valid);
    if (getenv("RONDO_PRINT_BITS") != NULL) {
        printf("%s: 0x%016" PRIx64 ", %.7g, %.7g\n", runs[_i].what, weights, train, valid);
        return;
    }
    ck_assert_msg(fabs(train - runs[_i].train) < 2e-6 && fabs(valid - runs[_i].valid) < 2e-6,
                  "%s: the losses are %.7g and %.7g, expected %.7g and %.7g", runs[_i].what, train, valid,
                  runs[_i].train, runs[_i].valid);
    if (bits_are_pinned_here()) {
        ck_assert_msg(weights == runs[_i].weights, "%s: the weights hash to 0x%016" PRIx64 ", expected 0x%016" PRIx64,
                      runs[_i].what, weights, runs[_i].weights);
    } else {
        printf("%s: no bits are pinned for this processor, losses compared\n", runs[_i].what);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("training_bits");
    TCase *cases = tcase_create("training_bits");
    tcase_add_unchecked_fixture(cases, setup, sandbox_close);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, training_gives_the_pinned_weights_and_losses, 0, ROWS(runs));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
