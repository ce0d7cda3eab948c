/* test_rules.c: every rule of every rule set against a dense matrix built from basis vectors, on every example of every op;
 * where rules must refuse; ledgers; and that no rules at all leaves the gradient as it is. */
#include "attribution/rulesets.h"
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "tensor/par.h"
#include "tests/op_cases.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

/* Of the sum of all |products|, each as much larger as its z is smaller than the sum of |what z is made of|. */
#define RULE_BOUND (8 * FL_REAL_EPSILON)

/* The op as a matrix: y = M x + b, x all data operands behind one another. */
typedef struct dense { int64_t rows, cols; double *m, *b, *x, *r; } dense;

static int data_operands(const fl_node *node) { return node->op->flags & FL_POSITIVE ? node->n_in : 1; }

static void run_at(op_case *c, const real *x, real *y)
{
    const real *in[8];
    int64_t at = 0;
    memcpy(in, c->in, (size_t)c->node->n_in * sizeof *in);
    for (int k = 0; k < data_operands(c->node); at += op_case_count(c, k++)) in[k] = x + at;
    c->op->forward(c->node, in, y);
}

static dense make_dense(op_case *c)
{
    dense d = {.rows = op_case_count(c, -1)};
    for (int k = 0; k < data_operands(c->node); k++) d.cols += op_case_count(c, k);
    d.m = calloc((size_t)(d.rows * d.cols) + 1, sizeof *d.m);
    d.b = calloc((size_t)d.rows + 1, sizeof *d.b);
    d.x = calloc((size_t)d.cols + 1, sizeof *d.x);
    d.r = calloc((size_t)d.rows + 1, sizeof *d.r);
    real *e = calloc((size_t)d.cols + 1, sizeof *e), *y = calloc((size_t)d.rows + 1, sizeof *y);
    if (!d.m || !d.b || !d.x || !d.r || !e || !y) exit(1);
    run_at(c, e, y);
    for (int64_t j = 0; j < d.rows; j++) d.b[j] = (double)y[j];
    for (int64_t i = 0; i < d.cols; i++) {
        e[i] = 1;
        run_at(c, e, y);
        e[i] = 0;
        /* The bias is in y as well; without it the factors are exact. */
        for (int64_t j = 0; j < d.rows; j++) d.m[j * d.cols + i] = (double)y[j] - d.b[j];
    }
    if (c->op->flags & FL_WEIGHTED && c->node->n_in == 3) {
        const real *in[3] = {e, c->in[1], NULL};
        for (int64_t i = 0; i < d.cols; i++) {
            e[i] = 1;
            c->op->forward(c->node, in, y);
            e[i] = 0;
            for (int64_t j = 0; j < d.rows; j++) d.m[j * d.cols + i] = (double)y[j];
        }
    }
    int64_t at = 0;
    for (int k = 0; k < data_operands(c->node); k++)
        for (int64_t i = 0; i < op_case_count(c, k); i++) d.x[at++] = (double)c->in[k][i];
    free(e);
    free(y);
    return d;
}

static void free_dense(dense *d) { free(d->m), free(d->b), free(d->x), free(d->r); }

/* The parts by their definition; present: whether there is a factor at all. */
static double part(fl_part p, double v, double gamma, bool present, double low, double high)
{
    switch (p) {
    case FL_ALL_OF:        return v;
    case FL_POSITIVE_OF:   return fmax(v, 0);
    case FL_NEGATIVE_OF:   return fmin(v, 0);
    case FL_SIZE_OF:       return fabs(v);
    case FL_SQUARE_OF:     return v * v;
    case FL_ONES:          return present;
    case FL_LEAN_POSITIVE: return v + gamma * fmax(v, 0);
    case FL_LEAN_NEGATIVE: return v + gamma * fmin(v, 0);
    case FL_LOWEST:        return low;
    case FL_HIGHEST:       return high;
    default:               return 0;
    }
}

