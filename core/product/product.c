#include "core/product/product.h"

#include <string.h>

#include "core/product/product_tiles.h"

/* Sizes of blocks, in elements. None of them changes a bit of a result.
 * HEIGHT     rows of A that are multiplied at a time: with the rows of a panel that are used at a time they fit in the
 *            second-level cache
 * PAIRS      pairs of rows that a gradient sums at a time
 * HIGH       columns of A in a block of a gradient: 256 KiB of strips, which every panel of B reads from the second-level cache
 * WIDTH      columns of B in a block of a gradient: a panel is read by all strips of a block of A, so it may come from further away
 * NEAR       (bytes) rows of A at most this far apart are read in place by a gradient: there are too few columns for packing to
 *            pay
 * GAP        elements between two strips of A: strips a power of two apart would compete for few sets of the first-level
 *            cache while they are packed
 * FAR        (bytes) packed weights of more than this may have left the second-level cache since they were last read: a
 *            tile then prefetches a share of the panels of the next tiles
 * SHARERS    tiles that prefetch, at most: more would ask for every line several times
 * FEW        rows for which reading the panels takes longer than the arithmetic: the processor's own prefetching is as fast */
enum {
    HEIGHT = 132,
    PAIRS = 256,
    HIGH = 256,
    WIDTH = 1024,
    NEAR = 512,
    GAP = 16,
    FAR = 1 << 19,
    FEW = 4,
    SHARERS = 6,
    LINE = 64
};

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t round_up(int64_t n, int64_t multiple) {
    return (n + multiple - 1) / multiple * multiple;
}

/* ---- choice ---- */

/* The fastest first. */
static const struct product_kernels *(*const sets[])(void) = {product_kernels_avx512, product_kernels_avx2,
                                                              product_kernels_neon, product_kernels_generic};
enum { SETS = sizeof sets / sizeof sets[0] };

const struct product_kernels *product_kernels(void) {
    const struct product_kernels *kernels = NULL;
    for (int i = 0; i < SETS && kernels == NULL; i++) {
        kernels = sets[i]();
    }
    return kernels;
}

const struct product_kernels *product_kernels_named(const char *name) {
    for (int i = 0; i < SETS; i++) {
        const struct product_kernels *kernels = sets[i]();
        if (kernels != NULL && strcmp(kernels->name, name) == 0) {
            return kernels;
        }
    }
    return NULL;
}

const char *product_kernels_name(const struct product_kernels *kernels) {
    return kernels->name;
}

static const struct product_tiles *tiles_of(const struct product_kernels *kernels, int32_t dtype) {
    return dtype == RONDO_F64 ? &kernels->f64 : &kernels->f32;
}

static int64_t panel_of(const struct product_tiles *tiles) {
    return (int64_t)tiles->panel * tiles->lanes;
}

/* Tiles that `rows` rows are divided into. */
static int64_t tiles_in(const struct product_tiles *tiles, int64_t rows) {
    return (rows + tiles->rows - 1) / tiles->rows;
}

static const void *const_at(const void *base, int64_t element, const struct product_tiles *tiles) {
    return (const char *)base + element * tiles->size;
}

static void *at(void *base, int64_t element, const struct product_tiles *tiles) {
    return (char *)base + element * tiles->size;
}

/* ---- packing ---- */

int64_t product_panel(const struct product_kernels *kernels, int32_t dtype) {
    return panel_of(tiles_of(kernels, dtype));
}

size_t product_packed_bytes(const struct product_kernels *kernels, int32_t dtype, int64_t k, int64_t n) {
    const struct product_tiles *tiles = tiles_of(kernels, dtype);
    const int64_t panel = panel_of(tiles), line = panel * tiles->size;
    if (k < 0 || n < 0 || n > INT64_MAX - panel) {
        return SIZE_MAX;
    }
    const uint64_t panels = (uint64_t)(round_up(n, panel) / panel);
    if (k > 0 && panels > (uint64_t)PTRDIFF_MAX / (uint64_t)line / (uint64_t)k) {
        return SIZE_MAX;
    }
    return (size_t)(panels * (uint64_t)k * (uint64_t)line);
}

