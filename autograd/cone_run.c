/* cone_run.c: boxes are cut out of base and boxes, ops run on them as on small clips. */
#include "autograd/cone_parts.h"

#include "autograd/ops.h"
#include "tensor/par.h"

#include <string.h>

static int min(int a, int b) { return a < b ? a : b; }
static int max(int a, int b) { return a > b ? a : b; }

/* ---- the call of an op ---- */

static bool is_pool(const fl_node *node) { return node->op->kind == FL_OP_maxpool || node->op->kind == FL_OP_avgpool; }

/* What a pool reads of its operand for a variant: padding is not zeros there, so only what exists is cut out. */
typedef struct pool_edge { int lo[3], length[3], hi[3]; } pool_edge;

static pool_edge find_edge(const fl_node *node, const spot *s, int variant)
{
    const fl_window *win = &node->attr.pool.win;
    const fl_reading r = fl_cone_reads(node, s, 0, variant);
    pool_edge e;
    int length[3];
    fl_shape_lengths(node->in_shape[0], length);
    for (int i = 0; i < 3; i++) {
        const bool whole = fl_spot_is_whole(node, s, variant, i);
        const int last = r.lo[i] + r.size[i], end = min(last, length[i]);
        e.lo[i] = whole ? win->lo[i] : max(0, -r.lo[i]);
        e.length[i] = end - max(0, r.lo[i]);
        e.hi[i] = whole ? win->hi[i] : min(last, length[i] + win->hi[i]) - end;
    }
    return e;
}

static int crop_pool(const fl_cone *c, const spot *s, const fl_node *node, int first, int count, fl_node *crop)
{
    const pool_edge e = find_edge(node, s, first);
    for (int i = 0; i < 3; i++) {
        crop->attr.pool.win.lo[i] = e.lo[i];
        crop->attr.pool.win.hi[i] = e.hi[i];
    }
    c->shapes[0].t = e.length[0], c->shapes[0].h = e.length[1], c->shapes[0].w = e.length[2];
    for (int v = 1; v < count; v++) {
        const pool_edge other = find_edge(node, s, first + v);
        if (memcmp(&e, &other, sizeof e) != 0) return v;
    }
    return count;
}

/* Along axes where a box is a part, padding has been cut out with it, and slices begin at its own begin. */
static void crop_attributes(const spot *s, int variant, const fl_node *node, fl_node *crop)
{
    for (int i = 0; i < 3; i++) {
        if (fl_spot_is_whole(node, s, variant, i)) continue;
        if (node->op->kind == FL_OP_conv) {
            crop->attr.conv.win.lo[i] = crop->attr.conv.win.hi[i] = 0;
            crop->part_of = node;
        }
        if (node->op->kind == FL_OP_pad) crop->attr.pad.low[FL_AXIS_T + i] = crop->attr.pad.high[FL_AXIS_T + i] = 0;
        if (node->op->kind == FL_OP_slice && node->attr.slice.axis == FL_AXIS_T + i) {
            crop->attr.slice.begin = 0;
            crop->attr.slice.end = s->size[variant][i];
        }
    }
}

/* Variants from `first` on whose boxes are as large. */
static int alike(const fl_cone *c, const spot *s, int first)
{
    int count = 1;
    while (first + count < c->count && memcmp(s->size[first], s->size[first + count], sizeof s->size[first]) == 0) count++;
    return count;
}

