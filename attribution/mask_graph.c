/* mask_graph.c: builds the graph of a search for masks: parameters, mask, what it does to the clip, the network, the terms (mask.h). */
#include "attribution/mask.h"

#include "attribution/explainer.h"
#include "autograd/graft.h"
#include "autograd/ops.h"
#include "tensor/math.h"

#include <string.h>

enum { LEVELS = 8 };
#define COLD 20.0                        /* of the smooth maximum */

typedef struct build {
    fl_masks *m;
    fl_graph *g;
    const fl_run *r;
    const fl_mask_plan *plan;
    const fl_mask_recipe *q;
    fl_id padded;                        /* DISCS: the mask with its margin */
    fl_id coarse;                        /* cells and the like, as terms see them: sets,1,T,h,w */
    fl_discs discs;
} build;

static fl_id given(fl_graph *g, const char *name, fl_shape s, const real *values)
{
    const fl_id id = fl_node_buffer(g, name, s);
    if (id != FL_NONE) memcpy(fl_graph_value(g, id), values, (size_t)fl_shape_count(s) * sizeof *values);
    return id;
}

static fl_id part(fl_graph *g, const char *name, fl_id x, int axis, int begin, int end)
{
    const fl_shape s = fl_graph_shape(g, x);
    const int length[5] = {s.n, s.c, s.t, s.h, s.w};
    return begin == 0 && end == length[axis] ? x : fl_node_slice(g, name, x, axis, begin, end);
}

static fl_id window(fl_graph *g, const char *name, fl_id x, int top, int height, int left, int width)
{
    const size_t mark = fl_graph_enter(g, "%s", name);
    const fl_id y = part(g, "columns", part(g, "rows", x, FL_AXIS_H, top, top + height), FL_AXIS_W, left, left + width);
    fl_graph_leave(g, mark);
    return y;
}

/* ---- parameters and masks ---- */

static int at_most(int a, int b) { return a < b ? a : b; }
static int at_least(int a, int b) { return a > b ? a : b; }

static fl_shape cells_shape(const build *b, int sets)
{
    const fl_shape s = b->r->clip;
    const int side = at_least(s.h, s.w), cell = b->q->cells, most = at_least(2, at_most(cell, side / 4));
    switch (b->q->form) {
    case FL_MASK_DISCS:        return (fl_shape){sets, 1, s.t, b->discs.rows, b->discs.columns};
    case FL_MASK_CELLS:        return (fl_shape){sets, 1, s.t, (s.h + cell - 1) / cell, (s.w + cell - 1) / cell};
    case FL_MASK_SMOOTH_CELLS: return (fl_shape){sets, 1, s.t, at_least(1, most * s.h / side), at_least(1, most * s.w / side)};
    case FL_MASK_FRAMES:       return (fl_shape){sets, 1, s.t, 1, 1};
    default:                   return (fl_shape){sets, s.c, s.t, s.h, s.w};
    }
}

/* x, as large as the clip. */
static fl_id enlarged(const build *b, const char *name, fl_id x)
{
    fl_graph *g = b->g;
    const fl_shape to = b->r->clip;
    const int side = at_least(to.h, to.w);
    if (b->q->form == FL_MASK_SMOOTH_CELLS) return fl_node_resize(g, name, x, to, FL_RESIZE_LINEAR, true);
    if (b->q->form != FL_MASK_CELLS) return x;
    const size_t mark = fl_graph_enter(g, "%s", name);
    const fl_id wide = fl_node_resize(g, "wide", x, to, FL_RESIZE_NEAREST, false);
    const fl_id y = fl_node_blur(g, "smooth", wide, fl_blur_frames(b->q->smoothing * side / 224, FL_BORDER_NEAREST));
    fl_graph_leave(g, mark);
    return y;
}