void product_pack(const struct product_kernels *kernels, int32_t dtype, int64_t k, int64_t n, const void *b,
                  int64_t ldb, int transpose, void *packed) {
    const struct product_tiles *tiles = tiles_of(kernels, dtype);
    const int64_t panel = panel_of(tiles);
    (transpose ? tiles->pack_transpose : tiles->pack)(k, n, b, ldb, k * panel, packed);
}

/* ---- tiles ---- */

/* A product of rows of A with packed columns: k rows of the panels, which have `packed_k` rows, from row `depth` on. */
struct product_block {
    int64_t rows, row; /* their number, and the row of C of the first */
    int64_t k, depth, packed_k;
    const void *a; /* element (i, p) is at i * a_row + p * a_step */
    int64_t a_row, a_step;
    int64_t strip; /* elements from one tile of A to the next, if A is packed in strips; 0: it is not */
    const struct product_target *targets;
    int32_t n_targets;
    int add;
    int ahead;        /* 1: a tile prefetches panels of the next tiles */
    const void *bias; /* of the columns of the only target; NULL: none */
};

/* A position in the columns of all targets. */
struct product_cursor {
    int32_t target;
    int64_t column;
};

/* Lists the next vector-wide columns, at most `count`. First come the whole panels of all targets, then their narrow rests, which
 * share tiles: a tile that began within a panel would read two of them. Returns their number. */
static int64_t next_columns(const struct product_tiles *tiles, const struct product_block *block,
                            struct product_cursor *cursor, int64_t count, struct product_column *columns) {
    const int64_t panel = panel_of(tiles); /* a power of two */
    int64_t found = 0;
    while (found < count && cursor->target < 2 * block->n_targets) {
        const int is_rest = cursor->target >= block->n_targets;
        const struct product_target *target = &block->targets[cursor->target - (is_rest ? block->n_targets : 0)];
        const int64_t whole = target->n & ~(panel - 1), begin = is_rest ? whole : 0, end = is_rest ? target->n : whole;
        const int64_t j = begin + cursor->column, in_panel = j & (panel - 1);
        if (j >= end) {
            cursor->target++;
            cursor->column = 0;
            continue;
        }
        columns[found++] = (struct product_column){
            .b = const_at(target->packed, (j - in_panel) * block->packed_k + block->depth * panel + in_panel, tiles),
            .c = at(target->c, j, tiles),
            .ldc = target->ldc,
            .width = least(target->n - j, tiles->lanes),
            .start = target->start == NULL ? NULL : const_at(target->start, j, tiles),
            .bias = block->bias == NULL ? NULL : const_at(block->bias, j, tiles),
        };
        cursor->column += tiles->lanes;
    }
    return found;
}

static void prefetch_rows(const char *c, int64_t row_bytes, int64_t rows) {
    for (int64_t i = 0; i < rows; i++, c += row_bytes) {
        __builtin_prefetch(c, 1);
    }
}

/* A tile that adds to C must first load it. The load is started while the tile before is computed. A row of C need not begin where
 * a line of the cache does, so that the last element of a tile's row may be in one line more. */
static void prefetch(const struct product_tiles *tiles, const struct product_column *columns, int64_t count,
                     int64_t row, int64_t rows) {
    const int64_t vector = (int64_t)tiles->lanes * tiles->size;
    for (int64_t v = 0; v < count; v += vector < LINE ? LINE / vector : 1) {
        const int64_t row_bytes = columns[v].ldc * tiles->size;
        prefetch_rows((const char *)columns[v].c + row * row_bytes, row_bytes, rows);
    }
    const struct product_column *last = &columns[count - 1];
    prefetch_rows((const char *)last->c + (row * last->ldc + last->width) * tiles->size - 1, last->ldc * tiles->size,
                  rows);
}

/* Computes all rows for a few columns before the next columns, so that the panel is read from memory once. Tiles are
 * equally high, give or take one row. The first ones prefetch the next columns' panel, each its share. */
