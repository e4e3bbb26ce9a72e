/* data/next_symbol.h: the prediction of a language model for the beginning of a text: the symbol that follows it, and how
 * probable the text itself is.
 *
 * The stream "target" of the example has the symbols of the text and, after them, a placeholder: the prediction of the last
 * step is that of the symbol that follows.
 *
 * Threads: any.
 */
#ifndef RONDO_DATA_NEXT_SYMBOL_H
#define RONDO_DATA_NEXT_SYMBOL_H

#include "data/reader.h"

/* The figure of the text itself: of p, the probability of a symbol given those before it,
 *
 *     bits_per_symbol   the mean of -log2 p
 *     perplexity        exp of the mean of -ln p */
enum next_symbol_figure { NEXT_BITS_PER_SYMBOL, NEXT_PERPLEXITY };

/* A symbol for a person: a blank or a control character becomes visible, in `text`; any other symbol is returned. */
enum { NEXT_SYMBOL_BYTES = 16 };
const char *next_symbol_visible(const char *symbol, char text[NEXT_SYMBOL_BYTES]);

/* The line shows the text, its most likely next symbol with its probability, and the figure. The object also has the ten most
 * likely symbols. If predictions are not probabilities of symbols by step: fields_of_prediction. */
void next_symbol_render(const struct reader_prediction *prediction, enum next_symbol_figure figure,
                        struct fields *fields);

#endif
