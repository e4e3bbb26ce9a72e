/* experiment/generate_section.h: the section `generate` of an experiment: how a model with feedback writes.
 *
 *     generate: {temperature: 0.8, top_p: 0.95, max_length: 400, show: 3}
 *     generate: {beam: 5, length_power: 0.6, max_length: 60}
 *
 * One table gives the keys of the section, the flags of `rondo generate`, `rondo predict` and `rondo chat`, and the text
 * settings of rondo_generation_open (include/rondo/rondo.h). A later source replaces values of an earlier one: the table, the
 * experiment, flags or text.
 *
 * There are three ways to choose symbols, and a source that gives `beam` or `temperature` chooses one of them:
 *
 *     draw     temperature above 0: each symbol is drawn at random; top_k, top_p, min_p and count apply
 *     greedy   temperature 0, beam 1: always the most probable symbol
 *     beam     beam above 1, temperature 0: the most probable texts that a beam search finds; n_best and length_power apply
 *
 * A setting that has no effect on the chosen way is refused if the same source gives it, and else set back: `--beam 5` needs no
 * flags that undo the experiment's temperature and top_p. A beam search that draws at random is refused too, since its
 * results are neither samples of the model nor the most probable texts.
 *
 * Threads: main thread to read; any thread to use the settings.
 */
#ifndef RONDO_EXPERIMENT_GENERATE_SECTION_H
#define RONDO_EXPERIMENT_GENERATE_SECTION_H

#include "experiment/plugin_section.h"

/* `generate.unknown`: what happens to the unknown symbol of a vocabulary. */
enum generate_unknown {
    GENERATE_FORBID,  /* it is never chosen */
    GENERATE_REPLACE, /* the symbol of the source that is attended to most takes its place in the text */
    GENERATE_ALLOW    /* it is a symbol like the others */
};

struct generate_settings {
    int64_t beams;      /* `beam`: hypotheses of a beam search, >= 1; 1: there is none */
    int64_t samples;    /* `count`: texts for each prompt, >= 1; 1 unless temperature > 0 */
    int64_t n_best;     /* results of a beam search for each prompt, in [1, beams] */
    int64_t min_length; /* symbols before a text may end, <= max_length */
    int64_t
        max_length; /* most symbols of a text. Both count what is generated and a forced prefix, but neither prompt nor end */
    double temperature; /* divides the logarithms of the probabilities; 0: the most probable symbol is chosen */
    int64_t top_k;      /* only the k most probable symbols are drawn; 0: all */
    double top_p;       /* only the most probable symbols that have this probability together, in (0, 1]; 1: all */
    double min_p;       /* only symbols of at least this share of the largest probability, in [0, 1); 0: all */
    double repetition;  /* >= 1: factor on the negative log-probability of symbols that the text has already; 1: none */
    int64_t no_repeat;  /* no sequence of this number of symbols occurs twice in a text; 0: any may */
    /* A beam search compares log P / ((5 + length) / 6)^length_power (Wu et al. 2016, equation 14); 0: log P. */
    double length_power;
    int32_t unknown; /* enum generate_unknown */
    int64_t seed;    /* >= 0: the same seed gives the same texts */
    int64_t show;    /* validation examples that are generated after each validation; 0: none */
    /* Where `beam`, `unknown` and `show` were given, for what only the model can tell; file NULL: nowhere. */
    struct location beam_where, unknown_where, show_where;
};

/* The keys of the section. */
extern const rondo_option generate_table[];

/* What replaces settings: flags, or one text. */
struct generate_source {
    const void *arg;
    /* The text that replaces the value of a key, and where it was given, for messages. NULL: none. */
    const char *(*text)(const void *arg, const char *key, struct location *where);
};

/* The defaults. `has_source`: the model has an encoder, and so one best answer: the temperature is then 0, else 1. */
void generate_settings_default(struct generate_settings *settings, int has_source);

/* Reads `generate` of `root`, which gets the defaults, if `feedback` is set: the model reads what it has written. Without it a
 * section is refused. Errors are added to the reader's list. */
void generate_section_read(const struct plugin_reader *reader, struct yaml_node *root, int feedback, int has_source,
                           struct generate_settings *read);

/* Replaces settings that are complete, and checks that they go together. After a failure they are unchanged. */
rondo_status generate_settings_replace(struct generate_settings *settings, const struct generate_source *source,
                                       struct errors *errors);
/* The same by a text such as "beam=5 max_length=40"; NULL replaces nothing. */
rondo_status generate_settings_parse(struct generate_settings *settings, const char *text, struct errors *errors);

/* Refuses a beam that is wider than the vocabulary, which has `n_symbols`. */
rondo_status generate_settings_fit(const struct generate_settings *settings, int64_t n_symbols, struct errors *errors);

#endif
