/* tests/generate_fixture.h: small models with random weights that generate, and their data: for tests of train/generate.h.
 *
 * The session is that of tests/session_fixture.h; it must outlive the models. What should not fail ends the test.
 */
#ifndef RONDO_TESTS_GENERATE_FIXTURE_H
#define RONDO_TESTS_GENERATE_FIXTURE_H

#include "tests/session_fixture.h"
#include "train/generate.h"

/* Ids of the targets: symbols from 2 on. */
enum { FIXTURE_UNKNOWN = 0, FIXTURE_END = 1 };

struct generate_fixture_settings {
    const char *name; /* for messages */
    const char *cell;
    int32_t layers;
    int tie;              /* the head is tied to the embedding of `previous` */
    int64_t input;        /* > 0: classes of an input at the first step (1:N) */
    int64_t source;       /* > 0: symbols of a source, read by an encoder of `encoder` cells */
    enum bridging bridge; /* with a source */
    const char *block;    /* with a source: a block over the memory after the cells; NULL: none */
    int64_t known;        /* > 0: numbers that are read at every step */
    int64_t numbers;      /* > 0: the targets are numbers, as many as this */
    const char *loss;     /* NULL: squared_error of numbers, softmax_cross_entropy of symbols */
    int learn_initial_state;
    int dtype_f64;
    int tape; /* 1: the engine `tape` */
};

struct generate_fixture {
    struct network *network;
    struct dataset *shape; /* with some examples, if the model reads streams of them */
    int64_t symbols;       /* of the targets */
};

/* A model of `symbols` symbols, whose weights are `sharpness` times the usual ones: above 1, predictions are less uniform. */
struct generate_fixture generate_fixture_create(const struct generate_fixture_settings *settings, int64_t symbols,
                                                double sharpness, uint64_t seed);
void generate_fixture_destroy(struct generate_fixture *fixture);

/* A dataset like the shape, with one example: the streams of example `example` of the shape, and these targets, ids (int32_t) or
 * numbers (float). */
struct dataset *generate_fixture_example(const struct generate_fixture *fixture, int64_t example, const void *targets,
                                         int64_t count);
/* The probabilities of what follows these targets, [symbols], by network_predict: from the first step on, without a
 * generator. */
void generate_fixture_predict(const struct generate_fixture *fixture, int64_t example, const int32_t *targets,
                              int64_t count, float *probabilities);

/* Settings for greedy generation of up to `most` symbols. */
struct generate_settings generate_fixture_greedy(int64_t most);

#endif
