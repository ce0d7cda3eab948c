/* method_options.c: from the command line to fl_explain_options, fl_reduction and fl_look. */
#include "attribution/options.h"
#include "attribution/segments.h"
#include "io/cli/masker.h"
#include "io/cli/method_options.h"
#include "io/cli/rules.h"

#include <string.h>

/* In the order of fl_show, fl_scope and fl_palette. */
static const char *const shows[] = {"both", "positive", "negative", "abs", NULL};
static const char *const scopes[] = {"clip", "frame", NULL};
static const char *const palettes[] = {"auto", "signed", "heat", "jet", NULL};

static const fl_option target_options[] = {
    FL_OPTION_TEXT("target", 't', "CLASS", "auto",
                   "the class to explain: a name, an index, A-B for the mean of several, or auto, the best one"),
    FL_OPTION_CHOICE("target-kind", "SCORE", NULL, fl_score_name,
                     "which number of it; default: the logit, or the probability where there is none"),
    FL_OPTION_TEXT("target-node", 0, "NODE:C[,T,Y,X]", NULL,
                   "instead of a class, a unit of any node: channel C, its mean over all places or its value at one"),
    FL_OPTION_TEXT("against", 0, "CLASS", "auto", "margin: the other class; auto: the strongest other one"),
    {0}};
const fl_option_group fl_target_options = {"Target", target_options};

