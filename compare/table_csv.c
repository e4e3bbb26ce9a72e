/* compare/table_csv.c: the table of a comparison, and its runs, as CSV: fields with commas, quotes or line breaks are quoted as in
 * RFC 4180; lines end with LF; numbers are read back as the same doubles; what is not known is empty, what never happens is "inf". */
#include <math.h>
#include <string.h>

#include "compare/table_content.h"
#include "compare/table_runs.h"
#include "compare/text_builder.h"
#include "core/number.h"
#include "io/utf8.h"

/* A field; bytes that are not UTF-8 become U+FFFD. */
static void add_text(struct text_builder *builder, const char *text) {
    if (text == NULL) {
        return;
    }
    const size_t length = strlen(text);
    const int is_quoted = strpbrk(text, ",\"\r\n") != NULL || text[0] == ' ' || (length > 0 && text[length - 1] == ' ');
    text_add(builder, is_quoted ? "\"" : "");
    for (size_t taken; *text != '\0'; text += taken) {
        uint32_t code;
        const size_t valid = utf8_decode(text, strlen(text), &code);
        taken = valid == 0 ? 1 : valid;
        if (valid == 0) {
            text_add(builder, "\xef\xbf\xbd");
        } else {
            text_add(builder, *text == '"' ? "\"" : "");
            text_add_bytes(builder, text, taken);
        }
    }
    text_add(builder, is_quoted ? "\"" : "");
}

static void add_number(struct text_builder *builder, double number) {
    if (isinf(number)) {
        text_add(builder, "inf");
    } else if (number == floor(number) && fabs(number) < 1e15) {
        text_format(builder, "%.0f", number);
    } else if (!isnan(number)) {
        text_add(builder, number_shortest(number, 1).text);
    }
}

static void next_field(struct text_builder *builder) {
    text_add(builder, ",");
}

const char *table_as_csv(const struct comparison_content *content, struct arena *arena) {
    struct text_builder builder = {.arena = arena};
    for (int32_t row = -1; row < content->comparison->n_variants; row++) {
        for (int32_t c = 0; c < content->n_columns; c++) {
            const struct comparison_column *column = &content->columns[c];
            const int has_interval = column->interval != 0 && column->interval_readers & TABLE_FOR_PROGRAMS;
            if (!(column->readers & TABLE_FOR_PROGRAMS)) {
                continue;
            }
            text_add(&builder, column->kind == TABLE_VARIANT ? "" : ",");
            if (row < 0) {
                add_text(&builder, column->key);
                if (has_interval) {
                    text_format(&builder, ",%s_low,%s_high", column->key, column->key);
                }
                continue;
            }
            const int32_t variant = content->statistics->ranking[row];
            if (table_is_text(column)) {
                add_text(&builder, table_setting(content, column, variant));
                continue;
            }
            add_number(&builder, table_number(content, column, variant));
            if (has_interval) {
                const struct statistics_interval interval = table_interval(content, column, variant);
                next_field(&builder);
                add_number(&builder, interval.low);
                next_field(&builder);
                add_number(&builder, interval.high);
            }
        }
        text_add(&builder, "\n");
    }
    return text_built(&builder);
}

/* The value of a column of settings for the variant. */
static void add_settings(struct text_builder *builder, const struct comparison_content *content, int32_t variant) {
    for (int32_t c = 0; c < content->n_columns; c++) {
        const struct comparison_column *column = &content->columns[c];
        if (column->group == TABLE_NAMES) {
            text_add(builder, c == 0 ? "" : ",");
            add_text(builder, variant < 0 ? column->key : table_setting(content, column, variant));
        }
    }
}

const char *table_as_runs_csv(const struct comparison_content *content, struct arena *arena) {
    struct text_builder builder = {.arena = arena};
    struct comparison_run_columns columns;
    table_run_columns_make(content, &columns, arena);
    for (int32_t v = -1; v < content->comparison->n_variants && !arena_failed(arena); v++) {
        for (int32_t s = 0; s < (v < 0 ? 1 : content->comparison->n_seeds); s++) {
            const struct compared_run *run = v < 0 ? NULL : &content->comparison->variants[v].runs[s];
            add_settings(&builder, content, v);
            text_add(&builder, v < 0 ? ",seed,state,reason" : "");
            if (run != NULL) {
                text_format(&builder, ",%lld,%s,", (long long)run->seed, compared_state_name(run->state));
                add_text(&builder, run->reason);
            }
            for (int32_t c = 0; c < columns.count; c++) {
                next_field(&builder);
                if (run == NULL) {
                    add_text(&builder, columns.items[c].key);
                } else {
                    add_number(&builder, table_run_number(&columns.items[c], run));
                }
            }
            text_add(&builder, "\n");
        }
    }
    return text_built(&builder);
}
