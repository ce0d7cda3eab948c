/* kernels_body.h: the hot loops, once, in vector extensions; kernels_*.c set the sizes and include it.
 *
 *   ISA           name of the instruction set, as an identifier
 *   VECTOR_BYTES  bytes of a vector
 *   VECTORS       vectors of the wide tile; ROWS_WIDE, ROWS_ONE: most rows of the two tiles
 *   NEAR          rows of b that the first cache is asked for before their turn, or not defined: few rows of a tile go through b fast
 *
 * A tile keeps rows x vectors sums in registers; rows and vectors are constants in each instance, so all
 * loops over them disappear. `sum += a * b` is contracted to a fused multiply-add by the flags of the file. */
#include "tensor/kernels.h"

#include <string.h>

#if !defined(__clang__)
#define UNROLL _Pragma("GCC unroll 32")
#endif
#define ELEMENT real
#include "tensor/vector_body.h"

#ifdef FL_F64
#define INTEGER int64_t
#else
#define INTEGER int32_t
#endif

/* Row p of a tile starts at origin + p*step; rows 0, 4, 8, 12 have pointers, the rest are reached by the
 * addressing modes, or the address registers would not suffice. */
#define ROW(origin, p, step) ((origin)[(p) / 4] + (p) % 4 * (step))

/* Or a compiler would keep the address of every row of a column in a register, of which there are not enough. */
#define OPAQUE(pointer) __asm__("" : "+r"(pointer))

enum kind { ROWS, COLUMNS, LANES };    /* a_step is 1, so the next k is next to this one; a_row is 1; a vector per row */

INLINE void multiply_one(vector (*sum)[VECTORS], const real *const origin[4], int64_t a_row, const real *b, const int rows,
                         const int vectors, const enum kind kind)
{
    vector right[VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) right[v] = *(const loose *)(b + v * WIDTH);
    UNROLL for (int p = 0; p < rows; p++) {
        const real *left = kind == COLUMNS ? origin[0] + p : ROW(origin, p, a_row);
        if (kind == LANES) {
            UNROLL for (int v = 0; v < vectors; v++) sum[p][v] += *(const loose *)(left + v * WIDTH) * right[v];
        } else {
            const vector all = *left - (vector){0};
            UNROLL for (int v = 0; v < vectors; v++) sum[p][v] += all * right[v];
        }
    }
}

INLINE void store(real *to, int64_t step, vector (*sum)[VECTORS], const int rows, const int vectors, const int add)
{
    real *const origin[4] = {to, to + 4 * step, to + 8 * step, to + 12 * step};
    UNROLL for (int p = 0; p < rows; p++) {
        UNROLL for (int v = 0; v < vectors; v++) {
            loose *c = (loose *)(ROW(origin, p, step) + v * WIDTH);
            *c = add ? (vector)*c + sum[p][v] : sum[p][v];
            sum[p][v] = (vector){0};
        }
    }
}

INLINE void begin(vector (*sum)[VECTORS], const real *start, int64_t start_row, const real *c, int64_t c_row, const int rows,
                  const int vectors)
{
    UNROLL for (int p = 0; p < rows; p++) {
        UNROLL for (int v = 0; v < vectors; v++)
            sum[p][v] = start ? (vector)*(const loose *)(start + p * start_row + v * WIDTH) : (vector){0};
    }
    UNROLL for (int p = 0; p < rows; p++) {
        UNROLL for (int v = 0; v < vectors; v++) __builtin_prefetch(c + p * c_row + v * WIDTH, 1);
    }
}

/* Two steps of k at a time: what counts, keeps and asks costs half as much. Returns what is asked for later, behind this run.
 * near: b is in the first cache, and nothing is asked for later. */
