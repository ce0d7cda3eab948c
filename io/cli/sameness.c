/* sameness.c: hashes decide; where there is none, the file on the disk does. */
#include "io/cli/sameness.h"

#include "io/npy.h"

#include <math.h>
#include <string.h>

const char *const fl_verdict_name[] = {"same", "unknown", "CHANGED", "DIFFERS"};

static const char *recorded(const fl_recalled *r, const char *file)
{
    const fl_json_value *files = fl_json_get(r->result, "files");
    for (const fl_json_value *v = files ? files->first : NULL; v; v = v->next) {
        const char *name = fl_recall_text(v, "name");
        if (name && strcmp(name, file) == 0) return fl_recall_sha256(v);
    }
    return NULL;
}

/* NULL: there is none, or no folder, or no memory. */
static const char *on_disk(const fl_recalled *r, const char *file)
{
    const char *path = r->folder ? fl_arena_text(r->cli.arena, "%s/%s", r->folder, file) : NULL;
    return path && fl_file_is_regular(path) ? path : NULL;
}

bool fl_sameness_can(const fl_recalled *r, const char *file) { return recorded(r, file) || on_disk(r, file); }

static double largest_difference(fl_arena *a, const fl_map_file *now, fl_bytes old)
{
    fl_error error = {0};
    fl_npy then;
    double largest = 0;
    int64_t count = 1;
    if (fl_npy_parse(old, now->name, &then, &error) != FL_OK || then.axes != now->axes) return (double)NAN;
    for (int i = 0; i < now->axes; count *= now->size[i++])
        if (then.size[i] != now->size[i]) return (double)NAN;
    const real *value = fl_npy_values(a, &then);
    for (int64_t i = 0; value && i < count; i++) {
        const double one = (double)value[i], other = (double)now->values[i];
        const double d = isnan(one) || isnan(other) ? (isnan(one) && isnan(other) ? 0 : (double)INFINITY) : fabs(one - other);
        if (one != other && d > largest) largest = d;
    }
    return value ? largest : (double)NAN;
}

/* What lies on the disk may be anything by now: a file that cannot be read is another one, and no error. */
static fl_status read_disk(const fl_recalled *r, fl_arena *scratch, const fl_map_file *now, size_t size, fl_sameness *s)
{
    const char *path = on_disk(r, now->name);
    fl_bytes old;
    if (!path) return r->cli.error->status;
    if (fl_file_read(scratch, path, 4 * size + 65536, &old) != FL_OK) {
        if (r->cli.error->status == FL_UNREADABLE) fl_error_clear(r->cli.error);
        memset(s->on_disk, '?', sizeof s->on_disk - 1);
        return r->cli.error->status;
    }
    fl_sha256_bytes(old.data, old.size, s->on_disk);
    s->largest = largest_difference(scratch, now, old);
    return r->cli.error->status;
}

static fl_verdict judge(const fl_sameness *s)
{
    const bool there = *s->on_disk != 0;
    if (!s->recorded && !there) return FL_VERDICT_UNKNOWN;
    if (strcmp(s->got, s->recorded ? s->recorded : s->on_disk) != 0) return FL_VERDICT_DIFFERS;
    return there && strcmp(s->got, s->on_disk) != 0 ? FL_VERDICT_CHANGED : FL_VERDICT_SAME;
}

static fl_status compare_file(const fl_recalled *r, fl_cli *cli, const fl_map_file *now, fl_sameness *s)
{
    fl_arena scratch;
    s->file = now->name;
    s->recorded = recorded(r, now->name);
    s->largest = (double)NAN;
    fl_arena_init_beside(&scratch, cli->arena);
    fl_buffer bytes = fl_buffer_new(&scratch);
    fl_npy_append(&bytes, now->axes, now->size, now->values);
    if (!bytes.failed) {
        fl_sha256_bytes(bytes.data, bytes.size, s->got);
        read_disk(r, &scratch, now, bytes.size, s);
    }
    fl_arena_free(&scratch);
    s->verdict = judge(s);
    return cli->error->status;
}

/* A result from before may have no more than its map to compare: that its other files are not known is nothing against it. */
fl_status fl_sameness_of(const fl_recalled *r, fl_cli *cli, const fl_explanation *x, int i, fl_sameness *to)
{
    fl_map_file file[FL_MAP_FILES];
    const int count = fl_explanation_files(cli, x, i, file);
    const char *method = x->done[i].map.method->name;
    for (int k = 0; k < count; k++) {
        fl_sameness s = {.method = method, .map = file[0].name};
        if (compare_file(r, cli, &file[k], &s) != FL_OK) return cli->error->status;
        if (k == 0 || (s.verdict != FL_VERDICT_UNKNOWN && s.verdict > to->verdict)) *to = s;
    }
    return cli->error->status;
}
