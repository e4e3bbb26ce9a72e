#include "core/product/product.h"

#include <string.h>

#include "core/product/product_tiles.h"

/* Sizes of blocks, in elements. None of them changes a bit of a result.
 * HEIGHT     rows of A that are multiplied at a time: with the rows of a panel that are used at a time they fit in the
 *            second-level cache
 * PAIRS      pairs of rows that a gradient sums at a time
 * WIDTH      columns of A and of B in a block of a gradient
 * NEAR       (bytes) rows of A at most this far apart are read in place by a gradient: there are too few columns for packing to
 *            pay
 * GAP        elements between two strips of A: strips a power of two apart would compete for few sets of the first-level
 *            cache while they are packed */
enum { HEIGHT = 132, PAIRS = 256, WIDTH = 512, NEAR = 512, GAP = 16 };

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
    const void *bias; /* of the columns of the only target; NULL: none */
};

/* A position in the columns of all targets. */
struct product_cursor {
    int32_t target;
    int64_t column;
};

/* Lists the next vector-wide columns, at most `count`, over the targets in order: the narrow rest of one target shares a
 * tile with the beginning of the next. Returns their number. */
static int64_t next_columns(const struct product_tiles *tiles, const struct product_block *block,
                            struct product_cursor *cursor, int64_t count, struct product_column *columns) {
    const int64_t panel = panel_of(tiles);
    int64_t found = 0;
    while (found < count && cursor->target < block->n_targets) {
        const struct product_target *target = &block->targets[cursor->target];
        const int64_t j = cursor->column, in_panel = j % panel;
        if (j >= target->n) {
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

/* A tile that adds to C must first load it. The load is started while the tile before is computed. */
static void prefetch(const struct product_tiles *tiles, const struct product_column *columns, int64_t count,
                     int64_t row, int64_t rows) {
    for (int64_t i = row; i < row + rows; i++) {
        for (int64_t v = 0; v < count; v++) {
            __builtin_prefetch(const_at(columns[v].c, i * columns[v].ldc, tiles), 1);
        }
    }
}

/* Computes all rows for a few columns before the next columns, so that the panel is read from memory once. Tiles are
 * equally high, give or take one row. */
static void multiply_block(const struct product_tiles *tiles, const struct product_block *block) {
    const int64_t n_tiles = tiles_in(tiles, block->rows);
    const int64_t height = block->rows / n_tiles, higher = block->rows % n_tiles;
    const int64_t vectors = height + (higher > 0) <= tiles->flat ? PRODUCT_VECTORS : tiles->vectors;
    struct product_column columns[PRODUCT_VECTORS];
    struct product_cursor cursor = {0, 0};
    for (int64_t count; (count = next_columns(tiles, block, &cursor, vectors, columns)) > 0;) {
        struct product_tile tile = {block->k, block->a, block->a_row, block->a_step, block->row, block->add, columns};
        for (int64_t i = 0; i < n_tiles; i++) {
            const int64_t rows = height + (i < higher);
            if (block->add && i + 1 < n_tiles) {
                prefetch(tiles, columns, count, tile.row + rows, height + (i + 1 < higher));
            }
            tiles->tile(rows, count, &tile);
            tile.row += rows;
            tile.a = const_at(tile.a, block->strip != 0 ? block->strip : rows * block->a_row, tiles);
        }
    }
}

/* ---- rows ---- */

void product_rows(const struct product_kernels *kernels, int32_t dtype, int64_t m, int64_t k, const void *a,
                  int64_t lda, const struct product_target *targets, int32_t n_targets, int add) {
    const struct product_tiles *tiles = tiles_of(kernels, dtype);
    const int64_t passes = (k + tiles->depth - 1) / tiles->depth; /* of equal depth, give or take one row */
    int64_t depth = 0, pass = 0;
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

/* Packs the next rows of A in strips, or of B in panels if is_b is 1: at most PAIRS rows of `columns` columns of `matrix`. Moves
 * *place on, and returns the number of rows. */
static int64_t pack_rows(const struct product_tiles *tiles, const struct product_run *runs, int32_t n_runs,
                         struct product_place *place, int is_b, const void *matrix, int64_t ld, int64_t columns,
                         void *packed) {
    const int64_t panel = panel_of(tiles), n_tiles = tiles_in(tiles, columns);
    const int64_t height = columns / n_tiles, higher = columns % n_tiles;
    int64_t rows = 0;
    while (rows < PAIRS && place->run < n_runs) {
        const struct product_run *run = &runs[place->run];
        const int64_t count = least(run->count - place->row, PAIRS - rows);
        const void *from = const_at(matrix, ((is_b ? run->b_row : run->a_row) + place->row) * ld, tiles);
        if (is_b) {
            tiles->pack(count, columns, from, ld, PAIRS * panel, at(packed, rows * panel, tiles));
        } else {
            tiles->pack_strips(count, columns, height, higher, from, ld, strip_distance(tiles),
                               at(packed, rows * tiles->rows, tiles));
        }
        rows += count;
        place->row += count;
        if (place->row == run->count) {
            *place = (struct product_place){place->run + 1, 0};
        }
    }
    return rows;
}

/* Bytes of a packed block of this many columns of B. */
static int64_t packed_panels(const struct product_tiles *tiles, int64_t columns) {
    return PAIRS * round_up(least(columns, WIDTH), panel_of(tiles)) * tiles->size;
}

/* Bytes of a packed block of this many columns of A. */
static int64_t packed_strips(const struct product_tiles *tiles, int64_t columns) {
    return tiles_in(tiles, least(columns, WIDTH)) * strip_distance(tiles) * tiles->size;
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

void product_gradient(const struct product_kernels *kernels, int32_t dtype, const struct product_run *runs,
                      int32_t n_runs, int64_t m, const void *a, int64_t lda, int64_t n, const void *b, int64_t ldb,
                      void *c, int64_t ldc, void *scratch) {
    const struct product_tiles *tiles = tiles_of(kernels, dtype);
    void *const packed_b = scratch, *const packed_a = (char *)scratch + packed_panels(tiles, n);
    struct product_place next = {0, 0};
    while (m > 0 && n > 0 && next.run < n_runs) {
        const struct product_place begin = next;
        for (int64_t row = 0; row < m; row += WIDTH) {
            const int64_t rows = least(m - row, WIDTH);
            const struct product_run *run = &runs[begin.run];
            struct product_strips strips = {packed_a, tiles->rows, strip_distance(tiles)};
            int64_t k = least(run->count - begin.row, PAIRS);
            if (lda <= NEAR / tiles->size && (k == PAIRS || begin.run + 1 == n_runs)) {
                strips = (struct product_strips){const_at(a, (run->a_row + begin.row) * lda + row, tiles), lda, 0};
            } else {
                next = begin;
                k = pack_rows(tiles, runs, n_runs, &next, 0, const_at(a, row, tiles), lda, rows, packed_a);
            }
            for (int64_t column = 0; column < n; column += WIDTH) {
                const int64_t columns = least(n - column, WIDTH);
                next = begin;
                pack_rows(tiles, runs, n_runs, &next, 1, const_at(b, column, tiles), ldb, columns, packed_b);
                const struct product_target target = {packed_b, at(c, row * ldc + column, tiles), ldc, columns, NULL};
                multiply_strips(tiles, rows, k, &strips, &target, 1, NULL);
            }
        }
    }
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
    for (int64_t row = 0; row < p->m && p->a.transposed; row += WIDTH) {
        const int64_t rows = least(p->m - row, WIDTH);
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
    for (int64_t column = 0; column < product->n; column += WIDTH) {
        const int64_t columns = least(product->n - column, WIDTH);
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
