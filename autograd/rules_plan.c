/* rules_plan.c: what rules need besides the values: substituted weights, packed once; reference values; scratch. All of it is counted
 * before anything is placed, so that a limit that it passes can be told from the start. */
#include "autograd/rules.h"

#include "tensor/par.h"

#include <math.h>
#include <string.h>

/* ---- counting, and placing ---- */

static real counted;                                     /* stands for what has no place yet */

static void want(fl_graph *g, real **to, int64_t count)
{
    fl_rules *r = g->rules;
    *to = &counted;
    r->wants[r->n_wants++] = (fl_want){to, (count + 15) / 16 * 16};
    g->bytes_rules += (size_t)r->wants[r->n_wants - 1].count * sizeof(real);
}

/* ---- substituted weights ---- */

enum { MOST_VARIANTS = 8 };

/* The parts of the weight, other than all of it, that a rule multiplies with. */
static int parts_of(const fl_rule *rule, fl_part part[MOST_VARIANTS])
{
    int n = 0;
    if (rule->kind == FL_RULE_REVEAL_CANCEL) {
        part[n++] = FL_POSITIVE_OF;
        part[n++] = FL_NEGATIVE_OF;
        return n;
    }
    if (rule->kind != FL_RULE_SHARE) return 0;
    for (int t = 0; t <= rule->n_terms; t++) {
        const fl_part p = t < rule->n_terms ? rule->term[t].w : rule->spread ? FL_ONES : FL_ALL_OF;
        bool known = p == FL_ALL_OF;
        for (int i = 0; i < n; i++) known |= part[i] == p;
        if (!known) part[n++] = p;
    }
    return n;
}

static const fl_variant *same_variant(const fl_graph *g, fl_id i, fl_part part, double gamma)
{
    const fl_node *node = &g->node[i];
    for (fl_id j = 0; j < i; j++) {
        const fl_node *other = &g->node[j];
        if (!other->n_variants || other->op != node->op || other->in[1] != node->in[1] ||
            other->in_shape[0].c != node->in_shape[0].c || other->attr.conv.groups != node->attr.conv.groups ||
            memcmp(&other->attr.conv.win, &node->attr.conv.win, sizeof(fl_window)) != 0)
            continue;
        for (int v = 0; v < other->n_variants; v++)
            if (other->variant[v].part == (int)part && (!fl_part_leans(part) || other->variant[v].gamma == gamma))
                return &other->variant[v];
    }
    return NULL;
}

static void add_variant(fl_graph *g, fl_id i, fl_part part, double gamma)
{
    fl_node *node = &g->node[i];
    fl_variant *v = &node->variant[node->n_variants];
    const fl_role role = g->node[node->in[1]].role;
    const fl_variant *other = same_variant(g, i, part, gamma);
    *v = other ? *other : (fl_variant){.part = (int)part, .gamma = gamma};
    v->own = !other;
    v->moving = role != FL_PARAM && role != FL_BUFFER;
    for (int pass = 0; pass < 2 && !other; pass++) want(g, &v->packed[pass], node->op->packed(node, pass));
    node->n_variants++;
}

/* What has its packing from another node finds it there, when that has a place. */
static void share_variants(fl_graph *g)
{
    for (fl_id i = 0; i < g->count; i++)
        for (int v = 0; v < g->node[i].n_variants; v++) {
            fl_variant *mine = &g->node[i].variant[v];
            if (mine->own) continue;
            const fl_variant *other = same_variant(g, i, (fl_part)mine->part, mine->gamma);
            mine->packed[0] = other->packed[0], mine->packed[1] = other->packed[1];
        }
}

static bool plan_variants(fl_graph *g)
{
    int64_t most = 0;
    for (fl_id i = 0; i < g->count; i++) {
        fl_node *node = &g->node[i];
        fl_part part[MOST_VARIANTS];
        const fl_rule *rule = g->rules->rule[i];
        const int n = rule && node->op->flags & FL_WEIGHTED ? parts_of(rule, part) : 0;
        if (!n) continue;
        fl_assert(node->op->packed != NULL);
        node->variant = FL_NEW(g->arena, fl_variant, n);
        if (!node->variant) return false;
        for (int p = 0; p < n; p++) add_variant(g, i, part[p], rule->gamma);
        if (fl_shape_count(node->in_shape[1]) > most) most = fl_shape_count(node->in_shape[1]);
    }
    want(g, &g->rules->weight, most);
    return true;
}

