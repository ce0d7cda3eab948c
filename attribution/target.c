/* target.c: scores and seeds of target.h. */
#include "attribution/target.h"

#include "tensor/math.h"

const char *const fl_score_name[] = {"default", "logit", "probability", "log_probability", "margin", NULL};

static bool is_range(const fl_target *t) { return t->class_index != FL_CLASS_AUTO && t->last > t->class_index; }

/* output = softmax(logits): then the chain rule below does the softmax, in double. */
static bool is_softmax_of_logits(const fl_graph *g, const fl_network *net)
{
    const fl_node *end = &g->node[net->output];
    return end->op == fl_op_table[FL_OP_softmax] && end->in[0] == net->logits;
}

/* ---- units of nodes ---- */

static const char *const axis_name[4] = {"channel", "frame", "row", "column"};

static fl_status unit_end(const fl_graph *g, const fl_network *net, fl_target *t, fl_end *end)
{
    const fl_id id = fl_graph_find(g, t->node);
    if (id == FL_NONE || g->node[id].role != FL_COMPUTED || g->node[id].shape.n != g->node[net->input].shape.n)
        return fl_error_set(g->error, FL_USAGE, "target node: there is no activation '%s' (explain --list-layers names them)", t->node);
    if (t->score != FL_SCORE_DEFAULT && t->score != FL_SCORE_LOGIT)
        return fl_error_set(g->error, FL_USAGE, "target node: a unit's value is explained as it is; score %s is for classes",
                            fl_score_name[t->score]);
    t->score = FL_SCORE_LOGIT;
    *end = (fl_end){.node = id, .unit = true, .shape = g->node[id].shape};
    end->shape.n = 1;
    end->count = (int)fl_shape_count(end->shape);
    const int size[4] = {end->shape.c, end->shape.t, end->shape.h, end->shape.w};
    for (int i = 0; i < 4; i++)
        if (t->unit[i] >= size[i] || t->unit[i] < (i ? -1 : 0))
            return fl_error_set(g->error, FL_USAGE, "target node: '%s' has %s 0 to %d, got %d", t->node, axis_name[i], size[i] - 1,
                                t->unit[i]);
    return FL_OK;
}

/* Weight of value i of the node in the score: 1 over the number of places of the unit, or 0. */
static double unit_weight(const fl_target *t, fl_end end, int i)
{
    const fl_shape s = end.shape;
    const int at[4] = {i % s.c, i / s.c / s.w / s.h, i / s.c / s.w % s.h, i / s.c % s.w}, size[4] = {s.c, s.t, s.h, s.w};
    double weight = 1;
    for (int k = 0; k < 4; k++) {
        if (t->unit[k] < 0) weight /= size[k];
        else if (t->unit[k] != at[k]) return 0;
    }
    return weight;
}

static double unit_score(const fl_target *t, fl_end end, const real *y)
{
    double sum = 0;
    for (int i = t->unit[0]; i < end.count; i += end.shape.c) sum += unit_weight(t, end, i) * (double)y[i];
    return sum;
}

/* ---- the network's end ---- */

fl_status fl_target_end(const fl_graph *g, const fl_network *net, fl_target *target, fl_end *end)
{
    if (target->node) return unit_end(g, net, target, end);
    *end = (fl_end){.node = FL_NONE};
    const bool has_logits = net->logits != FL_NONE;
    if (target->score == FL_SCORE_DEFAULT) target->score = has_logits ? FL_SCORE_LOGIT : FL_SCORE_PROBABILITY;
    const bool wants_logits = target->score == FL_SCORE_LOGIT || target->score == FL_SCORE_MARGIN;
    if (wants_logits && !has_logits)
        return fl_error_set(g->error, FL_USAGE, "score %s: this network returns probabilities and has no logits; "
                            "explain probability or log_probability", fl_score_name[target->score]);
    const bool own_probabilities =
        net->output != FL_NONE && net->output != net->logits && !is_softmax_of_logits(g, net);
    end->probabilities = !wants_logits && (!has_logits || own_probabilities);
    end->node = end->probabilities ? net->output : net->logits;
    end->count = g->node[end->node].shape.c;
    if (!is_range(target) || target->score == FL_SCORE_LOGIT || (target->score == FL_SCORE_PROBABILITY && end->probabilities)) return FL_OK;
    return fl_error_set(g->error, FL_USAGE, "score %s: a range of classes is the mean of what the network returns; explain logit, or "
                        "probability where it returns probabilities", fl_score_name[target->score]);
}

int fl_strongest(int classes, const real *y, int except)
{
    int best = FL_CLASS_AUTO;
    for (int c = 0; c < classes; c++)
        if (c != except && (best == FL_CLASS_AUTO || y[c] > y[best])) best = c;
    return best;
}

static fl_status check_class(int c, int classes, const char *what, fl_error *err)
{
    if (c >= 0 && c < classes) return FL_OK;
    return fl_error_set(err, FL_USAGE, "%s: the network has classes 0 to %d, got %d", what, classes - 1, c);
}