static void multiply_block(const struct product_tiles *tiles, const struct product_block *block) {
    const int64_t n_tiles = tiles_in(tiles, block->rows);
    const int64_t height = block->rows / n_tiles, higher = block->rows % n_tiles;
    const int64_t vectors = height + (higher > 0) <= tiles->flat ? PRODUCT_VECTORS : tiles->vectors;
    const int64_t sharers = least(n_tiles, SHARERS), share = block->k * panel_of(tiles) * tiles->size / sharers;
    struct product_column both[2][PRODUCT_VECTORS], *columns = both[0], *next = both[1];
    struct product_cursor cursor = {0, 0};
    int64_t count = next_columns(tiles, block, &cursor, vectors, columns);
    while (count > 0) {
        const int64_t n_next = next_columns(tiles, block, &cursor, vectors, next);
        struct product_tile tile = {block->k,
                                    block->a,
                                    block->a_row,
                                    block->a_step,
                                    block->row,
                                    block->add,
                                    columns,
                                    block->ahead && n_next > 0 ? next[0].b : NULL,
                                    (2 * LINE + sharers - 1) / sharers};
        for (int64_t i = 0; i < n_tiles; i++) {
            const int64_t rows = height + (i < higher);
            if (block->add && i + 1 < n_tiles) {
                prefetch(tiles, columns, count, tile.row + rows, height + (i + 1 < higher));
            }
            tiles->tile(rows, count, &tile);
            tile.row += rows;
            tile.a = const_at(tile.a, block->strip != 0 ? block->strip : rows * block->a_row, tiles);
            tile.ahead = tile.ahead == NULL || i + 1 == sharers ? NULL : tile.ahead + share;
        }
        struct product_column *const done = columns;
        columns = next;
        next = done;
        count = n_next;
    }
}

/* ---- rows ---- */

void product_rows(const struct product_kernels *kernels, int32_t dtype, int64_t m, int64_t k, const void *a,
                  int64_t lda, const struct product_target *targets, int32_t n_targets, int add) {
    const struct product_tiles *tiles = tiles_of(kernels, dtype);
    const int64_t passes = (k + tiles->depth - 1) / tiles->depth; /* of equal depth, give or take one row */
    int64_t depth = 0, pass = 0, columns = 0;
    for (int32_t i = 0; i < n_targets; i++) {
        columns += targets[i].n;
    }
    const int ahead = m > FEW && columns * tiles->size > FAR / (k + 1);
    do { /* once for k = 0, to write zeros */
        const int64_t step = passes == 0 ? 0 : k / passes + (pass < k % passes);
        for (int64_t row = 0; row < m; row += HEIGHT) {
            const struct product_block block = {
                .rows = least(m - row, HEIGHT),
                .row = row,
                .k = step,
                .depth = depth,
                .packed_k = k,
                .a = const_at(a, row * lda + depth, tiles),
                .a_row = lda,
                .a_step = 1,
                .targets = targets,
                .n_targets = n_targets,
                .add = add || depth > 0,
                .ahead = ahead,
            };
            multiply_block(tiles, &block);
        }
        depth += step;
        pass++;
    } while (depth < k);
}

/* ---- gradients ---- */

/* Elements from one packed strip of A to the next. */
static int64_t strip_distance(const struct product_tiles *tiles) {
    return (int64_t)PAIRS * tiles->rows + GAP;
}

/* A position in the rows of all runs. */
struct product_place {
    int32_t run;
    int64_t row;
};

/* The place of pair `number`, which there is: in the last run that does not begin after it. */
static struct product_place place_of(const struct product_run *runs, int32_t n_runs, int64_t number) {
    int32_t first = 0, end = n_runs; /* runs[first] does not begin after it, runs[end] does */
    while (end - first > 1) {
        const int32_t middle = first + (end - first) / 2;
        *(runs[middle].begin <= number ? &first : &end) = middle;
    }
    return (struct product_place){first, number - runs[first].begin};
}

