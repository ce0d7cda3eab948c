/* follow.c: the way up, and the way down.
 *
 *   tangent of a node    where the op is affine in operand k    v_y += f(.., v_k, ..) - f(.., 0, ..)
 *                        maps                                   v_y = v_x f'(x)
 *                        maxima, held at the point              v_y = v_x at the winner
 *                        others                                 (f(x + h v) - f(x - h v)) / 2h */
#include "autograd/follow.h"

#include "autograd/hold.h"
#include "autograd/opcheck.h"
#include "autograd/rules.h"

#include <math.h>
#include <string.h>

typedef struct tangent { int64_t count, *at; real *value; } tangent;          /* what is not 0 */

typedef struct follower {
    fl_graph *g;
    fl_arena *a;
    tangent *up;                         /* per node */
    fl_trail *trail;
} follower;

static int64_t count_of(const fl_graph *g, fl_id i) { return fl_shape_count(g->node[i].shape); }

/* ---- up ---- */

static real *dense(const follower *f, fl_id i)
{
    real *v = FL_NEW(f->a, real, count_of(f->g, i));
    for (int64_t k = 0; v && k < f->up[i].count; k++) v[f->up[i].at[k]] = f->up[i].value[k];
    return v;
}

/* Rounding of fast algorithms reaches elements that the tangent does not. */
static bool keep(follower *f, fl_id i, const real *v)
{
    const int64_t n = count_of(f->g, i);
    real low, high;
    fl_min_max(v, n, &low, &high);
    const double most = fmax(fabs((double)low), fabs((double)high)), least = most * 16 * FL_REAL_EPSILON;
    tangent *t = &f->up[i];
    for (int64_t k = 0; k < n; k++) t->count += fabs((double)v[k]) > least;
    t->at = FL_NEW(f->a, int64_t, t->count);
    t->value = FL_NEW(f->a, real, t->count);
    if (!t->at || !t->value) return false;
    int64_t next = 0;
    for (int64_t k = 0; k < n; k++)
        if (fabs((double)v[k]) > least) t->at[next] = k, t->value[next++] = v[k];
    f->trail->met[i].most = most;
    return true;
}

/* v_y += f(operand k = v) - f(operand k = 0) */
static bool push_affine(const follower *f, const fl_node *node, int k, const real *v, real *vy)
{
    const int64_t n = fl_shape_count(node->shape);
    const real **in = FL_NEW(f->a, const real *, node->n_in);
    real *zero = FL_NEW(f->a, real, fl_shape_count(node->in_shape[k])), *with = FL_NEW(f->a, real, n), *without = FL_NEW(f->a, real, n);
    if (!in || !zero || !with || !without) return false;
    memcpy((void *)in, node->operand, (size_t)node->n_in * sizeof *in);
    if (node->op->flags & FL_WEIGHTED && node->n_in == 3) in[2] = NULL;
    in[k] = v;
    node->op->forward(node, in, with);
    in[k] = zero;
    if (!(node->op->flags & FL_WEIGHTED)) node->op->forward(node, in, without);
    else memset(without, 0, (size_t)n * sizeof *without);
    for (int64_t i = 0; i < n; i++) vy[i] += with[i] - without[i];
    return true;
}

static bool push_curved(const follower *f, const fl_node *node, const real *v, real *vy)
{
    const int64_t n = fl_shape_count(node->shape), m = fl_shape_count(node->in_shape[0]);
    const real h = FL_REAL_EPSILON > 1e-10 ? R(0.01) : R(1e-5), *x = node->operand[0];
    const real **in = FL_NEW(f->a, const real *, node->n_in);
    real *moved = FL_NEW(f->a, real, m), *more = FL_NEW(f->a, real, n), *less = FL_NEW(f->a, real, n);
    if (!in || !moved || !more || !less) return false;
    memcpy((void *)in, node->operand, (size_t)node->n_in * sizeof *in);
    in[0] = moved;
    for (int64_t i = 0; i < m; i++) moved[i] = x[i] + h * v[i];
    node->op->forward(node, in, more);
    for (int64_t i = 0; i < m; i++) moved[i] = x[i] - h * v[i];
    node->op->forward(node, in, less);
    for (int64_t i = 0; i < n; i++) vy[i] += (more[i] - less[i]) / (2 * h);
    return true;
}

static bool push(const follower *f, fl_id i, real *vy)
{
    const fl_node *node = &f->g->node[i];
    for (int k = 0; k < node->n_in; k++) {
        const fl_id x = node->in[k];
        if (!f->up[x].count) continue;
        const real *v = dense(f, x);
        if (!v) return false;
        if (node->op->flags & FL_MAP) {
            for (int64_t j = 0; j < fl_shape_count(node->shape); j++)
                vy[j] = v[j] != 0 ? v[j] * node->op->deriv(node, node->operand[0][j], node->value[j]) : 0;
        } else if (fl_opcheck_affine(node, k) || node->op->flags & FL_ROUTE) {
            if (!push_affine(f, node, k, v, vy)) return false;
        } else if (k == 0 && !push_curved(f, node, v, vy)) {
            return false;
        }
    }
    return true;
}