fl_status fl_target_resolve(fl_target *target, int classes, const real *y, fl_error *err)
{
    if (target->class_index == FL_CLASS_AUTO) target->class_index = fl_strongest(classes, y, FL_CLASS_AUTO);
    if (check_class(target->class_index, classes, "class to explain", err)) return err->status;
    if (is_range(target) && check_class(target->last, classes, "last class to explain", err)) return err->status;
    if (target->score != FL_SCORE_MARGIN) return FL_OK;
    if (classes < 2)
        return fl_error_set(err, FL_USAGE, "score margin: the network has one class, and a margin needs two");
    if (target->other == FL_CLASS_AUTO) target->other = fl_strongest(classes, y, target->class_index);
    if (check_class(target->other, classes, "the margin's other class", err)) return err->status;
    if (target->other == target->class_index)
        return fl_error_set(err, FL_USAGE, "score margin: class %d against itself is always 0; choose another class",
                            target->other);
    return FL_OK;
}

double fl_log_softmax(int classes, const real *z, int c)
{
    const double top = (double)z[fl_strongest(classes, z, FL_CLASS_AUTO)];
    double sum = 0;
    for (int j = 0; j < classes; j++) sum += fl_exp64((double)z[j] - top);
    return (double)z[c] - top - fl_log64(sum);
}

double fl_target_score(const fl_target *target, fl_end end, int classes, const real *y)
{
    if (end.unit) return unit_score(target, end, y);
    const int c = target->class_index;
    const double yc = (double)y[c];
    if (is_range(target)) {
        double sum = 0;
        for (int j = c; j <= target->last; j++) sum += (double)y[j];
        return sum / (target->last - c + 1);
    }
    switch (target->score) {
    case FL_SCORE_MARGIN:          return yc - (double)y[target->other];
    case FL_SCORE_PROBABILITY:     return end.probabilities ? yc : fl_exp64(fl_log_softmax(classes, y, c));
    case FL_SCORE_LOG_PROBABILITY: return end.probabilities ? fl_log64(yc) : fl_log_softmax(classes, y, c);
    default:                       return yc;
    }
}

static void one_hot(const fl_target *target, fl_end end, int classes, const real *y, real *seed)
{
    for (int i = 0; end.unit && i < end.count; i++) seed[i] = (real)unit_weight(target, end, i);
    if (end.unit) return;
    for (int j = 0; j < classes; j++) seed[j] = 0;
    seed[target->class_index] = 1;
    for (int j = target->class_index; is_range(target) && j <= target->last; j++)
        seed[j] = (real)(1.0 / (target->last - target->class_index + 1));
    if (target->score == FL_SCORE_MARGIN) seed[target->other] = -1;
    if (end.probabilities && target->score == FL_SCORE_LOG_PROBABILITY)
        seed[target->class_index] = (real)(1.0 / (double)y[target->class_index]);
}

void fl_target_seed(const fl_target *target, fl_end end, int classes, const real *y, real *seed)
{
    const bool through_softmax = target->score == FL_SCORE_PROBABILITY || target->score == FL_SCORE_LOG_PROBABILITY;
    if (end.probabilities || !through_softmax) {
        one_hot(target, end, classes, y, seed);
        return;
    }
    const int c = target->class_index;
    const double log_pc = fl_log_softmax(classes, y, c), pc = fl_exp64(log_pc);
    const double factor = target->score == FL_SCORE_PROBABILITY ? pc : 1.0;
    double others = 0;                                   /* 1 - p_c without cancellation, where p_c is nearly 1 */
    for (int j = 0; j < classes; j++) {
        const double p = fl_exp64(log_pc + (double)y[j] - (double)y[c]);
        if (j == c) continue;
        others += p;
        seed[j] = (real)(-factor * p);
    }
    seed[c] = (real)(factor * others);
}

/* Differences below this are rounding, as in the rules that compare. */
static bool nearly_zero(double d, double x) { return fabs(d) <= 1e-7 * fmax(1, fabs(x)); }

void fl_target_multipliers(const fl_target *target, fl_end end, int classes, const real *y, const real *y0, real *seed)
{
    const bool through_softmax = target->score == FL_SCORE_PROBABILITY || target->score == FL_SCORE_LOG_PROBABILITY;
    const int c = target->class_index;
    fl_target_seed(target, end, classes, y, seed);
    if (end.unit || !through_softmax) return;
    double mean = 0;
    for (int j = 0; j < classes && !end.probabilities; j++) mean += ((double)y[j] - (double)y0[j]) / classes;
    const double d = (double)y[c] - (double)y0[c] - mean;
    if (nearly_zero(d, (double)y[c])) return;
    const double m = (fl_target_score(target, end, classes, y) - fl_target_score(target, end, classes, y0)) / d;
    for (int j = 0; j < classes; j++) seed[j] = (real)(end.probabilities ? m * (j == c) : m * ((j == c) - 1.0 / classes));
}

double fl_target_start(const fl_target *target, fl_start start, fl_end end, int classes, const real *y, real *seed)
{
    const bool through_softmax = target->score == FL_SCORE_PROBABILITY || target->score == FL_SCORE_LOG_PROBABILITY;
    const double score = fl_target_score(target, end, classes, y);
    const int c = target->class_index;
    double sum = 0;
    if (through_softmax) {
        for (int j = 0; j < classes; j++) seed[j] = 0;
        seed[c] = start == FL_START_ONE ? 1 : (real)score;
    } else {
        one_hot(target, end, classes, y, seed);
        for (int j = 0; j < end.count; j++)
            if (start != FL_START_ONE) seed[j] *= y[j];
    }
    for (int j = 0; j < end.count; j++) {
        if (start == FL_START_POSITIVE && score < 0) seed[j] = 0;
        sum += (double)seed[j];
    }
    return sum;
}