static void add_masks(build *b)
{
    fl_masks *m = b->m;
    fl_graph *g = b->g;
    const int parameters = b->q->paths == FL_PATHS_BOTH ? 2 : m->sets;
    const fl_shape clip = b->r->clip;
    m->cells = fl_node_input(g, "cells", cells_shape(b, parameters));
    b->coarse = m->cells;
    if (b->q->paths == FL_PATHS_BOTH)
        b->coarse = fl_node_mul(g, "both", fl_node_slice(g, "first", m->cells, FL_AXIS_N, 0, 1),
                                fl_node_slice(g, "second", m->cells, FL_AXIS_N, 1, 2));
    if (b->q->form == FL_MASK_FRAMES) b->coarse = fl_node_sigmoid(g, "mask", m->cells);
    if (b->q->form == FL_MASK_DISCS) {
        const fl_discs *d = &b->discs;
        b->padded = fl_node_smoothmax(g, "padded", m->cells, d->step, d->margin, d->sigma, COLD);
        b->coarse = window(g, "mask", b->padded, d->margin, clip.h, d->margin, clip.w);
    }
    m->mask = enlarged(b, "enlarged", b->coarse);
}

/* offset + sum of coefficient x mask, one for each row: what the mask of that row is. */
static fl_id row_masks(build *b)
{
    fl_masks *m = b->m;
    fl_graph *g = b->g;
    const bool paths = b->q->paths != FL_PATHS_NONE, pair = b->q->paths == FL_PATHS_BOTH;
    const int rows = m->rows;
    fl_id source[3] = {paths ? m->cells : m->mask, FL_NONE, FL_NONE};
    if (pair) {
        source[0] = fl_graph_find(g, "mask.first");
        source[1] = fl_graph_find(g, "mask.second");
        source[2] = b->coarse;
    } else if (!paths && rows == 2 * m->sets) {
        source[0] = fl_node_concat(g, "twice", FL_AXIS_N, 2, (const fl_id[]){m->mask, m->mask});
    }
    m->offset = fl_node_input(g, "offset", fl_shape_vector(rows, 1));
    fl_id sum = m->offset;
    for (int k = 0; k < 3 && source[k] != FL_NONE; k++) {
        const size_t mark = fl_graph_enter(g, "part%d", k);
        m->coefficient[k] = fl_node_input(g, "coefficient", fl_shape_vector(rows, 1));
        sum = fl_node_add(g, "sum", fl_node_mul(g, "product", source[k], m->coefficient[k]), sum);
        fl_graph_leave(g, mark);
    }
    return paths ? enlarged(b, "row", sum) : sum;
}

/* ---- what masks do to the clip ---- */

/* Blurs of the clip, from the strongest to none, the levels of a pixel one after the other. */
static fl_id pyramid(const build *b, fl_id mask)
{
    const fl_shape s = b->r->clip, levels = {1, LEVELS * s.c, s.t, s.h, s.w};
    const fl_id id = fl_node_buffer(b->g, "levels", levels);
    const int64_t pixels = fl_shape_pixels(s);
    const fl_mark mark = fl_arena_mark(b->r->scratch);
    real *y = FL_NEW(b->r->scratch, real, fl_shape_count(s));
    for (int l = 0; l < LEVELS && y && id != FL_NONE; l++) {
        const double sigma = b->r->o.baseline_sigma * (LEVELS - 1 - l) / (LEVELS - 1);
        const fl_blur blur = fl_blur_frames(sigma, b->plan->published ? FL_BORDER_ZERO : FL_BORDER_NEAREST);
        void *work = FL_NEW(b->r->scratch, char, fl_blur_scratch(s, &blur));
        if (!work) break;
        fl_blur_forward(s, &blur, b->r->x, y, work);
        for (int64_t p = 0; p < pixels; p++)
            memcpy(fl_graph_value(b->g, id) + (p * LEVELS + l) * s.c, y + p * s.c, (size_t)s.c * sizeof *y);
    }
    if (b->r->scratch->error->status) fl_error_set(b->g->error, FL_FAILED, "%s", b->r->scratch->error->message);
    fl_arena_release(b->r->scratch, mark);
    return fl_node_pyramid(b->g, "changed", id, mask, LEVELS);
}

