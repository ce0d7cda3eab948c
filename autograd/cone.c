/* cone.c: where the boxes of a pass lie, and where their values go. */
#include "autograd/cone_parts.h"

#include "autograd/receptive.h"

#include <string.h>

enum { FOREVER = 1 << 30 };

static int min(int a, int b) { return a < b ? a : b; }
static int max(int a, int b) { return a > b ? a : b; }

/* ---- once per graph ---- */

/* Every place of the node reads that place of operand k alone. */
static bool is_identity(const fl_node *node, int k)
{
    fl_sight s[3];
    int from[3], to[3];
    fl_node_sight(node, k, s);
    fl_shape_lengths(node->in_shape[k], from);
    fl_shape_lengths(node->shape, to);
    for (int i = 0; i < 3; i++)
        if (s[i].step != 1 || s[i].lo != 0 || s[i].reach != 0 || from[i] != to[i]) return false;
    return true;
}

/* A node that reads nothing but its operand's own boxes, wherever they lie. */
static bool follows(const fl_node *node)
{
    int sampled = 0;
    for (int k = 0; k < node->n_in; k++) sampled += fl_node_sampled(node, k);
    return sampled == 1 && is_identity(node, 0);
}

fl_cone *fl_cone_new(fl_graph *g, fl_id input, fl_id root, fl_arena *arena)
{
    fl_cone *c = FL_NEW(arena, fl_cone, 1);
    const size_t n = (size_t)root + 1;
    bool *flags = FL_NEW(arena, bool, 2 * n);
    spot *at = FL_NEW(arena, spot, n);
    int seats = 0, most = 0;
    for (fl_id i = 0; i <= root; i++) {
        seats += g->node[i].n_in;
        most = max(most, g->node[i].n_in);
    }
    seat *in = FL_NEW(arena, seat, seats);
    fl_shape *shapes = FL_NEW(arena, fl_shape, most);
    const real **operands = FL_NEW(arena, const real *, most);
    fl_buffer *list = FL_NEW(arena, fl_buffer, 2 * n + (size_t)seats), **live = FL_NEW(arena, fl_buffer *, 2 * n + (size_t)seats);
    if (!c || !flags || !at || !in || !shapes || !operands || !list || !live) {
        fl_error_set(g->error, FL_FAILED, "boxes of a clip: %s", arena->error->message);
        return NULL;
    }
    *c = (fl_cone){.g = g, .input = input, .root = root, .arena = arena, .depends = flags, .kept = flags + n, .at = at,
                   .shapes = shapes, .operands = operands, .seats = seats, .list = list, .live = live};
    for (fl_id i = 0; i <= root; i++) {
        c->depends[i] = i == input;
        for (int k = 0; k < g->node[i].n_in; k++) c->depends[i] |= c->depends[g->node[i].in[k]];
        for (int k = 0; c->depends[i] && k < g->node[i].n_in; k++) at[g->node[i].in[k]].last = i;
        at[i].last = i == root ? FOREVER : i;
        at[i].in = in;
        in += g->node[i].n_in;
    }
    return c;
}

int fl_cone_keep(fl_cone *c, bool parts, fl_id *keep)
{
    int n = 0;
    c->parts = parts;
    for (fl_id i = 0; i <= c->root; i++) c->kept[i] = i == c->root;
    for (fl_id i = 0; i <= c->root; i++) {
        const fl_node *node = &c->g->node[i];
        for (int k = 0; c->depends[i] && k < node->n_in; k++)
            c->kept[node->in[k]] |= c->g->node[node->in[k]].role == FL_COMPUTED &&
                                    (!c->depends[node->in[k]] || (parts && (i == c->root || !follows(node))));
    }
    for (fl_id i = 0; i <= c->root; i++)
        if (c->kept[i]) keep[n++] = i;
    return n;
}

/* ---- memory ---- */

/* Layer 0 lies below layer 1. What nobody has put anything behind is given back before more is taken. */
static void drop_layer(fl_cone *c, int layer)
{
    if (layer == 0) drop_layer(c, 1);
    if (c->layer[layer].used && c->arena->used == c->layer[layer].used) fl_arena_release(c->arena, c->layer[layer].before);
    c->layer[layer].used = 0;
    c->layer[layer].before = fl_arena_mark(c->arena);
}

static fl_status no_memory(fl_cone *c)
{
    return fl_error_set(c->g->error, c->arena->error->status, "boxes of a clip: %s", c->arena->error->message);
}

static fl_status make_room(fl_cone *c, int count)
{
    if (count <= c->room) return FL_OK;
    drop_layer(c, 0);
    c->room = 0;
    c->slab_count = 0;
    c->work_bytes = 0;
    const size_t all = (size_t)(c->root + 1) * (size_t)count;
    int (*lo)[3] = (int (*)[3])fl_arena_array(c->arena, all, sizeof *lo);
    fl_region *differs = FL_NEW(c->arena, fl_region, all);
    if (!lo || !differs) return no_memory(c);
    for (fl_id i = 0; i <= c->root; i++) {
        c->at[i].lo = lo + (size_t)i * (size_t)count;
        c->at[i].differs = differs + (size_t)i * (size_t)count;
    }
    c->layer[0].used = c->arena->used;
    c->room = count;
    return FL_OK;
}

