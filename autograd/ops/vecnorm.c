/* vecnorm: how far values are from zeros and ones of a wanted number: sorted values against a step (Fong, Patrick and
 * Vedaldi 2019). Operands: x; ones, how many of the largest values of a sample (of each frame, if asked) shall be 1; draw, which
 * of equal values are taken for larger: a number of a random draw, or, below 0, those that come later. Both N or 1,1,1,1,1.
 *
 *   y = mean over i of (x_i - r_i)^2,    r_i = 1 for the `ones` largest, 0 for the others         (frames: their mean)
 *   parted: y = mean over the largest of (x_i - 1)^2  +  mean over the others of x_i^2
 *
 * gx_i = 2 (x_i - r_i) / V gy, V: the number of values in the mean; ones and draw have the gradient 0: they count.
 *
 * No sort: the value where the step lies is found by its bits, 11 at a time (radix selection). */
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "tensor/par.h"

#include <string.h>

enum { DIGIT = 11, BUCKETS = 1 << DIGIT };

#ifdef FL_F64
typedef uint64_t key_bits;
#else
typedef uint32_t key_bits;
#endif
enum { KEY_BITS = 8 * sizeof(key_bits) };

/* Bits that sort as the numbers do. */
static key_bits key_of(real x)
{
    const key_bits sign = (key_bits)1 << (KEY_BITS - 1);
    key_bits u;
    x = x == 0 ? 0 : x;
    memcpy(&u, &x, sizeof u);
    return u & sign ? ~u : u | sign;
}

typedef struct step { key_bits at; int64_t zeros, ones, below, equal; } step;    /* zeros: r = 0 for so many */

/* Where the step lies among `count` values, of which `zeros` lie before it. */
static step find_step(const real *x, int64_t count, int64_t ones)
{
    step s = {.zeros = count - ones, .ones = ones};
    int64_t rank = s.zeros < count ? s.zeros : count - 1;
    key_bits prefix = 0, mask = 0;
    for (int shift = KEY_BITS; shift > 0;) {
        const int width = shift < DIGIT ? shift : DIGIT;
        int64_t number[BUCKETS] = {0};
        shift -= width;
        for (int64_t i = 0; i < count; i++) {
            const key_bits key = key_of(x[i]);
            if ((key & mask) == prefix) number[(key >> shift) & (BUCKETS - 1) & (((key_bits)1 << width) - 1)]++;
        }
        int b = 0;
        while (rank >= number[b]) {
            rank -= number[b];
            s.below += number[b++];
        }
        prefix |= (key_bits)b << shift;
        mask |= (((key_bits)1 << width) - 1) << shift;
        s.equal = number[b];
    }
    s.at = prefix;
    return s;
}

/* Whether the next of the values at the step is taken for one of the smaller: `need` of the `left` are. */
static bool is_smaller(const fl_node *node, real draw, int64_t index, int64_t need, int64_t left)
{
    if (draw < 0) return need > 0;
    return fl_rng_uniform(node->attr.vecnorm.seed, (uint64_t)draw, (uint64_t)index) * (double)left < (double)need;
}

typedef struct groups { int64_t count, values; int per_sample; } groups;

static groups groups_of(const fl_node *node)
{
    const fl_shape x = node->in_shape[0];
    const int per_sample = node->attr.vecnorm.frames ? x.t : 1;
    const int64_t values = fl_shape_count(x) / x.n / per_sample;
    return (groups){(int64_t)x.n * per_sample, values, per_sample};
}

static int64_t ones_of(const fl_node *node, const real *const in[], int64_t n, int64_t values)
{
    const double ones = (double)in[1][node->in_shape[1].n == 1 ? 0 : n] + 0.5;
    return !(ones > 0) ? 0 : ones >= (double)values ? values : (int64_t)ones;
}

static fl_shape infer(fl_graph *g, const fl_node *node)
{
    const fl_shape x = node->in_shape[0];
    for (int k = 1; k < 3; k++) {
        const fl_shape s = node->in_shape[k];
        if ((s.n != 1 && s.n != x.n) || fl_shape_count(s) != s.n)
            return fl_graph_fail(g, node, "expected one number for all samples or for each, got %lld", (long long)fl_shape_count(s));
    }
    return fl_shape_vector(x.n, 1);
}

static size_t scratch(const fl_node *node) { return (size_t)groups_of(node).count * sizeof(double); }