INLINE const real *run_through(vector (*sum)[VECTORS], const fl_tile *t, const real *a, const real *b, const real *later,
                               int64_t later_step, const int near, const int rows, const int vectors, const enum kind kind)
{
    const int64_t a_row = t->a_row, a_step = kind == ROWS ? 1 : t->a_step, b_step = kind == ROWS ? FL_BLOCK : t->b_step;
    const int64_t ahead_step = t->ahead_step;
    const int pointers = kind == COLUMNS ? 1 : (rows + 3) / 4;
    const real *origin[4] = {a, a + 4 * a_row, a + 8 * a_row, a + 12 * a_row};
    const real *ahead = a + t->ahead;
    for (int64_t k = t->run / 2; k > 0; k--) {
        __builtin_prefetch(ahead, 0, 3);
        ahead += ahead_step;
        if (!near) {
            __builtin_prefetch(later, 0, 2);
            later += later_step;
#ifdef NEAR
            __builtin_prefetch(b + NEAR * b_step, 0, 3);
            __builtin_prefetch(b + (NEAR + 1) * b_step, 0, 3);
#endif
        }
        multiply_one(sum, origin, a_row, b, rows, vectors, kind);
        const real *next[4];
        UNROLL for (int q = 0; q < pointers; q++) next[q] = origin[q] + a_step;
        if (kind == COLUMNS) OPAQUE(next[0]);
        multiply_one(sum, next, a_row, b + b_step, rows, vectors, kind);
        UNROLL for (int q = 0; q < pointers; q++) origin[q] += 2 * a_step;
        b += 2 * b_step;
    }
    if (t->run % 2) multiply_one(sum, origin, a_row, b, rows, vectors, kind);
    return later;
}

/* A single run for tiles that share a near b: nothing but its end stands between two of them. */
INLINE void product_near(const fl_tile *t, const int rows, const int vectors, const enum kind kind)
{
    const real *left = t->a, *start = t->start;
    const int64_t start_step = start ? rows * t->start_row : 0;
    real *c = t->c;
    for (int64_t repeat = 0; repeat <= t->repeat; repeat++) {
        vector sum[FL_TILE_ROWS][VECTORS];
        begin(sum, start, t->start_row, c, t->c_row, rows, vectors);
        run_through(sum, t, left, t->b, NULL, 0, 1, rows, vectors, kind);
        if (t->add) store(c, t->c_row, sum, rows, vectors, 1);
        else store(c, t->c_row, sum, rows, vectors, 0);
        left += rows * t->a_row;
        c += rows * t->c_row;
        start += start_step;
    }
}

INLINE void product(const fl_tile *tile, const int rows, const int vectors, const enum kind kind)
{
    const fl_tile here = *tile, *t = &here;     /* no store can change it */
    const bool single = t->count[0] == 1 && t->count[1] == 1 && t->count[2] == 1;
    if (single && t->repeat > 0 && !t->later && t->run <= FL_NEAR_RUN) {
        product_near(t, rows, vectors, kind);
        return;
    }
    const int64_t later_step = t->later ? t->later_step : 0;
    const real *left = t->a, *start = t->start, *later = t->later ? t->later : t->b;
    real *c = t->c;
    for (int64_t repeat = 0; repeat <= t->repeat; repeat++) {
        vector sum[FL_TILE_ROWS][VECTORS];
        begin(sum, start, t->start_row, c, t->c_row, rows, vectors);
        int add = t->add, pending = 1;
        for (int64_t i = 0; i < t->count[0]; i++)
        for (int64_t j = 0; j < t->count[1]; j++) {
            for (int64_t l = 0; l < t->count[2]; l++)
                later = run_through(sum, t, left + i * t->a_jump[0] + j * t->a_jump[1] + l * t->a_jump[2],
                                    t->b + i * t->b_jump[0] + j * t->b_jump[1] + l * t->b_jump[2], later, later_step, 0, rows, vectors,
                                    kind);
            if (!t->in_parts) continue;
            if (add) store(c, t->c_row, sum, rows, vectors, 1);
            else store(c, t->c_row, sum, rows, vectors, 0);
            add = 1, pending = 0;
        }
        if (pending && add) store(c, t->c_row, sum, rows, vectors, 1);
        else if (pending) store(c, t->c_row, sum, rows, vectors, 0);
        left += rows * t->a_row;
        c += rows * t->c_row;
        start += start ? rows * t->start_row : 0;
    }
}

#define CASE(n, most, vectors, kind) \
    case n: if (n <= (most)) product(t, n <= (most) ? n : 1, vectors, kind); break;
