/* tests/test_compare_section.c: the section `compare` of an experiment: what varies, names, and every mistake at its place. */
#include "experiment/compare_section.h"

#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "tests/failing_allocator.h"
#include "tests/suite.h"

static struct arena *arena;
static struct errors errors;
static struct compare_section section;

static void setup(void) {
    arena = arena_create();
    ck_assert_ptr_nonnull(arena);
}

static void teardown(void) {
    errors_free(&errors);
    arena_destroy(arena);
}

/* Reads "compare:" with these lines, each indented by two. */
static rondo_status take(const char *lines) {
    const char *text = "rondo: 1\ncompare:\n";
    for (const char *line = lines; *line != '\0';) {
        const size_t n = strcspn(line, "\n");
        text = arena_printf(arena, "%s  %.*s\n", text, (int)n, line);
        line += line[n] == '\n' ? n + 1 : n;
    }
    struct yaml_node *root = yaml_parse("e.yaml", text, strlen(text), arena, &errors);
    ck_assert_msg(root != NULL, "%s\n%s", errors_text(&errors, 0), text);
    const rondo_status status = compare_section_take(root, &section, arena, &errors);
    ck_assert_ptr_null(yaml_get(root, "compare"));
    ck_assert_ptr_nonnull(yaml_get(root, "rondo"));
    ck_assert_int_eq(status == RONDO_OK, errors.count == 0);
    ck_assert_int_eq(section.is_given, 1);
    return status;
}

static void take_good(const char *lines) {
    ck_assert_msg(take(lines) == RONDO_OK, "%s\n%s", errors_text(&errors, 0), lines);
}

/* A value as YAML on one line. */
static const char *flow(const struct yaml_node *node) {
    if (node->kind == YAML_SCALAR) {
        return node->text;
    }
    const char *text = "";
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        text = arena_printf(arena, "%s%s%s%s%s", text, text[0] == '\0' ? "" : ", ",
                            node->kind == YAML_MAPPING ? child->key : "", node->kind == YAML_MAPPING ? ": " : "",
                            flow(child));
    }
    return arena_printf(arena, node->kind == YAML_MAPPING ? "{%s}" : "[%s]", text);
}

/* A line for each variant: name, folder, settings. */
static const char *variants_text(const struct compare_variant *variants, int32_t count) {
    const char *text = "";
    for (int32_t v = 0; v < count; v++) {
        text = arena_printf(arena, "%s%s | %s |", text, variants[v].name, variants[v].folder);
        for (int32_t k = 0; k < variants[v].n_settings; k++) {
            const struct compare_setting *setting = &variants[v].settings[k];
            text = arena_printf(arena, "%s%s %s=%s", text, k == 0 ? "" : ",", setting->key, flow(setting->value));
        }
        text = arena_printf(arena, "%s\n", text);
    }
    return text;
}

