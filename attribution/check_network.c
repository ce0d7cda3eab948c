/* check_network.c: the network as a whole: its gradient against differences of its score, and its bits.
 *
 *   differences    along random directions, each as large as the clip, with the switches held (autograd/hold.h): a network of
 *                  ReLUs is then as good as linear, and float64 reaches 1e-9. float32 reaches what is left of its 24 bits when the
 *                  score's rounding is divided by its change; how much that is the quotients say themselves, by how far those of
 *                  two steps and from two sides are apart. The bound is four times that, and at most 3e-3
 *                  A large network (check_smaller.c) has one direction instead of three: each one sees every element
 *   threads        1, 2 and 16, and every loop split, however small; of a large network 1 and 2, and its loops as they are
 *   batch          the same clip beside another one, first and second */
#include "attribution/checker.h"

#include "autograd/gradcheck.h"
#include "tensor/par.h"

#include <math.h>
#include <string.h>

static double bound(double doubt) { return FL_REAL_EPSILON > 1e-10 ? fmin(fmax(4 * doubt, 2e-5), 3e-3) : 1e-9; }

/* How many gates are so near their end that y (1 - y) and 1 - y^2 have lost more than half their digits: float32 has no better gradient
 * then. NULL where there are none. */
static const char *saturated(fl_checker *c)
{
    const fl_graph *g = c->e->g;
    const double near = sqrt(FL_REAL_EPSILON);
    int64_t gates = 0, ends = 0;
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *node = &g->node[i];
        if (!g->carries[i] || !node->value || (node->op->kind != FL_OP_sigmoid && node->op->kind != FL_OP_tanh)) continue;
        const int64_t n = fl_shape_count(node->shape);
        for (int64_t k = 0; k < n; k++) ends += 1 - fabs((double)node->value[k]) < near;
        gates += n;
    }
    if (!ends) return NULL;
    return fl_arena_text(c->arena, "%lld of %lld gates are so near their end that " FL_REAL_NAME " cannot hold their slopes",
                         (long long)ends, (long long)gates);
}

static fl_status check_differences(fl_checker *c)
{
    fl_graph *g = c->e->g;
    fl_gradcheck r;
    const fl_gradcheck_options o = {.seed = 12, .hold = true, .no_elements = true, .step = FL_REAL_EPSILON > 1e-10 ? 1 : 0x1p-3,
                                    .directions = fl_checker_is_large(c)};
    if (fl_gradcheck_run(g, &c->e->net.input, 1, &o, &r)) return g->error->status;
    const char *name = "gradient = differences of the score, switches held", *near_ends = saturated(c);
    const char *wider = FL_REAL_EPSILON > 1e-10 ? "; a build with F64=1 sees more" : "";
    const char *behind = near_ends ? "; " : "", *ends = near_ends ? near_ends : "";
    if (!r.directions) {                                             /* which says nothing of the gradient: quotients know nothing of it */
        fl_report_skipped(c, "network", name, fl_arena_text(c->arena, "no two quotients agree, as the score bends, or is rounded, by more "
                                                            "than it changes%s%s%s", behind, ends, wider));
        return FL_OK;
    }
    fl_report_figure(c, (fl_finding){.group = "network", .name = name,
                                     .figure = r.directional, .bound = bound(r.doubt), .compared = r.directions, .unit = "directions",
                                     .where = near_ends && !(r.directional <= bound(r.doubt))
                                                  ? fl_arena_text(c->arena, "%s%s", near_ends, wider) : "",
                                     .bound_from = FL_REAL_EPSILON > 1e-10
                                                       ? "4 times what quotients of two steps and two sides are apart"
                                                       : "1e-9 in float64"});
    return FL_OK;
}

/* ---- bits ---- */

typedef struct bits { uint64_t value, signal; } bits;

/* One row of a graph that holds rows clips, after both walks. */
static bits read_row(const fl_graph *g, const fl_network *net, fl_id root, int row, int rows)
{
    const int64_t out = fl_shape_count(fl_graph_shape(g, root)) / rows, in = fl_shape_count(fl_graph_shape(g, net->input)) / rows;
    return (bits){fl_hash(fl_graph_value(g, root) + row * out, (size_t)out * sizeof(real)),
                  fl_hash(fl_graph_signal(g, net->input) + row * in, (size_t)in * sizeof(real))};
}

