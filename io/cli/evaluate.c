/* evaluate.c: footlight evaluate: do maps point at the thing? On synthetic clips, whose truth is known.
 *
 * For each method: how often the largest value of the drawn map lies in the actor's box (the pointing game, Zhang et al.
 * 2016), what a random map would reach (the boxes' share of all voxels), and the share of the positive
 * values inside the boxes (Wang et al. 2020). A hit must be in the right frame too. */
#include "attribution/localise.h"
#include "io/cli/method_options.h"
#include "io/cli/progress.h"
#include "models/synth.h"

#include <math.h>
#include <string.h>

static const fl_option options[] = {
    FL_OPTION_TEXT("method", 0, "NAMES", "gradient,gradient_x_input,integrated_gradients,smoothgrad,grad_cam", "methods, separated by commas"),
    FL_OPTION_INT("synth", "N", "200", 1, 1000000, "how many synthetic clips"),
    FL_OPTION_INT("synth-seed", "N", "3", 0, 9e15, "their seed; training uses 1 and 2"),
    {0}};
static const fl_option_group group = {"Options of evaluate", options};

typedef struct score { int hits, energies; double chance, energy; } score;

typedef struct place {                   /* one clip and its truth, used again for every clip */
    fl_synth_options synth;
    fl_synth_truth *truth;
    unsigned char *rgb;
    fl_box *box;
    int *frame;
} place;

static bool place_new(fl_cli *cli, place *p)
{
    p->synth = fl_synth_default((uint64_t)fl_cli_int(cli, "synth-seed"));
    const int frames = p->synth.frames;
    p->truth = FL_NEW(cli->arena, fl_synth_truth, 1);
    p->rgb = FL_NEW(cli->arena, unsigned char, 3 * frames * p->synth.height * p->synth.width);
    p->box = FL_NEW(cli->arena, fl_box, frames);
    p->frame = FL_NEW(cli->arena, int, frames);
    for (int t = 0; p->frame && t < frames; t++) p->frame[t] = t;
    return p->truth && p->rgb && p->box && p->frame;
}

static fl_status make_clip(fl_cli *cli, place *p, int64_t index, const fl_model *m, fl_input *input)
{
    const fl_clip clip = {.frames = p->synth.frames, .height = p->synth.height, .width = p->synth.width, .rgb = p->rgb, .format = "synthetic"};
    fl_synth_clip(&p->synth, (uint64_t)index, p->rgb, NULL, p->truth);
    for (int t = 0; t < p->synth.frames; t++) {
        const fl_synth_box b = p->truth->box[t];
        p->box[t] = (fl_box){b.x0, b.y0, b.x1, b.y1};
    }
    return fl_input_use(cli, m, &clip, p->frame, p->synth.frames, input);
}

/* One method on one clip. The target is the class that the network itself prefers. */
static fl_status judge(fl_cli *cli, fl_session *s, const fl_method *method, const fl_explain_options *o, const place *p, score *to)
{
    fl_map map;
    if (fl_explain(s->explainer, method, s->input.values, o, cli->arena, &map) != FL_OK) return cli->error->status;
    const real *drawn = fl_map_reduce(&map, NULL, cli->arena);
    if (!drawn) return cli->error->status;
    const fl_shape shape = {1, 1, p->synth.frames, p->synth.height, p->synth.width};
    const double energy = fl_energy_inside(shape, drawn, p->box);
    to->hits += fl_pointing_hit(shape, drawn, p->box, 0);
    to->chance += fl_pointing_chance(shape, p->box, 0);
    if (!isnan(energy)) to->energy += energy, to->energies++;
    return FL_OK;
}

