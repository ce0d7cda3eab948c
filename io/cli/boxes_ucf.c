/* boxes_ucf.c: UCF101-24's pyannot.pkl, as data (boxes.h).
 *
 * Boxes of an annotation lie in frames sf <= f < ef, one row x, y, w, h of pixels of 320 x 240 per frame; a clip may have several
 * actors. Outside all annotations nothing is there. */
#include "io/cli/boxes.h"

#include "io/torch.h"

#include <string.h>

enum { UCF_WIDTH = 320, UCF_HEIGHT = 240 };

static fl_status wrong(const fl_box_reader *r, const char *what)
{
    return fl_error_set(r->cli->error, FL_UNREADABLE, "%s: '%s': %s", r->path, r->input->title, what);
}

static bool number_of(const fl_pickled *v, double *x)
{
    if (!v || (v->kind != FL_PICKLED_INT && v->kind != FL_PICKLED_FLOAT)) return false;
    *x = v->kind == FL_PICKLED_INT ? (double)v->integer : v->number;
    return true;
}

static bool is_list(const fl_pickled *v) { return v && (v->kind == FL_PICKLED_LIST || v->kind == FL_PICKLED_TUPLE); }

static void add_row(fl_box_reader *r, long long frame, const double b[4])
{
    const double sx = (double)r->input->width / UCF_WIDTH, sy = (double)r->input->height / UCF_HEIGHT;
    fl_box_add(r, frame, frame, (const double[]){b[0] * sx, b[1] * sy, (b[0] + b[2]) * sx, (b[1] + b[3]) * sy}, NULL);
}

static fl_status add_array(fl_box_reader *r, const fl_pickled *v, long long first, long long end)
{
    fl_torch t = {.arena = r->cli->arena, .name = r->path, .tensor = "boxes"};
    fl_stored s;
    if (!fl_numpy_array(&t, v, &s)) return r->cli->error->status;
    if (s.axes != 2 || s.size[1] != 4) return wrong(r, "boxes: expected an array of x, y, w, h per frame");
    for (int64_t i = 0; i < s.size[0] && first + i < end; i++) {
        real row[4];
        fl_stored_decode(&s, 4 * i, 4, row);
        add_row(r, first + i, (const double[]){(double)row[0], (double)row[1], (double)row[2], (double)row[3]});
    }
    return FL_OK;
}

static fl_status add_list(fl_box_reader *r, const fl_pickled *v, long long first, long long end)
{
    for (int i = 0; i < v->count && first + i < end; i++) {
        double b[4];
        bool ok = is_list(v->item[i]) && v->item[i]->count == 4;
        for (int k = 0; k < 4 && ok; k++) ok = number_of(v->item[i]->item[k], &b[k]);
        if (!ok) return wrong(r, "boxes: expected x, y, w, h per frame");
        add_row(r, first + i, b);
    }
    return FL_OK;
}

static fl_status add_annotation(fl_box_reader *r, const fl_pickled *a)
{
    double first, end;
    const fl_pickled *boxes = fl_pickled_get(a, "boxes");
    if (!number_of(fl_pickled_get(a, "sf"), &first) || !number_of(fl_pickled_get(a, "ef"), &end) || !boxes)
        return wrong(r, "expected annotations with sf, ef and boxes");
    if (!(first >= 0 && first < 1e9 && end >= 0 && end < 1e9)) return wrong(r, "sf and ef: expected numbers of frames");
    if (boxes->kind == FL_PICKLED_OBJECT && fl_numpy_makes_array(boxes)) return add_array(r, boxes, (long long)first, (long long)end);
    if (is_list(boxes)) return add_list(r, boxes, (long long)first, (long long)end);
    return wrong(r, "boxes: expected an array or a list");
}

static bool is_this_clip(const fl_box_reader *r, const fl_pickled *key)
{
    if (key->kind != FL_PICKLED_TEXT && key->kind != FL_PICKLED_BYTES) return false;
    size_t begin = key->size;
    while (begin > 0 && key->text[begin - 1] != '/') begin--;
    return fl_box_is_clip(r, (const char *)key->text + begin, key->size - begin);
}

fl_status fl_boxes_read_pickle(fl_box_reader *r, fl_bytes bytes)
{
    fl_pickle p;
    if (fl_pickle_parse(r->cli->arena, bytes, 0, r->path, &p) != FL_OK) return r->cli->error->status;
    if (!fl_pickled_is_mapping(p.root))
        return fl_error_set(r->cli->error, FL_UNREADABLE, "%s: expected a dictionary of clips, as in pyannot.pkl of UCF101-24", r->path);
    for (int i = 0; i + 1 < p.root->count && r->cli->error->status == FL_OK; i += 2) {
        if (!is_this_clip(r, p.root->item[i])) continue;
        const fl_pickled *list = fl_pickled_get(p.root->item[i + 1], "annotations");
        if (!is_list(list)) return wrong(r, "expected a list of annotations");
        for (int k = 0; k < list->count && r->cli->error->status == FL_OK; k++) add_annotation(r, list->item[k]);
    }
    return r->cli->error->status;
}
