/* vecnorm: how far values are from zeros and ones of a wanted number: sorted values against a step (Fong, Patrick and
 * Vedaldi 2019). Operands: x; ones, how many of the largest values of a sample (of each frame, if asked) shall be 1; draw, which
 * of equal values are taken for larger: a number of a random draw, or, below 0, those that come later. Both N or 1,1,1,1,1.
 *
 *   y = mean over i of (x_i - r_i)^2,    r_i = 1 for the `ones` largest, 0 for the others         (frames: their mean)
 *   parted: y = mean over the largest of (x_i - 1)^2  +  mean over the others of x_i^2
 *
 * gx_i = 2 (x_i - r_i) / V gy, V: the number of values in the mean; ones and draw have the gradient 0: they count.
 *
 * No sort: the value where the step lies is found by its bits, 11 at a time (radix selection). The values of a group are counted, summed
 * and answered in parts of PART, side by side; only those at the step itself are taken one after the other. */
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "tensor/par.h"

#include <string.h>

enum { DIGIT = 11, BUCKETS = 1 << DIGIT, PART = 1 << 14 };

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

static real value_of(key_bits key)
{
    const key_bits sign = (key_bits)1 << (KEY_BITS - 1), u = key & sign ? key ^ sign : ~key;
    real x;
    memcpy(&x, &u, sizeof x);
    return x;
}

typedef struct groups { int64_t count, values, parts; int per_sample; } groups;

static groups groups_of(const fl_node *node)
{
    const fl_shape x = node->in_shape[0];
    const int per_sample = node->attr.vecnorm.frames ? x.t : 1;
    const int64_t values = fl_shape_count(x) / x.n / per_sample;
    return (groups){(int64_t)x.n * per_sample, values, (values + PART - 1) / PART, per_sample};
}

/* Of a group: where the step lies, r = 0 for so many, how many lie below, and at it. */
typedef struct step { key_bits at; int64_t zeros, ones, below, equal, rank; } step;

/* Of a part: how many values have a digit; those at the step in the end; sums over zeros and over ones. */
typedef struct part { int32_t number[BUCKETS], equal; double zeros, tops; } part;

static size_t scratch(const fl_node *node)
{
    const groups q = groups_of(node);
    return (size_t)q.count * (sizeof(step) + (size_t)q.parts * sizeof(part));
}

static part *parts_of(const fl_node *node) { return node->work; }

static step *steps_of(const fl_node *node)
{
    const groups q = groups_of(node);
    return (step *)(parts_of(node) + q.count * q.parts);
}

typedef struct span { int64_t group, begin, end; const real *x; } span;          /* of a part: its group, which values; the group's */

static span span_of(const groups *q, int64_t i, const real *x)
{
    const int64_t group = i / q->parts, begin = i % q->parts * PART, left = q->values - begin;
    return (span){group, begin, begin + (left < PART ? left : PART), x + group * q->values};
}

static int64_t ones_of(const fl_node *node, const real *const in[], int64_t n, int64_t values)
{
    const double ones = (double)in[1][node->in_shape[1].n == 1 ? 0 : n] + 0.5;
    return !(ones > 0) ? 0 : ones >= (double)values ? values : (int64_t)ones;
}

/* The digit of the group's step whose values are counted in its parts. */
static void find_digit(const groups *q, part *parts, int shift, step *s)
{
    int64_t number[BUCKETS] = {0};
    for (int64_t k = 0; k < q->parts; k++)
        for (int b = 0; b < BUCKETS; b++) number[b] += parts[k].number[b];
    int b = 0;
    for (; s->rank >= number[b]; b++) {
        s->rank -= number[b];
        s->below += number[b];
    }
    s->equal = number[b];
    s->at |= (key_bits)b << shift;
    for (int64_t k = 0; k < q->parts; k++) parts[k].equal = parts[k].number[b];
}

static void find_steps(const fl_node *node, const real *const in[])
{
    const groups q = groups_of(node);
    step *steps = steps_of(node);
    part *parts = parts_of(node);
    for (int64_t i = 0; i < q.count; i++) {
        const int64_t ones = ones_of(node, in, i / q.per_sample, q.values), zeros = q.values - ones;
        steps[i] = (step){.zeros = zeros, .ones = ones, .rank = zeros < q.values ? zeros : q.values - 1};
    }
    key_bits mask = 0;
    for (int shift = KEY_BITS; shift > 0;) {
        const int width = shift < DIGIT ? shift : DIGIT;
        const key_bits digit = ((key_bits)1 << width) - 1;
        shift -= width;
        FL_PARALLEL(i, q.count * q.parts, q.count * q.values * 3) {
            const span s = span_of(&q, i, in[0]);
            const key_bits at = steps[s.group].at;
            int32_t *number = parts[i].number;
            memset(number, 0, sizeof parts[i].number);
            for (int64_t v = s.begin; v < s.end; v++) {
                const key_bits key = key_of(s.x[v]);
                if ((key & mask) == at) number[key >> shift & digit]++;
            }
        }
        FL_PARALLEL(i, q.count, q.count * q.parts * BUCKETS) find_digit(&q, parts + i * q.parts, shift, &steps[i]);
        mask |= digit << shift;
    }
}

