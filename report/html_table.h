/* report/html_table.h: tables whose columns can be sorted, and their cells. All numbers of a column have the same number of decimals.
 *
 * A cell carries its exact value for sorting. A number that is not known is a dash, and sorts last.
 */
#ifndef RONDO_REPORT_HTML_TABLE_H
#define RONDO_REPORT_HTML_TABLE_H

#include <stdint.h>

#include "report/markup.h"

/* <table> in a frame that scrolls, up to the first <th>. `caption` is HTML. */
void html_table_open(struct markup *markup, const char *id, const char *caption);
/* <th> of a column. `note` explains it; NULL: nothing to explain. */
void html_table_head(struct markup *markup, const char *title, const char *note, int is_number);
/* After the last head. */
void html_table_body(struct markup *markup);
void html_table_close(struct markup *markup);

/* <td> with a text. */
void html_text_cell(struct markup *markup, const char *text);

/* In place of a number of decimals: all numbers have an exponent. */
#define HTML_SCIENTIFIC (-1)

/* <td> with a number of so many decimals; large and small ones have an exponent. Infinite: `never`. */
void html_number_cell(struct markup *markup, double value, int decimals);
/* <td> with a whole number in groups of three digits; < 0: a dash. */
void html_count_cell(struct markup *markup, int64_t value);
/* <td> with a duration: "12.3 s", "4 min 05 s", "2 h 13 min". */
void html_duration_cell(struct markup *markup, double seconds);
/* <td> with "[low, high]", sorted by `low`; a dash if low is NaN. */
void html_interval_cell(struct markup *markup, double low, double high, int decimals);
/* The number alone, as in html_number_cell. */
void html_number(struct markup *markup, double value, int decimals);
void html_count(struct markup *markup, int64_t value);

#endif