static const struct {
    const char *lines, *variants;
} grids[] = {
    {"model.layers.0.cell: [rnn_tanh, lstm, ./mine.yaml]", "rnn_tanh | rnn_tanh | model.layers.0.cell=rnn_tanh\n"
                                                           "lstm | lstm | model.layers.0.cell=lstm\n"
                                                           "mine | mine | model.layers.0.cell=./mine.yaml\n"},
    /* the first key is the slowest; words stand alone, numbers come after the last part of their key */
    {"model.layers.0.cell: [gru, lstm]\noptimizer.lr: [1e-3, 0.01]",
     "gru, lr 1e-3 | gru-lr-1e-3 | model.layers.0.cell=gru, optimizer.lr=1e-3\n"
     "gru, lr 0.01 | gru-lr-0.01 | model.layers.0.cell=gru, optimizer.lr=0.01\n"
     "lstm, lr 1e-3 | lstm-lr-1e-3 | model.layers.0.cell=lstm, optimizer.lr=1e-3\n"
     "lstm, lr 0.01 | lstm-lr-0.01 | model.layers.0.cell=lstm, optimizer.lr=0.01\n"},
    {"optimizer.lr: [0.001, 0.01]", "0.001 | 0.001 | optimizer.lr=0.001\n0.01 | 0.01 | optimizer.lr=0.01\n"},
    /* keys with the same last part are told apart by more of it */
    {"model.layers.0.hidden: [8]\nmodel.layers.1.hidden: [4, 8]",
     "0.hidden 8, 1.hidden 4 | 0.hidden-8-1.hidden-4 | model.layers.0.hidden=8, model.layers.1.hidden=4\n"
     "0.hidden 8, 1.hidden 8 | 0.hidden-8-1.hidden-8 | model.layers.0.hidden=8, model.layers.1.hidden=8\n"},
    {"model.layers.0.cell: [gru]\nmodel.layers.1.cell: [lstm]",
     "0.cell gru, 1.cell lstm | 0.cell-gru-1.cell-lstm | model.layers.0.cell=gru, model.layers.1.cell=lstm\n"},
    /* mappings, of which the name is enough where the names differ */
    {"optimizer: [{plugin: adam, lr: 0.001}, {plugin: sgd, lr: 0.1}]",
     "adam | adam | optimizer={plugin: adam, lr: 0.001}\nsgd | sgd | optimizer={plugin: sgd, lr: 0.1}\n"},
    {"optimizer: [{plugin: adam, lr: 0.001, eps: 1}, {plugin: adam, lr: 0.1, eps: 1}]",
     "adam lr 0.001 | adam-lr-0.001 | optimizer={plugin: adam, lr: 0.001, eps: 1}\n"
     "adam lr 0.1 | adam-lr-0.1 | optimizer={plugin: adam, lr: 0.1, eps: 1}\n"},
    {"schedule.warmup: [null, {steps: 10}, {steps: 20}]", "none | none | schedule.warmup=null\n"
                                                          "steps 10 | steps-10 | schedule.warmup={steps: 10}\n"
                                                          "steps 20 | steps-20 | schedule.warmup={steps: 20}\n"},
    {"schedule.warmup: [null, {steps: 10, from: 0.5}, {}]",
     "none | none | schedule.warmup=null\n"
     "steps 10 from 0.5 | steps-10-from-0.5 | schedule.warmup={steps: 10, from: 0.5}\n"
     "{} | variant | schedule.warmup={}\n"},
    {"schedule.warmup: [null, {steps: 10}]", "none | none | schedule.warmup=null\n"
                                             "steps 10 | steps-10 | schedule.warmup={steps: 10}\n"},
    /* what is alike otherwise gets longer */
    {"model.layers: [[{cell: gru, hidden: 8}], [{cell: gru, hidden: 16}], [{cell: lstm, hidden: 8}]]",
     "gru hidden 8 | gru-hidden-8 | model.layers=[{cell: gru, hidden: 8}]\n"
     "gru hidden 16 | gru-hidden-16 | model.layers=[{cell: gru, hidden: 16}]\n"
     "lstm | lstm | model.layers=[{cell: lstm, hidden: 8}]\n"},
    {"variants: [{optimizer: {plugin: sgd, lr: 1}}, {optimizer: {plugin: sgd, lr: 2}}, {name: c}]",
     "sgd lr 1 | sgd-lr-1 | optimizer={plugin: sgd, lr: 1}\n"
     "sgd lr 2 | sgd-lr-2 | optimizer={plugin: sgd, lr: 2}\n"
     "c | c |\n"},
    {"model.layers: [[{cell: gru}], [{cell: lstm}, {cell: lstm}]]",
     "gru | gru | model.layers=[{cell: gru}]\nlstm+lstm | lstm-lstm | model.layers=[{cell: lstm}, {cell: lstm}]\n"},
    {"architecture: [\"1:1\", \"N:N\"]", "1:1 | 1-1 | architecture=1:1\nN:N | N-N | architecture=N:N\n"},
    /* settings that vary together, alone and crossed with others */
    {"variants:\n- {name: wide, model.layers.0.hidden: 128, optimizer.lr: 0.001}\n- {model.layers.0.cell: gru, "
     "optimizer.lr: 0.01}\n- {name: plain}",
     "wide | wide | model.layers.0.hidden=128, optimizer.lr=0.001\n"
     "gru, lr 0.01 | gru-lr-0.01 | model.layers.0.cell=gru, optimizer.lr=0.01\n"
     "plain | plain |\n"},
    {"variants:\n- {name: a, optimizer.lr: 1}\n- {name: b, optimizer.lr: 2}\nmodel.layers.0.cell: [gru, lstm]",
     "a, gru | a-gru | optimizer.lr=1, model.layers.0.cell=gru\n"
     "a, lstm | a-lstm | optimizer.lr=1, model.layers.0.cell=lstm\n"
     "b, gru | b-gru | optimizer.lr=2, model.layers.0.cell=gru\n"
     "b, lstm | b-lstm | optimizer.lr=2, model.layers.0.cell=lstm\n"},
    /* unique names: files of the same name by their path, others by number; folders whatever the case */
    {"model.layers.0.cell: [a/x.yaml, b/x.yaml]", "a/x.yaml | a-x.yaml | model.layers.0.cell=a/x.yaml\n"
                                                  "b/x.yaml | b-x.yaml | model.layers.0.cell=b/x.yaml\n"},
    {"data.train: [a b, a-b, A-B]", "a b | a-b | data.train=a b\na-b | a-b-2 | data.train=a-b\n"
                                    "A-B | A-B-3 | data.train=A-B\n"},
    {"data.train: [../../x, .hidden, \"\\u00e9\", \"\"]",
     "x | x | data.train=../../x\n.hidden | hidden | data.train=.hidden\n\xc3\xa9 | \xc3\xa9 | data.train=\xc3\xa9\n"
     "\"\" | variant | data.train=\n"},
};

START_TEST(variants_are_named_by_what_varies) {
    take_good(grids[_i].lines);
    ck_assert_str_eq(variants_text(section.variants, section.n_variants), grids[_i].variants);
}
END_TEST

