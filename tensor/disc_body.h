/* disc_body.h: the loops of soft discs, once, in vector extensions; disc_*.c set the sizes and include it.
 *
 *   ISA           name of the instruction set, as an identifier
 *   VECTOR_BYTES  bytes of a vector */
#include "tensor/disc.h"
#include "tensor/math.h"

#define ELEMENT double
#include "tensor/vector_body.h"

typedef int64_t whole __attribute__((vector_size(VECTOR_BYTES)));

/* As fl_exp64, |u| <= 700: 2^k (1 + r + r^2 (1/2! + r/3! + .. + r^11/13!)), the sum in pairs of pairs, or each term waits for the last. */
INLINE vector exp_of(vector u)
{
    const double to_integer = 0x1.8p52;
    const vector shifted = u * 1.44269504088896340736 + to_integer, k = shifted - to_integer;
    const vector r = (u - k * FL_LN2_HIGH) - k * FL_LN2_LOW, r2 = r * r, r4 = r2 * r2;
    const whole power = ((whole)shifted - (int64_t)fl_bits_of(to_integer) + 1023) << 52;
    const vector low = (r * (1.0 / 6) + 1.0 / 2) + (r * (1.0 / 120) + 1.0 / 24) * r2;
    const vector middle = (r * (1.0 / 5040) + 1.0 / 720) + (r * (1.0 / 362880) + 1.0 / 40320) * r2;
    const vector high = (r * (1.0 / 39916800) + 1.0 / 3628800) + (r * (1.0 / 6227020800) + 1.0 / 479001600) * r2;
    return (1.0 + (r + r2 * (low + r4 * (middle + r4 * high)))) * (vector)power;
}

enum part { LIGHT, SLOPE };

/* Numbers for elements 0, 1, .. as a list: constants, so that a shuffle has no order to work out. */
#if VECTOR_BYTES == 64
#define LANES(number) number(0), number(1), number(2), number(3), number(4), number(5), number(6), number(7)
#elif VECTOR_BYTES == 32
#define LANES(number) number(0), number(1), number(2), number(3)
#else
#define LANES(number) number(0), number(1)
#endif

/* Elements of a, 0 .. WIDTH-1, and of b, from WIDTH on. */
#if defined(__clang__)
#define MIXED(a, b, from) __builtin_shufflevector(a, b, LANES(from))
#else
#define MIXED(a, b, from) __builtin_shuffle(a, b, (whole){LANES(from)})
#endif

#define LAST_FIRST(l) WIDTH - 1 - (l)
INLINE vector reversed(vector v) { return MIXED(v, v, LAST_FIRST); }

/* Columns w .. w+WIDTH-1 from the centre, to its right, and to its left as far as there are any. */
INLINE void both_sides(const fl_disc *d, vector v, int64_t w, double *centre)
{
    const int64_t left = d->above + 1 - w;
    *(loose *)(centre + w) = v;
    if (left >= WIDTH) *(loose *)(centre - w - (WIDTH - 1)) = reversed(v);
    else UNROLL for (int l = 0; l < WIDTH - 1; l++) if (l < left) centre[-w - l] = v[l];
}

/* Squares of 2 x 2, then of twice as much, change their corners: bit `step` of row and column. */
#define LOW(l)  ((l) & step ? WIDTH + (l) - step : (l))
#define HIGH(l) ((l) & step ? WIDTH + (l) : (l) + step)
#define CHANGE_CORNERS(v, apart)                                                               \
    do {                                                                                       \
        enum { step = (apart) < WIDTH ? (apart) : 0 };                                         \
        UNROLL for (int l = 0; step != 0 && l < WIDTH; l++) {                                  \
            if (l & step) continue;                                                            \
            const vector a = v[l], b = v[l + step];                                            \
            v[l] = MIXED(a, b, LOW), v[l + step] = MIXED(a, b, HIGH);                          \
        }                                                                                      \
    } while (0)

INLINE void transpose(vector v[WIDTH])
{
    CHANGE_CORNERS(v, 1);
    CHANGE_CORNERS(v, 2);
    CHANGE_CORNERS(v, 4);
}

/* e of |h|, |w|, as many as kappa's. It is e of |w|, |h| too: made for squares of WIDTH on the diagonal and to the right of it. Whole ones:
 * beyond far kappa is 0, and e is 1. */