/* Packs k rows of A in strips, or of B in panels if is_b is 1, from pair `number` on: `columns` columns of `matrix`. */
static void pack_rows(const struct product_tiles *tiles, const struct product_run *runs, int32_t n_runs, int64_t number,
                      int64_t k, int is_b, const void *matrix, int64_t ld, int64_t columns, void *packed) {
    const int64_t panel = panel_of(tiles), n_tiles = tiles_in(tiles, columns);
    const int64_t height = columns / n_tiles, higher = columns % n_tiles;
    struct product_place place = place_of(runs, n_runs, number);
    for (int64_t rows = 0, count; rows < k; rows += count, place = (struct product_place){place.run + 1, 0}) {
        const struct product_run *run = &runs[place.run];
        count = least(run->count - place.row, k - rows);
        const void *from = const_at(matrix, ((is_b ? run->b_row : run->a_row) + place.row) * ld, tiles);
        if (is_b) {
            tiles->pack(count, columns, from, ld, PAIRS * panel, at(packed, rows * panel, tiles));
        } else {
            tiles->pack_strips(count, columns, height, higher, from, ld, strip_distance(tiles),
                               at(packed, rows * tiles->rows, tiles));
        }
    }
}

/* Columns of a block, of about equal blocks of at most `most` columns, of `columns`. A multiple of `unit`. */
static int64_t even_block(int64_t columns, int64_t most, int64_t unit) {
    const int64_t blocks = (columns + most - 1) / most;
    return blocks <= 1 ? columns : round_up((columns + blocks - 1) / blocks, unit);
}

/* Columns of B in a block of a product of n columns. */
static int64_t block_of_b(const struct product_tiles *tiles, int64_t n) {
    return even_block(n, WIDTH, panel_of(tiles));
}

/* Columns of A in a block of a product of m columns. */
static int64_t block_of_a(const struct product_tiles *tiles, int64_t m) {
    return even_block(m, HIGH, tiles->rows);
}

/* Bytes of the packed blocks of B of at most n columns. */
static int64_t packed_panels(const struct product_tiles *tiles, int64_t n) {
    return PAIRS * round_up(least(n, WIDTH), panel_of(tiles)) * tiles->size;
}

/* Bytes of the packed blocks of A of at most m columns. */
static int64_t packed_strips(const struct product_tiles *tiles, int64_t m) {
    return tiles_in(tiles, least(m, HIGH)) * strip_distance(tiles) * tiles->size;
}

size_t product_gradient_bytes(const struct product_kernels *kernels, int32_t dtype, int64_t m, int64_t n) {
    const struct product_tiles *tiles = tiles_of(kernels, dtype);
    return (size_t)(packed_panels(tiles, n) + packed_strips(tiles, m));
}

/* Columns of A: each gives a row of the result. */
struct product_strips {
    const void *a;
    int64_t step;  /* elements from one row of A to the next */
    int64_t strip; /* as in struct product_block */
};

/* C [rows, target's n] = A^T B, plus C if `add` is 1, plus `bias` (NULL: none) in every row. */
static void multiply_strips(const struct product_tiles *tiles, int64_t rows, int64_t k,
                            const struct product_strips *strips, const struct product_target *target, int add,
                            const void *bias) {
    const struct product_block block = {
        .rows = rows,
        .k = k,
        .packed_k = PAIRS,
        .a = strips->a,
        .a_row = 1,
        .a_step = strips->step,
        .strip = strips->strip,
        .targets = target,
        .n_targets = 1,
        .add = add,
        .bias = bias,
    };
    multiply_block(tiles, &block);
}

/* What product_gradients works on. */
struct product_sums {
    const struct product_tiles *tiles;
    const struct product_factor *a, *b;
    int32_t n_a, n_b;
    const struct product_result *c;
    void *packed_a, *packed_b;
    int64_t wide; /* columns of B that are packed at a time, of one or several B */
};

/* Columns of one B, and where their panels begin: before them are `packed` columns. */
struct product_piece {
    int32_t b;
    int64_t column, columns, packed;
};

/* The next columns of B after *piece (0, 0, 0, 0 at first) that are packed together with it; 0: there are none. */
static int next_piece(const struct product_sums *sums, struct product_piece *piece) {
    const int64_t used = piece->packed + round_up(piece->columns, panel_of(sums->tiles));
    piece->column += piece->columns;
    while (piece->b < sums->n_b && piece->column >= sums->b[piece->b].columns) {
        piece->b++;
        piece->column = 0;
    }
    piece->packed = used;
    piece->columns = piece->b == sums->n_b ? 0 : least(sums->b[piece->b].columns - piece->column, sums->wide - used);
    return piece->columns > 0;
}

