/* kernels_exact.h: the tile once more, every sum in double and rounded once; included by kernels_body.h.
 *
 * Products of two float32 are exact in double, so a fused multiply-add rounds as a product and a sum do: here all instruction
 * sets give the same bits, the portable one too. In the float64 build it is the same sum as the ordinary tile's. */

#ifdef FL_F64
enum { HALF = WIDTH };
#else
enum { HALF = WIDTH / 2 };                             /* as many doubles as a vector has room for */
#endif
enum { EXACT_ROWS = 4 };

typedef real half __attribute__((vector_size(HALF * sizeof(real)), aligned(sizeof(real)), may_alias));
typedef double wide __attribute__((vector_size(HALF * sizeof(double))));

static inline __attribute__((always_inline)) wide widen(const real *at)
{
    const half few = *(const half *)at;
    return __builtin_convertvector(few, wide);
}

/* Rows first .. first+rows-1, one half vector from lane `lane` on. */
static inline __attribute__((always_inline))
void exact_product(const fl_tile *t, const int rows, const int elementwise, int first, int lane)
{
    wide sum[EXACT_ROWS];
    UNROLL for (int p = 0; p < rows; p++)
        sum[p] = t->start ? widen(t->start + (first + p) * t->start_row + lane) : (wide){0};
    for (int64_t i = 0; i < t->count[0]; i++)
    for (int64_t j = 0; j < t->count[1]; j++)
    for (int64_t l = 0; l < t->count[2]; l++) {
        const real *a = t->a + first * t->a_row + i * t->a_jump[0] + j * t->a_jump[1] + l * t->a_jump[2];
        const real *b = t->b + lane + i * t->b_jump[0] + j * t->b_jump[1] + l * t->b_jump[2];
        for (int64_t k = 0; k < t->run; k++, a += t->a_step, b += t->b_step) {
            const wide right = widen(b);
            UNROLL for (int p = 0; p < rows; p++) {
                if (elementwise) sum[p] += widen(a + p * t->a_row + lane) * right;
                else sum[p] += (double)a[p * t->a_row] * right;
            }
        }
    }
    UNROLL for (int p = 0; p < rows; p++) {
        const half few = __builtin_convertvector(sum[p], half);
        *(half *)(t->c + (first + p) * t->c_row + lane) = few;
    }
}

static inline __attribute__((always_inline)) void exact_rows(const fl_tile *t, int rows, int lane, const int elementwise)
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