static fl_id act(build *b, fl_id mask)
{
    fl_graph *g = b->g;
    const fl_shape s = b->r->clip;
    if (b->q->act == FL_ACT_BASELINE && b->q->pyramid && strcmp(b->r->o.baseline, "blur") == 0) return pyramid(b, mask);
    const fl_id x = given(g, "clip", s, b->r->x);
    if (b->q->act == FL_ACT_FREEZE) return fl_node_freeze(g, "changed", x, mask);
    if (b->q->act == FL_ACT_REVERSE) return fl_node_reverse(g, "changed", x, mask, 0.1);
    return fl_node_blend(g, "changed", x, given(g, "baseline", s, b->r->baseline), mask);
}

static void add_network(build *b)
{
    fl_masks *m = b->m;
    fl_graph *g = b->g;
    fl_shape s = b->r->clip;
    s.n = m->rows;
    fl_id x = act(b, row_masks(b));
    if (b->r->o.noise > 0) {
        m->noise = fl_node_input(g, "noise", s);
        x = fl_node_add(g, "noisy", x, m->noise);
    }
    if (b->q->jitter > 0 || b->q->mirrors) {
        m->how = fl_node_input(g, "how", fl_shape_vector(1, 3));
        x = fl_node_jitter(g, "moved", x, m->how);
    }
    m->input = x;
}

/* ---- terms ---- */

/* How many of `values` shall be 1, for every set. */
static fl_id ones_of(const build *b, const char *name, int64_t values)
{
    const int sets = b->m->sets;
    const fl_id ones = fl_node_buffer(b->g, name, fl_shape_vector(sets, 1));
    for (int k = 0; k < sets && ones != FL_NONE; k++)
        fl_graph_value(b->g, ones)[k] = (real)(values - (int64_t)floor((double)values * (1 - b->plan->areas[k])));
    return ones;
}

/* The margin takes part, so that cells at the border are drawn as strongly as all others; what is wanted is a share of what is
 * seen (as published, of the margin too: then more is seen than was asked for). */
static fl_id area(build *b, bool frames)
{
    const fl_shape s = b->plan->published ? fl_graph_shape(b->g, b->padded) : b->r->clip;
    const int64_t values = (int64_t)s.h * s.w * (frames ? 1 : s.t);
    return fl_node_vecnorm(b->g, "area", b->padded, ones_of(b, "ones", values), b->m->draw, frames, false, b->r->o.seed);
}

/* Windows side by side over all that is seen, and a little of the margin where they do not fit; or as published, over the
 * padded mask as far as they fit. */
