/* cone_boxes.c: where the boxes of a pass lie.
 *
 * What can differ grows upwards, window by window, for every variant by itself. The box that is computed is that, on the grid
 * of the op's tiles and as large as the largest of all variants; it is cut from the operands wherever it reads, so rounding does not
 * add up. */
#include "autograd/cone_parts.h"

#include <string.h>

static int min(int a, int b) { return a < b ? a : b; }
static int max(int a, int b) { return a > b ? a : b; }

static void grid_of(const fl_node *node, int tile[3])
{
    tile[0] = tile[1] = tile[2] = 1;
    if (node->op->kind != FL_OP_conv) return;
    const fl_conv conv = {.x = node->in_shape[0], .y = node->shape, .win = node->attr.conv.win, .groups = node->attr.conv.groups,
                          .direct = node->direct};
    fl_conv_grid(&conv, tile);
}

/* One size for all variants, on the grid: the largest that one of them needs. A box that would reach beyond the last tile lies
 * further in front. */
void fl_cone_fit(const fl_cone *c, spot *s, fl_shape shape, const int tile[3])
{
    int length[3];
    fl_shape_lengths(shape, length);
    for (int i = 0; i < 3; i++) {
        const int u = tile[i], end = (length[i] + u - 1) / u * u;
        s->size[i] = u;
        for (int k = 0; k < c->count; k++) {
            const fl_region r = s->differs[k];
            if (fl_region_empty(r)) continue;
            s->lo[k][i] = r.lo[i] / u * u;
            s->size[i] = max(s->size[i], (r.hi[i] + u - 1) / u * u - s->lo[k][i]);
        }
        s->whole[i] = s->size[i] >= length[i];
        if (s->whole[i]) s->size[i] = length[i];
        for (int k = 0; k < c->count; k++) {
            if (fl_region_empty(s->differs[k])) s->lo[k][i] = 0;
            s->lo[k][i] = s->whole[i] ? 0 : min(s->lo[k][i], end - s->size[i]);
        }
    }
}

static bool holds(const fl_cone *c, const spot *boxes, const fl_region *differs)
{
    for (int k = 0; k < c->count; k++)
        for (int i = 0; i < 3 && !fl_region_empty(differs[k]); i++)
            if (differs[k].lo[i] < boxes->lo[k][i] || differs[k].hi[i] > boxes->lo[k][i] + boxes->size[i]) return false;
    return true;
}

/* Place by place, the boxes of an operand will do as they are, and need no copy. */
static bool adopt_boxes(const fl_cone *c, fl_id i)
{
    const fl_node *node = &c->g->node[i];
    spot *s = &c->at[i];
    for (int k = 0; k < node->n_in; k++) {
        const spot *x = &c->at[node->in[k]];
        if (!c->depends[node->in[k]] || !x->changed || !fl_node_sampled(node, k)) continue;
        if (!fl_node_place_by_place(node, k) || !holds(c, x, s->differs)) continue;
        memcpy(s->size, x->size, sizeof s->size);
        memcpy(s->whole, x->whole, sizeof s->whole);
        memcpy(s->lo, x->lo, (size_t)c->count * sizeof *s->lo);
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
    if (!s->changed) return;
    const bool all = i == c->root || !c->parts;          /* the caller reads all of the root */
    for (int v = 0; all && v < c->count; v++) s->differs[v] = fl_region_whole(node->shape);
    grid_of(node, tile);
    if (tile[0] * tile[1] * tile[2] > 1 || !adopt_boxes(c, i)) fl_cone_fit(c, s, node->shape, tile);
}

int fl_cone_reads_from(const spot *s, int k, int variant, int axis)
{
    return s->whole[axis] ? 0 : fl_sight_first(s->in[k].sight[axis], s->lo[variant][axis]);
}

/* Whether operand k lies ready in its own boxes. */
static bool boxes_fit(const fl_cone *c, const spot *s, int k, const spot *x)
{
    for (int i = 0; i < 3; i++) {
        if (x->size[i] != s->in[k].size[i]) return false;
        for (int v = 0; v < c->count; v++)
            if (x->lo[v][i] != fl_cone_reads_from(s, k, v, i)) return false;
    }
    return true;
}

void fl_cone_find_seats(const fl_cone *c, fl_id i)
{
    const fl_node *node = &c->g->node[i];
    spot *s = &c->at[i];
    for (int k = 0; k < node->n_in; k++) {
        seat *in = &s->in[k];
        const spot *x = &c->at[node->in[k]];
        const bool changed = c->depends[node->in[k]] && x->changed;
        int length[3];
        fl_shape_lengths(node->in_shape[k], length);
        fl_node_sight(node, k, in->sight);
        bool all = true;
        for (int axis = 0; axis < 3; axis++) {
            in->size[axis] = s->whole[axis] ? length[axis] : fl_sight_length(in->sight[axis], s->size[axis]);
            all = all && in->size[axis] == length[axis] && fl_cone_reads_from(s, k, 0, axis) == 0;
        }
        if (changed) in->copied = !boxes_fit(c, s, k, x);
        else in->copied = fl_node_sampled(node, k) && !(all && (c->count == 1 || !s->apart));
    }
}