static const struct {
    const char *lines, *names[2];
} long_names[] = {
    {"data.train: [a0123456789012345678901234567890123456789012345678901234567890123456789b, "
     "a0123456789012345678901234567890123456789012345678901234567890123456789c]",
     {"a012345678901234567890123456789012345678901234567890123456789...",
      "a012345678901234567890123456789012345678901234567890123456789... (2)"}},
};

START_TEST(long_values_are_cut_and_stay_unique) {
    take_good(long_names[_i].lines);
    for (int v = 0; v < 2; v++) {
        ck_assert_str_eq(section.variants[v].name, long_names[_i].names[v]);
        ck_assert_int_le(strlen(section.variants[v].folder), 100);
    }
    ck_assert_str_ne(section.variants[0].folder, section.variants[1].folder);
}
END_TEST

static const struct {
    const char *range, *values;
} points[] = {
    {"optimizer.lr: {from: 1e-4, to: 1e-2, log: true, count: 3}", " 1e-4 0.001 1e-2"},
    {"optimizer.lr: {from: 1e-6, to: 1e-5, log: true, count: 3}", " 1e-6 3.16e-6 1e-5"},
    {"optimizer.lr: {from: 0, to: 1, count: 4}", " 0 0.333 0.667 1"},
    {"optimizer.lr: {from: -0.12345, to: 0.1, count: 2}", " -0.12345 0.1"},
    {"optimizer.lr: {from: 1000, to: 1001, count: 4}", " 1000 1000.33 1000.67 1001"},
    {"optimizer.lr: {from: 1e5, to: 1e6, log: true, count: 3}", " 1e5 316000 1e6"},
    /* integers: keys of the table know it, others are told */
    {"model.layers.0.hidden: {from: 16, to: 256, log: true, count: 5}", " 16 32 64 128 256"},
    {"model.layers.0.hidden: {from: 1, to: 10, count: 4}", " 1 4 7 10"},
    {"schedule.batch: {from: 1, to: 4, count: 3}", " 1 3 4"},
    {"model.layers.0.heads: {from: 1, to: 4, count: 3}", " 1 2.5 4"},
    {"model.layers.0.heads: {from: 1, to: 4, count: 3, integer: true}", " 1 3 4"},
    {"model.layers.0.dropout: {from: 0, to: 1, count: 3}", " 0 0.5 1"},
};

START_TEST(ranges_have_points) {
    take_good(points[_i].range);
    const char *text = "";
    for (int32_t v = 0; v < section.n_variants; v++) {
        text = arena_printf(arena, "%s %s", text, section.variants[v].settings[0].value->text);
        ck_assert_int_eq(section.variants[v].settings[0].value->where.line, 3);
        ck_assert_str_eq(section.variants[v].settings[0].value->where.file, "e.yaml");
    }
    ck_assert_str_eq(text, points[_i].values);
}
END_TEST

static const struct {
    const char *lines, *variants;
} samples[] = {
    {"optimizer.lr: {from: 1e-4, to: 1e-2, log: true}\nmodel.layers.0.cell: [gru, lstm]\nsample: 4",
     "lr 0.00612, lstm | lr-0.00612-lstm | optimizer.lr=0.00612, model.layers.0.cell=lstm\n"
     "lr 0.000612, gru | lr-0.000612-gru | optimizer.lr=0.000612, model.layers.0.cell=gru\n"
     "lr 0.000194, lstm | lr-0.000194-lstm | optimizer.lr=0.000194, model.layers.0.cell=lstm\n"
     "lr 0.00194, gru | lr-0.00194-gru | optimizer.lr=0.00194, model.layers.0.cell=gru\n"},
    {"optimizer.lr: {from: 1e-4, to: 1e-2, log: true}\nmodel.layers.0.cell: [gru, lstm]\nsample: 4\nsampling_seed: 2",
     "lr 0.00158, lstm | lr-0.00158-lstm | optimizer.lr=0.00158, model.layers.0.cell=lstm\n"
     "lr 0.000158, gru | lr-0.000158-gru | optimizer.lr=0.000158, model.layers.0.cell=gru\n"
     "lr 0.000498, lstm | lr-0.000498-lstm | optimizer.lr=0.000498, model.layers.0.cell=lstm\n"
     "lr 0.00498, gru | lr-0.00498-gru | optimizer.lr=0.00498, model.layers.0.cell=gru\n"},
    {"optimizer.lr: {from: 0, to: 1}\nmodel.layers.0.hidden: {from: 8, to: 64}\nsample: 3\nsampling: random",
     "lr 0.512, hidden 61 | lr-0.512-hidden-61 | optimizer.lr=0.512, model.layers.0.hidden=61\n"
     "lr 0.435, hidden 36 | lr-0.435-hidden-36 | optimizer.lr=0.435, model.layers.0.hidden=36\n"
     "lr 0.07, hidden 8 | lr-0.07-hidden-8 | optimizer.lr=0.07, model.layers.0.hidden=8\n"},
};

/* A sampled comparison can be made again: these texts must never change. */
START_TEST(samples_are_the_same_everywhere) {
    take_good(samples[_i].lines);
    ck_assert_str_eq(variants_text(section.variants, section.n_variants), samples[_i].variants);
}
END_TEST

