/* companions.c: which files they are is read off the options, whose values are called FILE. */
#include "io/cli/companions.h"

#include "io/cli/rules.h"
#include "io/folder.h"
#include "io/onnx/onnx.h"
#include "models/labels.h"

#include <string.h>

bool fl_companion_is_path(const fl_given *g)
{
    const char *name = g->option->name, *text = g->text;
    if (!g->given || !fl_cli_matters(g->option)) return false;
    if (strcmp(name, "model") == 0) return !fl_model_find(text) && fl_onnx_is_file(text);
    if (!g->option->value || !strstr(g->option->value, "FILE")) return false;
    if (strcmp(name, "weights") == 0) return !fl_weights_is_formula(text);
    if (strcmp(name, "labels") == 0) return !fl_label_set_find(text) || fl_file_exists(text);
    return strcmp(name, "rules") != 0 || !fl_ruleset_find(text);
}

static bool any(const char *path, const void *user)
{
    (void)user;
    return fl_file_is_regular(path);
}

static fl_status hash_folder(fl_cli *cli, const char *path, fl_sha256_text hex)
{
    fl_listing list;
    fl_sha256 all;
    if (fl_folder_list(cli->arena, path, any, NULL, &list) != FL_OK) return cli->error->status;
    fl_sha256_begin(&all);
    for (int i = 0; i < list.count; i++) {
        if (fl_sha256_file(list.path[i], hex, cli->error) != FL_OK) return cli->error->status;
        fl_sha256_add(&all, hex, strlen(hex));
    }
    fl_sha256_end(&all, hex);
    return FL_OK;
}

static fl_status add(fl_cli *cli, fl_companions *c, const char *what, const char *path, const char *place)
{
    fl_companion *item = &c->item[c->count++];
    *item = (fl_companion){.what = what, .path = path};
    if (strcmp(place, "-") == 0) return FL_OK;
    if (fl_folder_exists(place)) return hash_folder(cli, place, item->sha256);
    return fl_file_is_regular(place) ? fl_sha256_file(place, item->sha256, cli->error) : FL_OK;
}

/* The masking network that ships is found without an option. */
static fl_status add_masker(fl_cli *cli, const fl_explanation *x, fl_companions *c)
{
    static const char folder[] = "weights/";
    const char *name = x->options.masker_name, *place = NULL;
    bool used = false;
    for (int i = 0; i < x->methods.count + x->unfinished; i++) used |= (fl_method_uses(x->methods.item[i]) & FL_READS(masker)) != 0;
    if (used && name && !fl_cli_text(cli, "masker") && strncmp(name, folder, strlen(folder)) == 0)
        place = fl_weights_find(cli, name + strlen(folder));
    return place ? add(cli, c, "masker", name, place) : cli->error->status;
}

fl_status fl_companions_list(fl_cli *cli, const fl_explanation *x, fl_companions *c)
{
    const char *card = x->session->card;
    *c = (fl_companions){FL_NEW(cli->arena, fl_companion, cli->settings + 2), 0};
    if (!c->item) return cli->error->status;
    for (int i = 0; i < cli->settings; i++) {
        const fl_given *g = &cli->setting[i];
        const char *name = g->option->name;
        if (!fl_companion_is_path(g) || strcmp(name, "weights") == 0 || strcmp(name, "model") == 0) continue;
        if (add(cli, c, name, g->text, g->text) != FL_OK) return cli->error->status;
    }
    if (card && add(cli, c, "card", card, card) != FL_OK) return cli->error->status;
    return x->options.masker_name ? add_masker(cli, x, c) : FL_OK;
}

void fl_companions_write(fl_json *j, const fl_companions *c)
{
    fl_json_array(j, "also_read");
    for (int i = 0; i < c->count; i++) {
        fl_json_object(j, NULL);
        fl_json_string(j, "what", c->item[i].what);
        fl_json_string(j, "path", c->item[i].path);
        fl_json_string(j, "sha256", *c->item[i].sha256 ? c->item[i].sha256 : NULL);
        fl_json_close(j);
    }
    fl_json_close(j);
}