static fl_status make_memory(fl_cone *c, int64_t slab, size_t work)
{
    if (slab <= c->slab_count && work <= c->work_bytes) return FL_OK;
    drop_layer(c, 1);
    const int64_t most = slab > c->slab_count ? slab : c->slab_count;
    const size_t most_work = work > c->work_bytes ? work : c->work_bytes;
    c->slab_count = 0;
    c->work_bytes = 0;
    c->slab = FL_NEW(c->arena, real, most);
    c->work = FL_NEW(c->arena, char, most_work);
    if (!c->slab || !c->work) return no_memory(c);
    c->slab_count = most;
    c->work_bytes = most_work;
    c->layer[1].used = c->arena->used;
    return FL_OK;
}

/* ---- boxes ---- */

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
static void fit_boxes(fl_cone *c, spot *s, fl_shape shape, const int tile[3])
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
static bool adopt_boxes(fl_cone *c, fl_id i)
{
    const fl_node *node = &c->g->node[i];
    spot *s = &c->at[i];
    for (int k = 0; k < node->n_in; k++) {
        const spot *x = &c->at[node->in[k]];
        if (!c->depends[node->in[k]] || !x->changed || !fl_node_sampled(node, k)) continue;
        if (!is_identity(node, k) || !holds(c, x, s->differs)) continue;
        memcpy(s->size, x->size, sizeof s->size);
        memcpy(s->whole, x->whole, sizeof s->whole);
        memcpy(s->lo, x->lo, (size_t)c->count * sizeof *s->lo);
        return true;
    }
    return false;
}

static void find_boxes(fl_cone *c, fl_id i)
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
    if (tile[0] * tile[1] * tile[2] > 1 || !adopt_boxes(c, i)) fit_boxes(c, s, node->shape, tile);
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

static void find_seats(fl_cone *c, fl_id i)
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

/* ---- a pass ---- */

static void add_buffer(fl_cone *c, real **to, int64_t count, int birth, int death)
{
    c->list[c->buffers++] = fl_buffer_make(to, count, birth, death);
}

static void list_buffers(fl_cone *c)
{
    c->buffers = 0;
    for (fl_id i = c->input; i <= c->root; i++) {
        const fl_node *node = &c->g->node[i];
        spot *s = &c->at[i];
        if (!c->depends[i] || !(s->changed || i == c->root)) continue;
        for (int k = 0; i != c->input && s->changed && k < node->n_in; k++)
            if (s->in[k].copied) add_buffer(c, &s->in[k].values, c->count * fl_box_count(node->in_shape[k], s->in[k].size), i, i);
        s->wide = NULL;
        if (s->changed && node->op->kind == FL_OP_shift && !s->whole[0])
            add_buffer(c, &s->wide, c->count * fl_box_count(node->shape, s->in[0].size), i, i);
        add_buffer(c, &s->values, c->count * fl_box_count(node->shape, s->size), i, s->last);
    }
}

fl_status fl_cone_begin(fl_cone *c, int count, const fl_region *box)
{
    static const int one[3] = {1, 1, 1};
    spot *x = &c->at[c->input], *end = &c->at[c->root];
    fl_assert(count >= 1);
    if (make_room(c, count)) return c->g->error->status;
    c->count = count;
    c->macs = 0;
    size_t work = 0;
    const fl_region all = fl_region_whole(c->g->node[c->input].shape);
    for (int v = 0; v < count; v++) x->differs[v] = c->parts ? fl_region_common(box[v], all) : all;
    x->changed = true;
    fit_boxes(c, x, c->g->node[c->input].shape, one);
    fl_shape_lengths(c->g->node[c->root].shape, end->size);        /* should nothing reach it */
    for (fl_id i = c->input + 1; i <= c->root; i++) {
        if (!c->depends[i]) continue;
        find_boxes(c, i);
        if (!c->at[i].changed) continue;
        find_seats(c, i);
        fl_node crop;
        const int calls = count / fl_cone_crop(c, i, 0, &crop);
        c->macs += calls * fl_node_macs(&crop);
        const size_t bytes = crop.op->scratch ? crop.op->scratch(&crop) : 0;
        work = bytes > work ? bytes : work;
    }
    list_buffers(c);
    if (make_memory(c, fl_slab_place(c->list, c->buffers, c->live), work)) return c->g->error->status;
    fl_slab_hand_out(c->list, c->buffers, c->slab);
    return FL_OK;
}

double fl_cone_macs(const fl_cone *c) { return c->macs; }
size_t fl_cone_bytes(const fl_cone *c) { return (size_t)c->slab_count * sizeof(real) + c->work_bytes; }

fl_region fl_cone_box(const fl_cone *c, int k)
{
    const spot *x = &c->at[c->input];
    fl_region r;
    for (int i = 0; i < 3; i++) {
        r.lo[i] = x->lo[k][i];
        r.hi[i] = r.lo[i] + x->size[i];
    }
    return r;
}

real *fl_cone_input(const fl_cone *c, int k)
{
    const spot *x = &c->at[c->input];
    return x->values + k * fl_box_count(c->g->node[c->input].shape, x->size);
}