INLINE void exponentials(const fl_disc *d, const double *kappa, double colder, double *e)
{
    const int64_t half = fl_disc_half(d);
    for (int h = 0; h <= d->far; h += WIDTH)
        for (int w = h; w <= d->far; w += WIDTH) {
            vector square[WIDTH];
            UNROLL for (int r = 0; r < WIDTH; r++) {
                square[r] = exp_of(*(const loose *)(kappa + (h + r) * half + w) * colder);
                *(loose *)(e + (h + r) * half + w) = square[r];
            }
            if (w == h) continue;
            transpose(square);
            UNROLL for (int r = 0; r < WIDTH; r++) *(loose *)(e + (w + r) * half + h) = square[r];
        }
}

/* Line by line: what goes too far to the right falls on the next one's first columns, which come later. Beyond far kappa is 0, and so is
 * what follows; where the left side is the longer one, it is made 0. */
INLINE void tabulate(const enum part part, const fl_disc *disc, const double *kappa, double x, double *const line[3])
{
    const fl_disc here = *disc, *d = &here;     /* no store can change it */
    const double limit = 700, times_cold = d->cold * x, colder = times_cold > limit ? limit : times_cold < -limit ? -limit : times_cold;
    const int64_t half = fl_disc_half(d), columns = fl_disc_columns(d), right = d->taps - 1 - d->above;
    exponentials(d, kappa, colder, line[2]);
    for (int h = 0; h <= d->far; h++) {
        double *const one = line[0] + h * d->width + d->above, *const two = line[1] + h * d->width + d->above;
        int64_t w = 0;
        for (; w <= d->far; w += WIDTH) {
            const vector k = *(const loose *)(kappa + h * half + w), e = *(const loose *)(line[2] + h * half + w);
            both_sides(d, part == LIGHT ? k * x * e : k * e * (1.0 + k * times_cold), w, one);
            both_sides(d, part == LIGHT ? e - 1.0 : k * e * d->cold, w, two);
        }
        for (; w < columns; w += WIDTH) *(loose *)(one + w) = *(loose *)(two + w) = (vector){0};
        for (int64_t q = right + 1; right < d->far && q < columns; q++) one[q] = two[q] = 0;
    }
}

static void light(const fl_disc *d, const double *kappa, double x, double *const line[3]) { tabulate(LIGHT, d, kappa, x, line); }
static void slope(const fl_disc *d, const double *kappa, double x, double *const line[3]) { tabulate(SLOPE, d, kappa, x, line); }

INLINE const double *line_of(const double *line, const fl_disc *d, int row)
{
    return line + (row < d->above ? d->above - row : row - d->above) * d->width;
}

static void add(const fl_disc *d, const double *line, int begin, int end, double *to, int64_t step)
{
    const int64_t width = d->width;
    for (int r = begin; r < end; r++) {
        const double *from = line_of(line, d, r);
        double *y = to + r * step;
        for (int64_t q = 0; q < width; q += FL_DISC_LANES) {
            UNROLL for (int l = 0; l < FL_DISC_LANES; l += WIDTH) *(loose *)(y + q + l) += *(const loose *)(from + q + l);
        }
    }
}

static double gather(const fl_disc *d, double *const line[3], int begin, int end, const double *a, const double *b, int64_t step)
{
    enum { VECTORS = FL_DISC_LANES / WIDTH };
    const int64_t width = d->width;
    vector more[VECTORS] = {{0}}, less[VECTORS] = {{0}};
    for (int r = begin; r < end; r++) {
        const double *one = line_of(line[0], d, r), *two = line_of(line[1], d, r), *left = a + r * step, *right = b + r * step;
        for (int64_t q = 0; q < width; q += FL_DISC_LANES) {
            UNROLL for (int v = 0; v < VECTORS; v++) {
                const int64_t at = q + v * WIDTH;
                more[v] += (vector)*(const loose *)(one + at) * *(const loose *)(left + at);
                less[v] += (vector)*(const loose *)(two + at) * *(const loose *)(right + at);
            }
        }
    }
    double sum = 0;
    UNROLL for (int l = 0; l < FL_DISC_LANES; l++) sum += more[l / WIDTH][l % WIDTH] - less[l / WIDTH][l % WIDTH];
    return sum;
}

extern const fl_disc_loops PASTE(fl_disc_loops_, ISA);
const fl_disc_loops PASTE(fl_disc_loops_, ISA) = {light, slope, add, gather};