#define CASES(most, vectors, e)                                                                              \
    switch (rows) {                                                                                          \
        CASE(1, most, vectors, e)  CASE(2, most, vectors, e)  CASE(3, most, vectors, e)  CASE(4, most, vectors, e)  \
        CASE(5, most, vectors, e)  CASE(6, most, vectors, e)  CASE(7, most, vectors, e)  CASE(8, most, vectors, e)  \
        CASE(9, most, vectors, e)  CASE(10, most, vectors, e) CASE(11, most, vectors, e) CASE(12, most, vectors, e) \
        CASE(13, most, vectors, e) CASE(14, most, vectors, e) CASE(15, most, vectors, e) CASE(16, most, vectors, e) \
        default: break;                                                                                      \
    }

static void rows_wide(const fl_tile *t, int rows) { CASES(ROWS_WIDE, VECTORS, ROWS) }
static void rows_one(const fl_tile *t, int rows) { CASES(ROWS_ONE, 1, ROWS) }
static void columns_wide(const fl_tile *t, int rows) { CASES(ROWS_WIDE, VECTORS, COLUMNS) }
static void columns_one(const fl_tile *t, int rows) { CASES(ROWS_ONE, 1, COLUMNS) }
static void lanes_wide(const fl_tile *t, int rows) { CASES(ROWS_WIDE, VECTORS, LANES) }
static void lanes_one(const fl_tile *t, int rows) { CASES(ROWS_ONE, 1, LANES) }

static void tile(const fl_tile *t, int rows, int vectors)
{
    if (t->a_row == 1) (vectors > 1 ? columns_wide : columns_one)(t, rows);
    else (vectors > 1 ? rows_wide : rows_one)(t, rows);
}

static void lanes(const fl_tile *t, int rows, int vectors)
{
    if (vectors > 1) lanes_wide(t, rows);
    else lanes_one(t, rows);
}

#include "tensor/kernels_exact.h"

typedef INTEGER mask __attribute__((vector_size(VECTOR_BYTES)));

static void add_runs(const real *from, int64_t from_step, int run, int count, real *to, int64_t to_step)
{
    mask inside = {0};
    for (int v = 0; v < WIDTH; v++) inside[v] = v < run % WIDTH ? -1 : 0;
    for (int i = 0; i < count; i++, from += from_step, to += to_step) {
        int r = 0;
        for (; r + WIDTH <= run; r += WIDTH) *(loose *)(to + r) += *(const loose *)(from + r);
        if (r < run) *(loose *)(to + r) += (vector)((mask)*(const loose *)(from + r) & inside);
    }
}

INLINE void copy_of(const int vectors, const real *from, int64_t from_step, int count, real *to, int64_t to_step)
{
    for (int i = 0; i < count; i++, from += from_step, to += to_step)
        UNROLL for (int v = 0; v < vectors; v++) *(loose *)(to + v * WIDTH) = *(const loose *)(from + v * WIDTH);
}

static void copy_runs(const real *from, int64_t from_step, int run, int count, real *to, int64_t to_step)
{
    if (run > 3 * WIDTH) copy_of(4, from, from_step, count, to, to_step);
    else if (run > 2 * WIDTH) copy_of(3, from, from_step, count, to, to_step);
    else if (run > WIDTH) copy_of(2, from, from_step, count, to, to_step);
    else copy_of(1, from, from_step, count, to, to_step);
}

typedef int8_t bytes __attribute__((vector_size(WIDTH)));

/* A byte per lane, with its sign: compilers know this loop as one instruction; GCC takes vector conversions apart. */
INLINE mask widen_bytes(const uint8_t *from)
{
    INTEGER lane[WIDTH];
    for (int v = 0; v < WIDTH; v++) lane[v] = (int8_t)from[v];      /* NOLINT(bugprone-signed-char-misuse,cert-str34-c): with its sign */
    mask m;
    memcpy(&m, lane, sizeof m);
    return m;
}

/* What a finish asks for is constant in each instance of the loop. */
enum { ADD = 1, RELU = 2, SIGN = 4, GATE = 8 };

typedef struct finished { vector value; bytes sign; } finished;