static bool go_up(follower *f, fl_id input, int64_t element)
{
    fl_graph *g = f->g;
    real *one = FL_NEW(f->a, real, count_of(g, input));
    if (!one) return false;
    one[element] = 1;
    if (!keep(f, input, one)) return false;
    for (fl_id i = input + 1; i <= g->root; i++) {
        if (!g->carries[i] || g->node[i].role != FL_COMPUTED || g->node[i].op->flags & FL_STOP) continue;
        fl_arena own;                                    /* dense arrays go, sparse ones stay */
        fl_arena_init_beside(&own, f->a);
        follower scratch = *f;
        scratch.a = &own;
        real *vy = FL_NEW(&own, real, count_of(g, i));
        const bool ok = vy && push(&scratch, i, vy) && keep(f, i, vy);
        fl_arena_free(&own);
        if (!ok) return false;
    }
    return true;
}

/* ---- what is met ---- */

static void look_at_node(follower *f, fl_id i)
{
    const fl_graph *g = f->g;
    const fl_shape s = g->node[i].shape;
    const tangent *t = &f->up[i];
    fl_met *m = &f->trail->met[i];
    m->on_tape = g->carries[i];
    m->reached = t->count;
    m->ledger = (fl_ledger){(double)NAN, (double)NAN, (double)NAN, (double)NAN};
    for (int a = 0; a < 3; a++) m->low[a] = 1, m->high[a] = 0;
    if (!m->on_tape) return;
    m->signal = fl_sum(g->node[i].signal, fl_shape_count(s));
    if (g->rules) m->ledger = fl_graph_ledger(g, i);
    for (int64_t k = 0; k < t->count; k++) {
        const int64_t p = t->at[k] / s.c;
        const int at[3] = {(int)(p / s.w / s.h % s.t), (int)(p / s.w % s.h), (int)(p % s.w)};
        m->through += (double)t->value[k] * (double)g->node[i].signal[t->at[k]];
        for (int a = 0; a < 3; a++) {
            m->low[a] = k && m->low[a] < at[a] ? m->low[a] : at[a];
            m->high[a] = k && m->high[a] > at[a] ? m->high[a] : at[a];
        }
    }
}

/* ---- down ---- */

static real tangent_at(const tangent *t, int64_t at)
{
    int64_t low = 0, high = t->count;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (t->at[middle] < at) low = middle + 1;
        else high = middle;
    }
    return low < t->count && t->at[low] == at ? t->value[low] : 0;
}

/* What element `at` of node i hands on to operand k: of the signal `amount`, by the rule; by the op itself where plain. False: memory. */
static bool hand_on(fl_graph *g, fl_id i, fl_arena *a, real *alone, int64_t at, double amount, int k, bool plain, real *gx)
{
    fl_node *node = &g->node[i];
    real *const was = node->signal;
    memset(alone, 0, (size_t)fl_shape_count(node->shape) * sizeof *alone);
    alone[at] = (real)amount;
    if (plain || !g->rules) {
        fl_node own;
        if (fl_spared(node, k) && !fl_node_for_vjp(node, k, a, &own)) return false;
        node->op->vjp(fl_spared(node, k) ? &own : node, k, node->operand, node->value, alone, gx);
        return true;
    }
    node->signal = alone;
    fl_rules_enter(g, i);
    fl_rules_down(g, i, k, gx);
    node->signal = was;
    return true;
}

static void insert(fl_step *s, fl_summand new, bool always)
{
    int at = s->tops;
    while (at > 0 && fabs(s->top[at - 1].x * s->top[at - 1].slope) < fabs(new.x * new.slope)) at--;
    if (at == FL_MOST_SUMMANDS && !always) return;
    if (at == FL_MOST_SUMMANDS) at--;
    if (s->tops < FL_MOST_SUMMANDS) s->tops++;
    memmove(s->top + at + 1, s->top + at, (size_t)(s->tops - 1 - at) * sizeof *s->top);
    s->top[at] = new;
}

/* The summands of an element: every x with a slope. */
static void add_summands(const fl_graph *g, fl_step *s, int k, const real *slope)
{
    const fl_node *node = &g->node[s->node];
    const real *x = node->operand[k];
    for (int64_t i = 0; i < fl_shape_count(node->in_shape[k]); i++) {
        if (slope[i] == 0) continue;
        s->others++;
        s->rest += (double)x[i] * (double)slope[i];
        insert(s, (fl_summand){k, i, (double)x[i], (double)slope[i]}, false);
    }
}

