/* model/states.h: the states of all layers of a model, for a number of rows, outside of any tape.
 *
 * They connect passes: training on windows of a long sequence carries them from each window to the next, and generation
 * carries them from each step to the next. No gradient flows through them.
 *
 *     struct states *states = model_states_create(model, rows, errors);         zeros
 *     states_bind(states, lane, rows, tape, initial);                           at the beginning of a pass
 *     states_keep(states, lane, rows, tape, final);                             at its end
 *
 * A row of a batch belongs to the row `lane[r]` of the states, so that the rows of a batch may have another order in each
 * window, and some may be missing.
 *
 * Threads: created on one thread. Afterwards any number of threads may bind and keep concurrently, as long as no row is
 * kept by one and bound or kept by another.
 */
#ifndef RONDO_MODEL_STATES_H
#define RONDO_MODEL_STATES_H

#include "core/archive.h"
#include "model/layer.h"

struct states;

/* States of these shapes, each for `rows` rows, all zero; NULL with errors. The shapes, with the names, are copied.
 * model_states_create (model/model.h) creates those of a model. */
struct states *states_create(const struct layer_state *shapes, int32_t count, int64_t rows, struct errors *errors);
/* `states` may be NULL. */
void states_destroy(struct states *states);

/* The states as "carry.NAME"; states_load refuses those of other shapes. */
void states_save(const struct states *states, struct archive *archive);
rondo_status states_load(struct states *states, struct archive *archive, struct errors *errors);
/* The number of states, the name of one ("layers.0.h"), and its tensor [rows, …], which may be written. */
int32_t states_count(const struct states *states);
const char *states_name(const struct states *states, int32_t state);
const rondo_tensor *states_tensor(const struct states *states, int32_t state);

/* to[i] = from[row[i]] for `count` rows: beams, or lanes in another order. Two different objects of the same model. */
void states_take_rows(struct states *to, const struct states *from, const int64_t *row, int64_t count);
/* All rows. */
void states_copy(struct states *to, const struct states *from);
/* Sets the rows with which[r] != 0 to zero; NULL: all. */
void states_clear_rows(struct states *states, const unsigned char *which);

/* Puts the states of rows lane[0 .. rows) on the tape, as copies without a gradient: initial[s] gets [rows, …]. lane NULL: the
 * first rows. Failed values after an error of the tape. */
void states_bind(const struct states *states, const int64_t *lane, int64_t rows, struct tape *tape,
                 rondo_value *initial);
/* The same without copies, for a tape that is run again: the first rows of the states are on the tape as they are, and marked. */
void states_bind_marked(const struct states *states, int64_t rows, struct tape *tape, rondo_value *initial);
/* Row i gets row row[i] of the values final[s], [rows, …], for `count` rows. */
void states_take(struct states *states, const int64_t *row, int64_t count, const struct tape *tape,
                 const rondo_value *final);
/* Copies the values final[s], [rows, …], to rows lane[0 .. rows). Does nothing if the tape has failed. */
void states_keep(struct states *states, const int64_t *lane, int64_t rows, const struct tape *tape,
                 const rondo_value *final);

#endif
