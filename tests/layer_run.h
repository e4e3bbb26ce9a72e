/* tests/layer_run.h: layers of small cells over a batch of sequences, with gradients: for tests of model/layer.h.
 *
 * Everything is in f64 and is allocated in the arena of `support`. An error fails the running test.
 */
#ifndef RONDO_TESTS_LAYER_RUN_H
#define RONDO_TESTS_LAYER_RUN_H

#include "model/cell_layer.h"
#include "tests/support.h"

/* For the running test; the fixture opens and closes them. */
extern struct support support;
extern struct tape *tape;
void layer_run_open(void);
void layer_run_close(void);

enum { INPUT = 3, HIDDEN = 4, MEMORY = 6, MOST_STATES = 8, MOST_PARAMETERS = 64, CELLS = 8 };

/* `states` is a list of names, each followed by its dimensions unless it is [hidden]: "h:2, c". Parameters with a
 * declared shape follow after a semicolon in the same form: "h; U:hidden:hidden". */
struct test_cell {
    const char *name, *states, *output, *candidates, *equations;
};

extern const struct test_cell cell_rnn, cell_gru, cell_lstm;
/* A cell whose output is not a state, and whose products read no state. */
extern const struct test_cell cell_gated;
/* A cell with two products of which the second reads the first, and with a state that takes the value of another. */
extern const struct test_cell cell_deep;
/* Cells that read memory: with attention of the products of one vector, by the state before the step, and after it. */
extern const struct test_cell cell_dot, cell_bahdanau, cell_luong;
extern const struct test_cell *const all_cells[CELLS];

struct cell_definition *define(const struct test_cell *cell);
/* A layer of HIDDEN, with a memory of MEMORY; `settings` without the cell. */
struct layer *make_layer(const struct test_cell *cell, struct cell_layer_settings settings, int64_t input);

/* A layer with its inputs, and the results of a run. */
struct run {
    struct layer *layer; /* the test destroys it */
    struct time_axis time;
    int input_every_step, training;
    rondo_tensor inputs;
    rondo_tensor parameters[MOST_PARAMETERS];
    const rondo_tensor *initial;  /* [states], or NULL */
    struct support_memory memory; /* if the layer reads it */
    /* Copies of the results of the last pass, and gradients of their weighted sum (`total`).
     */
    rondo_tensor outputs, final[MOST_STATES];
    rondo_tensor grad_inputs, grad_memory, grad_parameters[MOST_PARAMETERS], grad_initial[MOST_STATES];
};

/* The values of a pass on the tape. */
struct values {
    rondo_value inputs, memory, parameters[MOST_PARAMETERS], initial[MOST_STATES], outputs, final[MOST_STATES];
};

rondo_tensor zeros_like(const rondo_tensor *tensor);
/* Random numbers from the stream `name`; zeros if it is NULL. */
rondo_tensor matrix(int64_t rows, int64_t columns, const char *name);
rondo_tensor copy_of(const rondo_tensor *tensor);
/* A copy of a gradient; if there is none (NULL), zeros in the shape of `like`. */
rondo_tensor copy_of_gradient(const rondo_tensor *gradient, const rondo_tensor *like);

/* Random inputs and parameters, an input at every step, evaluation, no initial states. */
struct run make_run(struct layer *layer, const int64_t *lengths, int64_t rows, int64_t input);
/* Random initial states for the rows of the run. */
const rondo_tensor *random_states(const struct run *run);
/* Records a pass from an empty tape; fills all of `values`. */
void record(const struct run *run, struct values *values);
/* sum(value * weights), with random weights from the stream `name`. */
rondo_value weighted(rondo_value value, const char *name);
/* The sum of outputs and final states, each multiplied by its own weights. `loss` computes the same as a number, for
 * central differences. */
rondo_value total(const struct run *run, const struct values *values);
double loss(void *run);
/* Runs a pass forward and backward; stores the results, and the gradients of `total`. */
void pass(struct run *run);

/* The rows of `whole`, packed along time, that belong to row `row`. */
rondo_tensor rows_of(const rondo_tensor *whole, const struct time_axis *time, int64_t row);
/* Row `row` of a state of all rows: a view. */
rondo_tensor row_of(const rondo_tensor *states, int64_t row);

#endif