static void finish_summands(const fl_graph *g, fl_step *s, const fl_summand *own)
{
    bool there = !own;
    for (int t = 0; own && t < s->tops; t++) there |= s->top[t].operand == own->operand && s->top[t].at == own->at;
    if (!there) insert(s, *own, true);
    for (int t = 0; t < s->tops; t++) s->rest -= s->top[t].x * s->top[t].slope;
    s->others -= s->tops;
    if (s->others <= 0) s->others = 0, s->rest = 0;
    s->offset = s->value;
    for (int t = 0; t < s->tops; t++) s->offset -= s->top[t].x * s->top[t].slope;
    s->offset -= s->rest;
    if (!(g->node[s->node].op->flags & FL_LINEAR) || fabs(s->offset) <= 64 * FL_REAL_EPSILON * fabs(s->value)) s->offset = 0;
}

typedef struct choice { int operand; int64_t at; double strength, handed_on, slope; } choice;

/* Fills the step's summands and finds where the way goes on. False: memory. */
static bool look_down(const follower *f, fl_arena *a, fl_step *s, choice *best)
{
    fl_graph *g = f->g;
    const fl_node *node = &g->node[s->node];
    real *alone = FL_NEW(a, real, fl_shape_count(node->shape));
    if (!alone) return false;
    *best = (choice){.operand = -1};
    for (int k = 0; k < node->n_in; k++) {
        const fl_id x = node->in[k];
        const bool data = k == 0 || !(node->op->flags & FL_WEIGHTED || node->op->kind == FL_OP_batchnorm);
        if (!data) continue;
        const int64_t n = fl_shape_count(node->in_shape[k]);
        real *slope = FL_NEW(a, real, n), *part = FL_NEW(a, real, n);
        if (!slope || !part) return false;
        if (!hand_on(g, s->node, a, alone, s->at, 1, k, true, slope)) return false;
        add_summands(g, s, k, slope);
        if (!g->carries[x] || !f->up[x].count) continue;
        if (g->rules && !hand_on(g, s->node, a, alone, s->at, s->signal, k, false, part)) return false;
        for (int64_t j = 0; j < f->up[x].count; j++) {
            const int64_t at = f->up[x].at[j];
            const double handed = g->rules ? (double)part[at] : (double)slope[at] * s->signal;
            const double strength = fabs(g->rules ? handed : handed * (double)f->up[x].value[j]);
            if (strength > best->strength) *best = (choice){k, at, strength, handed, (double)slope[at]};
        }
    }
    return true;
}

static bool walk_down(follower *f, fl_id node, int64_t at)
{
    fl_graph *g = f->g;
    while (node != FL_NONE) {
        fl_step *s = &f->trail->step[f->trail->steps++];
        *s = (fl_step){.node = node, .at = at, .value = (double)g->node[node].value[at], .signal = (double)g->node[node].signal[at],
                       .tangent = (double)tangent_at(&f->up[node], at), .operand = -1};
        if (!g->node[node].n_in) return true;
        fl_arena own;
        choice best;
        fl_arena_init_beside(&own, f->a);
        const bool ok = look_down(f, &own, s, &best);
        if (ok && best.operand >= 0) {
            const fl_summand mine = {best.operand, best.at, (double)g->node[node].operand[best.operand][best.at], best.slope};
            s->operand = best.operand, s->slope = best.slope, s->handed_on = best.handed_on;
            finish_summands(g, s, &mine);
        } else if (ok) {
            finish_summands(g, s, NULL);
        }
        fl_arena_free(&own);
        if (!ok) return false;
        node = best.operand < 0 ? FL_NONE : g->node[node].in[best.operand];
        at = best.at;
    }
    return true;
}

/* Where the way begins: at the class through which most of the element's gradient passes. */
static int64_t strongest_end(const follower *f)
{
    const fl_node *root = &f->g->node[f->g->root];
    int64_t best = 0;
    double most = -1;
    for (int64_t i = 0; i < fl_shape_count(root->shape); i++)
        if (fabs((double)root->signal[i]) > most) most = fabs((double)root->signal[i]), best = i;
    return best;
}

fl_status fl_follow(fl_graph *g, fl_id input, int64_t element, fl_arena *a, fl_trail *trail)
{
    fl_assert(g->keeps_all && g->root != FL_NONE);
    follower f = {g, a, FL_NEW(a, tangent, g->count), trail};
    *trail = (fl_trail){.step = FL_NEW(a, fl_step, g->count), .met = FL_NEW(a, fl_met, g->count)};
    if (!f.up || !trail->step || !trail->met) return a->error->status;
    fl_hold *hold = fl_hold_new(g, a);
    if (!hold) return a->error->status;
    const bool up = go_up(&f, input, element);
    fl_hold_end(hold);
    if (!up) return a->error->status;
    for (fl_id i = 0; i < g->count; i++) look_at_node(&f, i);
    trail->through = trail->met[g->root].through;
    return walk_down(&f, g->root, strongest_end(&f)) ? FL_OK : a->error->status;
}
