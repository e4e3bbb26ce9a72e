/* train/generate.h: a trained model writes. Each symbol is chosen from what the model predicts after those before it, and is then
 * the model's next input (feedback): the continuation of a text, the translation of a source, a word that belongs to a class,
 * or the further steps of a series.
 *
 *     struct generator *generator = generator_create(&network, 1, shape, &settings, errors);
 *     generator_start(generator, &prompts, errors);           encodes sources, reads contexts and prefixes
 *     generator_run(generator, &observer, errors);            or generator_step until n_alive is 0
 *     generator_results(generator, prompt, &results, &count, errors);
 *     generator_destroy(generator);
 *
 * One step is recorded on a tape and run again for each symbol: no step allocates memory (but for the first ones after
 * rows have ended, which record a smaller tape). Rows are prompts x samples x beams. The results of a prompt depend on its number,
 * the settings and the model, and on nothing else: not on other prompts, their order or number, or the number of threads.
 *
 * Threads: main thread; uses several inside.
 */
#ifndef RONDO_TRAIN_GENERATE_H
#define RONDO_TRAIN_GENERATE_H

#include "experiment/generate_section.h"
#include "train/network.h"

struct generator;

/* What one result continues. Everything is borrowed until generator_start returns. */
struct generate_prompt {
    /* The example of the dataset whose streams other than `target` the model reads: a source, an input, known numbers. Not
     * read if the model has no such streams. */
    int64_t example;
    /* What the model has read before the text begins, as if it had written it: ids of the stream `target`, or [n_context, size]
     * numbers, in the units of the data; and what the text begins with. Models of the next symbol are prompted by either. */
    const void *context, *prefix;
    int64_t n_context, n_prefix; /* 0: none */
    /* Names the random words, with the sample and the step: usually the number of the line or example that was asked for. Equal
     * prompts with equal numbers have equal results. */
    uint64_t number;
    /* The number of the first of its samples, which names the random words too: many samples can be generated some at a time. */
    int64_t first_sample;
};

struct generate_prompts {
    const struct dataset *dataset; /* NULL: no prompt has an example */
    const struct generate_prompt *prompts;
    int64_t count; /* >= 1 */
    /* 1: generate_hypothesis.attention is wanted, if the model has any. With `unknown: replace`, results with an unknown symbol have
     * it in any case. */
    int attention;
};

/* A text, or a series of numbers. Everything belongs to the generator, until it starts again or is destroyed. */
struct generate_hypothesis {
    const int32_t *ids;   /* [length] with the prefix, without the end; NULL: the model writes numbers */
    const float *numbers; /* [length, size of the target] in the units of the data; NULL: ids */
    int64_t length;
    /* The sum of the log-probabilities of what was generated, with the end if there is one; 0 for numbers. What settings such as
     * temperature or repetition change is the choice, not these. */
    double score;
    int64_t scored; /* the number of its terms: without the prefix, with the end */
    double rank;    /* what a beam search has ordered the results by (choose_normalised); else the score */
    int ended;      /* 1: the end was chosen; 0: the maximum length was reached, or nothing could be chosen */
    /* [length, steps] what the model attended to in the source when it chose each symbol: the mean over layers and heads; of several
     * models that of the first. NULL: not wanted, or none */
    const float *attention;
    int64_t steps; /* of the source, with attention */
};

/* Receives each symbol as soon as it is chosen: for printing while the text is written. */
struct generate_observer {
    void *arg;
    /* Sample number `sample` of prompt number `prompt` continues with these. ids [count], or numbers [count, size]: first the
     * prefix, if there is one, then one at a time; the end symbol is not passed on. Not 0: the run stops, and generator_run goes
     * on from there. Called on the main thread, in the order of prompts and samples. Only without a beam search, which may still
     * change its mind. */
    int (*chosen)(void *arg, int64_t prompt, int64_t sample, const int32_t *ids, const float *numbers, int64_t count);
};

/* A generator of one model, or of several that predict together: by the mean of their probabilities. `shape` has the streams
 * of their data (task->data.shape); all is borrowed. RONDO_INVALID, with the reason, if a model cannot generate, if the models
 * have not the same targets, or if the settings do not suit them: a beam search or several models need targets that are
 * classes, and the beam no more than them. NULL with errors. */
struct generator *generator_create(struct network *const *networks, int32_t n_networks, const struct dataset *shape,
                                   const struct generate_settings *settings, struct errors *errors);
void generator_destroy(struct generator *generator);

/* Begins a text for each prompt: encodes its source and reads its context and prefix. Forgets the results of the last start. */
rondo_status generator_start(struct generator *generator, const struct generate_prompts *prompts,
                             struct errors *errors);
/* Chooses one symbol for each text that has not ended. *n_alive gets the number of those that go on. RONDO_NOT_FINITE if
 * predictions are not finite. */
rondo_status generator_step(struct generator *generator, int64_t *n_alive, struct errors *errors);
/* Steps until all texts have ended. observer NULL: none. RONDO_INTERRUPTED if the session's interrupt is requested; the results
 * are then what there is so far. */
rondo_status generator_run(struct generator *generator, const struct generate_observer *observer,
                           struct errors *errors);
/* The results of a prompt, best first: n_best of a beam search, or the samples in their order. Texts that have not ended are as
 * long as they are so far. */
rondo_status generator_results(struct generator *generator, int64_t prompt, const struct generate_hypothesis **results,
                               int64_t *count, struct errors *errors);

/* Goes on after a text, with the states that the model has then: it reads the rest of `context` and `prefix`, and a new text
 * begins (a chat, or a session of rondo.h). For one prompt without a beam search and with one sample; of `prompt`, the example is
 * not read. An end symbol that was chosen has been read as well. */
rondo_status generator_continue(struct generator *generator, const struct generate_prompt *prompt,
                                struct errors *errors);

#endif
