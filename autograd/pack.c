/* pack.c: weights in the form in which the loops read them: made when they have changed, or each time where memory is short. */
#include "autograd/graph.h"

#include "autograd/rules.h"
#include "autograd/source.h"
#include "tensor/par.h"

/* Places of a weight that are packed at a time: for both passes, while they are in the cache. */
static int piece_of(const fl_node *node, bool forward, bool back)
{
    const int a = forward ? node->op->unit(node, 0) : 1, b = back ? node->op->unit(node, 1) : 1;
    return a > b ? a : b;
}

static bool packs_back(const fl_node *node) { return node->packed[1] && !node->turned; }

/* Pieces that are read from where the weight comes from. */
static size_t rows_room(const fl_node *node, int unit)
{
    return 2 * (size_t)unit * (size_t)(fl_shape_count(node->in_shape[1]) / node->in_shape[1].n) * sizeof(real) * (size_t)fl_threads();
}

size_t fl_packing_scratch(const fl_node *node, bool values)
{
    return values || node->passing ? 0 : rows_room(node, piece_of(node, node->packed[0], packs_back(node)));
}

static size_t whole_lines(size_t bytes) { return (bytes + 63) / 64 * 64; }

static size_t packing_bytes(const fl_node *node)
{
    const int64_t a = node->op->packed(node, 0), b = node->op->packed(node, 1);
    return whole_lines((size_t)(a > b ? a : b) * sizeof(real));
}

size_t fl_passing_room(const fl_node *node)
{
    return packing_bytes(node) + (node->passing ? whole_lines(rows_room(node, piece_of(node, true, true))) : 0);
}

/* to: of each pass, or NULL. work: for rows of a weight that has no values. */
static void pack_weight(const fl_graph *g, const fl_node *node, real *const to[2], void *work)
{
    const fl_shape s = node->in_shape[1];
    const real *w = node->operand[1];
    const int unit = piece_of(node, to[0], to[1]), pieces = (s.n + unit - 1) / unit;
    const int64_t row = fl_shape_count(s) / s.n;
    FL_PARALLEL(piece, pieces, 16.0 * (double)fl_shape_count(s)) {
        const int first = (int)piece * unit, count = s.n - first < unit ? s.n - first : unit;
        real *rows = (real *)work + 2 * fl_thread() * unit * row;
        if (!w) fl_leaf_rows(g, node->in[1], first, count, rows, rows + unit * row);
        for (int pass = 0; pass < 2; pass++)
            if (to[pass]) node->op->pack(node, pass, first, count, w ? w + first * row : rows, to[pass]);
    }
}

void fl_graph_pack(fl_graph *g)
{
    if (!g->stale) return;
    for (int i = 0; i < g->n_packs; i++) {
        const fl_node *node = &g->node[g->packs_from[i]];
        pack_weight(g, node, (real *[2]){node->packed[0], packs_back(node) ? node->packed[1] : NULL}, g->packing_work);
    }
    if (g->rules) fl_rules_pack(g, false);
    g->stale = false;
}

const real *fl_packed_weight(const fl_node *node, int pass, const real *w, void *scratch)
{
    if (node->packed[pass] && (node->settled || w == node->operand[1])) return node->packed[pass];
    for (int i = 0; i < node->n_variants; i++)
        if (w == node->variant[i].packed[0]) return node->variant[i].packed[pass];
    if (node->passing && w == node->operand[1]) {
        real *to[2] = {NULL, NULL};
        to[pass] = scratch;
        pack_weight(node->passing, node, to, (char *)scratch + packing_bytes(node));
        return scratch;
    }
    fl_assert(!node->settled);                           /* the plan left no room for this */
    node->op->pack(node, pass, 0, node->in_shape[1].n, w, scratch);
    return scratch;
}
