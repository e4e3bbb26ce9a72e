#include "data/next_symbol.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_LIKELY = 10 }; /* symbols whose probabilities the object has */

const char *next_symbol_visible(const char *symbol, char text[NEXT_SYMBOL_BYTES]) {
    static const struct {
        const char *symbol, *visible;
    } known[] = {{" ", "\xE2\x90\xA3"}, {"\n", "\\n"}, {"\t", "\\t"}, {"\r", "\\r"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(symbol, known[i].symbol) == 0) {
            return known[i].visible;
        }
    }
    const unsigned char code = (unsigned char)symbol[0];
    if (code >= 0x20 && code != 0x7F) {
        return symbol;
    }
    snprintf(text, NEXT_SYMBOL_BYTES, "<0x%02X>", code);
    return text;
}

/* The most likely symbols, at most MOST_LIKELY, with their probabilities; the first one's id in *best. */
static json_t *most_likely(const struct reader_prediction *prediction, const float *probabilities, int64_t *best) {
    json_t *object = json_object();
    double above = INFINITY;
    int64_t before = -1; /* of equal probabilities, those after this id are next */
    for (int32_t rank = 0; rank < MOST_LIKELY && rank < prediction->size; rank++) {
        int64_t next = -1;
        for (int64_t k = 0; k < prediction->size; k++) {
            const double p = (double)probabilities[k];
            const int is_left = p < above || (p <= above && k > before);
            next = is_left && (next < 0 || p > (double)probabilities[next]) ? k : next;
        }
        if (next < 0) { /* not a number */
            break;
        }
        above = (double)probabilities[next];
        before = next;
        *best = rank == 0 ? next : *best;
        if (json_object_set_new(object, vocabulary_word(prediction->names, (int32_t)next), json_real(above)) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

/* The mean of -log2 p over the symbols of the text itself. */
static double bits_per_symbol(const struct reader_prediction *prediction) {
    const struct stream *target = dataset_find(prediction->dataset, "target");
    const int64_t begin = target->begin[prediction->example], count = prediction->steps - 1;
    double bits = 0;
    for (int64_t step = 0; step < count; step++) {
        bits -= log2((double)prediction->values[step * prediction->size + stream_id(target, begin + step)]);
    }
    return bits / (double)count;
}

void next_symbol_render(const struct reader_prediction *prediction, enum next_symbol_figure figure,
                        struct fields *fields) {
    const struct dataset *dataset = prediction->dataset;
    if (!prediction->is_class || !prediction->by_step || prediction->names == NULL) {
        fields_of_prediction(prediction, fields);
        return;
    }
    const float *last = prediction->values + (prediction->steps - 1) * prediction->size;
    int64_t best = 0;
    char text[NEXT_SYMBOL_BYTES];
    json_t *probabilities = most_likely(prediction, last, &best);
    const char *next = vocabulary_word(prediction->names, (int32_t)best);
    if (dataset->texts != NULL) {
        fields_text(fields, "text", dataset->texts[prediction->example], 1);
    }
    fields_text(fields, "next", next, 0);
    fields_show(fields, next_symbol_visible(next, text));
    fields_number(fields, "probability", (double)last[best], "%.4f");
    const char *name = figure == NEXT_PERPLEXITY ? "perplexity" : "bits_per_symbol";
    if (prediction->steps > 1) {
        const double bits = bits_per_symbol(prediction);
        fields_number(fields, name, figure == NEXT_PERPLEXITY ? exp2(bits) : bits, "%.4f");
    } else {
        fields_json(fields, name, json_null());
        fields_show(fields, "-");
    }
    fields_json(fields, "probabilities", probabilities);
}