/* Whether the next of the values at the step is taken for one of the smaller: `need` of the `left` are. */
static bool is_smaller(const fl_node *node, real draw, int64_t index, int64_t need, int64_t left)
{
    if (draw < 0) return need > 0;
    return fl_rng_uniform(node->attr.vecnorm.seed, (uint64_t)draw, (uint64_t)index) * (double)left < (double)need;
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

static void sum_part(const span *s, key_bits at, part *p)
{
    double zeros = 0, tops = 0;
    for (int64_t i = s->begin; i < s->end; i++) {
        const key_bits key = key_of(s->x[i]);
        const double v = (double)s->x[i];
        if (key < at) zeros += v * v;
        else if (key > at) tops += (v - 1) * (v - 1);
    }
    p->zeros = zeros;
    p->tops = tops;
}

static double group_value(const fl_node *node, const groups *q, const step *s, const part *parts)
{
    const int64_t low = s->zeros - s->below, high = s->equal - low;    /* values at the step with r = 0, with r = 1 */
    const double at = (double)value_of(s->at);
    double zeros = 0, tops = 0;
    for (int64_t k = 0; k < q->parts; k++) zeros += parts[k].zeros, tops += parts[k].tops;
    zeros += (double)low * at * at;
    tops += (double)high * (at - 1) * (at - 1);
    if (!node->attr.vecnorm.parted) return (zeros + tops) / (double)q->values;
    return (s->zeros ? zeros / (double)s->zeros : 0) + (s->ones ? tops / (double)s->ones : 0);
}

static void forward(const fl_node *node, const real *const in[], real *y)
{
    const groups q = groups_of(node);
    const step *steps = steps_of(node);
    part *parts = parts_of(node);
    find_steps(node, in);
    FL_PARALLEL(i, q.count * q.parts, q.count * q.values * 4) {
        const span s = span_of(&q, i, in[0]);
        sum_part(&s, steps[s.group].at, &parts[i]);
    }
    for (int64_t n = 0; n < node->shape.n; n++) {
        double sum = 0;
        for (int64_t i = n * q.per_sample; i < (n + 1) * q.per_sample; i++) sum += group_value(node, &q, &steps[i], parts + i * q.parts);
        y[n] = (real)(sum / q.per_sample);
    }
}

/* What a value has to change by: r = 0, r = 1. */
typedef struct slopes { double low, high; } slopes;

static slopes slopes_of(const fl_node *node, const groups *q, const step *s, double gy)
{
    const bool parted = node->attr.vecnorm.parted;
    const double zeros = (double)(parted && s->zeros ? s->zeros : q->values), ones = (double)(parted && s->ones ? s->ones : q->values);
    return (slopes){2 * gy / zeros, 2 * gy / ones};
}

static void answer_part(const span *s, key_bits at, slopes k, real *gx)
{
    for (int64_t i = s->begin; i < s->end; i++) {
        const double v = (double)s->x[i];
        gx[i] = (real)(key_of(s->x[i]) < at ? k.low * v : k.high * (v - 1));
    }
}

/* Of those at the step: which are taken for zeros. */
static void answer_ties(const fl_node *node, const groups *q, int64_t group, const real *x, real draw, slopes k, real *gx)
{
    const step at = steps_of(node)[group];
    int64_t need = at.zeros - at.below, left = at.equal;
    for (int64_t p = group * q->parts; p < (group + 1) * q->parts; p++) {
        if (!parts_of(node)[p].equal) continue;
        const span s = span_of(q, p, x);
        for (int64_t i = s.begin; i < s.end; i++) {
            if (key_of(s.x[i]) != at.at || !is_smaller(node, draw, i, need, left--)) continue;
            need--;
            gx[i] = (real)(k.low * (double)s.x[i]);
        }
    }
}

static void vjp(const fl_node *node, int k, const real *const in[], const real *y, const real *gy, real *gx)
{
    (void)y;
    const groups q = groups_of(node);
    const step *steps = steps_of(node);
    if (k > 0) {
        memset(gx, 0, (size_t)fl_shape_count(node->in_shape[k]) * sizeof *gx);
        return;
    }
    find_steps(node, in);
    FL_PARALLEL(i, q.count * q.parts, q.count * q.values * 4) {
        const span s = span_of(&q, i, in[0]);
        const double signal = (double)gy[s.group / q.per_sample] / q.per_sample;
        answer_part(&s, steps[s.group].at, slopes_of(node, &q, &steps[s.group], signal), gx + s.group * q.values);
    }
    FL_PARALLEL(i, q.count, q.count * q.values) {
        const int64_t n = i / q.per_sample;
        const real draw = in[2][node->in_shape[2].n == 1 ? 0 : n];
        answer_ties(node, &q, i, in[0], draw, slopes_of(node, &q, &steps[i], (double)gy[n] / q.per_sample), gx + i * q.values);
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
