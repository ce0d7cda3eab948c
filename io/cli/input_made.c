/* input_made.c: an input for those who have no clip at hand: the reference formula. */
#include "io/cli/input.h"

static const real *make(fl_cli *cli, const char *name, const fl_card_input *card, int channels, int frames, fl_shape *shape)
{
    const bool features = card->features;
    *shape = (fl_shape){1, channels, frames, features ? 1 : card->height, features ? 1 : card->width};
    if (!fl_shape_valid(*shape)) {
        fl_error_set(cli->error, FL_USAGE, "%s leaves the size of its input open: give a clip with --clip", name);
        return NULL;
    }
    real *values = FL_NEW(cli->arena, real, fl_shape_count(*shape));
    if (values) fl_model_formula_clip(name, *shape, values);
    return values;
}

fl_status fl_input_make(fl_cli *cli, const fl_model *m, fl_input *in)
{
    const int frames = fl_cli_given(cli, "frames") ? (int)fl_cli_int(cli, "frames") : m->input.frames;
    *in = (fl_input){.source = fl_arena_text(cli->arena, "formula:%s", m->name), .title = "made-clip", .format = "formula", .note = ""};
    in->values = make(cli, m->name, &m->input, m->channels, frames, &in->shape);
    if (!in->source || !in->values) return cli->error->status;
    in->moves = m->input.source == FL_SOURCE_FLOW;
    in->rgb = fl_input_shown(cli, &m->input, in->shape, in->values);
    if (m->flow && !(in->second = make(cli, m->name, m->flow, m->flow_channels, frames, &in->second_shape))) return cli->error->status;
    return in->rgb ? FL_OK : cli->error->status;
}
