/* cone.c: cones and passes: what is kept, what is computed, and memory for it. */
#include "autograd/cone_parts.h"

#include "autograd/receptive.h"

#include <string.h>

enum { FOREVER = 1 << 30 };

static int min(int a, int b) { return a < b ? a : b; }
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
    fl_buffer *list = FL_NEW(arena, fl_buffer, 2 * n + (size_t)seats), **placed = FL_NEW(arena, fl_buffer *, 4 * n + 2 * (size_t)seats);
    if (!c || !flags || !at || !in || !shapes || !operands || !list || !placed) {
        fl_error_set(g->error, FL_FAILED, "boxes of a clip: %s", arena->error->message);
        return NULL;
    }
    *c = (fl_cone){.g = g, .input = input, .root = root, .arena = arena, .depends = flags, .kept = flags + n, .at = at,
                   .shapes = shapes, .operands = operands, .seats = seats, .list = list, .placed = placed};
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

void fl_cone_exact(fl_cone *c, bool exact) { c->exact = exact; }

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
    const size_t nodes = (size_t)c->root + 1, all = nodes * (size_t)count;
    int (*boxes)[3] = (int (*)[3])fl_arena_array(c->arena, 2 * all, sizeof *boxes);
    fl_region *differs = FL_NEW(c->arena, fl_region, all);
    int64_t *place = FL_NEW(c->arena, int64_t, all + nodes);
    c->order = FL_NEW(c->arena, int, 2 * (size_t)count);
    if (!boxes || !differs || !place || !c->order) return no_memory(c);
    c->slot = c->order + count;
    for (size_t i = 0; i < nodes; i++) {
        c->at[i].lo = boxes + 2 * i * (size_t)count;
        c->at[i].size = c->at[i].lo + count;
        c->at[i].differs = differs + i * (size_t)count;
        c->at[i].place = place + i * ((size_t)count + 1);
    }
    c->layer[0].used = c->arena->used;
    c->room = count;
    return FL_OK;
}

static fl_status make_memory(fl_cone *c, int64_t slab, size_t work)
{
    if (work <= c->g->bytes_scratch) work = 0;           /* the graph's own will do: nothing else runs */
    c->own_work = work > 0;
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
        spot *s = &c->at[i];
        if (!c->depends[i] || !(s->changed || i == c->root)) continue;
        for (int k = 0; i != c->input && s->changed && k < c->g->node[i].n_in; k++)
            if (s->in[k].copied) add_buffer(c, &s->in[k].values, s->in[k].count, i, i);
        if (i != c->input && s->changed && s->wide_count) add_buffer(c, &s->wide, s->wide_count, i, i);
        add_buffer(c, &s->values, s->place[c->count], i, s->last);
    }
}

/* How near the box is to the ends of the clip: as near, and its cone is cut off alike. */
static int nearness(const fl_cone *c, const fl_region *r)
{
    int length[3], key = 0;
    fl_shape_lengths(c->g->node[c->input].shape, length);
    for (int i = 0; i < 3; i++) key = key * 1024 + min(1023, min(r->lo[i], length[i] - r->hi[i]));
    return key;
}

/* Stable: boxes that are all alike stay in the caller's order. */
static void sort(fl_cone *c, const fl_region *box)
{
    for (int k = 0; k < c->count; k++) {
        int v = k;
        for (; box && v > 0 && nearness(c, &box[c->order[v - 1]]) > nearness(c, &box[k]); v--) c->order[v] = c->order[v - 1];
        c->order[v] = k;
    }
    for (int v = 0; v < c->count; v++) c->slot[c->order[v]] = v;
}

static void find_places(const fl_cone *c, fl_id i)
{
    const spot *s = &c->at[i];
    s->place[0] = 0;
    for (int v = 0; v < c->count; v++) s->place[v + 1] = s->place[v] + fl_box_count(c->g->node[i].shape, s->size[v]);
}

/* All calls of node i: what they need. */
static void forecast(fl_cone *c, fl_id i, size_t *work)
{
    spot *s = &c->at[i];
    s->wide_count = 0;
    for (int first = 0, count; first < c->count; first += count) {
        fl_node crop;
        count = fl_cone_crop(c, i, first, &crop);
        c->macs += fl_node_macs(&crop);
        const size_t bytes = crop.op->scratch ? crop.op->scratch(&crop) : 0;
        if (bytes > *work) *work = bytes;
        for (int k = 0; k < crop.n_in; k++) {
            const int64_t n = fl_shape_count(crop.in_shape[k]);
            if (n > s->in[k].count) s->in[k].count = n;
        }
        const int64_t n = fl_shape_count(crop.shape);
        if (n > s->place[first + count] - s->place[first] && n > s->wide_count) s->wide_count = n;
    }
}

static void begin_input(fl_cone *c, const fl_region *box)
{
    static const int one[3] = {1, 1, 1};
    const fl_shape shape = c->g->node[c->input].shape;
    spot *x = &c->at[c->input];
    x->changed = true;
    for (int v = 0; v < c->count; v++) {
        x->differs[v] = fl_region_whole(shape);
        if (c->parts) x->differs[v] = fl_region_common(box[c->order[v]], x->differs[v]);
        if (fl_region_empty(x->differs[v])) x->differs[v] = (fl_region){{0, 0, 0}, {1, 1, 1}};
        fl_cone_fit(x, shape, v, one);
    }
    find_places(c, c->input);
    spot *end = &c->at[c->root];                         /* should nothing reach it */
    for (int v = 0; v < c->count; v++) fl_shape_lengths(c->g->node[c->root].shape, end->size[v]);
}

fl_status fl_cone_begin(fl_cone *c, int count, const fl_region *box)
{
    fl_assert(count >= 1);
    if (make_room(c, count)) return c->g->error->status;
    c->count = count;
    c->macs = 0;
    size_t work = 0;
    sort(c, c->parts ? box : NULL);
    begin_input(c, box);
    for (fl_id i = c->input + 1; i <= c->root; i++) {
        if (!c->depends[i]) continue;
        fl_cone_find_boxes(c, i);
        if (c->at[i].changed || i == c->root) find_places(c, i);
        if (!c->at[i].changed) continue;
        fl_cone_find_seats(c, i);
        forecast(c, i, &work);
    }
    list_buffers(c);
    const int64_t slab = fl_slab_place(c->list, c->buffers, c->placed);
    c->bytes = (size_t)slab * sizeof(real);
    if (make_memory(c, slab, work)) return c->g->error->status;
    fl_slab_hand_out(c->list, c->buffers, c->slab);
    return FL_OK;
}

double fl_cone_macs(const fl_cone *c) { return c->macs; }
size_t fl_cone_bytes(const fl_cone *c) { return c->bytes; }

fl_region fl_cone_box(const fl_cone *c, int k)
{
    const spot *x = &c->at[c->input];
    fl_region r;
    for (int i = 0; i < 3; i++) {
        r.lo[i] = x->lo[c->slot[k]][i];
        r.hi[i] = r.lo[i] + x->size[c->slot[k]][i];
    }
    return r;
}

real *fl_cone_input(const fl_cone *c, int k)
{
    const spot *x = &c->at[c->input];
    return x->values + x->place[c->slot[k]];
}

const real *fl_cone_result(const fl_cone *c, int k)
{
    const spot *y = &c->at[c->root];
    return y->values + y->place[c->slot[k]];
}
