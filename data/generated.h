/* data/generated.h: what a model has generated, as the fields of a prediction.
 *
 * Threads: any.
 */
#ifndef RONDO_DATA_GENERATED_H
#define RONDO_DATA_GENERATED_H

#include "data/reader.h"

/* The ids of a prediction as a text. The line shows the text; the object has
 *
 *     NAME       the text that the example was made from, if there is one: "source", "input" or "prompt"
 *     text       what the model wrote (the reader's `decode` of the stream "target")
 *     score      its log-probability
 *     tokens     its symbols
 *     attention  for each symbol, the weights of the steps of the source; only if they were asked for */
rondo_status generated_render(const struct reader *reader, const struct reader_prediction *prediction, const char *name,
                              struct fields *fields, struct errors *errors);

#endif
