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

fl_status fl_target_end(const fl_graph *g, const fl_network *net, fl_target *target, fl_end *end)
{
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
        for (int j = 0; j < classes; j++)
            if (start != FL_START_ONE) seed[j] *= y[j];
    }
    for (int j = 0; j < classes; j++) {
        if (start == FL_START_POSITIVE && score < 0) seed[j] = 0;
        sum += (double)seed[j];
    }
    return sum;
}
