/* cone_boxes.c: where the boxes of a pass lie.
 *
 * What can differ grows upwards, window by window, for every variant by itself. The box that is computed is that, on the grid
 * of the op's tiles; what it reads is cut from the operands' boxes and the base. */
#include "autograd/cone_parts.h"

#include <string.h>

static int min(int a, int b) { return a < b ? a : b; }

static void grid_of(const fl_node *node, int tile[3])
{
    tile[0] = tile[1] = tile[2] = 1;
    if (node->op->kind != FL_OP_conv) return;
    const fl_conv conv = {.x = node->in_shape[0], .y = node->shape, .win = node->attr.conv.win, .groups = node->attr.conv.groups,
                          .direct = node->direct};
    fl_conv_grid(&conv, tile);
}

/* A tile that sees one change differs as a whole: by rounding, where not by more. */
static fl_region on_grid(fl_region r, fl_shape shape, const int tile[3])
{
    int length[3];
    fl_shape_lengths(shape, length);
    for (int i = 0; i < 3; i++) {
        r.lo[i] = r.lo[i] / tile[i] * tile[i];
        r.hi[i] = min(length[i], (r.hi[i] + tile[i] - 1) / tile[i] * tile[i]);
    }
    return r;
}

/* A box that would reach beyond the last tile lies further in front; one that is as long as the node is all of it. */
void fl_cone_fit(spot *s, fl_shape shape, int variant, const int tile[3])
{
    int length[3], *lo = s->lo[variant], *size = s->size[variant];
    const fl_region r = s->differs[variant];
    fl_shape_lengths(shape, length);
    for (int i = 0; i < 3; i++) {
        const int u = tile[i], end = (length[i] + u - 1) / u * u;
        lo[i] = r.lo[i] / u * u;
        size[i] = (r.hi[i] + u - 1) / u * u - lo[i];
        if (size[i] >= length[i]) size[i] = length[i];
        lo[i] = size[i] == length[i] ? 0 : min(lo[i], end - size[i]);
    }
}

static bool holds(const spot *boxes, int variant, fl_region differs)
{
    for (int i = 0; i < 3; i++)
        if (differs.lo[i] < boxes->lo[variant][i] || differs.hi[i] > boxes->lo[variant][i] + boxes->size[variant][i]) return false;
    return true;
}

/* Where a variant is the base and others are not, it takes part with the least box that the op can compute. */
static fl_region least_box(const fl_node *node)
{
    fl_region r = {{0, 0, 0}, {1, 1, 1}};
    int length[3];
    fl_shape_lengths(node->shape, length);
    for (int k = 0; k < node->n_in; k++) {
        fl_sight sight[3];
        fl_node_sight(node, k, sight);
        for (int i = 0; i < 3 && fl_node_sampled(node, k); i++)
            if (sight[i].step == 0 && sight[i].reach > 0) r.hi[i] = length[i];
    }
    return r;
}

/* Place by place, the box of an operand will do as it is, and needs no copy. */
static bool adopt_box(const fl_cone *c, fl_id i, int variant)
{
    const fl_node *node = &c->g->node[i];
    spot *s = &c->at[i];
    for (int k = 0; k < node->n_in; k++) {
        const spot *x = &c->at[node->in[k]];
        if (!c->depends[node->in[k]] || !x->changed || !fl_node_sampled(node, k)) continue;
        if (!fl_node_place_by_place(node, k) || !holds(x, variant, s->differs[variant])) continue;
        memcpy(s->size[variant], x->size[variant], sizeof s->size[variant]);
        memcpy(s->lo[variant], x->lo[variant], sizeof s->lo[variant]);
        return true;
    }
    return false;
}

void fl_cone_find_boxes(const fl_cone *c, fl_id i)
{
    const fl_node *node = &c->g->node[i];
    spot *s = &c->at[i];
    int tile[3];
    s->changed = false;
    s->apart = fl_node_samples_apart(node);
    for (int v = 0; v < c->count; v++) s->differs[v] = (fl_region){{0, 0, 0}, {0, 0, 0}};
    for (int k = 0; k < node->n_in; k++) {
        const spot *x = &c->at[node->in[k]];
        if (!c->depends[node->in[k]] || !x->changed) continue;
        for (int v = 0; v < c->count; v++) {
            s->differs[v] = fl_region_hull(s->differs[v], fl_region_up(node, k, x->differs[v]));
            s->changed |= !fl_region_empty(s->differs[v]);
        }
        if (!fl_node_sampled(node, k)) s->apart = false;
    }
    const bool all = i == c->root || !c->parts;          /* the caller reads all of the root */
    grid_of(node, tile);
    for (int v = 0; s->changed && v < c->count; v++) {
        if (fl_region_empty(s->differs[v])) s->differs[v] = least_box(node);
        if (all) s->differs[v] = fl_region_whole(node->shape);
        if (c->exact) s->differs[v] = on_grid(s->differs[v], node->shape, tile);
        if (tile[0] * tile[1] * tile[2] > 1 || !adopt_box(c, i, v)) fl_cone_fit(s, node->shape, v, tile);
    }
}

fl_reading fl_cone_reads(const fl_node *node, const spot *s, int k, int variant)
{
    fl_reading r;
    int length[3];
    fl_shape_lengths(node->in_shape[k], length);
    for (int i = 0; i < 3; i++) {
        const bool whole = fl_spot_is_whole(node, s, variant, i);
        r.lo[i] = whole ? 0 : fl_sight_first(s->in[k].sight[i], s->lo[variant][i]);
        r.size[i] = whole ? length[i] : fl_sight_length(s->in[k].sight[i], s->size[variant][i]);
    }
    return r;
}

static bool same_box(const fl_reading *r, const int lo[3], const int size[3])
{
    return memcmp(r->lo, lo, sizeof r->lo) == 0 && memcmp(r->size, size, sizeof r->size) == 0;
}

/* An operand lies ready in its own boxes, or in the base if that is read whole by one variant at a time. */
void fl_cone_find_seats(const fl_cone *c, fl_id i)
{
    static const int begin[3] = {0, 0, 0};
    const fl_node *node = &c->g->node[i];
    spot *s = &c->at[i];
    for (int k = 0; k < node->n_in; k++) {
        seat *in = &s->in[k];
        const spot *x = &c->at[node->in[k]];
        const bool changed = c->depends[node->in[k]] && x->changed;
        int length[3];
        fl_shape_lengths(node->in_shape[k], length);
        fl_node_sight(node, k, in->sight);
        in->copied = !changed && fl_node_sampled(node, k) && c->count > 1 && s->apart;
        for (int v = 0; v < c->count && (changed || fl_node_sampled(node, k)); v++) {
            const fl_reading r = fl_cone_reads(node, s, k, v);
            if (!same_box(&r, changed ? x->lo[v] : begin, changed ? x->size[v] : length)) in->copied = true;
        }
        in->count = 0;
    }
}