static double number_of(const struct compare_variant *variant, int32_t setting) {
    return strtod(variant->settings[setting].value->text, NULL);
}

/* Points of Sobol: one in each part of the range, after the digital shift too. */
START_TEST(sobol_samples_fill_ranges_evenly) {
    take_good(arena_printf(arena,
                           "optimizer.lr: {from: 1e-4, to: 1e-2, log: true}\nmodel.layers.0.hidden: {from: 1, to: "
                           "64}\nsample: 16\nsampling_seed: %d",
                           _i));
    int of_lr[16] = {0}, of_hidden[16] = {0};
    for (int32_t v = 0; v < 16; v++) {
        of_lr[(int)fmin(8 * (log10(number_of(&section.variants[v], 0)) + 4), 15.0)]++;
        of_hidden[((int)number_of(&section.variants[v], 1) - 1) / 4]++;
    }
    for (int i = 0; i < 16; i++) {
        ck_assert_int_eq(of_hidden[i], 1);
        ck_assert_int_le(of_lr[i], 2); /* rounding may move one over the edge of its part */
    }
}
END_TEST

/* All of a grid, if so many are asked for; never one twice. */
static const char *const whole_grids[] = {
    "sampling: sobol\noptimizer.lr: [1, 2, 3, 4, 5]\nmodel.layers.0.cell: [a, b, c]\nmodel.layers.0.hidden: {from: 3, "
    "to: 6}\nsample: 60",
    "sampling: random\noptimizer.lr: [1, 2, 3, 4, 5]\nmodel.layers.0.cell: [a, b, c]\nmodel.layers.0.hidden: {from: 3, "
    "to: 6, log: true}\nsample: 60",
    "optimizer.lr: {from: 1, to: 1000, integer: true}\nsample: 1000\nseeds: 1",
};

START_TEST(samples_are_different) {
    take_good(whole_grids[_i]);
    const int32_t count = section.n_variants;
    ck_assert_int_ge(count, 60);
    for (int32_t v = 0; v < count; v++) {
        for (int32_t w = 0; w < v; w++) {
            ck_assert_str_ne(section.variants[v].name, section.variants[w].name);
        }
        ck_assert_ptr_null(strchr(section.variants[v].name, '(')); /* nothing had to be made unique */
    }
}
END_TEST

START_TEST(trials_of_tuning_are_the_same_for_all_variants) {
    take_good("model.layers.0.cell: [gru, lstm]\nseeds: 3\ntune:\n  optimizer.lr: {from: 1e-4, to: 1e-2, log: true}\n  "
              "model.layers.0.dropout: [0, 0.5]\n  trials: 4\n  seeds: 2\n  halving: 2");
    ck_assert_int_eq(section.tune_seeds, 2);
    ck_assert_int_eq(section.halving, 2);
    ck_assert_int_eq(section.n_runs, 2 * (3 + 4 * 2));
    ck_assert_str_eq(variants_text(section.trial_settings, section.trials),
                     "trial 1 | trial-01 | optimizer.lr=0.00136, model.layers.0.dropout=0.5\n"
                     "trial 2 | trial-02 | optimizer.lr=0.000136, model.layers.0.dropout=0\n"
                     "trial 3 | trial-03 | optimizer.lr=0.00043, model.layers.0.dropout=0.5\n"
                     "trial 4 | trial-04 | optimizer.lr=0.0043, model.layers.0.dropout=0\n");
}
END_TEST

/* Where whole optimizers vary, the learning rate of each can be tuned. */
START_TEST(keys_inside_of_varied_ones_can_be_tuned) {
    take_good("optimizer: [{plugin: adam}, {plugin: sgd}]\ntune: {optimizer.lr: [1, 2], trials: 2}");
    ck_assert_int_eq(section.trials, 2);
    ck_assert_int_eq(section.tune_seeds, 1);
    ck_assert_int_eq(section.halving, 0);
}
END_TEST

/* Values stay at their place, for errors of the experiment that they make. */
START_TEST(settings_have_the_place_of_their_values) {
    take_good("model.layers.0.cell:\n- gru\n- lstm\nvariants:\n- {optimizer.lr: 7}");
    const struct location cell = section.variants[1].settings[0].value->where;
    ck_assert_str_eq(cell.file, "e.yaml");
    ck_assert_int_eq(cell.line, 5);
    ck_assert_int_eq(cell.column, 5);
    const struct yaml_node *lr = section.variants[1].settings[1].value;
    ck_assert_int_eq(lr->key_where.line, 7);
    ck_assert_int_eq(lr->key_where.column, 6);
    ck_assert_int_eq(lr->where.column, 20);
    ck_assert_int_eq(section.where.line, 2);
}
END_TEST

START_TEST(an_experiment_without_the_section_is_left_alone) {
    struct yaml_node *root = yaml_parse("e.yaml", "rondo: 1", 8, arena, &errors);
    ck_assert_int_eq(compare_section_take(root, &section, arena, &errors), RONDO_OK);
    ck_assert_int_eq(section.is_given, 0);
    ck_assert_ptr_null(section.layers[0]);
}
END_TEST

