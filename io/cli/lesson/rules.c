/* rules.c: lesson: relevance: the score shared out from layer to layer by a rule, and the ledger of who kept what.
 *
 *   R_i = sum over j of  x_i w_ij / (z_j + epsilon sign(z_j)) R_j          arrived - handed on = kept          sum of R + all kept = s */
#include "io/cli/lesson/lecture.h"

#include "attribution/trace.h"

#include <math.h>

/* The last layer, whose only output with relevance is the class: its shares are one line each. */
static void share_by_hand(fl_lecture *l, const fl_traced *t)
{
    const fl_graph *g = t->g;
    const fl_node *top = &g->node[g->root];
    if (top->op->kind != FL_OP_linear) {
        fl_lecture_say(l, "This network does not end in a linear layer; the shares of its last layer are left out.");
        return;
    }
    const int n = top->in_shape[0].c;
    const real *x = top->operand[0], *w = top->operand[1] + (int64_t)l->best * n, *got = g->node[top->in[0]].signal;
    const fl_rule *rule = fl_graph_rule(g, g->root);
    const double z = (double)top->value[l->best], bias = top->n_in == 3 ? (double)top->operand[2][l->best] : 0;
    const double quotient = z / (z + (rule ? rule->epsilon : 0) * (z < 0 ? -1 : 1));
    double worst = 0, most = 0, sum = 0, sizes = fabs(bias), floor = (double)INFINITY;
    fl_lecture_say(l, "The last layer, '%s', by hand. Its score z = %.6g is a sum of %d products and a bias (%.4g). "
                   "Each unit gets its product, as a part of z, of the relevance that arrived, which is z as well. "
                   "The largest shares:", top->name, z, n, bias);
    fl_lecture_show(l, "%6s %12s %12s %14s %18s", "unit", "x", "w", "x w / z R", "by the library");
    for (int shown = 0; shown < 4; shown++) {
        int best = -1;
        for (int i = 0; i < n; i++)
            if ((double)(x[i] * w[i]) < floor && (best < 0 || x[i] * w[i] > x[best] * w[best])) best = i;
        if (best < 0) break;
        floor = (double)(x[best] * w[best]);
        fl_lecture_show(l, "%6d %12.6f %12.6f %14.7f %18.7f", best, (double)x[best], (double)w[best], floor * quotient, (double)got[best]);
    }
    for (int i = 0; i < n; i++) {
        const double share = (double)x[i] * (double)w[i] * quotient;
        sum += share;
        sizes += fabs((double)x[i] * (double)w[i]);
        most = fmax(most, fabs(share));
        worst = fmax(worst, fabs(share - (double)got[i]));
    }
    fl_lecture_show(l, "%6s %46.7f; the bias keeps %.7f", "all", sum, bias * quotient);
    fl_lecture_same(l, "the products and the bias by hand = z", sum / quotient + bias, z, fl_lecture_rounding(n + 4, sizes),
                    "rounding of products of either sign");
    fl_lecture_small(l, "every share by hand = the library's: largest difference", worst, 8 * FL_REAL_EPSILON * most,
                    "a product, a quotient and a product, each rounded, of the largest share");
}

static void show_ledger(fl_lecture *l, const fl_traced *t)
{
    const fl_graph *g = t->g;
    double kept = 0, sizes = 0;
    fl_lecture_say(l, "The same at every node, down to the clip. Norms have been folded into the convolutions in front of them. What a "
                   "node keeps is the part of its bias and of the stabiliser:");
    fl_lecture_show(l, "%-16s %-10s %14s %14s %14s", "node", "op", "arrived", "handed on", "kept");
    for (fl_id i = g->root; i >= 0; i--) {
        const fl_ledger *e = &t->trail.met[i].ledger;
        if (!t->trail.met[i].on_tape || g->node[i].role != FL_COMPUTED) continue;
        kept += e->arrived - e->handed_on;
        sizes += fabs(e->arrived) + fabs(e->handed_on);
        fl_lecture_show(l, "%-16s %-10s %14.7f %14.7f %14.7f", g->node[i].name, g->node[i].op->name, e->arrived, e->handed_on,
                        e->arrived - e->handed_on);
    }
    fl_lecture_show(l, "%-16s %-10s %14.7f", "the clip", "", t->map.sum);
    const double rounding = (fl_lecture_fine() ? 1e-10 : 1e-5) * sizes;
    fl_lecture_same(l, "the ledger closes: the clip's relevance + all that was kept = the score", t->map.sum + kept, t->map.score, rounding,
                    "rounding of what arrived and was handed on, over all nodes");
}

/* Without a stabiliser every ReLU and every weight shares as the gradient would: the slopes cancel against the quotients. */
static void compare(fl_lecture *l)
{
    const int64_t n = fl_lecture_voxels(l);
    fl_map zero, product;
    if (fl_lecture_map(l, "lrp_zero", l->s.input.values, NULL, &zero) != FL_OK ||
        fl_lecture_map(l, "gradient_x_input", l->s.input.values, NULL, &product) != FL_OK) return;
    const double length = fl_norm(product.data, n), apart = length * fl_relative_error(zero.data, product.data, n);
    fl_lecture_say(l, "A surprise to end with. With epsilon = 0 the rule is an old friend: every quotient z_j cancels against the value "
                   "above it, and what is left is gradient x input, found by quite another walk. So the clip's relevance is what lesson "
                   "gradient had for the input's part, %.7g, and what was kept is the biases' part.", fl_sum(product.data, n));
    fl_lecture_small(l, "LRP-0 = gradient x input: length of their difference", apart, (fl_lecture_fine() ? 1e-7 : 5e-3) * length,
                    "small z_j are divided by: they cost digits, though not the identity");
}

static fl_status give(fl_lecture *l)
{
    static const int strongest[4] = {-1, -1, -1, -1};
    const fl_explain_options o = {.target = {.class_index = l->best, .other = FL_CLASS_AUTO}};
    fl_traced t;
    if (fl_trace(l->s.explainer, fl_method_find("lrp_epsilon"), l->s.input.values, &o, strongest, l->cli->arena, &t) != FL_OK)
        return l->cli->error->status;
    share_by_hand(l, &t);
    show_ledger(l, &t);
    if (fl_lecture_walk(l, &l->s.net.input, 1) == FL_OK && fl_lecture_is_straight(l)) compare(l);
    return l->cli->error->status;
}

const fl_lesson fl_lesson_rules = {
    "rules", "relevance: the score is shared out, and a ledger says who kept what",
    "Instead of a slope, hand the score itself down. Every unit shares what arrived among its inputs, in proportion to what each of them "
    "gave it. Nothing may appear from nowhere: what is not handed on was kept, by a bias or a stabiliser, and is written down.",
    "R_i = sum over j of  x_i w_ij / (z_j + epsilon sign z_j) * R_j\n"
    "z_j = sum over i of x_i w_ij + b_j\n"
    "arrived - handed on = kept",
    "autograd/rule.h for rules as data, attribution/rulesets.c for all of them, autograd/rules_walk.c for the one executor",
    "rules lrp_epsilon_plus",
    "Change epsilon (footlight explain --method lrp_epsilon --epsilon 1). Who keeps more then, and what happens to the noise in the map?",
    give};