INLINE finished finish_vector(const int what, const fl_finish *f, const real *sum, int64_t at)
{
    finished y = {*(const loose *)sum, {0}};
    if (what & ADD) y.value += *(const loose *)(f->add + at);
    if (what & RELU) y.value = (vector)((mask)y.value & ~(mask)(y.value < 0));
    if (what & SIGN) y.sign = __builtin_convertvector((mask)(y.value > 0), bytes);
    if (what & GATE) y.value = (vector)((mask)y.value & widen_bytes(f->gate + at));
    return y;
}

INLINE void finish_store(const int what, const fl_finish *f, const finished *y, int64_t at, real *to)
{
    if (what & SIGN) memcpy(f->sign + at, &y->sign, sizeof y->sign);
    *(loose *)(to + at) = y->value;
}

/* What is left over is finished as the last whole vector, before any is written: it overlaps the one before. */
INLINE void finish_row(const int what, const fl_finish *f, const real *sum, int64_t at, int64_t count, real *to)
{
    const int64_t rest = count % WIDTH, last = count - WIDTH;
    if (last < 0) {
        for (int64_t i = 0; i < count; i++) {
            real v = sum[i];
            if (what & ADD) v += f->add[at + i];
            if (what & RELU) v = v < 0 ? 0 : v;
            if (what & SIGN) f->sign[at + i] = v > 0 ? 255 : 0;
            if (what & GATE) v = f->gate[at + i] ? v : 0;
            to[at + i] = v;
        }
        return;
    }
    finished end;
    if (rest) end = finish_vector(what, f, sum + last, at + last);
    for (int64_t i = 0; i <= last; i += WIDTH) {
        const finished y = finish_vector(what, f, sum + i, at + i);
        finish_store(what, f, &y, at + i, to);
    }
    if (rest) finish_store(what, f, &end, at + last, to);
}

INLINE void finish_as(const int what, const fl_finish *finish, const real *sum, int64_t sum_row, int64_t at, int64_t at_row, int rows,
                      int64_t count, real *to)
{
    const fl_finish f = *finish;                /* no store can change it */
    if (count == 2 * WIDTH) for (int r = 0; r < rows; r++) finish_row(what, &f, sum + r * sum_row, at + r * at_row, 2 * WIDTH, to);
    else for (int r = 0; r < rows; r++) finish_row(what, &f, sum + r * sum_row, at + r * at_row, count, to);
}

static void finish(const fl_finish *f, const real *sum, int64_t sum_row, int64_t at, int64_t at_row, int rows, int64_t count,
                   real *to)
{
    const int what = (f->add ? ADD : 0) | (f->relu ? RELU : 0) | (f->sign ? SIGN : 0) | (f->gate ? GATE : 0);
#define AS(what) case what: finish_as(what, f, sum, sum_row, at, at_row, rows, count, to); break;
    switch (what) {
        AS(0) AS(1) AS(2) AS(3) AS(4) AS(5) AS(6) AS(7) AS(8) AS(9) AS(10) AS(11) AS(12) AS(13) AS(14) AS(15)
        default: break;
    }
}

enum { TOGETHER = 4 };

/* Blends of bits: where `here` is not set, the other stays. */
#define CHOOSE(here, a, b) (((a) & (here)) | ((b) & ~(here)))

/* Some vectors at a time: one would have to wait for each comparison. */
INLINE void largest_of(const int vectors, const real *const *x, const uint8_t *which, int n, int64_t at, real *y, uint8_t *notes)
{
    vector best[TOGETHER];
    mask note[TOGETHER];
    UNROLL for (int v = 0; v < vectors; v++) {
        best[v] = *(const loose *)(x[0] + at + v * WIDTH);
        note[v] = (mask){0} + which[0];
    }
    for (int k = 1; k < n; k++) {
        const mask here = (mask){0} + which[k];
        UNROLL for (int v = 0; v < vectors; v++) {
            const vector a = *(const loose *)(x[k] + at + v * WIDTH);
            const mask better = (mask)(a > best[v]) | (mask)(a != a);            /* NOLINT(misc-redundant-expression): NaN */
            best[v] = (vector)CHOOSE(better, (mask)a, (mask)best[v]);
            note[v] = CHOOSE(better, here, note[v]);
        }
    }
    UNROLL for (int v = 0; v < vectors; v++) {
        *(loose *)(y + at + v * WIDTH) = best[v];
        if (!notes) continue;
        const bytes narrow = __builtin_convertvector(note[v], bytes);
        memcpy(notes + at + v * WIDTH, &narrow, sizeof narrow);
    }
}