static void pack_variant(fl_graph *g, const fl_node *node, const fl_variant *v)
{
    enum { BLOCK = 4096 };
    const real *w = node->operand[1];
    real *to = g->rules->weight;
    const int64_t count = fl_shape_count(node->in_shape[1]);
    FL_PARALLEL(block, (count + BLOCK - 1) / BLOCK, count * 2) {
        for (int64_t i = block * BLOCK; i < count && i < (block + 1) * BLOCK; i++)
            to[i] = fl_part_of((fl_part)v->part, w[i], (real)v->gamma);
    }
    for (int pass = 0; pass < 2; pass++) node->op->pack(node, pass, 0, node->in_shape[1].n, to, v->packed[pass]);
}

void fl_rules_pack(fl_graph *g, bool moving)
{
    for (fl_id i = 0; i < g->count; i++)
        for (int v = 0; v < g->node[i].n_variants; v++) {
            const fl_variant *variant = &g->node[i].variant[v];
            if (variant->own && variant->moving == moving) pack_variant(g, &g->node[i], variant);
        }
}

/* ---- scratch ---- */

static int64_t operands_count(const fl_node *node)
{
    int64_t sum = 0;
    for (int k = 0; k < node->n_in; k++) sum += fl_shape_count(node->in_shape[k]) + 16;
    return sum;
}

/* Kept for the whole node: one array of quotients for each group, and with `spread` one of what bias and stabiliser keep, y reals each. For
 * one term at a time: its substituted operands, and one result, y going up or x coming down. An audit adds two sums (y) and an input of
 * zeros (x). */
static int64_t room_of_share(const fl_node *node, const fl_rule *rule, bool audit)
{
    const int64_t y = fl_shape_count(node->shape) + 16, x = fl_shape_count(node->in_shape[0]) + 16;
    const bool weighted = (node->op->flags & FL_WEIGHTED) != 0;
    bool parts = rule->spread;
    int64_t widest = x;
    for (int t = 0; t < rule->n_terms; t++) parts |= rule->term[t].x != FL_ALL_OF;
    for (int k = 1; k < node->n_in; k++)
        if (fl_shape_count(node->in_shape[k]) + 16 > widest) widest = fl_shape_count(node->in_shape[k]) + 16;
    const int64_t bias = weighted && node->n_in > 2 ? fl_shape_count(node->in_shape[2]) + 16 : 0, back = weighted ? x : widest;
    const int64_t substitutes = (!parts ? 0 : weighted ? x : operands_count(node)) + bias;
    return (fl_rule_groups(rule) + rule->spread) * y + substitutes + (y > back ? y : back) + (audit ? 2 * y + x : 0);
}

/* Room for what rules_walk.c, rules_joint.c and rules_differences.c take while they are at a node. */
static int64_t room_of(const fl_node *node, const fl_rule *rule, bool audit)
{
    const int64_t y = fl_shape_count(node->shape) + 16, x = fl_shape_count(node->in_shape[0]) + 16, all = operands_count(node);
    switch (rule->kind) {
    case FL_RULE_SHARE:         return room_of_share(node, rule, audit);
    case FL_RULE_GUIDED:
    case FL_RULE_DECONVNET:
    case FL_RULE_BOUNDED:       return y;
    case FL_RULE_CENTRED:
    case FL_RULE_RESCALE:       return 2 * y;
    case FL_RULE_PRODUCT:       return all;
    case FL_RULE_SWITCHES:      return y + x;
    case FL_RULE_REVEAL_CANCEL: return 7 * y + 3 * x;
    case FL_RULE_JOINT:         return 2 * y + all;
    default:               return 0;
    }
}

static bool plan_scratch(fl_graph *g)
{
    fl_rules *r = g->rules;
    int most = 1;
    for (fl_id i = 0; i < g->count; i++) {
        if (g->node[i].n_in > most) most = g->node[i].n_in;
        if (!r->rule[i]) continue;
        const int64_t room = room_of(&g->node[i], r->rule[i], g->audit);
        if (room > r->room) r->room = room;
    }
    want(g, &r->work, r->room);
    r->operand = FL_NEW(g->arena, const real *, most);
    r->arrived = FL_NEW(g->arena, double, g->count);
    r->handed_on = FL_NEW(g->arena, double, g->count);
    return r->operand && r->arrived && r->handed_on && (!g->audit || fl_rules_plan_audit(g));
}

