/* tests/model_run.h: models of small cells over a batch of sequences, with gradients: for tests of model/model.h.
 *
 * Everything is in f64 and is stored in the arena of `support` (tests/layer_run.h). An error fails the running test.
 */
#ifndef RONDO_TESTS_MODEL_RUN_H
#define RONDO_TESTS_MODEL_RUN_H

#include "model/model.h"
#include "tests/layer_run.h"

enum { MOST_INPUTS = 3, OUTPUTS = 3, MOST_CELLS = 3, MOST_ROWS = 8 };

/* Streams of a model. The members that every test needs; the tests below set the others. */
#define STREAM_OF_SYMBOLS(name_, symbols_, size_, every_step_)                                                         \
    {                                                                                                                  \
        .name = (name_), .symbols = (symbols_), .embedding_size = (size_), .init_std = 0.1, .unknown = -1,             \
        .share = -1, .every_step = (every_step_)                                                                       \
    }
#define STREAM_OF_NUMBERS(name_, size_, every_step_)                                                                   \
    { .name = (name_), .size = (size_), .unknown = -1, .share = -1, .every_step = (every_step_) }

struct model_run {
    struct model *model; /* the test destroys it */
    struct time_axis time;
    int32_t n_inputs;
    rondo_tensor inputs[MOST_INPUTS];
    const rondo_tensor *scored;
    const struct states *carried;
    struct states *kept;
    const int64_t *lane;
    const unsigned char *starts;
    struct model_probe *probe; /* NULL: none; its settings are those of the layers */
    int training, stepwise;
    /* What the encoder reads, if there is one (model_run_read_source). */
    struct time_axis source_time;
    int64_t source_row[MOST_ROWS];
    rondo_tensor source_input;
    const struct layer_memory *memory; /* NULL: the source is read */
    struct row_table *const *rows;     /* as in struct model_call */
    /* Of the loss, the sum of outputs times weights; data NULL: random ones. */
    rondo_tensor weights;
    /* Copies of the results of the last pass. */
    rondo_tensor hidden, outputs, gradients[MOST_PARAMETERS];
};

/* A model with one layer of `cell`, or of its own cell, for each entry of `layers` and `encoder`, HIDDEN wide, and a head of OUTPUTS unless the settings
 * give a size; NULL with errors in `support`. */
struct model *model_run_model(const struct model_settings *settings, const struct test_cell *cell);
/* Random parameters and inputs for rows of these lengths. */
struct model_run model_run_create(const struct model_settings *settings, const struct test_cell *cell,
                                  const int64_t *lengths, int64_t rows);
/* Gives the run a random source: row r of the batch has one of lengths[r] steps, whose contents depend on its name alone, "source"
 * and names[r] (NULL: r). */
void model_run_read_source(struct model_run *run, const struct model_input *source, const int64_t *lengths,
                           const int64_t *names, int64_t rows);
/* Records a pass from an empty tape. */
struct model_result model_run_record(const struct model_run *run, rondo_value *parameters);
/* The loss, for central differences; `run` is a struct model_run. */
double model_run_loss(void *run);
/* A pass with its results and gradients. */
void model_run_pass(struct model_run *run);
/* Compares the gradients of the last pass with central differences. */
void model_run_check_gradients(struct model_run *run, double tolerance, const char *what);

#endif
