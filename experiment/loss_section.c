#include "experiment/loss_section.h"

#include <string.h>

#include "core/options.h"

struct loss_weight {
    double weight;
};
const rondo_option loss_weight_table[] = {
    RONDO_OPTION_REAL(struct loss_weight, weight, "1", 0, 1e9, "factor of this loss in the sum"), RONDO_OPTION_END};

/* Reads the loss in `section`; `name` is its name in the table of sections. */
static int add_term(const struct plugin_reader *reader, struct loss_section *read, struct loss_term *terms,
                    struct yaml_node *section, const char *name, const char *path) {
    struct plugin_section found;
    struct loss_weight own = {1};
    if (!plugin_section_read(reader, section, name, path, strcmp(name, "loss") == 0 ? NULL : &own, &found)) {
        return 0;
    }
    terms[read->count++] = (struct loss_term){.loss = (const rondo_loss *)found.descriptor,
                                              .options = found.options,
                                              .weight = own.weight,
                                              .origin = found.origin,
                                              .log = found.log,
                                              .where = found.where,
                                              .section = found.section};
    return 1;
}

static int add_sum(const struct plugin_reader *reader, struct loss_section *read, struct loss_term *terms,
                   struct yaml_node *section) {
    static const char *const keys[] = {"sum", NULL}; /* a sum replaces all other keys */
    struct yaml_node *sum = yaml_get(section, "sum");
    const struct yaml_node *plugin = yaml_get(section, "plugin");
    if (plugin != NULL) {
        errors_add_at(reader->errors, RONDO_INVALID, plugin->key_where,
                      "'loss' has both 'plugin' and 'sum', expected one of them; 'plugin: null' takes away one that "
                      "another file gives");
        return 0;
    }
    int ok = section_read(section, NULL, 0, keys, "loss", section->where, reader->arena, reader->errors) == RONDO_OK;
    if (sum->kind != YAML_SEQUENCE || sum->first == NULL) {
        errors_add_at(reader->errors, RONDO_INVALID, sum->where,
                      "'loss.sum' must be a list of losses: [{plugin: huber, weight: 0.7}, …]");
        return 0;
    }
    int32_t index = 0;
    for (struct yaml_node *part = sum->first; part != NULL; part = part->next, index++) {
        const char *path = arena_printf(reader->arena, "loss.sum.%d", index);
        if (path == NULL) {
            errors_no_memory(reader->errors);
            return 0;
        }
        if (index == LOSS_MOST_TERMS || part->kind != YAML_MAPPING) {
            errors_add_at(reader->errors, RONDO_INVALID, part->where,
                          index == LOSS_MOST_TERMS ? "a sum has at most 8 losses"
                                                   : "expected a loss: {plugin: NAME, weight: NUMBER}");
            return 0;
        }
        ok &= add_term(reader, read, terms, part, "loss.sum.N", path);
    }
    double weight = 0;
    for (int32_t h = 0; h < read->count; h++) {
        weight += terms[h].weight;
    }
    if (ok && weight == 0) {
        errors_add_at(reader->errors, RONDO_INVALID, sum->where,
                      "every 'weight' of 'loss.sum' is 0: nothing is learnt");
        return 0;
    }
    return ok;
}

void loss_section_read(const struct plugin_reader *reader, struct yaml_node *section, struct loss_section *read) {
    struct loss_term *terms = arena_calloc(reader->arena, LOSS_MOST_TERMS, sizeof *terms);
    if (terms == NULL) {
        errors_no_memory(reader->errors);
        return;
    }
    read->terms = terms;
    const int ok = yaml_get(section, "sum") != NULL ? add_sum(reader, read, terms, section)
                                                    : add_term(reader, read, terms, section, "loss", "loss");
    read->count = ok ? read->count : 0;
}

int loss_section_all_have(const struct loss_section *loss, uint32_t flag) {
    int all = 1;
    for (int32_t t = 0; t < loss->count; t++) {
        all &= (loss->terms[t].loss->flags & flag) != 0;
    }
    return all;
}