/* ---- reference values, and z of weighted sums ---- */

static void keep_reference(fl_graph *g, fl_id i)
{
    fl_node *node = &g->node[i];
    if (!node->reference) want(g, &node->reference, fl_shape_count(node->shape));
}

static void plan_references(fl_graph *g)
{
    if (!g->rules->set->reference) return;
    for (fl_id i = 0; i < g->count; i++) {
        const unsigned reads = g->rules->rule[i] ? fl_rules_reads(g, i) : 0;
        const fl_node *node = &g->node[i];
        if (reads & FL_READS_OUT) keep_reference(g, i);
        for (int k = 0; k < node->n_in && reads & FL_READS_IN; k++)
            if (!(k && node->op->flags & FL_WEIGHTED)) keep_reference(g, node->in[k]);
    }
}

void fl_graph_remember(fl_graph *g)
{
    fl_assert(g->fresh && g->rules);
    for (fl_id i = 0; i < g->count; i++) {
        const fl_node *node = &g->node[i];
        if (node->reference) memcpy(node->reference, node->value, (size_t)fl_shape_count(node->shape) * sizeof(real));
    }
}

/* Marks what lies below the operands of a joint sum, down to the weights. */
static void add_shadow(fl_graph *g, fl_id i)
{
    fl_rules *r = g->rules;
    const fl_node *node = &g->node[i];
    if (!g->carries[i] || r->shadow[i]) return;
    const bool is_weight = node->op->flags & FL_WEIGHTED && r->rule[i] && r->rule[i]->kind == FL_RULE_SHARE;
    bool any = is_weight;
    for (int k = 0; k < node->n_in && !is_weight && node->op->flags & FL_POSITIVE; k++) {
        add_shadow(g, node->in[k]);
        any |= r->shadow[node->in[k]] != NULL;
    }
    if (any) want(g, &r->shadow[i], fl_shape_count(node->shape));
}

static bool plan_shadows(fl_graph *g)
{
    fl_rules *r = g->rules;
    r->shadow = FL_NEW(g->arena, real *, g->count);
    if (!r->shadow) return false;
    for (fl_id i = 0; i < g->count; i++)
        for (int k = 0; r->rule[i] && r->rule[i]->kind == FL_RULE_JOINT && k < g->node[i].n_in; k++) add_shadow(g, g->node[i].in[k]);
    return true;
}

/* Of a node: a reference, a shadow, two packings of each variant; and scratch. */
static size_t most_wants(const fl_graph *g)
{
    size_t most = 2;
    for (fl_id i = 0; i < g->count; i++) most += 2 + (g->rules->rule[i] && g->node[i].op->flags & FL_WEIGHTED ? 2 * MOST_VARIANTS : 0);
    return most;
}

fl_status fl_rules_count(fl_graph *g)
{
    if (!g->rules) return FL_OK;
    g->rules->wants = FL_NEW(g->arena, fl_want, most_wants(g));
    if (!g->rules->wants || !plan_variants(g)) return g->error->status;
    plan_references(g);
    return plan_shadows(g) && plan_scratch(g) ? FL_OK : g->error->status;
}

fl_status fl_rules_place(fl_graph *g)
{
    if (!g->rules) return FL_OK;
    real *memory = FL_NEW(g->arena, real, g->bytes_rules / sizeof(real));
    if (!memory) return g->error->status;
    for (int i = 0; i < g->rules->n_wants; memory += g->rules->wants[i++].count) *g->rules->wants[i].to = memory;
    share_variants(g);
    return FL_OK;
}

double fl_graph_absorbed(const fl_graph *g)
{
    double sum = 0;
    for (fl_id i = 0; i < g->count; i++) sum += g->rules->arrived[i] - g->rules->handed_on[i];
    return sum;
}

fl_ledger fl_graph_ledger(const fl_graph *g, fl_id i)
{
    fl_assert(g->rules != NULL);
    const fl_rules *r = g->rules;
    return (fl_ledger){r->arrived[i], r->handed_on[i], r->due ? r->due[i] : (double)NAN, r->size ? r->size[i] : (double)NAN};
}
