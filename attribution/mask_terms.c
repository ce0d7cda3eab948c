/* mask_terms.c: what a mask costs by itself, as nodes: its area, its cores, its size, how much it changes (mask.h). */
#include "attribution/mask_build.h"

#include "autograd/ops.h"
#include "tensor/math.h"

/* How many of `values` shall be 1, for every set. */
static fl_id ones_of(const fl_mask_build *b, const char *name, int64_t values)
{
    const int sets = b->m->sets;
    const fl_id ones = fl_node_buffer(b->g, name, fl_shape_vector(sets, 1));
    for (int k = 0; k < sets && ones != FL_NONE; k++)
        fl_graph_value(b->g, ones)[k] = (real)(values - (int64_t)floor((double)values * (1 - b->plan->areas[k])));
    return ones;
}

/* The margin takes part, so that cells at the border are drawn as strongly as all others; what is wanted is a share of what is
 * seen (as published, of the margin too: then more is seen than was asked for). */
static fl_id area(fl_mask_build *b, bool frames)
{
    const fl_shape s = b->plan->published ? fl_graph_shape(b->g, b->padded) : b->r->clip;
    const int64_t values = (int64_t)s.h * s.w * (frames ? 1 : s.t);
    return fl_node_vecnorm(b->g, "area", b->padded, ones_of(b, "ones", values), b->m->draw, frames, false, b->r->o.seed);
}

/* Windows side by side over all that is seen, and a little of the margin where they do not fit; or as published, over the
 * padded mask as far as they fit. */
static fl_id core(fl_mask_build *b)
{
    fl_graph *g = b->g;
    const fl_explain_options *o = &b->r->o;
    const fl_shape clip = b->r->clip;
    const int side = fl_at_least(clip.h, clip.w), margin = b->discs.margin, sets = b->m->sets;
    const int k = o->core_frames > 0 ? fl_at_most(o->core_frames, clip.t) : (clip.t + 1) / 2;
    const int size = o->core_size > 0 ? o->core_size : fl_at_least(1, (11 * side + 56) / 112);
    const int count = fl_core_fill(o->core_shape, k, size, NULL);
    const int rows = (clip.h + size - 1) / size, columns = (clip.w + size - 1) / size;
    const fl_id core = fl_node_param(g, "core", (fl_shape){1, 1, k, size, size});
    fl_id x = b->padded;
    if (core == FL_NONE) return FL_NONE;
    if (rows * size - clip.h > 2 * margin || columns * size - clip.w > 2 * margin)
        fl_error_set(g->error, FL_USAGE, "core-size: windows of %d pixels do not fit frames of %dx%d with a margin of %d", size,
                     clip.w, clip.h, margin);
    fl_core_fill(o->core_shape, k, size, fl_graph_value(g, core));
    for (int i = 0; i < k * size * size; i++) fl_graph_value(g, core)[i] /= (real)count;
    if (!fl_graph_ok(g)) return FL_NONE;
    const int above = (rows * size - clip.h) / 2, before = (columns * size - clip.w) / 2;
    if (!b->plan->published) x = fl_mask_window(g, "seen", x, margin - above, rows * size, margin - before, columns * size);
    const fl_window side_by_side = {{k, size, size}, {1, size, size}, {1, 1, 1}, {0}, {0}};
    const fl_id u = fl_node_conv(g, "filled", x, core, FL_NONE, side_by_side, 1);
    const fl_id ones = fl_node_buffer(g, "cores", fl_shape_vector(sets, 1));
    if (!fl_graph_ok(g)) return FL_NONE;
    const double space = b->plan->published ? (double)fl_masks_values(b->m, b->padded) : (double)clip.t * clip.h * clip.w;
    const double volume = b->plan->published ? floor(k * size * size * 0.5236) : count;
    for (int i = 0; i < sets; i++) fl_graph_value(g, ones)[i] = (real)ceil(b->plan->areas[i] * space / volume);
    return fl_node_vecnorm(g, "core_term", u, ones, b->m->draw, false, true, b->r->o.seed + 1);
}

/* Factors of differences: small where neighbouring pixels of the clip differ, exp(-d^2 / 0.01), d^2: mean over channels. */
static fl_id edges(const fl_mask_build *b)
{
    const fl_shape s = b->r->clip, e = {1, 3, s.t, s.h, s.w};
    const fl_id id = fl_node_buffer(b->g, "edges", e);
    for (int64_t p = 0; id != FL_NONE && p < fl_shape_pixels(s); p++) {
        const int place[3] = {(int)(p / s.w / s.h), (int)(p / s.w % s.h), (int)(p % s.w)}, size[3] = {s.t, s.h, s.w};
        const int64_t next[3] = {(int64_t)s.h * s.w, s.w, 1};
        for (int a = 0; a < 3; a++) {
            double sum = 0;
            for (int c = 0; c < s.c && place[a] + 1 < size[a]; c++) {
                const double d = (double)b->r->x[(p + next[a]) * s.c + c] - (double)b->r->x[p * s.c + c];
                sum += d * d / s.c;
            }
            fl_graph_value(b->g, id)[p * 3 + a] = (real)fl_exp64(-sum / 0.01);
        }
    }
    return id;
}