static const fl_option method_options[] = {
    FL_OPTION_TEXT("baseline-clip", 0, "FILE", NULL, "the clip that the baseline called clip is; sampled and sized as the first one"),
    FL_OPTION_TEXT("rules", 0, "NAME|FILE", NULL,
                   "another rule set for a method that has one (footlight rules names and prints them)"),
    FL_OPTION_TEXT("masker", 0, "FILE", NULL,
                   "real_time_saliency: the masking network, from footlight train --masker; default: what ships with the network"),
#define FL_INT(field, name, value, least, most, help) FL_OPTION_INT(name, value, NULL, least, most, help),
#define FL_REAL(field, name, value, least, most, help) FL_OPTION_REAL(name, value, NULL, least, most, help),
#define FL_FLAG(field, name, help) FL_OPTION_FLAG(name, 0, help),
#define FL_TEXT(field, name, value, help) FL_OPTION_TEXT(name, 0, value, NULL, help),
#define FL_WORD(field, name, value, list, help) FL_OPTION_CHOICE(name, value, NULL, list, help),
#define FL_WORDS(field, name, value, list, help) FL_OPTION_CHOICES(name, value, NULL, list, help),
#define FL_CHOICE(field, name, value, type, list, help) FL_OPTION_CHOICE(name, value, NULL, list, help),
#include "attribution/options.def"
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
    list->count = 0;
    if (strcmp(names, "all") == 0) {
        for (const fl_method *m = fl_method_table; m->name && list->count < FL_MAX_METHODS; m++) list->item[list->count++] = m;
        return FL_OK;
    }
    while (name) {
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

/* An option that would do nothing, and those that would do something. */
static fl_status unread(fl_cli *cli, const char *option, const fl_method_list *list, uint64_t uses)
{
    const char *read = uses & FL_READS(rules) ? " --rules" : uses & FL_READS(masker) ? " --masker" : "";
    for (int i = 0; i < FL_OPTIONS && read; i++)
        if (uses >> i & 1) read = fl_arena_text(cli->arena, "%s --%s", read, fl_option_rows[i].name);
    if (!read) return cli->error->status;
    return fl_error_set(cli->error, FL_USAGE, "--%s: %s%s read%s no such option; of this kind, expected%s", option,
                        list->item[0]->name, list->count > 1 ? " and the others" : "", list->count > 1 ? "" : "s",
                        *read ? read : " none");
}

fl_status fl_methods_check_options(fl_cli *cli, const fl_method_list *list)
{
    uint64_t uses = 0;
    for (int i = 0; i < list->count; i++) uses |= fl_method_uses(list->item[i]);
    for (int i = 0; i < FL_OPTIONS; i++)
        if (fl_cli_given(cli, fl_option_rows[i].name) && !(uses >> i & 1)) return unread(cli, fl_option_rows[i].name, list, uses);
    if (fl_cli_given(cli, "rules") && !(uses & FL_READS(rules))) return unread(cli, "rules", list, uses);
    if (fl_cli_given(cli, "masker") && !(uses & FL_READS(masker))) return unread(cli, "masker", list, uses);
    if (fl_cli_given(cli, "baseline-clip") && !(uses & FL_READS(baseline))) return unread(cli, "baseline-clip", list, uses);
    return FL_OK;
}

/* ---- their options ---- */

/* 0, which is "default" in all of these lists, when it was not given. */
static int choice(const fl_cli *cli, const char *name)
{
    const int k = fl_cli_choice(cli, name);
    return k < 0 ? 0 : k;
}

static void read_option(const fl_cli *cli, int i, fl_explain_options *o)
{
    const fl_option_row *row = &fl_option_rows[i];
    if (!fl_cli_given(cli, row->name)) return;
    if (row->member != FL_MEMBER_CHOICE) o->meant |= UINT64_C(1) << i;      /* a choice may be "default" */
    switch (row->member) {
    case FL_MEMBER_INT: fl_option_set_number(o, row, (double)fl_cli_int(cli, row->name)); break;
    case FL_MEMBER_REAL: fl_option_set_number(o, row, fl_cli_real(cli, row->name)); break;
    case FL_MEMBER_FLAG: fl_option_set_number(o, row, fl_cli_flag(cli, row->name)); break;
    case FL_MEMBER_CHOICE: fl_option_set_number(o, row, choice(cli, row->name)); break;
    case FL_MEMBER_TEXT:
    case FL_MEMBER_WORD:
    case FL_MEMBER_WORDS: *fl_option_text(o, row) = fl_cli_text(cli, row->name); break;
    }
}

fl_status fl_methods_read_rows(fl_cli *cli, fl_explain_options *o)
{
    *o = (fl_explain_options){.seed = cli->seed};
    for (int i = 0; i < FL_OPTIONS; i++) read_option(cli, i, o);
    if (fl_cli_given(cli, "rules") && !(o->rules = fl_rules_read(cli, fl_cli_text(cli, "rules")))) return cli->error->status;
    if (fl_cli_given(cli, "lowest") != fl_cli_given(cli, "highest"))
        return fl_error_set(cli->error, FL_USAGE, "--lowest and --highest: one needs the other");
    return FL_OK;
}

static fl_status read_baseline(fl_cli *cli, const fl_session *s, fl_explain_options *o)
{
    const char *path = fl_cli_text(cli, "baseline-clip");
    if (!path) return FL_OK;
    fl_input other = {0};
    fl_shape wanted = fl_graph_shape(s->graph, s->net.input);
    fl_shape_text a, b;
    wanted.n = 1;
    if (fl_input_read(cli, s->model, path, &other) != FL_OK) {
        fl_error_where(cli->error, "--baseline-clip");
        return cli->error->status;
    }
    if (!fl_shape_equal(other.shape, wanted))
        return fl_error_set(cli->error, FL_USAGE, "--baseline-clip: expected a clip of shape %s like the first one, got %s",
                            fl_shape_print(wanted, &a), fl_shape_print(other.shape, &b));
    o->baseline_clip = other.values;
    return FL_OK;
}

/* NODE:C or NODE:C,T,Y,X. A name may have colons itself. */
static fl_status read_unit(fl_cli *cli, fl_target *t)
{
    const char *text = fl_cli_text(cli, "target-node"), *colon = text ? strrchr(text, ':') : NULL;
    if (!text) return FL_OK;
    int read = 0, end = 0;
    memcpy(t->unit, (int[4]){-1, -1, -1, -1}, sizeof t->unit);
    if (colon) read = sscanf(colon + 1, "%9d%n,%9d,%9d,%9d%n", &t->unit[0], &end, &t->unit[1], &t->unit[2], &t->unit[3], &end);
    bool fits = colon && colon > text && (read == 1 || read == 4) && colon[1 + end] == 0;
    for (int i = 0; i < read; i++) fits &= t->unit[i] >= 0;
    if (!fits)
        return fl_error_set(cli->error, FL_USAGE, "--target-node: expected NODE:CHANNEL or NODE:CHANNEL,FRAME,ROW,COLUMN, got '%s'", text);
    if (fl_cli_given(cli, "target") || fl_cli_given(cli, "target-kind"))
        return fl_error_set(cli->error, FL_USAGE, "--target-node: a unit goes without --target and --target-kind, which choose a class");
    t->node = fl_arena_text(cli->arena, "%.*s", (int)(colon - text), text);
    return t->node ? FL_OK : cli->error->status;
}

fl_status fl_methods_read_options(fl_cli *cli, const fl_session *s, fl_explain_options *o)
{
    if (fl_methods_read_rows(cli, o) || read_baseline(cli, s, o) || fl_masker_read(cli, s, o)) return cli->error->status;
    if (fl_cli_given(cli, "against") && fl_cli_choice(cli, "target-kind") != FL_SCORE_MARGIN)
        return fl_error_set(cli->error, FL_USAGE, "--against: needs --target-kind margin");
    if (read_unit(cli, &o->target) != FL_OK) return cli->error->status;
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