static double weight(const fl_rule *rule, const fl_term *t, const dense *d, int64_t j, int64_t i)
{
    const double m = d->m[j * d->cols + i];
    return part(t->w, m, rule->gamma, m != 0, 0, 0);
}

static double x_of(const fl_term *t, const dense *d, int64_t i, const fl_node *node, const real *low, const real *high)
{
    const int64_t c = i % node->in_shape[0].c;
    return part(t->x, d->x[i], 0, true, (double)low[c], (double)high[c]);
}

/* R_in by the definition of rule.h; size: what its rounding is a part of. */
static void define(const fl_rule *rule, const dense *d, const fl_node *node, const real *low, const real *high, double *in,
                   double *size)
{
    for (int64_t i = 0; i < d->cols; i++) in[i] = size[i] = 0;
    for (int64_t j = 0; j < d->rows; j++) {
        double z[FL_MAX_GROUPS] = {0, 0}, all[FL_MAX_GROUPS] = {0, 0}, s[FL_MAX_GROUPS], worse[FL_MAX_GROUPS];
        double y = d->b[j], without_bias = 0, number = 0;
        const bool by_factor = !(node->op->flags & FL_WEIGHTED);      /* spread: where there is no weight to be replaced by 1 */
        for (int64_t i = 0; i < d->cols; i++) {
            y += d->m[j * d->cols + i] * d->x[i];
            number += by_factor ? d->m[j * d->cols + i] : d->m[j * d->cols + i] != 0;
        }
        fl_when when[FL_MAX_GROUPS] = {FL_ALWAYS, FL_ALWAYS};
        for (int t = 0; t < rule->n_terms; t++) {
            const fl_term *term = &rule->term[t];
            double sum = 0;
            for (int64_t i = 0; i < d->cols; i++) {
                const double product = x_of(term, d, i, node, low, high) * weight(rule, term, d, j, i);
                sum += product;
                all[term->group] += fabs(product);
            }
            without_bias += sum;
            all[term->group] += fabs(part(term->b, d->b[j], rule->gamma, true, 0, 0));
            z[term->group] += term->sign * (sum + part(term->b, d->b[j], rule->gamma, true, 0, 0));
            when[term->group] = term->when;
        }
        for (int q = 0; q < FL_MAX_GROUPS; q++) {
            const double denominator = z[q] + (z[q] < 0 ? -rule->epsilon : rule->epsilon);
            const bool open = when[q] == FL_ALWAYS || (when[q] == FL_Y_POSITIVE ? y > 0 : y < 0);
            s[q] = open && denominator != 0 ? d->r[j] / denominator : 0;
            worse[q] = denominator != 0 ? 1 + all[q] / fabs(denominator) : 1;
        }
        for (int t = 0; t < rule->n_terms; t++) {
            const fl_term *term = &rule->term[t];
            for (int64_t i = 0; i < d->cols; i++) {
                const double share = term->coefficient * x_of(term, d, i, node, low, high) * weight(rule, term, d, j, i) * s[term->group];
                in[i] += share;
                size[i] += fabs(share) * worse[term->group];
            }
        }
        for (int64_t i = 0; rule->spread && i < d->cols; i++) {
            const double factor = d->m[j * d->cols + i];
            if (factor == 0) continue;
            in[i] += (by_factor ? factor : 1) * (d->r[j] - s[0] * without_bias) / number;
            size[i] += fabs(d->r[j]) + fabs(s[0]) * all[0] * worse[0];
        }
    }
}

enum { MOST_CHANNELS = 64 };
static real low[MOST_CHANNELS], high[MOST_CHANNELS];

/* Plans the example with one rule for all nodes. */
static fl_status plan_rule(op_case *c, const fl_rule *rule, const fl_rule_row row[2], fl_ruleset *set)
{
    const fl_rule_row rows[2] = {{.rule = rule}, {.rule = NULL}};
    memcpy((void *)row, rows, sizeof rows);
    *set = (fl_ruleset){.name = "test", .match = row};
    fl_error_clear(&c->error);
    return fl_graph_plan(c->g, &(fl_plan){.keep = FL_KEEP_ALL, .out = &c->y, .n_out = 1, .root = c->y, .wrt = c->node->in,
                                          .n_wrt = data_operands(c->node), .rules = set, .low = low, .high = high,
                                          .bounds = c->node->in_shape[0].c});
}

