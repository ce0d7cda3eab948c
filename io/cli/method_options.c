/* method_options.c: from the command line to fl_explain_options, fl_reduction and fl_look. */
#include "io/cli/method_options.h"
#include "io/cli/rules.h"

#include <string.h>

/* In the order of fl_show, fl_scope and fl_palette. */
static const char *const shows[] = {"both", "positive", "negative", "abs", NULL};
static const char *const scopes[] = {"clip", "frame", NULL};
static const char *const palettes[] = {"auto", "signed", "heat", "jet", NULL};

static const fl_option method_options[] = {
    FL_OPTION_TEXT("target", 't', "CLASS", "auto",
                   "the class to explain: a name, an index, A-B for the mean of several, or auto, the best one"),
    FL_OPTION_CHOICE("target-kind", "SCORE", NULL, fl_score_name,
                     "which number of it; default: the logit, or the probability where there is none"),
    FL_OPTION_TEXT("against", 0, "CLASS", "auto", "margin: the other class; auto: the strongest other one"),
    FL_OPTION_INT("steps", "N", NULL, 1, 100000, "points on the path; default: the method's"),
    FL_OPTION_CHOICE("rule", "RULE", NULL, fl_quadrature_name, "where on the path, with which weights"),
    FL_OPTION_CHOICE("baseline", "NAME", NULL, fl_baseline_name,
                     "where the path begins; zero is zero in network space"),
    FL_OPTION_REAL("baseline-sigma", "X", NULL, 0, 10000,
                   "baseline blur: standard deviation in pixels; default: a tenth of the longer side"),
    FL_OPTION_INT("samples", "N", NULL, 1, 1000000, "noisy copies; default: the method's"),
    FL_OPTION_REAL("noise", "X", NULL, 0, 100, "their standard deviation, as a part of the clip's range"),
    FL_OPTION_FLAG("biased", 0, "vargrad: divide by N, not by N - 1"),
    FL_OPTION_TEXT("layer", 0, "NODE", NULL,
                   "which layer; default: the network's own choice (explain --list-layers names them)"),
    FL_OPTION_CHOICE("pooling", "HOW", NULL, fl_cam_pooling_name,
                     "weights of the channels: mean over the clip, or over every frame"),
    FL_OPTION_TEXT("rules", 0, "NAME|FILE", NULL,
                   "another rule set for a method that has one (footlight rules names and prints them)"),
    FL_OPTION_FLAG("no-fold", 0, "norms stay layers of their own, with their own rule"),
    FL_OPTION_REAL("epsilon", "X", NULL, 0, 1e6, "stabiliser of the rules called epsilon; default: the rule's"),
    FL_OPTION_REAL("gamma", "X", NULL, 0, 1e6, "how much more counts what speaks for a unit; default: the rule's"),
    FL_OPTION_REAL("beta", "X", NULL, 0, 1e6, "what speaks against pays this, what speaks for gets 1 more (alpha); default: the rule's"),
    FL_OPTION_REAL("lowest", "X", NULL, 0, 0, "least value of the input, in network space; default: black"),
    FL_OPTION_REAL("highest", "X", NULL, 0, 0, "largest value of the input, in network space; default: white"),
    FL_OPTION_FLAG("signed", 0, "keep what speaks against the class: leave the last ReLU of the method out"),
    {0}};
const fl_option_group fl_method_options = {"Method", method_options};

static const fl_option picture_options[] = {
    FL_OPTION_CHOICE("channels", "HOW", NULL, fl_channels_name, "how the channels of a voxel become one value"),
    FL_OPTION_CHOICE("polarity", "SIGN", NULL, fl_polarity_name, "which values of a channel count, before that"),
    FL_OPTION_CHOICE("upsample", "HOW", NULL, fl_upsample_name, "how the map of a layer is enlarged"),
    FL_OPTION_CHOICE("show", "SIGN", "both", shows, "which values are drawn"),
    FL_OPTION_CHOICE("norm", "SCOPE", "clip", scopes,
                     "one scale for the clip, or one for every frame (hides which frame matters)"),
    FL_OPTION_REAL("percentile", "P", "99.9", 50, 100, "of |values| that gets the full colour"),
    FL_OPTION_CHOICE("palette", "NAME", "auto", palettes, "colours"),
    FL_OPTION_REAL("opacity", "X", "0.9", 0, 1, "of the map over the frame"),
    {0}};
const fl_option_group fl_picture_options = {"Picture", picture_options};

static const struct { const char *option; unsigned uses; } readers[] = {
    {"steps", FL_USES_PATH | FL_USES_STEPS}, {"rule", FL_USES_PATH},
    {"baseline", FL_USES_BASELINE}, {"baseline-sigma", FL_USES_BASELINE | FL_USES_SIGMA},
    {"samples", FL_USES_NOISE}, {"noise", FL_USES_NOISE}, {"biased", FL_USES_BIASED},
    {"layer", FL_USES_LAYER}, {"pooling", FL_USES_POOLING}, {"signed", FL_USES_SIGN},
    {"rules", FL_USES_RULES}, {"no-fold", FL_USES_RULES}, {"epsilon", FL_USES_EPSILON}, {"gamma", FL_USES_GAMMA},
    {"beta", FL_USES_BETA}, {"lowest", FL_USES_BOUNDS}, {"highest", FL_USES_BOUNDS}};