/* Forward and backward of the clip, in every row that says so; the other rows show the clip backwards. */
static void walk(fl_checker *c, fl_graph *g, const fl_network *net, fl_id root, int rows, int mine)
{
    const int64_t out = fl_shape_count(fl_graph_shape(g, root)) / rows;
    real *x = fl_graph_value(g, net->input);
    for (int row = 0; row < rows; row++)
        for (int64_t i = 0; i < c->voxels; i++) x[row * c->voxels + i] = row == mine ? c->clip[i] : c->clip[c->voxels - 1 - i];
    fl_graph_forward(g);
    real *seed = FL_NEW(c->arena, real, out * rows);
    if (!seed) return;
    for (int row = 0; row < rows; row++) fl_rng_fill_normal(8, row == mine ? 0 : 1, 0, seed + row * out, out);
    fl_graph_backward(g, seed);
}

static bits alone(fl_checker *c, fl_id root)
{
    walk(c, c->e->g, &c->e->net, root, c->e->batch, 0);
    return read_row(c->e->g, &c->e->net, root, 0, c->e->batch);
}

static void check_threads(fl_checker *c, fl_id root, bits want)
{
    static const int counts[] = {1, 2, FL_CHECK_THREADS};
    const bool large = fl_checker_is_large(c);
    const int threads = fl_threads();
    const double least = fl_parallel_min;
    int differ = 0;
    const char *where = "";
    if (!large) fl_parallel_min = 0;
    for (int k = 0; k < (large ? 2 : 3); k++) {
        fl_threads_set(counts[k]);
        const bits got = alone(c, root);
        const int off = (got.value != want.value) + (got.signal != want.signal);
        if (off && !differ)
            where = fl_arena_text(c->arena, "%s with %d threads", got.value != want.value ? "the score" : "the gradient", counts[k]);
        differ += off;
    }
    fl_parallel_min = least;
    fl_threads_set(threads);
    fl_report_figure(c, (fl_finding){.group = "bits", .name = large ? "1 and 2 threads" : "1, 2 and 16 threads", .figure = differ,
                                     .compared = large ? 4 : 6, .unit = "arrays", .where = where, .bound_from = "bits"});
}

static fl_status check_batch(fl_checker *c, bits want)
{
    static const char name[] = "beside another clip, first and second";
    fl_arena a;
    fl_error error = {0};
    fl_graph *g = NULL;
    fl_arena_init(&a, &error);
    fl_shape two = fl_graph_shape(c->e->whole_g, c->e->whole.input);
    two.n = 2;
    const fl_network net = c->o->build ? c->o->build(c->o->user, two, &a, &g) : fl_network_none;
    fl_target target = c->target;
    fl_end end;
    if (net.input == FL_NONE || error.status != FL_OK || fl_target_end(g, &net, &target, &end)) {
        fl_report_skipped(c, "bits", name, error.status ? fl_arena_text(c->arena, "%s", error.message)
                                                        : "the network is for one clip at a time");
        fl_arena_free(&a);
        return FL_OK;
    }
    if (c->o->fault) fl_fault_inject(c->o->fault, g);
    int differ = 0;
    const char *where = "";
    if (fl_graph_plan(g, &(fl_plan){.keep = FL_KEEP_FOR_BACKWARD, .parts = true, .root = end.node, .wrt = &net.input, .n_wrt = 1}) == FL_OK)
        for (int mine = 0; mine < 2; mine++) {
            walk(c, g, &net, end.node, 2, mine);
            const bits got = read_row(g, &net, end.node, mine, 2);
            const int off = (got.value != want.value) + (got.signal != want.signal);
            if (off && !differ)
                where = fl_arena_text(c->arena, "%s as clip %d of 2", got.value != want.value ? "the score" : "the gradient", mine + 1);
            differ += off;
        }
    const bool failed = error.status != FL_OK;
    if (failed) fl_error_set(c->arena->error, error.status, "%s", error.message);
    fl_arena_free(&a);
    if (failed) return c->arena->error->status;
    fl_report_figure(c, (fl_finding){.group = "bits", .name = name, .figure = differ, .compared = 4, .unit = "arrays", .where = where,
                                     .bound_from = "bits"});
    return FL_OK;
}

fl_status fl_check_network(fl_checker *c)
{
    const fl_id root = c->e->g->root;
    fl_assert(root != FL_NONE);
    if (check_differences(c)) return c->e->g->error->status;
    memcpy(fl_graph_value(c->e->g, c->e->net.input), c->clip, (size_t)c->voxels * sizeof(real));
    const bits want = alone(c, root);
    check_threads(c, root, want);
    return check_batch(c, want);
}
