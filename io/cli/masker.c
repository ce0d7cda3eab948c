/* masker.c: finds and reads a masking network. */
#include "io/cli/masker.h"

#include "io/safetensors.h"

#include <string.h>

static fl_status read(fl_cli *cli, const char *path, fl_bundle **bundle, fl_metadata *metadata)
{
    *bundle = FL_NEW(cli->arena, fl_bundle, 1);
    if (!*bundle) return cli->error->status;
    fl_bundle_init(*bundle, cli->arena);
    return fl_safetensors_read(*bundle, path, metadata);
}

/* The one that ships, if the network has the weights that ship: none is no error. */
static fl_status find(fl_cli *cli, const fl_session *s, fl_explain_options *o)
{
    const char *file = fl_arena_text(cli->arena, "masker_%s.safetensors", s->model->name);
    const char *path = file && s->model->weights ? fl_weights_find(cli, file) : NULL;
    fl_bundle *bundle;
    fl_metadata metadata;
    if (!path) return cli->error->status;
    if (read(cli, path, &bundle, &metadata) != FL_OK) return cli->error->status;
    const char *sha = fl_metadata_find(&metadata, "weights_sha256");
    if (!sha || strcmp(sha, fl_weights_sha256(&s->weights)) != 0) return FL_OK;
    o->masker = bundle;
    o->masker_name = fl_arena_text(cli->arena, "weights/%s", file);
    return cli->error->status;
}

fl_status fl_masker_read(fl_cli *cli, const fl_session *s, fl_explain_options *o)
{
    const char *path = fl_cli_text(cli, "masker");
    fl_bundle *bundle;
    fl_metadata metadata;
    if (!path) return find(cli, s, o);
    if (read(cli, path, &bundle, &metadata) != FL_OK) return cli->error->status;
    const char *model = fl_metadata_find(&metadata, "masker_for"), *sha = fl_metadata_find(&metadata, "weights_sha256");
    if (!model || strcmp(model, s->model->name) != 0)
        return fl_error_set(cli->error, FL_MISFIT, "--masker: %s: expected a masking network of %s, got one of %s; train one with "
                            "footlight train --masker --model %s", path, s->model->name,
                            model ? model : "nothing: it is no masking network", s->model->name);
    if (sha && strcmp(sha, fl_weights_sha256(&s->weights)) != 0)
        fl_cli_say(cli, "note: %s was trained for other weights of %s: its masks may miss what these look at", path, model);
    o->masker = bundle;
    o->masker_name = path;
    return FL_OK;
}
