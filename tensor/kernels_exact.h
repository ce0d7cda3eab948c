/* kernels_exact.h: the tile once more, every sum in double and rounded once; included by kernels_body.h.
 *
 *   c = round(s),   c_rest = round(s - c),   s = start + sum a b + sum a_rest b       remainders only where they are given
 *
 * Products of two float32 are exact in double, so a fused multiply-add rounds as a product and a sum do: here all instruction
 * sets give the same bits, the portable one too. That is why a value and its remainder are two products and not one of their sum,
 * which has more bits. In the float64 build s is the same sum as the ordinary tile's, and the remainder is 0. */

#ifdef FL_F64
enum { HALF = WIDTH };
#else
enum { HALF = WIDTH / 2 };                             /* as many doubles as a vector has room for */
#endif
enum { EXACT_ROWS = 4 };

typedef real half __attribute__((vector_size(HALF * sizeof(real)), aligned(sizeof(real)), may_alias));
typedef double wide __attribute__((vector_size(HALF * sizeof(double))));
typedef int64_t wide_mask __attribute__((vector_size(HALF * sizeof(double))));

INLINE wide widen(const real *at)
{
    const half few = *(const half *)at;
    return __builtin_convertvector(few, wide);
}

/* sum += all products of `from`, which is a or its remainder. Rows first .. first+rows-1, one half vector from lane `lane` on. */
INLINE void exact_sum(const fl_tile *t, const real *from, const int rows, const int elementwise, int first, int lane, wide *sum)
{
    for (int64_t i = 0; i < t->count[0]; i++)
    for (int64_t j = 0; j < t->count[1]; j++)
    for (int64_t l = 0; l < t->count[2]; l++) {
        const real *a = from + first * t->a_row + i * t->a_jump[0] + j * t->a_jump[1] + l * t->a_jump[2];
        const real *b = t->b + lane + i * t->b_jump[0] + j * t->b_jump[1] + l * t->b_jump[2];
        for (int64_t k = 0; k < t->run; k++, a += t->a_step, b += t->b_step) {
            const wide right = widen(b);
            UNROLL for (int p = 0; p < rows; p++) {
                if (elementwise) sum[p] += widen(a + p * t->a_row + lane) * right;
                else sum[p] += (double)a[p * t->a_row] * right;
            }
        }
    }
}

INLINE void exact_product(const fl_tile *t, const int rows, const int elementwise, int first, int lane)
{
    wide sum[EXACT_ROWS];
    UNROLL for (int p = 0; p < rows; p++)
        sum[p] = t->start ? widen(t->start + (first + p) * t->start_row + lane) : (wide){0};
    exact_sum(t, t->a, rows, elementwise, first, lane, sum);
    if (t->a_rest) exact_sum(t, t->a_rest, rows, elementwise, first, lane, sum);
    UNROLL for (int p = 0; p < rows; p++) {
        const half few = __builtin_convertvector(sum[p], half);
        const int64_t at = (first + p) * t->c_row + lane;
        *(half *)(t->c + at) = few;
        if (!t->c_rest) continue;
        const wide kept = __builtin_convertvector(few, wide), off = sum[p] - kept;
        /* infinities have none */
        const wide rest = (wide)((wide_mask)off & (wide_mask)(kept - kept == 0));      /* NOLINT(misc-redundant-expression) */
        *(half *)(t->c_rest + at) = __builtin_convertvector(rest, half);
    }
}

INLINE void exact_rows(const fl_tile *t, int rows, int lane, const int elementwise)
{
    int first = 0;
    for (; first + EXACT_ROWS <= rows; first += EXACT_ROWS) exact_product(t, EXACT_ROWS, elementwise, first, lane);
    for (; first < rows; first++) exact_product(t, 1, elementwise, first, lane);
}

static void exact(const fl_tile *t, int rows, int vectors, int elementwise)
{
    for (int lane = 0; lane < vectors * WIDTH; lane += HALF) {
        if (elementwise) exact_rows(t, rows, lane, 1);
        else exact_rows(t, rows, lane, 0);
    }
}
