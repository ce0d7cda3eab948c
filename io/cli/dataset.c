/* dataset.c: a folder of clips becomes an array of bytes; or there is no folder, and clips are made up. */
#include "io/cli/dataset.h"

#include "io/cli/progress.h"
#include "io/folder.h"
#include "io/preprocess.h"
#include "io/sample.h"
#include "tensor/rng.h"

#include <string.h>

static bool is_folder(const char *path, const void *user) { return (void)user, fl_folder_exists(path); }
static bool is_anything(const char *path, const void *user) { return (void)user, path != NULL; }

static int64_t clip_size(const fl_clips *c) { return (int64_t)c->data.frames * c->data.height * c->data.width * 3; }

static void stored_clip(const void *user, int64_t index, unsigned char *rgb, int *label)
{
    const fl_clips *c = user;
    memcpy(rgb, c->bytes + index * clip_size(c), (size_t)clip_size(c));
    *label = c->label[index];
}

/* One file into its place. What the reading needs is gone afterwards. */
static fl_status read_one(fl_cli *cli, fl_clips *c, const fl_model *m, const char *path, int64_t place)
{
    const fl_mark mark = fl_arena_mark(cli->arena);
    const fl_sample_options sampling = {.frames = m->input.frames, .short_clip = FL_SHORT_CLAMP};
    int *index = FL_NEW(cli->arena, int, m->input.frames);
    fl_clip clip;
    fl_network_clip fitted;
    fl_status status = index ? fl_clip_read(cli->arena, path, NULL, &clip) : FL_FAILED;
    if (status == FL_OK) status = fl_sample(&sampling, clip.frames, index, cli->error);
    if (status == FL_OK) status = fl_preprocess(cli->arena, &m->input, &clip, index, m->input.frames, &fitted);
    if (status == FL_OK) memcpy(c->bytes + place * clip_size(c), fitted.shown, (size_t)clip_size(c));
    fl_arena_release(cli->arena, mark);
    return status;
}

/* The class that each folder holds: the network's of that name, or, where no folder is named so, the k-th. */
static fl_status number(fl_cli *cli, const fl_clips *c, const fl_model *m, const fl_listing *classes, int *class_of)
{
    const char *stranger = NULL, *known = NULL;
    const int labels = m->labels && c->classes == m->classes ? m->classes : 0;
    for (int k = 0; k < c->classes; k++) {
        const char *slash = strrchr(classes->path[k], '/'), *name = slash ? slash + 1 : classes->path[k];
        int i = 0;
        while (i < labels && strcmp(m->labels[i], name) != 0) i++;
        class_of[k] = i;
        if (i < labels) known = name;
        else if (!stranger) stranger = name;
    }
    if (known && stranger)
        return fl_error_set(cli->error, FL_USAGE, "--data: '%s' is a class of %s, '%s' is none; name all folders so, or none",
                            known, m->name, stranger);
    for (int k = 0; !known && k < c->classes; k++) class_of[k] = k;
    return FL_OK;
}

static fl_status read_all(fl_cli *cli, fl_clips *c, const fl_model *m, const fl_listing *of_class, const int *class_of)
{
    int64_t place = 0;
    fl_progress progress;
    fl_progress_begin(&progress, cli, "reading clips");
    for (int k = 0; k < c->classes; k++)
        for (int i = 0; i < of_class[k].count && cli->error->status == FL_OK; i++, place++) {
            c->label[place] = class_of[k];
            read_one(cli, c, m, of_class[k].path[i], place);
            fl_progress_step((int)place + 1, (int)c->data.count, &progress);
        }
    fl_progress_end(&progress);
    return cli->error->status;
}

static fl_status open_folder(fl_cli *cli, fl_clips *c, const fl_model *m, const char *folder)
{
    fl_listing classes;
    if (fl_folder_list(cli->arena, folder, is_folder, NULL, &classes) != FL_OK) return cli->error->status;
    c->classes = classes.count;
    const int wanted = fl_cli_int(cli, "classes") ? (int)fl_cli_int(cli, "classes") : m->classes;
    if (c->classes != wanted)
        return fl_error_set(cli->error, FL_USAGE, "%s: expected %d folders, one per class of %s, got %d; --classes N sets the number",
                            folder, wanted, m->name, c->classes);
    fl_listing *of_class = FL_NEW(cli->arena, fl_listing, c->classes);
    int *class_of = FL_NEW(cli->arena, int, c->classes);
    if (!of_class || !class_of || number(cli, c, m, &classes, class_of) != FL_OK) return cli->error->status;
    for (int k = 0; k < c->classes; k++) {
        if (fl_folder_list(cli->arena, classes.path[k], is_anything, NULL, &of_class[k]) != FL_OK)
            return cli->error->status;
        c->data.count += of_class[k].count;
    }
    if (c->data.count < 1) return fl_error_set(cli->error, FL_UNREADABLE, "%s: the class folders hold no clips", folder);
    c->bytes = FL_NEW(cli->arena, unsigned char, c->data.count * clip_size(c));
    c->label = FL_NEW(cli->arena, int, c->data.count);
    if (!c->bytes || !c->label) return cli->error->status;
    return read_all(cli, c, m, of_class, class_of);
}

fl_status fl_clips_open(fl_clips *c, fl_cli *cli, const fl_model *m, const char *folder, uint64_t seed)
{
    memset(c, 0, sizeof *c);
    c->synth = fl_synth_default(seed);
    c->synth.frames = m->input.frames;
    c->synth.height = m->input.height;
    c->synth.width = m->input.width;
    if (!folder) {
        c->data = fl_dataset_synth(&c->synth);
        const int classes = fl_cli_int(cli, "classes") ? (int)fl_cli_int(cli, "classes") : m->classes;
        if (classes != FL_SYNTH_CLASSES)
            return fl_error_set(cli->error, FL_USAGE, "synthetic clips have %d classes, %s has %d: add --classes %d, or name your clips "
                                "with --data DIR", FL_SYNTH_CLASSES, m->name, classes, FL_SYNTH_CLASSES);
        return fl_synth_check(&c->synth, cli->error);
    }
    c->data = (fl_dataset){.user = c, .frames = m->input.frames, .height = m->input.height, .width = m->input.width, .clip = stored_clip};
    return open_folder(cli, c, m, folder);
}

static void shuffled_clip(const void *user, int64_t index, unsigned char *rgb, int *label)
{
    const fl_shuffled *s = user;
    s->whole.clip(s->whole.user, index, rgb, label);
    *label = fl_rng_below(s->seed, 0x4c000000, (uint64_t)index, s->classes);
}

void fl_dataset_shuffle(fl_shuffled *s, fl_dataset *data, uint64_t seed, int classes)
{
    *s = (fl_shuffled){*data, seed, classes};
    data->user = s;
    data->clip = shuffled_clip;
}
