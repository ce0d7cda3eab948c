/* sanity_judge.c: what the figures of footlight sanity say: a verdict each, and a sentence on the network and time. */
#include "io/cli/sanity.h"

#include <math.h>
#include <string.h>

#define HARDLY_ANOTHER 0.9               /* rank correlation from which on a map counts as the same */

static double place_of(const char *agreement, const fl_likeness *l)
{
    for (int i = 0; i < FL_AGREEMENTS; i++)
        if (strcmp(fl_agreement_table[i].name, agreement) == 0) return isnan(l->of[i]) ? 0 : l->of[i];
    return 0;
}

double fl_sanity_rank(const fl_likeness *l) { return place_of("spearman_abs", l); }

void fl_sanity_judge(fl_sanity_done *d, const char *check, double value, fl_outcome outcome, const char *text)
{
    fl_assert(d->verdicts < FL_MAX_VERDICTS);
    d->verdict[d->verdicts++] = (fl_verdict){check, value, outcome, text};
}

/* What the upper half of the layers knows should show. */
void fl_sanity_judge_half(fl_sanity_done *d, const fl_likeness *l)
{
    const double rho = fl_sanity_rank(l);
    fl_sanity_judge(d, "upper half", rho, rho >= HARDLY_ANOTHER ? FL_FAILS : FL_PASSES, rho >= HARDLY_ANOTHER
                    ? "hardly another map when the upper half of the layers forgets: it says little about the class"
                    : "another map when the upper half of the layers forgets");
}

/* A map that should be another one. */
void fl_sanity_judge_other(const fl_sanity_run *r, fl_sanity_done *d, const char *check, const fl_likeness *l, const char *fine,
                           const char *bad)
{
    const double rho = fl_sanity_rank(l);
    fl_sanity_judge(d, check, rho, rho >= r->alike ? FL_FAILS : FL_PASSES, rho >= r->alike ? bad : fine);
}

/* The network changes its mind: the map must change; it does not: the map must go with the frames. */
void fl_sanity_judge_order(const fl_sanity_run *r, fl_sanity_done *d, const fl_temporal *t)
{
    const double kept = d->sanity.probability > 0 ? t->probability / d->sanity.probability : 1, rho = fl_sanity_rank(&t->followed);
    if (kept >= 0.9)
        fl_sanity_judge(d, t->name, rho, rho >= r->alike ? FL_PASSES : FL_FAILS, rho >= r->alike
                        ? "the network says the same, and the map goes with the frames"
                        : "the network says the same, but the map does not go with the frames");
    else if (kept < 0.5)
        fl_sanity_judge(d, t->name, rho, rho >= HARDLY_ANOTHER ? FL_FAILS : FL_PASSES, rho >= HARDLY_ANOTHER
                        ? "the network changes its mind, and the map stays the same"
                        : "the network changes its mind, and so does the map");
    else
        fl_sanity_judge(d, t->name, rho, FL_UNDECIDED, "the network is less sure: either map can be right");
}

/* ---- what the network itself makes of time, from its probabilities ---- */

static const char *mind(double before, double after)
{
    const double kept = before > 0 ? after / before : 1;
    return kept >= 0.9 ? "does not need" : kept < 0.5 ? "needs" : "uses";
}

const char *fl_sanity_network(const fl_sanity_done *d, fl_arena *arena)
{
    double alone = 0;
    for (int t = 0; t < d->sanity.shape.t; t++) alone = d->alone[t] > alone ? d->alone[t] : alone;
    const double p = d->sanity.probability, reversed = d->time[0].probability, random = d->time[1].probability;
    return fl_arena_text(arena, "for this clip the network %s the order of the frames, %s motion; the best single frame alone gives "
                         "%.3g of %.3g",
                         mind(p, reversed < random ? reversed : random), mind(p, alone), alone, p);
}