int fl_cone_crop(const fl_cone *c, fl_id i, int first, fl_node *crop)
{
    const fl_node *node = &c->g->node[i];
    const spot *s = &c->at[i];
    int count = s->apart ? alike(c, s, first) : 1;
    *crop = *node;
    crop->shape.t = s->size[first][0], crop->shape.h = s->size[first][1], crop->shape.w = s->size[first][2];
    for (int k = 0; k < node->n_in; k++) {
        c->shapes[k] = node->in_shape[k];
        if (!fl_node_sampled(node, k)) continue;
        const fl_reading r = fl_cone_reads(node, s, k, first);
        c->shapes[k].t = r.size[0], c->shapes[k].h = r.size[1], c->shapes[k].w = r.size[2];
    }
    crop_attributes(s, first, node, crop);
    if (is_pool(node)) count = crop_pool(c, s, node, first, count, crop);
    if (node->op->kind == FL_OP_shift) crop->shape.t = c->shapes[0].t;
    for (int k = 0; k < node->n_in; k++)
        if (fl_node_sampled(node, k)) c->shapes[k].n *= count;
    crop->in_shape = c->shapes;
    crop->spared = ~0u;                  /* forward alone */
    crop->shape.n *= count;
    crop->value = crop->signal = NULL;
    for (int k = 1; k < node->n_in; k++) crop->settled &= !c->depends[node->in[k]];        /* another weight than the packed one */
    if (c->own_work) crop->work = c->work;
    return count;
}

/* ---- cutting ---- */

/* Where the values of a node are to be found for one variant. */
typedef struct source { fl_shape shape; const real *base, *box; const int *lo, *size; } source;

static source find_source(const fl_cone *c, fl_id x, int variant)
{
    const fl_node *node = &c->g->node[x];
    const spot *s = &c->at[x];
    source from = {.shape = node->shape, .base = node->value};
    if (!c->depends[x] || !s->changed) return from;
    from.box = s->values + s->place[variant];
    from.lo = s->lo[variant];
    from.size = s->size[variant];
    if (!c->kept[x] && node->role == FL_COMPUTED) from.base = NULL;
    return from;
}

/* Pixels first .. first+count-1 of row (n,t,h): zeros outside the array, the box where it reaches, the base elsewhere. */
static void cut_row(const source *x, int n, int t, int h, int first, int count, real *to)
{
    const fl_shape s = x->shape;
    const bool inside = t >= 0 && t < s.t && h >= 0 && h < s.h;
    const int end = first + count, from = inside ? min(max(first, 0), end) : end, till = inside ? max(from, min(end, s.w)) : end;
    int left = till, right = till;                       /* of the box in this row */
    if (x->box && t >= x->lo[0] && t < x->lo[0] + x->size[0] && h >= x->lo[1] && h < x->lo[1] + x->size[1]) {
        left = max(from, min(till, x->lo[2]));
        right = max(left, min(till, x->lo[2] + x->size[2]));
    }
    const size_t pixel = (size_t)s.c * sizeof *to;
    const real *base = x->base && inside ? x->base + fl_at(s, n, 0, t, h, 0) : NULL;
    fl_assert(base || (left <= from && right >= till));
    memset(to, 0, (size_t)(from - first) * pixel);
    if (left > from) memcpy(to + (int64_t)(from - first) * s.c, base + (int64_t)from * s.c, (size_t)(left - from) * pixel);
    if (right > left) {
        const fl_shape box = {s.n, s.c, x->size[0], x->size[1], x->size[2]};
        memcpy(to + (int64_t)(left - first) * s.c,
               x->box + fl_at(box, n, 0, t - x->lo[0], h - x->lo[1], left - x->lo[2]), (size_t)(right - left) * pixel);
    }
    if (till > right) memcpy(to + (int64_t)(right - first) * s.c, base + (int64_t)right * s.c, (size_t)(till - right) * pixel);
    memset(to + (int64_t)(till - first) * s.c, 0, (size_t)(end - till) * pixel);
}