static double group_value(const fl_node *node, const real *x, int64_t values, int64_t ones)
{
    const step s = find_step(x, values, ones);
    const int64_t low = s.zeros - s.below, high = s.equal - low;    /* values at the step with r = 0, with r = 1 */
    double zeros = 0, tops = 0, at = 0;
    for (int64_t i = 0; i < values; i++) {
        const key_bits key = key_of(x[i]);
        const double v = (double)x[i];
        if (key < s.at) zeros += v * v;
        else if (key > s.at) tops += (v - 1) * (v - 1);
        else at = v;
    }
    zeros += (double)low * at * at;
    tops += (double)high * (at - 1) * (at - 1);
    if (!node->attr.vecnorm.parted) return (zeros + tops) / (double)values;
    return (s.zeros ? zeros / (double)s.zeros : 0) + (s.ones ? tops / (double)s.ones : 0);
}

static void forward(const fl_node *node, const real *const in[], real *y)
{
    const groups q = groups_of(node);
    double *value = node->work;
    FL_PARALLEL(i, q.count, q.count * q.values * 8) {
        const int64_t n = i / q.per_sample;
        value[i] = group_value(node, in[0] + i * q.values, q.values, ones_of(node, in, n, q.values));
    }
    for (int64_t n = 0; n < node->shape.n; n++) {
        double sum = 0;
        for (int t = 0; t < q.per_sample; t++) sum += value[n * q.per_sample + t];
        y[n] = (real)(sum / q.per_sample);
    }
}

static void group_signal(const fl_node *node, const real *x, int64_t values, int64_t ones, real draw, double gy, real *gx)
{
    const step s = find_step(x, values, ones);
    const bool parted = node->attr.vecnorm.parted;
    const double low = 2 * gy / (double)(parted && s.zeros ? s.zeros : values);
    const double high = 2 * gy / (double)(parted && s.ones ? s.ones : values);
    int64_t need = s.zeros - s.below, left = s.equal;
    for (int64_t i = 0; i < values; i++) {
        const key_bits key = key_of(x[i]);
        bool zero = key < s.at;
        if (key == s.at) {
            zero = is_smaller(node, draw, i, need, left--);
            need -= zero;
        }
        gx[i] = (real)(zero ? low * (double)x[i] : high * ((double)x[i] - 1));
    }
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)y;
    const groups q = groups_of(node);
    if (k > 0) {
        memset(gx, 0, (size_t)fl_shape_count(node->in_shape[k]) * sizeof *gx);
        return;
    }
    FL_PARALLEL(i, q.count, q.count * q.values * 12) {
        const int64_t n = i / q.per_sample;
        const real draw = in[2][node->in_shape[2].n == 1 ? 0 : n];
        group_signal(node, in[0] + i * q.values, q.values, ones_of(node, in, n, q.values), draw,
                     (double)gy[n] / q.per_sample, gx + i * q.values);
    }
}

static fl_id example(fl_graph *g, fl_rng *rng, int which)
{
    static const struct { fl_shape x; int counts; real ones, draw; bool frames, parted; } list[] = {
        {{2, 1, 3, 2, 3}, 2, 4, 3, false, false}, {{2, 2, 2, 1, 4}, 1, 3, -1, true, false}, {{3, 1, 1, 3, 3}, 1, 2, 7, false, true},
        {{1, 1, 2, 2, 2}, 1, 0, 0, false, true}};
    if (which >= (int)(sizeof list / sizeof *list)) return FL_NONE;
    const fl_id x = fl_example_operand(g, rng, "x", list[which].x);
    const fl_id ones = fl_example_operand(g, rng, "ones", fl_shape_vector(list[which].counts, 1));
    const fl_id draw = fl_example_operand(g, rng, "draw", fl_shape_vector(1, 1));
    for (int i = 0; fl_graph_ok(g) && i < list[which].counts; i++) fl_graph_value(g, ones)[i] = list[which].ones + (real)i;
    if (fl_graph_ok(g)) fl_graph_value(g, draw)[0] = list[which].draw;
    return fl_node_vecnorm(g, "y", x, ones, draw, list[which].frames, list[which].parted, 5);
}

const fl_op fl_op_vecnorm = {
    .name = "vecnorm", .doc = "squared distance of sorted values from a step of zeros and ones", .file = "autograd/ops/vecnorm.c",
    .kind = FL_OP_vecnorm, .flags = FL_ALL | FL_READS_IN, .arity = 3,
    .infer = infer, .forward = forward, .vjp = vjp, .example = example, .scratch = scratch,
};

fl_id fl_node_vecnorm(fl_graph *g, const char *name, fl_id x, fl_id ones, fl_id draw, bool frames, bool parted, uint64_t seed)
{
    fl_attr attr = {.vecnorm = {seed, frames, parted}};
    return fl_graph_add(g, &fl_op_vecnorm, name, &attr, 3, (const fl_id[]){x, ones, draw});
}
