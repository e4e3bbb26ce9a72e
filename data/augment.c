#include "data/augment.h"

struct augment_change augment_draw(const struct augment *augment, struct rng_stream update, int64_t example) {
    const struct rng_stream stream = rng_substream(rng_stream(update.key, "augment"), (uint64_t)example);
    const uint64_t places = 2 * (uint64_t)augment->shift + 1;
    const int may_flip = augment->flips_rows || augment->flips_columns;
    return (struct augment_change){.down = (int64_t)rng_below(stream, 0, places) - augment->shift,
                                   .right = (int64_t)rng_below(stream, 1, places) - augment->shift,
                                   .is_flipped = may_flip && rng_below(stream, 2, 2) == 1};
}

/* The place on a side of `length` cells that moves to `at`. */
static int64_t place_before(int64_t at, int64_t move, int is_reversed, int64_t length) {
    const int64_t moved = at - move;
    const int64_t inside = moved < 0 ? 0 : moved < length ? moved : length - 1;
    return is_reversed ? length - 1 - inside : inside;
}

int64_t augment_cell(const struct augment *augment, const struct augment_change *change, int64_t cell) {
    const int64_t row =
        place_before(cell / augment->columns, change->down, change->is_flipped && augment->flips_rows, augment->rows);
    const int64_t column = place_before(cell % augment->columns, change->right,
                                        change->is_flipped && augment->flips_columns, augment->columns);
    return row * augment->columns + column;
}