/* Operand k of node i for `count` variants from `first` on; shape: of all of them. */
static void cut(const fl_cone *c, fl_id i, int k, int first, int count, fl_shape shape, real *to)
{
    const spot *s = &c->at[i];
    const bool clipped = is_pool(&c->g->node[i]);
    const int samples = shape.n / count;
    FL_PARALLEL(row, (int64_t)shape.n * shape.t * shape.h, fl_shape_count(shape)) {
        const int h = (int)(row % shape.h), t = (int)(row / shape.h % shape.t), sample = (int)(row / shape.h / shape.t);
        const int variant = first + sample / samples;
        const source x = find_source(c, c->g->node[i].in[k], variant);
        fl_reading r = fl_cone_reads(&c->g->node[i], s, k, variant);
        for (int axis = 0; clipped && axis < 3; axis++) r.lo[axis] = max(0, r.lo[axis]);
        cut_row(&x, sample % samples, r.lo[0] + t, r.lo[1] + h, r.lo[2], shape.w, to + row * shape.w * shape.c);
    }
}

/* ---- running ---- */

static const real *operand(const fl_cone *c, fl_id i, int k, int first, int count)
{
    const seat *in = &c->at[i].in[k];
    const fl_id x = c->g->node[i].in[k];
    if (in->copied) {
        cut(c, i, k, first, count, c->shapes[k], in->values);
        return in->values;
    }
    if (!c->depends[x] || !c->at[x].changed) return c->g->node[x].value;
    return c->at[x].values + c->at[x].place[first];
}

/* Takes the frames that came out right. */
static void trim(const spot *s, fl_shape wide, int frames, real *to)
{
    const int margin = s->in[0].sight[0].lo;
    const int64_t frame = (int64_t)wide.h * wide.w * wide.c;
    FL_PARALLEL(row, (int64_t)wide.n * frames, fl_shape_count(wide))
        memcpy(to + row * frame, s->wide + (row / frames * wide.t + margin + row % frames) * frame, (size_t)frame * sizeof *to);
}

/* The box of the only variant into the base. */
static void write_back(const fl_cone *c, fl_id i)
{
    const fl_node *node = &c->g->node[i];
    const spot *s = &c->at[i];
    const int *lo = s->lo[0], *size = s->size[0];
    const fl_shape box = {node->shape.n, node->shape.c, size[0], size[1], size[2]};
    const int frames = min(box.t, node->shape.t - lo[0]), rows = min(box.h, node->shape.h - lo[1]);
    const int width = min(box.w, node->shape.w - lo[2]);
    FL_PARALLEL(row, (int64_t)box.n * frames * rows, fl_shape_count(box)) {
        const int h = (int)(row % rows), t = (int)(row / rows % frames), n = (int)(row / rows / frames);
        memcpy(node->value + fl_at(node->shape, n, 0, lo[0] + t, lo[1] + h, lo[2]), s->values + fl_at(box, n, 0, t, h, 0),
               (size_t)width * (size_t)box.c * sizeof(real));
    }
}

static void run_node(const fl_cone *c, fl_id i)
{
    const spot *s = &c->at[i];
    for (int first = 0, count; first < c->count; first += count) {
        fl_node crop;
        count = fl_cone_crop(c, i, first, &crop);
        for (int k = 0; k < crop.n_in; k++) c->operands[k] = operand(c, i, k, first, count);
        real *to = s->values + s->place[first];
        const bool margin = crop.shape.t != s->size[first][0];
        crop.op->forward(&crop, c->operands, margin ? s->wide : to);
        if (margin) trim(s, crop.shape, s->size[first][0], to);
    }
}

void fl_cone_run(fl_cone *c, bool commit)
{
    const spot *end = &c->at[c->root];
    fl_assert(!commit || c->count == 1);
    for (fl_id i = c->input; i <= c->root; i++) {
        if (!c->depends[i] || !c->at[i].changed) continue;
        if (i != c->input) run_node(c, i);
        if (commit && (c->kept[i] || i == c->input)) write_back(c, i);
    }
    const int64_t each = fl_shape_count(c->g->node[c->root].shape);
    for (int v = 0; !end->changed && v < c->count; v++)
        memcpy(end->values + end->place[v], c->g->node[c->root].value, (size_t)each * sizeof(real));
}