static fl_status judge_all(fl_cli *cli, fl_session *s, const fl_method_list *methods, place *p, score *scores, int *right)
{
    const int count = (int)fl_cli_int(cli, "synth");
    fl_explain_options o = {.target = {.class_index = FL_CLASS_AUTO, .score = FL_SCORE_DEFAULT, .other = FL_CLASS_AUTO}, .seed = cli->seed};
    fl_progress progress;
    fl_progress_begin(&progress, cli, "evaluating");
    for (int i = 0; i < count && cli->error->status == FL_OK; i++) {
        const fl_mark mark = fl_arena_mark(cli->arena);
        double *logits = FL_NEW(cli->arena, double, s->classes);
        if (logits && make_clip(cli, p, i, s->model, &s->input) == FL_OK &&
            fl_explainer_predict(s->explainer, s->input.values, logits, NULL) == FL_OK) {
            int best = 0;
            for (int c = 1; c < s->classes; c++) best = logits[c] > logits[best] ? c : best;
            *right += best == p->truth->label;
            for (int k = 0; k < methods->count; k++) judge(cli, s, methods->item[k], &o, p, &scores[k]);
        }
        fl_arena_release(cli->arena, mark);
        fl_progress_step(i + 1, count, &progress);
    }
    fl_progress_end(&progress);
    return cli->error->status;
}

static void print_json(const fl_cli *cli, const fl_session *s, const fl_method_list *methods, const score *scores, int right)
{
    const int count = (int)fl_cli_int(cli, "synth");
    fl_json j;
    fl_json_to_stream(&j, stdout, true);
    fl_json_object(&j, NULL);
    fl_json_string(&j, "model", s->model->name);
    fl_json_int(&j, "clips", count);
    fl_json_number(&j, "accuracy", (double)right / count);
    fl_json_array(&j, "methods");
    for (int k = 0; k < methods->count; k++) {
        fl_json_object(&j, NULL);
        fl_json_string(&j, "method", methods->item[k]->name);
        fl_json_number(&j, "pointing", (double)scores[k].hits / count);
        fl_json_number(&j, "chance", scores[k].chance / count);
        fl_json_number(&j, "energy", scores[k].energies ? scores[k].energy / scores[k].energies : NAN);
        fl_json_close(&j);
    }
    fl_json_close(&j);
    fl_json_close(&j);
    fl_json_end(&j);
}

static void print_table(const fl_cli *cli, const fl_session *s, const fl_method_list *methods, const score *scores, int right)
{
    const int count = (int)fl_cli_int(cli, "synth");
    printf("%s on %d synthetic clips, %.1f %% recognised\n\n", s->model->name, count, 100.0 * right / count);
    printf("method                   pointing   random   energy in box\n");
    for (int k = 0; k < methods->count; k++)
        printf("%-22s   %6.1f %%  %5.1f %%   %6.1f %%\n", methods->item[k]->name, 100.0 * scores[k].hits / count,
               100 * scores[k].chance / count, scores[k].energies ? 100 * scores[k].energy / scores[k].energies : NAN);
}

static fl_status run(fl_cli *cli)
{
    fl_session s;
    fl_method_list methods;
    place p;
    score scores[FL_MAX_METHODS] = {{0, 0, 0, 0}};
    int right = 0;
    if (fl_methods_parse(cli, "method", fl_cli_text(cli, "method"), &methods) != FL_OK || fl_session_begin(cli, &s) != FL_OK)
        return cli->error->status;
    if (!place_new(cli, &p)) return cli->error->status;
    if (s.model->classes != FL_SYNTH_CLASSES || s.model->input.height != p.synth.height || s.model->input.frames != p.synth.frames)
        return fl_error_set(cli->error, FL_USAGE, "evaluate: expected one of the small networks, which see synthetic clips; got %s", s.model->name);
    if (make_clip(cli, &p, 0, s.model, &s.input) != FL_OK || fl_session_finish(cli, &s) != FL_OK ||
        judge_all(cli, &s, &methods, &p, scores, &right) != FL_OK)
        return cli->error->status;
    (cli->json ? print_json : print_table)(cli, &s, &methods, scores, right);
    return FL_OK;
}

const fl_command fl_command_evaluate = {
    "evaluate", "do the maps point at the thing? on synthetic clips", "[options]", 0, 0,
    (const fl_option_group *const[]){&group, &fl_session_network, &fl_session_weights, NULL},
    "Example: footlight evaluate --model c3d_small --synth 200 --method gradient_x_input,grad_cam\n", run};