static void largest(const real *const *x, const uint8_t *which, int n, int64_t count, real *y, uint8_t *notes)
{
    int64_t i = 0;
    for (; i + TOGETHER * WIDTH <= count; i += TOGETHER * WIDTH) largest_of(TOGETHER, x, which, n, i, y, notes);
    for (; i + WIDTH <= count; i += WIDTH) largest_of(1, x, which, n, i, y, notes);
    for (; i < count; i++) {
        int best = 0;
        for (int k = 1; k < n; k++)
            if (x[k][i] > x[best][i] || x[k][i] != x[k][i]) best = k;
        y[i] = x[best][i];
        if (notes) notes[i] = which[best];
    }
}

INLINE void add_noted_of(const int vectors, const uint8_t *const *notes, const uint8_t *which,
                         const real *const *gy, int n, int64_t at, real *gx)
{
    vector sum[TOGETHER];
    UNROLL for (int v = 0; v < vectors; v++) sum[v] = *(const loose *)(gx + at + v * WIDTH);
    for (int k = 0; k < n; k++) {
        const mask this = (mask){0} + (int8_t)which[k];
        UNROLL for (int v = 0; v < vectors; v++) {
            const mask here = widen_bytes(notes[k] + at + v * WIDTH) == this;
            sum[v] += (vector)((mask)*(const loose *)(gy[k] + at + v * WIDTH) & here);
        }
    }
    UNROLL for (int v = 0; v < vectors; v++) *(loose *)(gx + at + v * WIDTH) = sum[v];
}

static void add_noted(const uint8_t *const *notes, const uint8_t *which, const real *const *gy, int n, int64_t count, real *gx)
{
    int64_t i = 0;
    for (; i + TOGETHER * WIDTH <= count; i += TOGETHER * WIDTH) add_noted_of(TOGETHER, notes, which, gy, n, i, gx);
    for (; i + WIDTH <= count; i += WIDTH) add_noted_of(1, notes, which, gy, n, i, gx);
    for (; i < count; i++)
        for (int k = 0; k < n; k++) gx[i] += notes[k][i] == which[k] ? gy[k][i] : 0;
}

enum { CHAINS = 12, REPEATS = 8, FLOPS = 2 * CHAINS * REPEATS * WIDTH };   /* chains: latency 4 to 6, two units */

static real multiply_add(int64_t rounds)
{
    /* A compiler that knew the numbers would see that a chain from 1 stays at 1, and leave it out. */
    const volatile real unknown[CHAINS + 2] = {R(0.999), R(0.001)};
    vector sum[CHAINS], a = (vector){0} + unknown[0], b = (vector){0} + unknown[1];
    UNROLL for (int i = 0; i < CHAINS; i++) sum[i] = (vector){0} + unknown[2 + i];
    for (int64_t r = 0; r < rounds; r++)
        UNROLL for (int j = 0; j < REPEATS; j++) {
            UNROLL for (int i = 0; i < CHAINS; i++) sum[i] = sum[i] * a + b;
        }
    UNROLL for (int i = 1; i < CHAINS; i++) sum[0] += sum[i];
    return sum[0][0];
}

extern const struct fl_transforms PASTE(fl_transforms_, ISA);
extern const struct fl_disc_loops PASTE(fl_disc_loops_, ISA);
extern const struct fl_math_runs PASTE(fl_math_runs_, ISA);
extern const fl_kernels PASTE(fl_kernels_, ISA);
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)
const fl_kernels PASTE(fl_kernels_, ISA) = {
    TEXT(ISA), WIDTH, VECTORS, ROWS_WIDE, ROWS_ONE, tile, lanes, add_runs, copy_runs, largest, add_noted, finish, multiply_add, FLOPS,
    &PASTE(fl_transforms_, ISA), &PASTE(fl_disc_loops_, ISA), &PASTE(fl_math_runs_, ISA), exact
};
