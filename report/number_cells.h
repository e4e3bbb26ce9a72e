/* report/number_cells.h: cells of tables with numbers, so that all of a column have the same number of decimals.
 *
 * A cell carries its exact value for sorting. A number that is not known is a dash, and sorts last.
 */
#ifndef RONDO_REPORT_NUMBER_CELLS_H
#define RONDO_REPORT_NUMBER_CELLS_H

#include <stdint.h>

#include "report/markup.h"

/* Decimals of numbers of the size of `largest`, for about four significant digits: 4 for accuracies, 1 for 123.4. */
int number_decimals(double largest);

/* <td> with a number of so many decimals; large and small ones have an exponent. Infinite: `never`. */
void number_cell(struct markup *markup, double value, int decimals);
/* <td> with a whole number in groups of three digits; < 0: a dash. */
void count_cell(struct markup *markup, int64_t value);
/* <td> with a duration: "12.3 s", "4 min 05 s", "2 h 13 min". */
void duration_cell(struct markup *markup, double seconds);
/* The number alone, as in number_cell. */
void number_add(struct markup *markup, double value, int decimals);
void count_add(struct markup *markup, int64_t value);

#endif