/* Columns row .. row + rows of one A, with the pieces after *begin whose result is wanted: k pairs from pair `number` on. */
static void add_strips(const struct product_sums *sums, int32_t i, int64_t row, int64_t rows, int64_t number, int64_t k,
                       struct product_piece piece) {
    const struct product_tiles *tiles = sums->tiles;
    const struct product_factor *a = &sums->a[i];
    const struct product_place place = place_of(a->runs, a->n_runs, number);
    const struct product_run *run = &a->runs[place.run];
    struct product_strips strips = {sums->packed_a, tiles->rows, strip_distance(tiles)};
    int is_packed = 0;
    if (a->ld <= NEAR / tiles->size && place.row + k <= run->count) {
        strips = (struct product_strips){const_at(a->data, (run->a_row + place.row) * a->ld + row, tiles), a->ld, 0};
        is_packed = 1;
    }
    while (next_piece(sums, &piece)) {
        const struct product_result *c = &sums->c[i * sums->n_b + piece.b];
        if (c->data == NULL) {
            continue;
        }
        if (!is_packed) {
            pack_rows(tiles, a->runs, a->n_runs, number, k, 0, const_at(a->data, row, tiles), a->ld, rows,
                      sums->packed_a);
            is_packed = 1;
        }
        const struct product_target target = {at(sums->packed_b, piece.packed * PAIRS, tiles),
                                              at(c->data, row * c->ld + piece.column, tiles), c->ld, piece.columns,
                                              NULL};
        multiply_strips(tiles, rows, k, &strips, &target, 1, NULL);
    }
}

/* All pairs, for the pieces after `begin` that are packed together. Returns the last of them. */
static struct product_piece add_pieces(const struct product_sums *sums, int64_t total, struct product_piece begin) {
    const struct product_tiles *tiles = sums->tiles;
    struct product_piece last = begin;
    for (int64_t number = 0; number < total; number += PAIRS) {
        const int64_t k = least(total - number, PAIRS);
        struct product_piece piece = begin;
        while (next_piece(sums, &piece)) {
            const struct product_factor *b = &sums->b[piece.b];
            pack_rows(tiles, sums->a[0].runs, sums->a[0].n_runs, number, k, 1, const_at(b->data, piece.column, tiles),
                      b->ld, piece.columns, at(sums->packed_b, piece.packed * PAIRS, tiles));
            last = piece;
        }
        for (int32_t i = 0; i < sums->n_a; i++) {
            const int64_t m = sums->a[i].columns, high = block_of_a(tiles, m);
            for (int64_t row = 0; row < m; row += high) {
                add_strips(sums, i, row, least(m - row, high), number, k, begin);
            }
        }
    }
    return last;
}

void product_gradients(const struct product_kernels *kernels, int32_t dtype, const struct product_factor *a,
                       int32_t n_a, const struct product_factor *b, int32_t n_b, const struct product_result *c,
                       void *scratch) {
    const struct product_tiles *tiles = tiles_of(kernels, dtype);
    int64_t total = 0, columns = 0;
    for (int32_t r = 0; n_a > 0 && r < a[0].n_runs; r++) {
        total += a[0].runs[r].count;
    }
    for (int32_t j = 0; j < n_b; j++) {
        columns += round_up(b[j].columns, panel_of(tiles));
    }
    const int64_t wide = block_of_b(tiles, columns);
    const struct product_sums sums = {tiles,   a,   b, n_a, n_b, c, (char *)scratch + packed_panels(tiles, columns),
                                      scratch, wide};
    struct product_piece begin = {0, 0, 0, 0}, next = begin;
    while (total > 0 && next_piece(&sums, &next)) {
        const struct product_piece last = add_pieces(&sums, total, begin);
        /* those after it are packed from the beginning again */
        begin = next = (struct product_piece){.b = last.b, .column = last.column + last.columns};
    }
}

void product_gradient(const struct product_kernels *kernels, int32_t dtype, const struct product_run *runs,
                      int32_t n_runs, int64_t m, const void *a, int64_t lda, int64_t n, const void *b, int64_t ldb,
                      void *c, int64_t ldc, void *scratch) {
    const struct product_factor left = {a, lda, m, runs, n_runs}, right = {b, ldb, n, NULL, 0};
    const struct product_result result = {c, ldc};
    product_gradients(kernels, dtype, &left, 1, &right, 1, &result, scratch);
}

