#include "data/generated.h"

#include <jansson.h>
#include <math.h>

#include "io/json.h"

static json_t *tokens_json(const struct reader_prediction *prediction, struct fields *fields) {
    const struct stream *target = dataset_find(prediction->dataset, "target");
    json_t *list = json_array();
    for (int64_t i = 0; target->names != NULL && i < prediction->n_ids; i++) {
        fields_append(fields, list, json_string(vocabulary_word(target->names, prediction->ids[i])));
    }
    return list;
}

static json_t *attention_json(const struct reader_prediction *prediction, struct fields *fields) {
    const struct stream *source = dataset_find(prediction->dataset, "source");
    const int64_t steps = source == NULL ? 0 : source->length[prediction->example];
    json_t *rows = json_array();
    for (int64_t i = 0; i < prediction->n_ids; i++) {
        json_t *row = json_array();
        for (int64_t k = 0; k < steps; k++) {
            fields_append(fields, row, json_real((double)prediction->attention[i * steps + k]));
        }
        fields_append(fields, rows, row);
    }
    return rows;
}

rondo_status generated_render(const struct reader *reader, const struct reader_prediction *prediction, const char *name,
                              struct fields *fields, struct errors *errors) {
    const struct dataset *dataset = prediction->dataset;
    const char *text;
    RONDO_TRY(
        reader->class->decode(reader, "target", prediction->ids, prediction->n_ids, 0, fields->arena, &text, errors));
    if (dataset->texts != NULL) {
        fields_json(fields, name, json_text(dataset->texts[prediction->example]));
    }
    fields_json(fields, "text", json_text(text)); /* bytes may be no UTF-8 */
    fields_show(fields, text);
    fields_number(fields, "score", prediction->score, NULL);
    fields_json(fields, "tokens", tokens_json(prediction, fields));
    if (prediction->attention != NULL) {
        fields_json(fields, "attention", attention_json(prediction, fields));
    }
    return RONDO_OK;
}