#define CELLS "model.layers.0.cell: [gru, lstm]\n"

START_TEST(options_have_defaults) {
    take_good(CELLS);
    ck_assert_int_eq(section.n_seeds, 8);
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(section.seeds[i], i + 1);
    }
    ck_assert_int_eq(section.equal, COMPARE_AS_GIVEN);
    ck_assert_int_eq(section.budget, 0);
    ck_assert_ptr_null(section.metric);
    ck_assert_int_eq(section.baseline, -1);
    ck_assert(isnan(section.target));
    ck_assert_int_eq(section.trials, 0);
    ck_assert_ptr_null(section.layers[0]);
    ck_assert_int_eq(section.n_runs, 16);
}
END_TEST

START_TEST(options_are_read) {
    take_good(CELLS "seeds: [3, 0, 9007199254740991]\nequal: flops\nbudget: 100000\nbaseline: lstm\nmetric: f1\n"
                    "target: 0.9");
    ck_assert_int_eq(section.n_seeds, 3);
    ck_assert_int_eq(section.seeds[1], 0);
    ck_assert_int_eq(section.seeds[2], 9007199254740991);
    ck_assert_int_eq(section.equal, COMPARE_EQUAL_FLOPS);
    ck_assert_int_eq(section.equal_where.line, 5);
    ck_assert_int_eq(section.budget, 100000);
    ck_assert_int_eq(section.baseline, 1);
    ck_assert_str_eq(section.metric, "f1");
    ck_assert_int_eq(section.metric_where.line, 8);
    ck_assert_double_eq(section.target, 0.9);
    ck_assert_int_eq(section.n_runs, 6);
}
END_TEST

static const struct {
    const char *lines;
    int32_t baseline;
} baselines[] = {
    {"model.layers.0.cell: [gru, ./mine.yaml]\nbaseline: mine", 1},
    {"model.layers.0.cell: [gru, ./mine.yaml]\nbaseline: ./mine.yaml", 1},
    {"optimizer.lr: [0.01, 1e-3]\nbaseline: 0.001", 1},
    {"optimizer.lr: [0.01, 1e-3]\nmodel.layers.0.cell: [gru, lstm]\nbaseline: \"lr 1e-3, gru\"", 2},
    {"optimizer.lr: [0.01, 1e-3]\nmodel.layers.0.cell: [gru, lstm]\nbaseline: lr-1e-3-gru", 2},
};

START_TEST(baselines_are_names_or_values) {
    take_good(baselines[_i].lines);
    ck_assert_int_eq(section.baseline, baselines[_i].baseline);
}
END_TEST

static const struct {
    const char *lines, *layers;
} equals[] = {
    {CELLS "equal: parameters", " model.layers.0"},
    {"model.layers.1.cell: [gru, lstm]\nmodel.layers.1.dropout: [0, 0.5]\nmodel.layers.0.residual: [true, "
     "false]\nequal: "
     "flops",
     " model.layers.1 model.layers.0"},
    {"variants: [{model.layers.1.cell: gru}, {optimizer.lr: 1, model.layers.0.cell: gru}]\nequal: flops",
     " model.layers.1 model.layers.0"},
    {"model.layers: [[{cell: gru}], [{cell: lstm}, {cell: lstm}]]\nequal: flops", " model.layers"},
    {"variants: [{model: {layers: [{cell: gru}]}}, {model.layers.0.cell: lstm}]\nequal: flops",
     " model.layers model.encoder"},
    {"model.encoder.0.cell: [gru, lstm]\nequal: parameters", " model.encoder.0"},
    {"variants: [{model.encoder.1.dropout: 0}, {model.encoder.0.dropout: 0.5, model.layers.0.dropout: 0.5}]\nequal: "
     "flops",
     " model.encoder.1 model.encoder.0 model.layers.0"},
    {"variants: [{model.encoder.0.cell: gru, model.layers.1.cell: gru}, {model.encoder: [{cell: lstm}]}]\nequal: flops",
     " model.layers.1 model.encoder"},
};

START_TEST(layers_in_which_a_key_varies_are_compared) {
    take_good(equals[_i].lines);
    const char *text = "";
    for (const char *const *layer = section.layers; *layer != NULL; layer++) {
        text = arena_printf(arena, "%s %s", text, *layer);
    }
    ck_assert_str_eq(text, equals[_i].layers);
}
END_TEST

/* Layers of a list that varies need a width to begin with. */
START_TEST(whole_layers_get_a_width) {
    take_good("model.layers: [[{cell: gru}], [{cell: lstm}, {cell: lstm}]]\nequal: flops");
    ck_assert_str_eq(variants_text(section.variants, section.n_variants),
                     "gru | gru | model.layers=[{cell: gru, hidden: 64}]\n"
                     "lstm+lstm | lstm-lstm | model.layers=[{cell: lstm, hidden: 64}, {cell: lstm, hidden: 64}]\n");
}
END_TEST

