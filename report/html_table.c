#include "report/html_table.h"

#include <math.h>

static const char dash[] = "\xe2\x80\x93";

void html_table_open(struct markup *markup, const char *id, const char *caption) {
    markup_format(markup, "<div class=\"scroll\" tabindex=\"0\"><table id=\"%s\" class=\"sortable\"><caption><span>",
                  id);
    markup_add(markup, caption);
    markup_add(markup, "</span></caption><thead><tr>");
}

void html_table_head(struct markup *markup, const char *title, const char *note, int is_number) {
    markup_add(markup, is_number ? "<th scope=\"col\" class=\"n\"" : "<th scope=\"col\"");
    if (note != NULL) {
        markup_add(markup, " title=\"");
        markup_text(markup, note);
        markup_add(markup, "\"");
    }
    markup_add(markup, ">");
    markup_text(markup, title);
    markup_add(markup, "</th>");
}

void html_table_body(struct markup *markup) {
    markup_add(markup, "</tr></thead><tbody>\n");
}

void html_table_close(struct markup *markup) {
    markup_add(markup, "</tbody></table></div>\n");
}

void html_text_cell(struct markup *markup, const char *text) {
    markup_add(markup, "<td>");
    markup_text(markup, text);
    markup_add(markup, "</td>");
}

void html_number(struct markup *markup, double value, int decimals) {
    if (isnan(value)) {
        markup_add(markup, dash);
        return;
    }
    const double size = fabs(value);
    markup_add(markup, value < 0 ? "\xe2\x88\x92" : ""); /* a minus, which is as wide as digits */
    if (isinf(value)) {
        markup_add(markup, "never");
    } else if (decimals == HTML_SCIENTIFIC || (size != 0 && (size >= 1e7 || size < 0.5 * pow(10, -decimals)))) {
        markup_format(markup, decimals == HTML_SCIENTIFIC ? "%.3e" : "%.2e", size);
    } else {
        markup_format(markup, "%.*f", decimals, size);
    }
}

void html_count(struct markup *markup, int64_t value) {
    if (value >= 1000) {
        html_count(markup, value / 1000);                               /* at most six times */
        markup_format(markup, "\xe2\x80\xaf%03d", (int)(value % 1000)); /* a narrow no-break space */
    } else {
        markup_format(markup, "%d", (int)value);
    }
}

static void open_cell(struct markup *markup, double value) {
    if (isfinite(value)) {
        markup_format(markup, "<td class=\"n\" data-v=\"%.17g\">", value);
    } else {
        markup_add(markup, isnan(value) ? "<td class=\"n\">" : "<td class=\"n\" data-v=\"1e308\">");
    }
}

void html_number_cell(struct markup *markup, double value, int decimals) {
    open_cell(markup, value);
    html_number(markup, value, decimals);
    markup_add(markup, "</td>");
}

void html_interval_cell(struct markup *markup, double low, double high, int decimals) {
    open_cell(markup, low);
    if (isnan(low)) {
        markup_add(markup, dash);
    } else {
        markup_add(markup, "[");
        html_number(markup, low, decimals);
        markup_add(markup, ",\xc2\xa0");
        html_number(markup, high, decimals);
        markup_add(markup, "]");
    }
    markup_add(markup, "</td>");
}

void html_count_cell(struct markup *markup, int64_t value) {
    open_cell(markup, value < 0 ? NAN : (double)value);
    if (value < 0) {
        markup_add(markup, dash);
    } else {
        html_count(markup, value);
    }
    markup_add(markup, "</td>");
}

void html_duration_cell(struct markup *markup, double seconds) {
    open_cell(markup, seconds);
    const double whole = isfinite(seconds) ? floor(seconds + 0.5) : 0;
    if (!isfinite(seconds)) {
        html_number(markup, seconds, 0);
    } else if (seconds < 100) {
        markup_format(markup, seconds < 10 ? "%.2f\xc2\xa0s" : "%.1f\xc2\xa0s", seconds);
    } else if (whole < 3600) {
        markup_format(markup, "%.0f\xc2\xa0min %02.0f\xc2\xa0s", floor(whole / 60), fmod(whole, 60));
    } else {
        markup_format(markup, "%.0f\xc2\xa0h %02.0f\xc2\xa0min", floor(whole / 3600), fmod(floor(whole / 60), 60));
    }
    markup_add(markup, "</td>");
}
