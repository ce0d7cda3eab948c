/* forget.c: lesson: a map should go when what was learned goes: layers forget, from the output down (Adebayo et al. 2018). */
#include "io/cli/lesson/lecture.h"

#include "attribution/metrics/sanity.h"

#include <math.h>
#include <string.h>

enum { STAGES = 4, DRAWS = 3, METHODS = 2 };

static const char *const methods[METHODS] = {"grad_cam", "gradient_x_input"};

static fl_status run(fl_lecture *l, const char *method, const fl_weight_layers *layers, int stages, fl_sanity *s, fl_likeness *alike)
{
    const fl_explain_options o = {.target = {.class_index = l->best, .other = FL_CLASS_AUTO}};
    if (fl_sanity_begin(s, l->s.explainer, l->s.graph, fl_method_find(method), &o, &l->s.model->input, l->s.input.values,
                        l->cli->arena) != FL_OK)
        return l->cli->error->status;
    return fl_sanity_weights(s, layers, true, stages, DRAWS, l->cli->seed + 1, alike);
}

static void show_self(fl_lecture *l, const fl_sanity *s, int rank)
{
    const fl_likeness self = fl_sanity_alike(s, s->map, s->map);
    fl_lecture_same(l, "a map is like itself: rank correlation 1", self.of[rank], 1, 64 * FL_REAL_EPSILON,
                    "the measure on a case that is known");
}

static fl_status give(fl_lecture *l)
{
    fl_weight_layers layers;
    fl_sanity s[METHODS];
    fl_likeness alike[METHODS][STAGES];
    int rank = 0;
    memset(alike, 0, sizeof alike);
    while (strcmp(fl_agreement_table[rank].name, "spearman_abs") != 0) rank++;
    if (fl_weight_layers_find(l->s.graph, l->cli->arena, &layers) != FL_OK) return l->cli->error->status;
    const int stages = layers.count < STAGES ? layers.count : STAGES;
    for (int i = 0; i < METHODS; i++)
        if (run(l, methods[i], &layers, stages, &s[i], alike[i]) != FL_OK) return l->cli->error->status;
    fl_lecture_say(l, "How alike are two maps? By the order of their values: rank correlation of sizes, 1 for the same order, 0 for none.");
    show_self(l, &s[0], rank);
    fl_lecture_say(l, "The %d layers with weights get random ones, as before training, from the last one down. The map is made again, and "
                   "compared with the map of the trained network (mean of %d draws):", layers.count, DRAWS);
    fl_lecture_show(l, "%-34s %14s %20s", "forgotten, from the output down to", methods[0], methods[1]);
    fl_lecture_show(l, "%-34s %14.4f %20.4f", "nothing", 1.0, 1.0);
    for (int k = 0; k < stages; k++)
        fl_lecture_show(l, "%-34s %14.4f %20.4f", layers.name[fl_sanity_stage_end(k, stages, layers.count)],
                        alike[0][k].of[rank], alike[1][k].of[rank]);
    for (int i = 0; i < METHODS; i++)
        fl_lecture_less(l, fl_arena_text(l->cli->arena, "%s: all layers forgot, and it is another map", methods[i]),
                        alike[i][stages - 1].of[rank], 0.5, "alike from 0.5 on, as in footlight sanity");
    fl_lecture_small(l, "then the weights come back: score - score", fl_lecture_score(l, l->s.input.values) - l->score,
                     fl_lecture_rounding(64, fabs(l->score)), "the same weights; another plan may sum in another order");
    return l->cli->error->status;
}

const fl_lesson fl_lesson_forget = {
    "forget", "does the map go when the network forgets what it learned?",
    "An edge detector makes maps that please the eye, and needs no network. So let the network forget: random weights, layer by layer. A "
    "map that stays the same never showed what was learned, however well it looks.",
    "rank correlation of |map of the trained network| and |map after forgetting|",
    "attribution/metrics/randomise.h for how a network forgets, attribution/metrics/sanity.h for all such questions",
    "sanity footlight-demo/clip.ppm --model c3d_small --method guided_backprop,gradient,grad_cam --checks weights",
    "One of the two maps keeps more of its order than the other when everything is forgotten. What does it owe that to: where does the "
    "clip itself enter its formula?", give};
