/* search_line.c: integrated descent (I-GOS, Qi et al. 2019; iGOS++, Khorram et al. 2021).
 *
 *   g = d/dm of (1/n) sum over k = 1 .. n of loss(network(x under (k/n) m, with noise)) + terms(m)
 *
 * A scaled mask k/n m lies between everything deleted and m: its gradients know where evidence is even when m itself deletes
 * nothing. The factor k/n stays in the gradient, as in the authors' code. iGOS++ has two masks, one that deletes and one that
 * inserts (there, a small value shows the clip), and their product does both:
 *
 *   f(x under a m1) - f(clip and baseline exchanged, under a m2) + the same two of the product,    halved
 *
 * Armijo: the step h is rate, rate/5, rate/25, .. until E(clamp(m - h g)) <= E(m) - 1e-4 h |g|^2, or h < 1e-5. E is the loss of the mask
 * itself (I-GOS), or of the way there, with the noise of the gradient (iGOS++).
 *
 * As in the code, I-GOS divides the weight of the size by 10 halfway where the score has not moved by 0.001, by 5 after four fifths
 * where it has not moved by 0.01. */
#include "attribution/search.h"

#include "tensor/math.h"
#include "tensor/par.h"

#include <string.h>

enum { KINDS = 4, WIDTH = 4 };
#define DECREASE 1e-4
#define SHORTEST 1e-5

static int kinds(const fl_search *s) { return s->q.paths == FL_PATHS_BOTH ? KINDS : 1; }
static int clips(const fl_search *s) { return s->o->steps * kinds(s); }          /* of a gradient */
int fl_search_width(const fl_search *s) { return clips(s) < WIDTH ? clips(s) : WIDTH; }

int fl_search_most(const fl_search *s)
{
    int lengths = 0;
    double length = s->o->rate;
    while (length >= SHORTEST) length *= 0.2, lengths++;
    return clips(s) + (s->q.paths == FL_PATHS_BOTH ? lengths * clips(s) : lengths + 2);
}

/* Kinds: first and third delete, by the first mask and by the product; second and fourth insert. */
static const struct { int mask, sign; } kind_of[KINDS] = {{0, 1}, {1, -1}, {2, 1}, {2, -1}};

static void set_row(fl_search *s, int row, int kind, double share)
{
    fl_masks *m = &s->m;
    const int sign = kind_of[kind].sign;
    for (int k = 0; k < 3; k++)
        if (m->coefficient[k] != FL_NONE) fl_graph_value(m->g, m->coefficient[k])[row] = (real)(k == kind_of[kind].mask ? sign * share : 0);
    fl_graph_value(m->g, m->offset)[row] = sign < 0;
}

/* Loss along the way; with_gradient: its gradient and that of the terms into s->sum. */
static fl_status integrate(fl_search *s, bool with_gradient, double *energy)
{
    fl_masks *m = &s->m;
    const int total = clips(s), n = s->o->steps;
    const size_t seeds = (size_t)(m->rows * m->classes + m->terms * m->sets) * sizeof *m->seed;
    *energy = 0;
    if (with_gradient) memset(s->sum, 0, (size_t)s->count * sizeof *s->sum);
    for (int first = 0; first < total; first += m->rows) {
        const int rows = total - first < m->rows ? total - first : m->rows;
        for (int row = 0; row < m->rows; row++) {
            const int i = row < rows ? first + row : first;          /* rows beyond the last are not asked */
            set_row(s, row, i % kinds(s), (double)(i / kinds(s) + 1) / n);      /* NOLINT(bugprone-integer-division): step by step */
            fl_search_noise(s, row, (uint64_t)s->t * (uint64_t)total + (uint64_t)i);
        }
        if (fl_search_pass(s, rows)) return s->r->g->error->status;
        if (s->r->told_to_stop) return FL_OK;
        memset(m->seed, 0, seeds);
        if (first == 0) *energy += fl_search_terms(s);
        for (int row = 0; row < rows; row++)
            *energy += fl_search_loss(s, row, kind_of[(first + row) % kinds(s)].sign, s->q.reward / n);
        if (!with_gradient) continue;
        fl_graph_backward(m->g, m->seed);
        fl_accumulate(s->count, 1, fl_graph_signal(m->g, m->cells), s->sum);
    }
    return FL_OK;
}

/* The mask itself, without noise; loss: the score's part. */
static fl_status at_mask(fl_search *s, double *energy, double *loss)
{
    fl_masks *m = &s->m;
    for (int row = 0; row < m->rows; row++) set_row(s, row, 0, 1);
    if (m->noise != FL_NONE) memset(fl_graph_value(m->g, m->noise), 0, (size_t)(m->rows * s->r->voxels) * sizeof(real));
    if (fl_search_pass(s, 1)) return s->r->g->error->status;
    *loss = fl_search_loss(s, 0, 1, s->q.reward);
    *energy = *loss + fl_search_terms(s);
    return FL_OK;
}

static fl_status judge(fl_search *s, double *energy)
{
    double loss;
    return s->q.paths == FL_PATHS_BOTH ? integrate(s, false, energy) : at_mask(s, energy, &loss);
}

/* Where the score does not move, the size counts less. */
static void relax(fl_search *s, double loss)
{
    const int n = s->o->iterations;
    if (s->t == 0) s->first_loss = loss;
    const double moved = fabs(s->first_loss - loss);
    if (s->t == n / 2 && s->t > 0 && moved <= 0.001) s->weight[0] /= 10;
    if (s->t == (int)(n / 1.25) && s->t > 0 && moved <= 0.01) s->weight[0] /= 5;
}

static void move(fl_search *s, double length)
{
    real *p = fl_graph_value(s->m.g, s->m.cells);
    FL_EACH(i, s->count) p[i] = (real)((double)s->parameters[i] - length * s->sum[i]);
    fl_search_clamp(s);
}

fl_status fl_search_along(fl_search *s, bool *more)
{
    double here = 0, there = 0, loss = 0, square = 0;
    const double size_weight = s->weight[0];
    const int done = s->r->done;
    fl_graph_value(s->m.g, s->m.draw)[0] = (real)s->t;
    if (s->q.paths == FL_PATHS_DELETE) {
        if (at_mask(s, &here, &loss)) return s->r->g->error->status;
        relax(s, loss);
        if (integrate(s, true, &there) || judge(s, &here)) return s->r->g->error->status;
    } else if (integrate(s, true, &here)) {
        return s->r->g->error->status;
    }
    for (int64_t i = 0; i < s->count; i++) square += s->sum[i] * s->sum[i];
    *more = square > 0;
    for (double length = s->o->rate; *more && length >= SHORTEST && !s->r->told_to_stop; length *= 0.2) {
        move(s, length);
        if (judge(s, &there)) return s->r->g->error->status;
        if (there <= here - DECREASE * length * square) break;
    }
    if (!s->r->told_to_stop) {
        s->t++;
        return FL_OK;
    }
    *more = true;                                        /* an iteration is done, or not begun */
    s->weight[0] = size_weight;
    s->r->done = done;
    memcpy(fl_graph_value(s->m.g, s->m.cells), s->parameters, (size_t)s->count * sizeof(real));
    return FL_OK;
}
