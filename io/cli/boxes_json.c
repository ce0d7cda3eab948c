/* boxes_json.c: boxes as a list of JSON objects with the CSV's names (boxes.h). */
#include "io/cli/boxes.h"

#include "io/json.h"

#include <string.h>

static fl_status wrong(const fl_box_reader *r, int i, const char *what)
{
    return fl_error_set(r->cli->error, FL_UNREADABLE, "%s: box %d: %s", r->path, i, what);
}

static fl_status read_box(fl_box_reader *r, const fl_json_value *v, int i)
{
    static const char *const edges[4] = {"x0", "y0", "x1", "y1"};
    const fl_json_value *clip = fl_json_get(v, "clip"), *frame = fl_json_get(v, "frame"), *label = fl_json_get(v, "label");
    double edge[4];
    if (v->kind != FL_JSON_OBJECT) return wrong(r, i, "expected an object with frame, x0, y0, x1, y1 (and clip, label)");
    if (clip && clip->kind != FL_JSON_STRING) return wrong(r, i, "clip: expected a text");
    if (clip && !fl_box_is_clip(r, clip->string, strlen(clip->string))) return FL_OK;
    if (!frame || !frame->is_integer) return wrong(r, i, "frame: expected a whole number");
    for (int k = 0; k < 4; k++) {
        const fl_json_value *e = fl_json_get(v, edges[k]);
        if (!e || e->kind != FL_JSON_NUMBER) return wrong(r, i, "x0, y0, x1 and y1: expected numbers");
        edge[k] = e->number;
    }
    if (edge[2] < edge[0] || edge[3] < edge[1]) return wrong(r, i, "ends before it begins: expected x0 <= x1 and y0 <= y1");
    fl_box_add(r, frame->integer, frame->integer, edge, label && label->kind == FL_JSON_STRING ? label->string : NULL);
    return FL_OK;
}

fl_status fl_boxes_read_json(fl_box_reader *r, fl_bytes bytes)
{
    const fl_json_value *root = fl_json_parse(r->cli->arena, r->path, bytes.data, bytes.size);
    if (!root) return r->cli->error->status;
    const fl_json_value *list = root->kind == FL_JSON_OBJECT ? fl_json_get(root, "boxes") : root;
    if (!list || list->kind != FL_JSON_ARRAY)
        return fl_error_set(r->cli->error, FL_UNREADABLE, "%s: expected a list of boxes, or {\"boxes\": a list}", r->path);
    int i = 0;
    for (const fl_json_value *v = list->first; v && r->cli->error->status == FL_OK; v = v->next) read_box(r, v, i++);
    return r->cli->error->status;
}
