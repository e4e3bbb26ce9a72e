/* cli/plot_predictions.h: plots of predictions, from their fields (data/fields.h).
 *
 *     one number, or several   a plot for each of them: forecast and truth of all examples in their order, and forecast
 *                              against truth
 *     numbers of steps         a plot for each of them: the steps of one example
 *     a class                  how often each class is predicted; of a single example, the probabilities
 *     classes of steps, lists  how often each class is predicted
 *
 * Fields that are read: value, values or steps, or median in their place; lower and upper of the same form, for a band; date
 * or dates; columns, the names of the numbers; label, labels, probabilities. The truth is the target in the dataset, if it has
 * one.
 *
 * Threads: main thread.
 */
#ifndef RONDO_CLI_PLOT_PREDICTIONS_H
#define RONDO_CLI_PLOT_PREDICTIONS_H

#include "cli/plot_page.h"
#include "data/reader.h"

struct plot_predictions;

/* `example`: the one whose steps are drawn, counted from 1; 0: the last. NULL: out of memory. */
struct plot_predictions *plot_predictions_create(int64_t example);
void plot_predictions_destroy(struct plot_predictions *predictions);

/* Adds the next example; `fields` are those of its prediction. */
rondo_status plot_predictions_add(struct plot_predictions *predictions, const struct reader_prediction *prediction,
                                  const struct fields *fields, struct errors *errors);
/* Counts an example that is not the wanted one of predictions by step. */
void plot_predictions_skip(struct plot_predictions *predictions);

/* Refuses --example for predictions that are not drawn one by one. */
rondo_status plot_predictions_refuse_example(struct errors *errors);

/* Adds the plots to the page, which uses the memory of `predictions`. `what` names the data in titles. RONDO_INVALID if
 * there is no example of the wanted number. */
rondo_status plot_predictions_show(struct plot_predictions *predictions, struct plot_page *page, const char *what,
                                   struct errors *errors);

#endif