enum { READERS = sizeof readers / sizeof *readers };

/* ---- which methods ---- */

static fl_status unknown_method(fl_cli *cli, const char *option, const char *name)
{
    return fl_error_set(cli->error, FL_USAGE, "--%s: method '%s' is unknown; did you mean '%s'? (footlight list "
                        "methods names them)", option, name, fl_method_nearest(name));
}

fl_status fl_methods_parse(fl_cli *cli, const char *option, const char *names, fl_method_list *list)
{
    char *all = fl_arena_text(cli->arena, "%s", names), *name = all;
    if (!all) return cli->error->status;
    for (list->count = 0; name;) {
        char *next = strchr(name, ',');
        if (next) *next++ = 0;
        const fl_method *method = fl_method_find(name);
        if (!method) return unknown_method(cli, option, name);
        for (int i = 0; i < list->count; i++)
            if (list->item[i] == method)
                return fl_error_set(cli->error, FL_USAGE, "--%s: method '%s' is there twice", option, name);
        if (list->count == FL_MAX_METHODS)
            return fl_error_set(cli->error, FL_USAGE, "--%s: at most %d methods at once", option, FL_MAX_METHODS);
        list->item[list->count++] = method;
        name = next;
    }
    return FL_OK;
}

fl_status fl_methods_check_options(fl_cli *cli, const fl_method_list *list)
{
    unsigned uses = 0;
    for (int i = 0; i < list->count; i++) uses |= fl_method_uses(list->item[i]);
    for (int k = 0; k < READERS; k++) {
        if (!fl_cli_given(cli, readers[k].option) || uses & readers[k].uses) continue;
        char read[256] = "";
        for (int i = 0; i < READERS; i++)
            if (uses & readers[i].uses)
                snprintf(read + strlen(read), sizeof read - strlen(read), " --%s", readers[i].option);
        return fl_error_set(cli->error, FL_USAGE, "--%s: %s%s read%s no such option; of this kind, expected%s",
                            readers[k].option, list->item[0]->name, list->count > 1 ? " and the others" : "",
                            list->count > 1 ? "" : "s", *read ? read : " none");
    }
    if (fl_cli_given(cli, "against") && fl_cli_choice(cli, "target-kind") != FL_SCORE_MARGIN)
        return fl_error_set(cli->error, FL_USAGE, "--against: needs --target-kind margin");
    return FL_OK;
}

/* ---- their options ---- */

/* 0, which is "default" in all of these lists, when it was not given. */
static int choice(const fl_cli *cli, const char *name)
{
    const int k = fl_cli_choice(cli, name);
    return k < 0 ? 0 : k;
}

fl_status fl_methods_read_options(fl_cli *cli, const fl_session *s, fl_explain_options *o)
{
    *o = (fl_explain_options){.steps = (int)fl_cli_int(cli, "steps"),
                              .rule = (fl_quadrature)choice(cli, "rule"),
                              .baseline = fl_cli_text(cli, "baseline"),
                              .baseline_sigma = fl_cli_real(cli, "baseline-sigma"),
                              .samples = (int)fl_cli_int(cli, "samples"),
                              .noise = fl_cli_real(cli, "noise"),
                              .biased = fl_cli_flag(cli, "biased"),
                              .seed = cli->seed,
                              .layer = fl_cli_text(cli, "layer"),
                              .pooling = (fl_cam_pooling)choice(cli, "pooling"),
                              .signed_cam = fl_cli_flag(cli, "signed")};
    if (fl_cli_given(cli, "noise") && !(o->noise > 0)) o->noise = -1;        /* asked for none, not for the default */
    o->unfolded = fl_cli_flag(cli, "no-fold");
    o->epsilon = fl_cli_real(cli, "epsilon");
    o->gamma = fl_cli_real(cli, "gamma");
    o->beta = fl_cli_real(cli, "beta");
    o->lowest = fl_cli_real(cli, "lowest");
    o->highest = fl_cli_real(cli, "highest");
    if (fl_cli_given(cli, "rules") && !(o->rules = fl_rules_read(cli, fl_cli_text(cli, "rules")))) return cli->error->status;
    if (fl_cli_given(cli, "lowest") != fl_cli_given(cli, "highest"))
        return fl_error_set(cli->error, FL_USAGE, "--lowest and --highest: one needs the other");
    o->target.score = (fl_score)choice(cli, "target-kind");
    if (fl_session_class(cli, s, "target", fl_cli_text(cli, "target"), &o->target.class_index, &o->target.last) != FL_OK)
        return cli->error->status;
    return fl_session_class(cli, s, "against", fl_cli_text(cli, "against"), &o->target.other, NULL);
}

fl_reduction fl_picture_reduction(const fl_cli *cli)
{
    return (fl_reduction){(fl_channels)choice(cli, "channels"), (fl_polarity)choice(cli, "polarity"),
                          (fl_upsample)choice(cli, "upsample")};
}

fl_look fl_picture_look(const fl_cli *cli)
{
    return (fl_look){.show = (fl_show)fl_cli_choice(cli, "show"),
                     .scope = (fl_scope)fl_cli_choice(cli, "norm"),
                     .palette = (fl_palette)fl_cli_choice(cli, "palette"),
                     .percentile = fl_cli_real(cli, "percentile"),
                     .opacity = fl_cli_real(cli, "opacity")};
}