/* ---- matrices ---- */

/* A block of op(B), packed and multiplied by alpha: rows depth .. depth + k of columns column .. column + columns. */
static void pack_side(const struct product_tiles *tiles, const struct product_matrices *p, int64_t depth, int64_t k,
                      int64_t column, int64_t columns, void *packed) {
    const int64_t panel = panel_of(tiles), ld = p->b.ld;
    if (p->b.transposed) {
        tiles->pack_transpose(k, columns, const_at(p->b.data, column * ld + depth, tiles), ld, PAIRS * panel, packed);
    } else {
        tiles->pack(k, columns, const_at(p->b.data, depth * ld + column, tiles), ld, PAIRS * panel, packed);
    }
    for (int64_t i = 0; p->alpha != 1 && i < k * columns; i++) {
        const int64_t row = i / columns, j = i % columns;
        void *element = at(packed, j / panel * PAIRS * panel + row * panel + j % panel, tiles);
        if (tiles->size == sizeof(float)) {
            *(float *)element = (float)(p->alpha * (double)*(float *)element);
        } else {
            *(double *)element *= p->alpha;
        }
    }
}

/* All rows of op(A) by a packed block of op(B). The last block in depth adds `bias`, that of the block's columns. */
static void multiply_side(const struct product_tiles *tiles, const struct product_matrices *p, int64_t depth, int64_t k,
                          const struct product_target *target, const void *bias, void *packed_a) {
    const int64_t lda = p->a.ld;
    const int add = p->add || depth > 0;
    const int64_t high = block_of_a(tiles, p->m);
    for (int64_t row = 0; row < p->m && !p->a.transposed; row += HEIGHT) {
        const struct product_block block = {
            .rows = least(p->m - row, HEIGHT),
            .row = row,
            .k = k,
            .packed_k = PAIRS,
            .a = const_at(p->a.data, row * lda + depth, tiles),
            .a_row = lda,
            .a_step = 1,
            .targets = target,
            .n_targets = 1,
            .add = add,
            .bias = bias,
        };
        multiply_block(tiles, &block);
    }
    for (int64_t row = 0; row < p->m && p->a.transposed; row += high) {
        const int64_t rows = least(p->m - row, high);
        const struct product_target own = {target->packed, at(target->c, row * target->ldc, tiles), target->ldc,
                                           target->n, NULL};
        const void *a = const_at(p->a.data, depth * lda + row, tiles);
        struct product_strips strips = {a, lda, 0};
        if (lda > NEAR / tiles->size) {
            const int64_t n_tiles = tiles_in(tiles, rows);
            tiles->pack_strips(k, rows, rows / n_tiles, rows % n_tiles, a, lda, strip_distance(tiles), packed_a);
            strips = (struct product_strips){packed_a, tiles->rows, strip_distance(tiles)};
        }
        multiply_strips(tiles, rows, k, &strips, &own, add, bias);
    }
}

void product_multiply(const struct product_kernels *kernels, int32_t dtype, const struct product_matrices *product,
                      void *scratch) {
    const struct product_tiles *tiles = tiles_of(kernels, dtype);
    void *const packed_b = scratch, *const packed_a = (char *)scratch + packed_panels(tiles, product->n);
    const int64_t wide = block_of_b(tiles, product->n);
    for (int64_t column = 0; column < product->n; column += wide) {
        const int64_t columns = least(product->n - column, wide);
        const struct product_target target = {packed_b, at(product->c, column, tiles), product->ldc, columns, NULL};
        for (int64_t depth = 0; depth < product->k; depth += PAIRS) {
            const int64_t k = least(product->k - depth, PAIRS);
            const int has_bias = product->bias != NULL && depth + k == product->k;
            pack_side(tiles, product, depth, k, column, columns, packed_b);
            multiply_side(tiles, product, depth, k, &target, has_bias ? const_at(product->bias, column, tiles) : NULL,
                          packed_a);
        }
    }
}