/* The first line of the section is line 3 of the file, indented by two. */
static const struct {
    const char *lines, *errors[3];
} mistakes[] = {
    {"[]", {"e.yaml:3:3: 'compare' must be a mapping"}},
    {"target: 3", {"e.yaml:2:1: 'compare' has nothing that varies"}},
    /* keys */
    {CELLS "seed: 3", {"e.yaml:4:3: unknown key 'seed' in compare (did you mean 'seeds'?), expected one of sample,"}},
    {"optimiser: [a]", {"e.yaml:3:3: unknown key 'optimiser' in compare (did you mean 'optimizer'?)"}},
    {"optimiser.lr: [1]", {"unknown key 'optimiser.lr' in compare (did you mean 'optimizer.lr'?)"}},
    {"zzz.lr: [1]", {"unknown key 'zzz.lr' in compare, expected one of"}},
    {"schedule.seed: [1, 2]", {"e.yaml:3:3: 'schedule.seed' cannot vary: 'compare.seeds' gives"}},
    {"schedule: [{epochs: 1}, {seed: 1}]", {"e.yaml:3:28: 'schedule.seed' cannot vary"}},
    {"variants: [{schedule.seed: 1}]", {"e.yaml:3:15: 'schedule.seed' cannot vary"}},
    {"name: [a, b]", {"'name' cannot vary: each variant gets a name"}},
    {"rondo: [1, 2]", {"'rondo' cannot vary"}},
    {"extends: [a, b]", {"'extends' cannot vary"}},
    {"optimizer.lr: [1, 2]\noptimizer: [{plugin: sgd}]",
     {"e.yaml:4:3: 'optimizer' and 'optimizer.lr' overlap: one of them would replace the other"}},
    {"model.layers: [[{cell: gru}]]\nmodel.layers.0.cell: [gru]", {"'model.layers.0.cell' and 'model.layers' overlap"}},
    {"optimizer.lr: [1, 2]\nvariants: [{optimizer.lr: 3}]", {"e.yaml:4:15: 'optimizer.lr' varies twice"}},
    {"variants: [{optimizer.lr: 3}]\noptimizer.lr: [1, 2]", {"e.yaml:4:3: 'optimizer.lr' varies twice"}},
    {"variants: [{optimizer.lr: 3, optimizer: {plugin: sgd}}]",
     {"e.yaml:3:32: 'optimizer' and 'optimizer.lr' overlap"}},
    /* values */
    {"optimizer.lr: []", {"e.yaml:3:17: the list of values of 'optimizer.lr' is empty"}},
    {"optimizer.lr: 0.1", {"e.yaml:3:17: 'optimizer.lr' is one value, expected a list of values, such as [a, b]"}},
    {"optimizer: {lr: [1, 2]}",
     {"e.yaml:3:14: 'optimizer' is a mapping, expected a list of values, such as [a, b]; a key "
      "inside it is written with dots: 'optimizer.lr'"}},
    {"optimizer.lr: [1, 0.1, 1.0]", {"e.yaml:3:26: entry 3 of 'optimizer.lr' is the same as entry 1"}},
    {"optimizer: [{plugin: sgd, lr: 1}, {lr: 1e0, plugin: sgd}]", {"entry 2 of 'optimizer' is the same as entry 1"}},
    {"optimizer.lr:\n- 1\n-", {"e.yaml:5:4: a value of 'optimizer.lr' is empty"}},
    {"variants: []", {"'compare.variants' must be a list of mappings"}},
    {"variants: [a]", {"e.yaml:3:14: entry 1 of 'variants' must be a mapping"}},
    {"variants: [{optimizer.lr: 1}, {name: b, optimizer.lr: 1}]", {"entry 2 of 'variants' is the same as entry 1"}},
    {"variants: [{name: b, optimizer.lr: 1}, {name: b, optimizer.lr: 2}]",
     {"entries 1 and 2 of 'variants' have the same "
      "name 'b'"}},
    {"variants: [{name: [b]}]", {"'name' of a variant must be a text"}},
    /* seeds, target, budget */
    {CELLS "seeds: 0", {"e.yaml:4:10: 'compare.seeds' must be a number of seeds from 1 to 10000, or a list"}},
    {CELLS "seeds: []", {"'compare.seeds' has 0 seeds, expected 1 to 10000"}},
    {CELLS "seeds: [1, -1, 2, 1, x, 1.5]",
     {"e.yaml:4:14: a seed of 'compare.seeds' is '-1', expected an integer",
      "e.yaml:4:21: 'compare.seeds' has the seed 1 "
      "twice",
      "e.yaml:4:24: a seed of 'compare.seeds' is 'x'"}},
    {CELLS "target: high", {"e.yaml:4:11: 'compare.target' must be a number"}},
    {CELLS "target: nan", {"'compare.target' must be a number"}},
    {CELLS "equal: parameter", {"(did you mean 'parameters'?)"}},
    {CELLS "budget: 1000", {"e.yaml:4:3: 'compare.budget' is not used without 'compare.equal'"}},
    {"optimizer.lr: [1, 2]\nequal: flops",
     {"e.yaml:4:10: 'compare.equal' chooses 'hidden' of the layers in which a key "
      "varies, and no key under 'model.layers' or 'model.encoder' varies"}},
    {"model.layers.0.hidden: [8, 16]\nequal: flops",
     {"e.yaml:3:27: 'model.layers.0.hidden' is given, but 'compare.equal' "
      "chooses widths"}},
    {"model.layers: [[{cell: gru, hidden: 3}]]\nequal: flops", {"'model.layers.0.hidden' is given, but"}},
    {CELLS "baseline: gur",
     {"e.yaml:4:13: no variant is called 'gur' (did you mean 'gru'?), expected one of: gru; lstm"}},
    /* ranges */
    {"optimizer.lr: {from: 1, to: 1, count: 3}",
     {"e.yaml:3:31: the range of 'optimizer.lr' ends at 1 and begins at 1"}},
    {"optimizer.lr: {from: 2, to: 1, count: 3}",
     {"the range of 'optimizer.lr' ends at 1 and begins at 2, expected more"}},
    {"optimizer.lr: {from: 0, to: 1, log: true, count: 3}",
     {"e.yaml:3:24: a range with 'log' begins at 0, expected more"}},
    {"optimizer.lr: {from: 0, to: 1}",
     {"e.yaml:3:17: the range of 'optimizer.lr' has no 'count', expected a 'count' of 2"}},
    {"optimizer.lr: {from: 0, to: 1, count: 1}", {"e.yaml:3:41: the range of 'optimizer.lr' has too small a 'count'"}},
    {"optimizer.lr: {from: 0, to: 1, count: 3}\nsample: 2",
     {"e.yaml:3:34: 'count' is the number of values in a grid, and "
      "'compare.sample' draws values"}},
    {"optimizer.lr: {to: 1, count: 3}", {"option 'from' of compare.optimizer.lr is missing, expected number (the"}},
    {"optimizer.lr: {from: a, to: 1, count: 3}", {"'from' is 'a', expected a number"}},
    {"optimizer.lr: {from: 0, to: 1, cuont: 3}",
     {"unknown key 'cuont' in compare.optimizer.lr (did you mean 'count'?)"}},
    {"model.layers.0.hidden: {from: 1, to: 2, count: 3}",
     {"'count' is 3, but points 2 and 3 of 'model.layers.0.hidden' are "
      "both 2"}},
    {"model.layers.0.hidden: {from: 1.5, to: 4, count: 3}",
     {"the ends of the range of 'model.layers.0.hidden' are 1.5 and "
      "4, expected integers"}},
    {"model.layers.0.hidden: {from: 1, to: 4, count: 3, integer: false}", {"'model.layers.0.hidden' takes integers"}},
    {"model.head.tie: {from: 0, to: 1, count: 2}", {"'model.head.tie' takes no number"}},
    {"model.layers.0.cell: {from: 0, to: 1, count: 2}", {"'model.layers.0.cell' takes no number"}},
    {"model.layers.0.hidden: {from: 1, to: 2, count: 2}\nequal: flops", {"'model.layers.0.hidden' is given"}},
    {"optimizer.lr: {from: -1e308, to: 1e308, count: 3}",
     {"the range of 'optimizer.lr' is wider than a number can be"}},
    /* drawing */
    {CELLS "sample: 3", {"e.yaml:4:11: 'compare.sample' is 3, but there are only 2 different settings"}},
    {CELLS "sampling: random", {"e.yaml:4:3: 'compare.sampling' is not used without"}},
    {CELLS "sampling_seed: 3", {"'compare.sampling_seed' is not used without"}},
    {"model.layers.0.hidden: {from: 1, to: 64}\nequal: flops\nsample: 2", {"'model.layers.0.hidden' is given"}},
    /* tuning */
    {CELLS "tune: 3", {"e.yaml:4:9: 'compare.tune' must be a mapping"}},
    {CELLS "tune: {trials: 3}", {"e.yaml:4:3: 'compare.tune' has no key of the experiment"}},
    {CELLS "tune: {optimizer.lr: [1, 2]}", {"option 'trials' of compare.tune is missing"}},
    {CELLS "tune: {optimizer.lr: [1, 2], trials: 3}",
     {"e.yaml:4:40: 'compare.tune.trials' is 3, but there are only 2"}},
    {CELLS "tune: {optimizer.lr: [1, 2], trials: 2, seeds: 9}", {"'compare.tune.seeds' is 9, expected at most"}},
    {CELLS "tune: {optimizer.lr: [1, 2], trials: 2, halving: 3}", {"'compare.tune.halving' is 3, expected at most"}},
    {CELLS "tune: {optimizer.lr: [1, 2], trials: 2, halving: 1}", {"'compare.tune.halving' is 1, expected 2"}},
    {CELLS "tune: {optimizer.lr: {from: 1, to: 2, count: 2}, trials: 2}", {"'compare.tune' draws values"}},
    {CELLS "tune: {model.layers.0.cell: [a, b], trials: 2}",
     {"e.yaml:4:10: 'model.layers.0.cell' is tuned, but "
      "'model.layers.0.cell' varies"}},
    {CELLS "tune: {model.layers: [[{cell: a}], [{cell: b}]], trials: 2}",
     {"'model.layers' is tuned, but "
      "'model.layers.0.cell' varies"}},
    {"optimizer: [{plugin: adam}, {plugin: sgd, lr: 1}]\ntune: {optimizer.lr: [1, 2], trials: 2}",
     {"e.yaml:4:10: 'optimizer.lr' is tuned, but a variant gives it (line 3)"}},
    {CELLS "tune: {schedule.seed: [1, 2], trials: 2}", {"'schedule.seed' cannot vary"}},
    {CELLS "tune: {trails: 2, optimizer.lr: [1, 2]}",
     {"unknown key 'trails' in compare.tune (did you mean 'trials'?)"}},
    {CELLS "equal: flops\ntune: {model.layers.0.hidden: [1, 2], trials: 2}", {"'model.layers.0.hidden' is given"}},
    /* all together */
    {"optimizer.lr: []\nsampel: 3\nseeds: -1",
     {"the list of values of 'optimizer.lr' is empty", "unknown key 'sampel' in compare (did you mean 'sample'?)",
      "'compare.seeds' must be a number"}},
};