/* Sizes at which a whole conv example is compared in a blink; larger ones give the same code more of the same. */
static int compared, refused;

static void compare_rule(op_case *c, const fl_rule *checked_rule, const dense *d)
{
    static fl_rule_row row[2];
    static fl_ruleset set;
    if (plan_rule(c, checked_rule, row, &set) != FL_OK) {
        CHECK_SAY(c->error.status == FL_USAGE && strstr(c->error.message, checked_rule->name), "%s", c->error.message);
        refused++;
        return;
    }
    fl_graph_forward(c->g);
    real *seed = op_case_array(c, d->rows);
    fl_rng_fill_normal(31, 1, 0, seed, d->rows);
    for (int64_t j = 0; j < d->rows; j++) d->r[j] = (double)seed[j];
    fl_graph_backward(c->g, seed);
    double *want = calloc((size_t)d->cols + 1, sizeof *want), *size = calloc((size_t)d->cols + 1, sizeof *size);
    double worst = 0, sum = 0, all = 1;
    if (!want || !size) exit(1);
    define(checked_rule, d, c->node, low, high, want, size);
    for (int64_t i = 0; i < d->cols; i++) all += size[i];
    int64_t at = 0;
    for (int k = 0; k < data_operands(c->node); k++) {
        const real *got = fl_graph_signal(c->g, c->node->in[k]);
        for (int64_t i = 0; i < op_case_count(c, k); i++, at++) {
            const double off = fabs((double)got[i] - want[at]) / (1 + size[at]);
            worst = off <= worst ? worst : off;
            sum += want[at];
        }
    }
    CHECK_SAY(worst <= RULE_BOUND, "rule %s on %s: off by %g of what it is made of", checked_rule->name, c->label, worst);
    const fl_ledger book = fl_graph_ledger(c->g, c->y);
    CHECK_NEAR(book.arrived, fl_sum(seed, d->rows), 1e-6 * fl_norm(seed, d->rows));
    CHECK_SAY(fabs(book.handed_on - sum) <= RULE_BOUND * all, "rule %s on %s: the ledger says %g, the matrix %g",
              checked_rule->name, c->label, book.handed_on, sum);
    free(size);
    free(want);
    compared++;
}

static const fl_rule *shares[64];                        /* of all rule sets, each once */
static int n_shares;

static void compare_rules(op_case *c)
{
    if (!(c->op->flags & FL_LINEAR)) {
        static fl_rule_row row[2];
        static fl_ruleset set;
        if (!(c->op->flags & FL_STOP)) CHECK(plan_rule(c, shares[0], row, &set) == FL_USAGE);
        return;
    }
    dense d = make_dense(c);
    for (int i = 0; i < n_shares; i++) compare_rule(c, shares[i], &d);
    free_dense(&d);
}

static void collect_shares(void)
{
    n_shares = 0;
    for (int s = 0; fl_ruleset_table[s]; s++) {
        const fl_rule *rule[16];
        const int rules = fl_ruleset_rules(fl_ruleset_table[s], rule, 16);
        for (int i = 0; i < rules; i++) {
            bool known = rule[i]->kind != FL_RULE_SHARE;
            for (int k = 0; k < n_shares; k++) known |= shares[k] == rule[i];
            if (!known) shares[n_shares++] = rule[i];
        }
    }
}

TEST(rules_share_like_dense_matrices)
{
    for (int c = 0; c < MOST_CHANNELS; c++) low[c] = (real)(-5 - 0.1 * c), high[c] = (real)(5 + 0.2 * c);
    collect_shares();
    compared = refused = 0;
    op_cases_each(1, compare_rules);
    CHECK(n_shares >= 18 && compared > 18 * 15 && refused > 18 * 5);
}
