/* masker.c: the masking network (masker.h): which features it reads, the selector, the decoder, the head. */
#include "models/masker.h"

static const double EPS = 1e-5;                  /* of norms */
static const double GUARD = 0.001;               /* of |a| + |b| */

/* ---- what it reads ---- */

/* Where a network's rooms end: no weighted sum, which may go into a norm, and no norm, which may go into a weight. */
static bool is_room(const fl_node *node, int clips)
{
    return node->role == FL_COMPUTED && node->shape.n == clips && !(node->op->flags & FL_WEIGHTED) && node->op->kind != FL_OP_batchnorm;
}

static bool is_finer(fl_shape a, fl_shape b) { return a.h >= b.h && a.w >= b.w && a.t >= b.t && (a.h > b.h || a.w > b.w); }

/* Which nodes are computed from the input and lead to `end`. */
static void find_way(const fl_graph *g, fl_id input, fl_id end, bool *follows, bool *leads)
{
    for (fl_id k = 0; k <= end; k++) {
        follows[k] = k == input;
        for (int j = 0; j < g->node[k].n_in; j++) follows[k] |= follows[g->node[k].in[j]];
    }
    leads[end] = true;
    for (fl_id k = end; k >= 0; k--)
        for (int j = 0; leads[k] && j < g->node[k].n_in; j++) leads[g->node[k].in[j]] = true;
}

int fl_masker_features(const fl_graph *g, fl_network net, fl_id feature[FL_MASKER_FEATURES])
{
    if (net.cam == FL_NONE || net.logits == FL_NONE) {
        fl_error_set(g->error, FL_USAGE, "masker: expected a network with logits and a layer of features that has places, got one without; "
                     "choose another network (footlight list models)");
        return 0;
    }
    const fl_shape in = fl_graph_shape(g, net.input);
    const fl_mark mark = fl_arena_mark(g->arena);
    bool *follows = FL_NEW(g->arena, bool, g->count), *leads = FL_NEW(g->arena, bool, g->count);
    if (!follows || !leads) return 0;
    find_way(g, net.input, net.cam, follows, leads);
    int count = 1;
    feature[0] = net.cam;
    for (fl_id i = net.cam; count < FL_MASKER_FEATURES && i >= 0; i--) {
        const fl_shape s = fl_graph_shape(g, i);
        if (!follows[i] || !leads[i] || !is_room(&g->node[i], in.n) || !is_finer(s, fl_graph_shape(g, feature[count - 1]))) continue;
        if (4 * s.h > in.h || 4 * s.w > in.w) break;
        feature[count++] = i;
    }
    fl_arena_release(g->arena, mark);
    return count;
}

/* ---- what it is made of ---- */

static fl_id constant(fl_graph *g, const char *name, double value)
{
    const fl_id id = fl_node_input(g, name, fl_shape_vector(1, 1));
    if (id != FL_NONE) *fl_graph_value(g, id) = (real)value;
    return id;
}

static fl_id conv_bn(fl_graph *g, const char *scope, fl_id x, int out, int k, bool relu)
{
    const size_t mark = fl_graph_enter(g, "%s", scope);
    x = fl_layer_conv_bn(g, (fl_conv_bn_names){"conv", "bn", relu ? "relu" : NULL}, x, out, fl_window_cube(k, k, k, 1, 1, 1), EPS);
    fl_graph_leave(g, mark);
    return x;
}

/* Two convolutions, the second a correction of the first. */
static fl_id mixed(fl_graph *g, fl_id x, int width)
{
    x = conv_bn(g, "mix", x, width, 3, true);
    return fl_node_relu(g, "relu", fl_node_add(g, "sum", x, conv_bn(g, "correct", x, width, 3, false)));
}

/* As fine as `fine`, beside half of its channels. */
static fl_id up(fl_graph *g, int number, fl_id x, fl_id fine)
{
    enum { MOST = 64 };
    const fl_shape s = fl_graph_shape(g, fine);
    const int width = s.c < MOST ? s.c : MOST, beside = width / 2 > 0 ? width / 2 : 1;
    const size_t mark = fl_graph_enter(g, "up%d", number);
    const fl_id wide = fl_node_resize(g, "wide", conv_bn(g, "deep", x, width, 1, true), s, FL_RESIZE_LINEAR, false);
    x = fl_node_concat(g, "both", FL_AXIS_C, 2, (const fl_id[]){wide, conv_bn(g, "fine", fine, beside, 1, true)});
    x = mixed(g, x, width);
    fl_graph_leave(g, mark);
    return x;
}

/* The features, where they speak for the class; whether they do is learned apart, from exists alone. */
static fl_id selected(fl_graph *g, fl_id x, int classes, fl_masker *m)
{
    const fl_shape s = fl_graph_shape(g, x);
    const unsigned places = 1u << FL_AXIS_T | 1u << FL_AXIS_H | 1u << FL_AXIS_W;
    const size_t mark = fl_graph_enter(g, "selector");
    m->target = fl_node_input(g, "target", fl_shape_vector(s.n, classes));
    m->confidence = constant(g, "confidence", 0);
    const fl_id embedding = fl_layer_linear(g, "class", m->target, s.c, false);
    const fl_id act = fl_node_sum(g, "act", fl_node_mul(g, "agree", x, embedding), 1u << FL_AXIS_C);
    m->exists = fl_node_mean(g, "exists", act, places);
    const fl_id minus = fl_node_mul(g, "less", m->confidence, constant(g, "minus", -1));
    const fl_id sure = fl_node_sigmoid(g, "sure", fl_node_add(g, "above", fl_node_detach(g, "fixed", act), minus));
    x = fl_node_mul(g, "selected", x, sure);
    fl_graph_leave(g, mark);
    return x;
}

static fl_id size_of(fl_graph *g, const char *name, fl_id planes, int which, fl_id minus)
{
    const size_t mark = fl_graph_enter(g, "%s", name);
    const fl_id x = fl_node_slice(g, "plane", planes, FL_AXIS_C, which, which + 1);
    const fl_id up = fl_node_relu(g, "above", x), down = fl_node_relu(g, "below", fl_node_mul(g, "turned", x, minus));
    const fl_id y = fl_node_add(g, "size", up, down);
    fl_graph_leave(g, mark);
    return y;
}

/* |a| / (|a| + |b| + guard) */
static fl_id head(fl_graph *g, fl_id x)
{
    const size_t mark = fl_graph_enter(g, "head");
    const fl_id planes = fl_layer_conv(g, "planes", x, 2, fl_window_cube(1, 1, 1, 1, 1, 1), 1, true), minus = constant(g, "minus", -1);
    const fl_id a = size_of(g, "a", planes, 0, minus), b = size_of(g, "b", planes, 1, minus);
    const fl_id both = fl_node_add(g, "both", a, b), all = fl_node_add(g, "all", both, constant(g, "guard", GUARD));
    x = fl_node_mul(g, "share", a, fl_node_power(g, "one_over", all, -1));
    fl_graph_leave(g, mark);
    return x;
}

fl_masker fl_masker_build(fl_graph *g, int count, const fl_id *feature, fl_shape clip, int classes)
{
    fl_masker m;
    const size_t mark = fl_graph_enter(g, "masker");
    fl_id x = selected(g, feature[0], classes, &m);
    if (count < 2) x = mixed(g, x, fl_graph_shape(g, x).c);
    for (int k = 1; k < count; k++) x = up(g, k, x, feature[k]);
    m.mask = fl_node_resize(g, "mask", head(g, x), clip, FL_RESIZE_LINEAR, false);
    fl_graph_leave(g, mark);
    return m;
}
