/* model/embedding_layer.h: a kind of layer: from the streams that a model reads to the input of its first layer.
 *
 * An embedded stream gives a vector at each step: a row of a table (symbols), or a linear map (numbers with an
 * embedding size). The vectors of several streams are added. Numbers that are not embedded are put beside each other, after
 * the sum of the vectors:
 *
 *     e = sum over embedded streams of  table[id]  or  x @ W + b
 *     output = [e, numbers, numbers, …]                          [total, width], or [rows, width]
 *
 * The stream that an encoder reads (model_input.is_source) has a time axis of its own, and so an output of its own, which is
 * made in the same way.
 *
 * A stream that has a value only at the first step of a sequence adds nothing (zeros) at later steps, which are all steps of a
 * row that continues (struct layer_call: starts). If all streams are of this kind, the
 * output is that of the first step, [rows, width].
 *
 * Parameters: "W", the table, if there is only one, and "STREAM.W" if there are several; "STREAM.W" and "STREAM.b" of a linear
 * map. A shared table has the name of the first stream that uses it, and as many rows as the largest of these streams has
 * symbols.
 *
 * Tables are by rows (layer_parameter.by_rows). A table that several streams share has one struct row_table, with the rows
 * of all of them.
 *
 * layer_call.inputs: [n_inputs] i32 [n] of symbols, or numbers [n, size]; n is the total of the time axis, or rows if only
 * the first step has a value. That of the source has its own number of elements.
 *
 * Random words: dropout draws in SCOPE, stream after stream. Word dropout draws from the stream "word_dropout" of the
 * pass, or "word_dropout.STREAM" if there are several streams of symbols. It replaces words by the unknown word, so that
 * the model learns what to do with words that it does not know (Iyyer et al. 2015), each word with its own probability if
 * `drop` is given. The vector of the unknown word then begins at zero, so that it depends only on training.
 */
#ifndef RONDO_MODEL_EMBEDDING_LAYER_H
#define RONDO_MODEL_EMBEDDING_LAYER_H

#include "model/layer.h"

/* One stream that a model reads. */
struct model_input {
    const char *name;       /* "input", "previous" */
    int64_t symbols;        /* > 0: ids in [0, symbols); 0: numbers */
    int64_t size;           /* numbers per step, >= 1; used if symbols is 0 */
    int64_t embedding_size; /* width of the vector. Symbols: >= 1. Numbers: 0: they enter as they are */
    double init_std;        /* symbols: standard deviation of the numbers of their vectors at the beginning, > 0 */
    double dropout;         /* of the elements that the stream contributes, in [0, 1) */
    double word_dropout;    /* share of ids replaced by `unknown` in training, in [0, 1); used if unknown >= 0 */
    const float *drop;      /* [symbols] the same for each id, in place of word_dropout; NULL: not given */
    int32_t unknown;        /* id of the unknown word; -1: none */
    int32_t share;          /* number of an earlier input whose table this one uses; -1: a table of its own */
    int lazy;               /* of a table of its own: is_lazy of the parameter */
    int every_step;         /* 0: only the first step has a value */
    int is_source; /* 1: the stream of the encoder, of which there is at most one, the last input; it has a value at every step */
    struct location where; /* for messages: where the user wrote its embedding; zero: nowhere */
};

/* The width of the output, without the source; 0 if the streams have no width, or if embedded ones have different widths. */
int64_t embedding_layer_width(const struct model_input *inputs, int32_t n_inputs);
/* 1 if the output has all steps; 0 if it has only the first. */
int embedding_layer_every_step(const struct model_input *inputs, int32_t n_inputs);

/* NULL with errors: RONDO_INVALID, naming the streams, if there is no stream, if one has no width, or if embedded ones
 * have different widths. Everything is copied. */
struct layer *embedding_layer_create(const struct model_input *inputs, int32_t n_inputs, int32_t dtype,
                                     struct errors *errors);
/* The width of the vectors of the source; 0: there is none. `layer` must be of this kind. */
int64_t embedding_layer_source_width(const struct layer *layer);
/* The outputs: `inputs` is what layer_record gives, `source` is [n, width] of the source. A pass records one of them (the other
 * gets the id -1, and its streams are not read), or both; a pass whose tables are by rows records both. */
enum embedding_part { EMBEDDING_INPUTS = 1, EMBEDDING_SOURCE = 2 };
struct embedding_output {
    rondo_value inputs, source;
};
struct embedding_output embedding_layer_record(const struct layer *layer, struct tape *tape,
                                               const struct layer_call *call, int parts);
/* The name of input `input`. `layer` must be of this kind. */
const char *embedding_layer_name(const struct layer *layer, int32_t input);
/* The number of the parameter that is the table of input `input`; -1: it has none. `layer` must be of this kind. */
int32_t embedding_layer_table(const struct layer *layer, int32_t input);

#endif