static fl_id core(build *b)
{
    fl_graph *g = b->g;
    const fl_explain_options *o = &b->r->o;
    const fl_shape clip = b->r->clip;
    const int side = at_least(clip.h, clip.w), margin = b->discs.margin, sets = b->m->sets;
    const int k = o->core_frames > 0 ? at_most(o->core_frames, clip.t) : (clip.t + 1) / 2;
    const int size = o->core_size > 0 ? o->core_size : at_least(1, (11 * side + 56) / 112);
    const int count = fl_core_fill(o->core_shape, k, size, NULL), rows = (clip.h + size - 1) / size, columns = (clip.w + size - 1) / size;
    const fl_id core = fl_node_param(g, "core", (fl_shape){1, 1, k, size, size});
    fl_id x = b->padded;
    if (core == FL_NONE) return FL_NONE;
    if (rows * size - clip.h > 2 * margin || columns * size - clip.w > 2 * margin)
        fl_error_set(g->error, FL_USAGE, "core-size: windows of %d pixels do not fit frames of %dx%d with a margin of %d", size, clip.w, clip.h,
                     margin);
    fl_core_fill(o->core_shape, k, size, fl_graph_value(g, core));
    for (int i = 0; i < k * size * size; i++) fl_graph_value(g, core)[i] /= (real)count;
    if (!fl_graph_ok(g)) return FL_NONE;
    if (!b->plan->published)
        x = window(g, "seen", x, margin - (rows * size - clip.h) / 2, rows * size, margin - (columns * size - clip.w) / 2, columns * size);
    const fl_id u = fl_node_conv(g, "filled", x, core, FL_NONE, (fl_window){{k, size, size}, {1, size, size}, {1, 1, 1}, {0}, {0}}, 1);
    const fl_id ones = fl_node_buffer(g, "cores", fl_shape_vector(sets, 1));
    if (!fl_graph_ok(g)) return FL_NONE;
    const double space = b->plan->published ? (double)fl_masks_values(b->m, b->padded) : (double)clip.t * clip.h * clip.w;
    const double volume = b->plan->published ? floor(k * size * size * 0.5236) : count;
    for (int i = 0; i < sets; i++) fl_graph_value(g, ones)[i] = (real)ceil(b->plan->areas[i] * space / volume);
    return fl_node_vecnorm(g, "core_term", u, ones, b->m->draw, false, true, b->r->o.seed + 1);
}

/* Factors of differences: small where neighbouring pixels of the clip differ, exp(-d^2 / 0.01), d^2: mean over channels. */
static fl_id edges(const build *b)
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

static fl_id roughness(const build *b, const char *name, fl_id x, fl_id edge)
{
    const fl_shape s = fl_graph_shape(b->g, x);
    const int size[3] = {s.t, s.h, s.w};
    double weight[3];
    for (int a = 0; a < 3; a++) weight[a] = size[a] > 1 ? (double)size[a] / (size[a] - 1) / (double)fl_masks_values(b->m, x) : 0;
    return fl_node_variation(b->g, name, x, edge, 2, weight);
}

/* Sums of the paper are those of one frame: the mean over frames. (w d^2)^(3/2) / T = ((w / T^(2/3)) d^2)^(3/2). */
static fl_id variation(const build *b, const char *name, fl_id x, bool in_time)
{
    const double share = fl_pow64(1.0 / b->r->clip.t, 2.0 / 3);
    return fl_node_variation(b->g, name, x, FL_NONE, 3, (const double[]){in_time ? share : 0, share, share});
}

/* As published, inner differences count twice and the two at the ends once. */
static fl_id switches(const build *b, fl_id x)
{
    fl_graph *g = b->g;
    const int frames = fl_graph_shape(g, x).t;
    const double weight[3] = {1, 0, 0};
    if (!b->plan->published || frames < 3) return fl_node_variation(g, "switches", x, FL_NONE, 3, weight);
    const fl_id left = fl_node_variation(g, "left", fl_node_slice(g, "but_last", x, FL_AXIS_T, 0, frames - 1), FL_NONE, 3, weight);
    return fl_node_add(g, "switches", left, fl_node_variation(g, "right", fl_node_slice(g, "but_first", x, FL_AXIS_T, 1, frames), FL_NONE, 3, weight));
}

static fl_mask_value term(build *b, fl_mask_term kind)
{
    const unsigned all = 1u << FL_AXIS_C | 1u << FL_AXIS_T | 1u << FL_AXIS_H | 1u << FL_AXIS_W;
    const fl_id coarse = b->q->paths == FL_PATHS_BOTH ? b->m->mask : b->coarse;
    const bool of_rest = !b->q->selects && b->r->o.goal != FL_GOAL_PRESERVE;
    fl_mask_value t = {kind, FL_NONE, 0, 1};
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
        t = (fl_mask_value){kind, FL_NONE, of_rest ? 1 : 0, of_rest ? -1 : 1};
        t.node = fl_node_mean(b->g, "size", b->coarse, all);
    }
    return t;
}

