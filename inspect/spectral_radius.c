#include "inspect/spectral_radius.h"

#include <math.h>
#include <string.h>

#include "core/multiply.h"
#include "core/tensor.h"

enum { MOST_SQUARINGS = 30 };
static const double least_change = 1e-7;

/* Divides the matrix by its Frobenius norm, which is returned. */
static double normalise(double *a, int64_t count) {
    double largest = 0, sum = 0;
    for (int64_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs(a[i]));
    }
    if (largest == 0) {
        return 0;
    }
    for (int64_t i = 0; i < count; i++) { /* the squares of very large or small numbers are not numbers of f64 */
        a[i] /= largest;
        sum += a[i] * a[i];
    }
    for (int64_t i = 0; i < count; i++) {
        a[i] /= sqrt(sum);
    }
    return largest * sqrt(sum);
}

rondo_status spectral_radius(const struct parallel *parallel, struct arena *arena, const double *a, int64_t n,
                             int64_t stride, double *work, double *radius, struct errors *errors) {
    double *power = work, *square = work + n * n;
    double sum = 0, before = 0, result = NAN, share = 1; /* logarithms of radii */
    int is_finite = 1, settled = 0;
    for (int64_t i = 0; i < n; i++) {
        memcpy(power + i * n, a + i * stride, sizeof *a * (size_t)n);
        for (int64_t k = 0; k < n; k++) {
            is_finite &= isfinite(power[i * n + k]) != 0;
        }
    }
    *radius = NAN;
    for (int32_t j = 0; is_finite && settled < 2 && j <= MOST_SQUARINGS; j++, share /= 2) {
        const double norm = normalise(power, n * n);
        if (norm == 0) {
            *radius = 0;
            return RONDO_OK;
        }
        before = sum;
        sum += share * log(norm);
        const double next = 2 * sum - before;
        settled = j > 1 && fabs(next - result) < least_change ? settled + 1 : 0;
        result = next;
        *radius = exp(result);
        const rondo_matrix factor = {.data = power, .leading = n};
        const rondo_product product = {.struct_size = sizeof product,
                                       .dtype = RONDO_F64,
                                       .m = n,
                                       .n = n,
                                       .k = n,
                                       .stack = 1,
                                       .alpha = 1,
                                       .a = factor,
                                       .b = factor,
                                       .c = square};
        const rondo_status status = multiply(parallel, arena, &product);
        if (status != RONDO_OK) {
            return errors_add(errors, status, "%s", multiply_failure(status));
        }
        double *held = power;
        power = square;
        square = held;
    }
    return RONDO_OK;
}
