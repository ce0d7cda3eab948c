/* cone.c: cones and passes: what is kept, what is computed, and memory for it. */
#include "autograd/cone_parts.h"

#include "autograd/receptive.h"

#include <string.h>

enum { FOREVER = 1 << 30 };

static int max(int a, int b) { return a > b ? a : b; }

/* ---- once per graph ---- */

/* A node that reads nothing but its operand's own boxes, wherever they lie. */
static bool follows(const fl_node *node)
{
    int sampled = 0;
    for (int k = 0; k < node->n_in; k++) sampled += fl_node_sampled(node, k);
    return sampled == 1 && fl_node_place_by_place(node, 0);
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
        at[i].last = i == root || i == input ? FOREVER : i;
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
    fl_cone_fit(c, x, c->g->node[c->input].shape, one);
    fl_shape_lengths(c->g->node[c->root].shape, end->size);        /* should nothing reach it */
    for (fl_id i = c->input + 1; i <= c->root; i++) {
        if (!c->depends[i]) continue;
        fl_cone_find_boxes(c, i);
        if (!c->at[i].changed) continue;
        fl_cone_find_seats(c, i);
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
