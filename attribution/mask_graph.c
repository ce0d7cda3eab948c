/* mask_graph.c: builds the graph of a search for masks: parameters, mask, what it does to the clip, the network, the terms (mask.h). */
#include "attribution/mask_build.h"

#include "attribution/explainer.h"
#include "autograd/graft.h"
#include "autograd/ops.h"
#include "tensor/math.h"

#include <string.h>

enum { LEVELS = 8 };
#define COLD 20.0                        /* of the smooth maximum */

static fl_id given(fl_graph *g, const char *name, fl_shape s, const real *values)
{
    const fl_id id = fl_node_buffer(g, name, s);
    if (id != FL_NONE) memcpy(fl_graph_value(g, id), values, (size_t)fl_shape_count(s) * sizeof *values);
    return id;
}

/* ---- parameters and masks ---- */

static fl_shape cells_shape(const fl_mask_build *b, int sets)
{
    const fl_shape s = b->r->clip;
    const int side = fl_at_least(s.h, s.w), cell = b->q->cells, most = fl_at_least(2, fl_at_most(cell, side / 4));
    switch (b->q->form) {
    case FL_FORM_DISCS:        return (fl_shape){sets, 1, s.t, b->discs.rows, b->discs.columns};
    case FL_FORM_CELLS:        return (fl_shape){sets, 1, s.t, (s.h + cell - 1) / cell, (s.w + cell - 1) / cell};
    case FL_FORM_SMOOTH_CELLS: return (fl_shape){sets, 1, s.t, fl_at_least(1, most * s.h / side), fl_at_least(1, most * s.w / side)};
    case FL_FORM_FRAMES:       return (fl_shape){sets, 1, s.t, 1, 1};
    default:                   return (fl_shape){sets, s.c, s.t, s.h, s.w};
    }
}

/* x, as large as the clip. */
static fl_id enlarged(const fl_mask_build *b, const char *name, fl_id x)
{
    fl_graph *g = b->g;
    const fl_shape to = b->r->clip;
    const int side = fl_at_least(to.h, to.w);
    if (b->q->form == FL_FORM_SMOOTH_CELLS) return fl_node_resize(g, name, x, to, FL_RESIZE_LINEAR, true);
    if (b->q->form != FL_FORM_CELLS) return x;
    const size_t mark = fl_graph_enter(g, "%s", name);
    const fl_id wide = fl_node_resize(g, "wide", x, to, FL_RESIZE_NEAREST, false);
    const fl_id y = fl_node_blur(g, "smooth", wide, fl_blur_frames(b->q->smoothing * side / 224, FL_BORDER_NEAREST));
    fl_graph_leave(g, mark);
    return y;
}

static void add_masks(fl_mask_build *b)
{
    fl_masks *m = b->m;
    fl_graph *g = b->g;
    const int parameters = b->q->paths == FL_PATHS_BOTH ? 2 : m->sets;
    const fl_shape clip = b->r->clip;
    m->cells = fl_node_input(g, "cells", cells_shape(b, parameters));
    b->coarse = m->cells;
    if (b->q->paths == FL_PATHS_BOTH) {
        const fl_id first = fl_node_slice(g, "first", m->cells, FL_AXIS_N, 0, 1);
        const fl_id second = fl_node_slice(g, "second", m->cells, FL_AXIS_N, 1, 2);
        b->coarse = fl_node_mul(g, "both", first, second);
    }
    if (b->q->form == FL_FORM_FRAMES) b->coarse = fl_node_sigmoid(g, "mask", m->cells);
    if (b->q->form == FL_FORM_DISCS) {
        const fl_discs *d = &b->discs;
        b->padded = fl_node_smoothmax(g, "padded", m->cells, d->step, d->margin, d->sigma, COLD);
        b->coarse = fl_mask_window(g, "mask", b->padded, d->margin, clip.h, d->margin, clip.w);
    }
    m->mask = enlarged(b, "enlarged", b->coarse);
}

/* offset + sum of coefficient x mask, one for each row: what the mask of that row is. */
static fl_id row_masks(fl_mask_build *b)
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
static fl_id pyramid(const fl_mask_build *b, fl_id mask)
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

static fl_id act(fl_mask_build *b, fl_id mask)
{
    fl_graph *g = b->g;
    const fl_shape s = b->r->clip;
    if (b->q->act == FL_ACT_BASELINE && b->q->pyramid && strcmp(b->r->o.baseline, "blur") == 0) return pyramid(b, mask);
    const fl_id x = given(g, "clip", s, b->r->x);
    if (b->q->act == FL_ACT_FREEZE) return fl_node_freeze(g, "changed", x, mask);
    if (b->q->act == FL_ACT_REVERSE) return fl_node_reverse(g, "changed", x, mask, 0.1);
    return fl_node_blend(g, "changed", x, given(g, "baseline", s, b->r->baseline), mask);
}

static void add_network(fl_mask_build *b)
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

/* ---- the whole ---- */

static void add_root(fl_mask_build *b, fl_id end)
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

static fl_status plan(fl_mask_build *b)
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
    fl_arena_init_beside(&m->arena, r->g->arena);
    m->arena.error = &m->error;
    m->g = fl_graph_new(&m->arena);
    if (!m->g) return m->error.status;
    fl_mask_build b = {.m = m, .g = m->g, .r = r, .plan = how, .q = how->recipe, .padded = FL_NONE,
               .discs = fl_discs_of(r->clip, r->o.mask_step, r->o.mask_sigma)};
    m->classes = r->e->classes;
    const size_t mark = fl_graph_enter(m->g, "mask");
    add_masks(&b);
    if (fl_graph_ok(m->g)) add_network(&b);
    if (fl_graph_ok(m->g)) fl_mask_add_terms(&b);
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
    return (double)fl_graph_value(m->g, m->root)[place(m, term, set)];
}

void fl_masks_weigh(const fl_masks *m, int term, int set, double weight)
{
    m->seed[place(m, term, set)] = (real)weight;
}