START_TEST(mistakes_are_reported_at_their_place) {
    ck_assert_int_ne(take(mistakes[_i].lines), RONDO_OK);
    for (int e = 0; e < 3 && mistakes[_i].errors[e] != NULL; e++) {
        int found = 0;
        for (int32_t i = 0; i < errors.count && i < ERRORS_MAX; i++) {
            found |= strstr(errors_text(&errors, i), mistakes[_i].errors[e]) != NULL;
        }
        ck_assert_msg(found, "no '%s' in:\n%s\n%s", mistakes[_i].errors[e], errors_text(&errors, 0),
                      errors.count > 1 ? errors_text(&errors, 1) : "");
    }
}
END_TEST

/* The arena begins with a piece of another length each time, so that blocks end, and memory is short, at every place of the
 * code. */
START_TEST(memory_that_runs_out_is_an_error) {
    static const char text[] =
        "rondo: 1\ncompare:\n  model.layers.0.cell: [gru, a/x.yaml, b/x.yaml]\n  optimizer.lr: {from: 1, to: 5}\n"
        "  variants: [{name: a, schedule.epochs: 1}, {schedule.epochs: 2, data: {reader: [x, {y: z}]}}]\n  sample: 9\n"
        "  seeds: [1, 2]\n  equal: flops\n  tune: {schedule.batch: {from: 1, to: 9}, trials: 3}\n";
    for (size_t used = 0; ALLOCATOR_COUNTS && used < 64 * 1024; used += 2039) {
        rondo_status status = RONDO_NO_MEMORY;
        for (long number = 1; status == RONDO_NO_MEMORY; number++) {
            struct arena *own = arena_create();
            struct yaml_node *root = yaml_parse("e.yaml", text, strlen(text), arena, &errors);
            arena_alloc(own, used);
            allocator_fail(number);
            status = compare_section_take(root, &section, own, &errors);
            allocator_fail(0);
            ck_assert_int_eq(status == RONDO_NO_MEMORY, errors.status == RONDO_NO_MEMORY);
            ck_assert_msg(status == RONDO_NO_MEMORY || status == RONDO_OK, "%s", errors_text(&errors, 0));
            errors_free(&errors);
            arena_destroy(own);
            arena_reset(arena);
        }
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("compare_section");
    TCase *cases = add_case(suite, "compare_section", 60, setup, teardown);
    tcase_add_loop_test(cases, variants_are_named_by_what_varies, 0, ROWS(grids));
    tcase_add_loop_test(cases, ranges_have_points, 0, ROWS(points));
    tcase_add_loop_test(cases, samples_are_the_same_everywhere, 0, ROWS(samples));
    tcase_add_loop_test(cases, sobol_samples_fill_ranges_evenly, 0, 8);
    tcase_add_loop_test(cases, samples_are_different, 0, ROWS(whole_grids));
    tcase_add_test(cases, trials_of_tuning_are_the_same_for_all_variants);
    tcase_add_test(cases, keys_inside_of_varied_ones_can_be_tuned);
    tcase_add_loop_test(cases, long_values_are_cut_and_stay_unique, 0, ROWS(long_names));
    tcase_add_test(cases, settings_have_the_place_of_their_values);
    tcase_add_test(cases, an_experiment_without_the_section_is_left_alone);
    tcase_add_test(cases, options_have_defaults);
    tcase_add_test(cases, options_are_read);
    tcase_add_loop_test(cases, baselines_are_names_or_values, 0, ROWS(baselines));
    tcase_add_loop_test(cases, layers_in_which_a_key_varies_are_compared, 0, ROWS(equals));
    tcase_add_test(cases, whole_layers_get_a_width);
    tcase_add_test(cases, memory_that_runs_out_is_an_error);
    tcase_add_loop_test(cases, mistakes_are_reported_at_their_place, 0, ROWS(mistakes));
    return run_suite(suite);
}
