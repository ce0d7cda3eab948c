/* flow_median.c: the median of 3 x 3 or 5 x 5 pixels, for a block of neighbouring pixels at a time.
 *
 * By forgetting: of the first h + 2 of n = 2h + 1 values, neither the smallest nor the largest can be the median;
 * without them, and with the next value, the same holds again, until one is left. Values only change places by min
 * and max, whatever they are: LANES pixels go through the same exchanges side by side. */
#include "tensor/flow_parts.h"

#include <string.h>

enum { LANES = 32, MOST = 25 };

typedef struct lanes { real x[LANES]; } lanes;

static inline void exchange(lanes *restrict low, lanes *restrict high)
{
    for (int i = 0; i < LANES; i++) {
        const real a = low->x[i], b = high->x[i];
        low->x[i] = a < b ? a : b;
        high->x[i] = a > b ? a : b;
    }
}

/* Moves the smallest of a[0 .. n-1] to the front and the largest to the end. */
static inline void extremes(lanes *a, int n)
{
    for (int i = 0; i < n / 2; i++) exchange(&a[i], &a[n - 1 - i]);
    for (int i = 1; i <= (n - 1) / 2; i++) exchange(&a[0], &a[i]);
    for (int i = n / 2; i < n - 1; i++) exchange(&a[i], &a[n - 1]);
}

/* The median of a[0 .. n-1], n odd, ends in a[1]. */
static void median(lanes *a, int n)
{
    int live = n / 2 + 2;
    for (int next = live; live >= 3; next++, live--) {
        extremes(a, live);
        if (live > 3) a[0] = a[next];
    }
}

/* Rows of the plane that the loop still needs as they were: `size` of them, each with size / 2 repeated values to
 * either side and LANES to spare. */
static int64_t row_length(int width) { return width + MOST + LANES; }

int64_t fl_flow_median_scratch(int width) { return 5 * row_length(width); }

static void keep_row(const fl_flow_level *l, const real *plane, int y, int half, real *row)
{
    const int from = y < 0 ? 0 : y >= l->height ? l->height - 1 : y;
    const real *in = plane + fl_flow_at(l, from, 0);
    for (int x = 0; x < half; x++) row[x] = in[0];
    memcpy(row + half, in, (size_t)l->width * sizeof *row);
    for (int64_t x = half + l->width; x < row_length(l->width); x++) row[x] = in[l->width - 1];
}

void fl_flow_median(const fl_flow_level *l, real *plane, int size)
{
    const int half = size / 2;
    const int64_t length = row_length(l->width);
    fl_assert(size == 3 || size == 5);
    for (int y = -half; y < half; y++) keep_row(l, plane, y, half, l->row + (y + half) % size * length);
    for (int y = 0; y < l->height; y++) {
        keep_row(l, plane, y + half, half, l->row + (y + 2 * half) % size * length);
        for (int x = 0; x < l->width; x += LANES) {
            lanes a[MOST];
            for (int i = 0; i < size; i++)
                for (int j = 0; j < size; j++)
                    memcpy(a[i * size + j].x, l->row + i * length + x + j, sizeof(lanes));
            median(a, size * size);
            const int count = l->width - x < LANES ? l->width - x : LANES;
            memcpy(plane + fl_flow_at(l, y, x), a[1].x, (size_t)count * sizeof(real));
        }
    }
    fl_flow_close(l, plane);
}