static void add_terms(build *b)
{
    fl_masks *m = b->m;
    m->draw = fl_node_input(b->g, "draw", fl_shape_vector(1, 1));
    for (int i = 0; i < FL_MASK_TERMS && b->q->term[i].term && fl_graph_ok(b->g); i++) m->term[m->terms++] = term(b, b->q->term[i].term);
}

/* ---- the whole ---- */

static void add_root(build *b, fl_id end)
{
    fl_masks *m = b->m;
    fl_graph *g = b->g;
    fl_id part_[1 + FL_MASK_TERMS];
    part_[0] = fl_node_reshape(g, "outputs", end, fl_shape_vector(1, m->rows * m->classes));
    for (int i = 0; i < m->terms; i++) {
        char name[16] = {'t', 'e', 'r', 'm', (char)('0' + i), 0};
        part_[i + 1] = fl_node_reshape(g, name, m->term[i].node, fl_shape_vector(1, m->sets));
    }
    m->root = fl_node_concat(g, "root", FL_AXIS_C, 1 + m->terms, part_);
}

static fl_status plan(build *b)
{
    fl_masks *m = b->m;
    const fl_id out[2] = {m->mask, m->root};
    const fl_plan p = {.keep = FL_KEEP_FOR_BACKWARD, .out = out, .n_out = 2, .root = m->root, .wrt = &m->cells, .n_wrt = 1,
                       .rules = b->q->rules, .low = b->r->e->low, .high = b->r->e->high, .bounds = b->r->clip.c};
    m->seed = FL_NEW(&m->arena, real, m->rows * m->classes + m->terms * m->sets);
    return m->seed ? fl_graph_plan(b->g, &p) : m->error.status;
}

fl_status fl_masks_build(fl_masks *m, const fl_run *r, const fl_mask_plan *how)
{
    *m = (fl_masks){.sets = how->sets, .rows = how->rows, .noise = FL_NONE, .how = FL_NONE};
    for (int k = 0; k < 3; k++) m->coefficient[k] = FL_NONE;
    fl_arena_init(&m->arena, &m->error);
    if (r->g->arena->limit > r->g->arena->used) m->arena.limit = r->g->arena->limit - r->g->arena->used;
    m->g = fl_graph_new(&m->arena);
    if (!m->g) return m->error.status;
    build b = {.m = m, .g = m->g, .r = r, .plan = how, .q = how->recipe, .padded = FL_NONE,
               .discs = fl_discs_of(r->clip, r->o.mask_step, r->o.mask_sigma)};
    m->classes = r->e->classes;
    const size_t mark = fl_graph_enter(m->g, "mask");
    add_masks(&b);
    if (fl_graph_ok(m->g)) add_network(&b);
    if (fl_graph_ok(m->g)) add_terms(&b);
    fl_graph_leave(m->g, mark);
    const fl_id end = fl_graft(m->g, r->g, r->e->net.input, r->end.node, m->input);
    if (end == FL_NONE) return m->error.status;
    const size_t again = fl_graph_enter(m->g, "mask");
    add_root(&b, end);
    fl_graph_leave(m->g, again);
    return fl_graph_ok(m->g) ? plan(&b) : m->error.status;
}

void fl_masks_free(fl_masks *m) { fl_arena_free(&m->arena); }

const real *fl_masks_output(const fl_masks *m, int row) { return fl_graph_value(m->g, m->root) + row * m->classes; }

static int64_t place(const fl_masks *m, int term, int set) { return (int64_t)m->rows * m->classes + term * m->sets + set; }

double fl_masks_term(const fl_masks *m, int term, int set)
{
    const fl_mask_value *t = &m->term[term];
    return t->offset + t->sign * (double)fl_graph_value(m->g, m->root)[place(m, term, set)];
}

void fl_masks_weigh(const fl_masks *m, int term, int set, double weight)
{
    m->seed[place(m, term, set)] = (real)(m->term[term].sign * weight);
}
