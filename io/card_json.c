/* card_json.c: one row per member of the card. */
#include "io/card_json.h"

#include "io/json.h"

#include <math.h>
#include <string.h>

typedef struct reading { fl_arena *arena; const char *name; fl_card_json *card; } reading;

static bool fail(const reading *r, const fl_json_value *v, const char *expected)
{
    fl_error_set(r->arena->error, FL_UNREADABLE, "%s: \"%s\": expected %s", r->name, v->key, expected);
    return false;
}

static bool read_length(const reading *r, const fl_json_value *v, int *to)
{
    if (!v->is_integer || v->integer < 1 || v->integer > 1 << 16) return fail(r, v, "a whole number from 1 to 65536");
    *to = (int)v->integer;
    return true;
}

static bool read_three(const reading *r, const fl_json_value *v, bool positive, double *to)
{
    const char *const expected = positive ? "three numbers above 0" : "three numbers";
    int i = 0;
    if (v->kind != FL_JSON_ARRAY || v->count != 3) return fail(r, v, expected);
    for (const fl_json_value *n = v->first; n; n = n->next) {
        if (n->kind != FL_JSON_NUMBER || !isfinite(n->number) || (positive && !(n->number > 0)))
            return fail(r, v, expected);
        to[i++] = n->number;
    }
    return true;
}

/* ---- labels ---- */

static bool read_list(const reading *r, const fl_json_value *v)
{
    const char **label = FL_NEW(r->arena, const char *, v->count);
    int i = 0;
    if (!label) return false;
    for (const fl_json_value *n = v->first; n; n = n->next) {
        if (n->kind != FL_JSON_STRING) return fail(r, v, "a list of texts, or the name of a file");
        label[i++] = n->string;
    }
    r->card->labels = label;
    r->card->classes = i;
    return true;
}

/* Lines of a file that lies beside the card. A line break at the end of the last one begins no other. */
static bool read_lines(const reading *r, const fl_json_value *v)
{
    const char *slash = strrchr(r->name, '/');
    const int folder = slash && v->string[0] != '/' ? (int)(slash - r->name) + 1 : 0;
    const char *path = fl_arena_text(r->arena, "%.*s%s", folder, r->name, v->string);
    fl_bytes bytes;
    int count = 0;
    if (!path || fl_file_read(r->arena, path, (size_t)64 << 20, &bytes) != FL_OK) return false;
    char *line = fl_arena_text(r->arena, "%s", (const char *)bytes.data);
    for (const char *c = line; c && *c; c++) count += *c == '\n' || !c[1];
    const char **label = FL_NEW(r->arena, const char *, count);
    if (!line || !label) return false;
    for (int i = 0; i < count; i++) {
        char *end = line + strcspn(line, "\n");
        label[i] = line;
        line = *end ? end + 1 : end;
        *end = 0;
        end = (char *)label[i] + strcspn(label[i], "\r");
        *end = 0;
    }
    r->card->labels = label;
    r->card->classes = count;
    return count > 0 || fail(r, v, "a file with one name per line");
}

/* ---- members ---- */

static bool read_member(const reading *r, const fl_json_value *v)
{
    fl_card_input *in = &r->card->input;
    const struct { const char *key; int *to; } length[] = {
        {"frames", &in->frames}, {"height", &in->height}, {"width", &in->width}, {"fit_height", &in->fit_height},
        {"fit_width", &in->fit_width}};
    for (size_t i = 0; i < sizeof length / sizeof *length; i++)
        if (strcmp(v->key, length[i].key) == 0) return read_length(r, v, length[i].to);
    if (strcmp(v->key, "mean") == 0) return r->card->has_mean = read_three(r, v, false, in->mean);
    if (strcmp(v->key, "std") == 0) return r->card->has_std = read_three(r, v, true, in->std);
    if (strcmp(v->key, "white") == 0) {
        if (v->kind != FL_JSON_NUMBER || !(v->number > 0) || !isfinite(v->number))
            return fail(r, v, "a number above 0");
        in->white = v->number;
        return true;
    }
    if (strcmp(v->key, "sampling") == 0) {
        if (v->kind != FL_JSON_STRING) return fail(r, v, "a rule of sampling");
        in->sampling = v->string;
        return true;
    }
    if (strcmp(v->key, "bgr") == 0) {
        if (v->kind != FL_JSON_BOOL) return fail(r, v, "true or false");
        in->bgr = v->number != 0;
        return true;
    }
    if (strcmp(v->key, "fit") == 0) {
        const bool text = v->kind == FL_JSON_STRING, stretch = text && strcmp(v->string, "stretch") == 0;
        if (!stretch && !(text && strcmp(v->string, "short_side") == 0))
            return fail(r, v, "\"stretch\" or \"short_side\"");
        in->fit = stretch ? FL_FIT_STRETCH : FL_FIT_SHORT_SIDE;
        return true;
    }
    if (strcmp(v->key, "labels") == 0) {
        if (v->kind == FL_JSON_ARRAY) return read_list(r, v);
        return v->kind == FL_JSON_STRING ? read_lines(r, v) : fail(r, v, "a list of texts, or the name of a file");
    }
    return fail(r, v, "one of frames, height, width, sampling, fit, fit_height, fit_width, white, bgr, mean, std, "
                "labels: this is none of them");
}

fl_status fl_card_json_parse(fl_arena *arena, fl_bytes bytes, const char *name, fl_card_json *card)
{
    const reading r = {arena, name, card};
    const fl_json_value *root = fl_json_parse(arena, name, bytes.data, bytes.size);
    if (!root) return arena->error->status;
    if (root->kind != FL_JSON_OBJECT)
        return fl_error_set(arena->error, FL_UNREADABLE, "%s: expected an object, {\"frames\": ...}", name);
    for (const fl_json_value *v = root->first; v; v = v->next)
        if (!read_member(&r, v)) return arena->error->status;
    return FL_OK;
}

fl_status fl_card_json_read(fl_arena *arena, const char *path, fl_card_json *card)
{
    fl_bytes bytes;
    if (fl_file_read(arena, path, (size_t)16 << 20, &bytes) != FL_OK) return arena->error->status;
    return fl_card_json_parse(arena, bytes, path, card);
}

const char *fl_card_json_find(fl_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    const int folder = slash ? (int)(slash - path) + 1 : 0;
    const int stem = dot && dot > path + folder ? (int)(dot - path) : (int)strlen(path);
    const char *own = fl_arena_text(arena, "%.*s.card.json", stem, path);
    if (!own || fl_file_exists(own)) return own;
    const char *shared = fl_arena_text(arena, "%.*scard.json", folder, path);
    return shared && fl_file_exists(shared) ? shared : NULL;
}