static fl_id roughness(const fl_mask_build *b, const char *name, fl_id x, fl_id edge)
{
    const fl_shape s = fl_graph_shape(b->g, x);
    const int size[3] = {s.t, s.h, s.w};
    double weight[3];
    for (int a = 0; a < 3; a++) weight[a] = size[a] > 1 ? (double)size[a] / (size[a] - 1) / (double)fl_masks_values(b->m, x) : 0;
    return fl_node_variation(b->g, name, x, edge, 2, weight);
}

/* Sums of the paper are those of one frame: the mean over frames. (w d^2)^(3/2) / T = ((w / T^(2/3)) d^2)^(3/2). */
static fl_id variation(const fl_mask_build *b, const char *name, fl_id x, bool in_time)
{
    const double share = fl_pow64(1.0 / b->r->clip.t, 2.0 / 3);
    return fl_node_variation(b->g, name, x, FL_NONE, 3, (const double[]){in_time ? share : 0, share, share});
}

/* As published, inner differences count twice and the two at the ends once. */
static fl_id switches(const fl_mask_build *b, fl_id x)
{
    fl_graph *g = b->g;
    const int frames = fl_graph_shape(g, x).t;
    const double weight[3] = {1, 0, 0};
    if (!b->plan->published || frames < 3) return fl_node_variation(g, "switches", x, FL_NONE, 3, weight);
    const fl_id left = fl_node_variation(g, "left", fl_node_slice(g, "but_last", x, FL_AXIS_T, 0, frames - 1), FL_NONE, 3, weight);
    const fl_id but_first = fl_node_slice(g, "but_first", x, FL_AXIS_T, 1, frames);
    return fl_node_add(g, "switches", left, fl_node_variation(g, "right", but_first, FL_NONE, 3, weight));
}

/* 1 - m. Along paths |1 - m|, whose slope at 1 is 0, as in the authors' code: it begins with ones, where size says nothing yet. */
static fl_id rest(const fl_mask_build *b)
{
    const fl_id one = fl_node_buffer(b->g, "one", fl_shape_vector(1, 1));
    const fl_id minus = fl_node_buffer(b->g, "minus_one", fl_shape_vector(1, 1));
    if (!fl_graph_ok(b->g)) return FL_NONE;
    fl_graph_value(b->g, one)[0] = 1;
    fl_graph_value(b->g, minus)[0] = -1;
    const fl_id less = fl_node_mul(b->g, "less", b->coarse, minus);
    const fl_id left = fl_node_add(b->g, "one_less", less, one);
    return b->q->paths ? fl_node_relu(b->g, "rest", left) : left;
}

static fl_mask_value term(fl_mask_build *b, fl_mask_term kind)
{
    const unsigned all = 1u << FL_AXIS_C | 1u << FL_AXIS_T | 1u << FL_AXIS_H | 1u << FL_AXIS_W;
    const fl_id coarse = b->q->paths == FL_PATHS_BOTH ? b->m->mask : b->coarse;
    const bool of_rest = !b->q->selects && b->r->o.goal != FL_GOAL_PRESERVE;
    fl_mask_value t = {kind, FL_NONE};
    switch (kind) {
    case FL_TERM_AREA:
    case FL_TERM_AREA_FRAMES:    t.node = area(b, kind == FL_TERM_AREA_FRAMES); break;
    case FL_TERM_CORE:           t.node = core(b); break;
    case FL_TERM_SUM:            t.node = fl_node_sum(b->g, "sum", coarse, all); break;
    case FL_TERM_VARIATION:
    case FL_TERM_VARIATION_TIME: t.node = variation(b, "variation", coarse, kind == FL_TERM_VARIATION_TIME); break;
    case FL_TERM_ROUGHNESS:      t.node = roughness(b, "roughness", coarse, FL_NONE); break;
    case FL_TERM_EDGES:          t.node = roughness(b, "roughness_but_edges", b->m->mask, edges(b)); break;
    case FL_TERM_SWITCHES:       t.node = switches(b, coarse); break;
    default:
        t.node = fl_node_mean(b->g, "size", of_rest ? rest(b) : b->coarse, all);
    }
    return t;
}

void fl_mask_add_terms(fl_mask_build *b)
{
    fl_masks *m = b->m;
    m->draw = fl_node_input(b->g, "draw", fl_shape_vector(1, 1));
    for (int i = 0; i < FL_MASK_TERMS && b->q->term[i].term && fl_graph_ok(b->g); i++)
        m->term[m->terms++] = term(b, b->q->term[i].term);
}
