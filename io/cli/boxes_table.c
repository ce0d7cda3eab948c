/* boxes_table.c: boxes in CSV: one per line, or EPIC-Kitchens' segments with all their boxes in one field (boxes.h). */
#include "io/cli/boxes.h"

#include <string.h>

enum { MOST_FRAMES = 1000000000 };
enum { MOST_FIELDS = 64, EPIC_WIDTH = 1920, EPIC_HEIGHT = 1080, EPIC_REACH = 3 };
enum { CLIP, FRAME, X0, Y0, X1, Y1, LABEL, PLAIN };
enum { VIDEO, SEGMENT, START, BOXES, EPIC };
static const char *const plain_name[PLAIN] = {"clip", "frame", "x0", "y0", "x1", "y1", "label"};
static const char *const epic_name[EPIC] = {"video_id", "seg_id", "start_frame", "bounding_boxes"};

typedef struct table {
    fl_box_reader *r;
    const char *const *name;         /* of the columns that are wanted */
    int columns, at[PLAIN];          /* field of each; -1: none */
    int line;
} table;

/* Cuts a line into fields in place. A field in quotes may hold commas, and two quotes for one. */
static int split(char *line, char *field[MOST_FIELDS])
{
    int count = 0;
    for (char *p = line; p && count < MOST_FIELDS;) {
        char *to = p;
        bool quoted = false;
        field[count++] = p;
        for (; *p && (quoted || *p != ','); p++) {
            if (*p != '"') *to++ = *p;
            else if (quoted && p[1] == '"') *to++ = *p++;
            else quoted = !quoted;
        }
        p = *p ? p + 1 : NULL;
        *to = 0;
    }
    return count;
}

static int find_field(char *const *field, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(field[i], name) == 0) return i;
    return -1;
}

static fl_status read_header(table *t, char *line)
{
    char *field[MOST_FIELDS];
    const int count = split(line, field);
    const bool epic = find_field(field, count, epic_name[BOXES]) >= 0;
    t->name = epic ? epic_name : plain_name;
    t->columns = epic ? EPIC : PLAIN;
    for (int c = 0; c < t->columns; c++) {
        t->at[c] = find_field(field, count, t->name[c]);
        if (t->at[c] < 0 && (epic || (c != CLIP && c != LABEL)))
            return fl_error_set(t->r->cli->error, FL_UNREADABLE, "%s: line 1: expected the columns %s, '%s' is missing", t->r->path,
                                epic ? "video_id,seg_id,start_frame,bounding_boxes" : "frame,x0,y0,x1,y1 (and clip, label)", t->name[c]);
    }
    if (!epic) return FL_OK;
    t->r->known = FL_NEW(t->r->cli->arena, bool, t->r->input->shape.t);
    return t->r->cli->error->status;
}

static fl_status no_numbers(table *t, const char *what)
{
    return fl_error_set(t->r->cli->error, FL_UNREADABLE, "%s: line %d: %s", t->r->path, t->line, what);
}

static fl_status read_plain(table *t, char *const *field)
{
    double edge[4];
    long long frame;
    if (t->at[CLIP] >= 0 && !fl_box_is_clip(t->r, field[t->at[CLIP]], strlen(field[t->at[CLIP]]))) return FL_OK;
    bool ok = fl_text_int(field[t->at[FRAME]], &frame);
    for (int k = 0; k < 4; k++) ok = ok && fl_text_real(field[t->at[X0 + k]], &edge[k]);
    if (!ok) return no_numbers(t, "frame, x0, y0, x1 and y1 are numbers");
    if (edge[2] < edge[0] || edge[3] < edge[1]) return no_numbers(t, "the box ends before it begins: expected x0 <= x1 and y0 <= y1");
    fl_box_add(t->r, frame, frame, edge, t->at[LABEL] >= 0 ? field[t->at[LABEL]] : NULL);
    return FL_OK;
}

/* "P01_05_123", or that and more behind a dash: names of the segments' folders. */
static bool is_segment(const table *t, const char *video, const char *segment)
{
    const char *title = t->r->input->title;
    const size_t n = strlen(video), m = strlen(segment);
    return strlen(title) >= n + 1 + m && memcmp(title, video, n) == 0 && title[n] == '_' && memcmp(title + n + 1, segment, m) == 0 &&
           (title[n + 1 + m] == 0 || title[n + 1 + m] == '-');
}

/* {frame: (y, x, h, w), frame: [(y, x, h, w), ...]}: a number before a colon is a frame, four others are a box. */
static fl_status read_epic(table *t, char *const *field)
{
    long long start, frame = 0, n = 0;
    double v[4];
    int have = 0;
    char *p = field[t->at[BOXES]];
    if (!is_segment(t, field[t->at[VIDEO]], field[t->at[SEGMENT]])) return FL_OK;
    if (!fl_text_int(field[t->at[START]], &start) || start > MOST_FRAMES || start < -MOST_FRAMES)
        return no_numbers(t, "start_frame is a number below 1000000000");
    while (*(p += strcspn(p, "0123456789-."))) {
        const size_t length = strspn(p, "0123456789-.");
        const char *after = p + length + strspn(p + length, " ");
        const bool key = *after == ':';
        char *end = p + length, letter = *end;
        *end = 0;
        const bool ok = key ? fl_text_int(p, &n) : fl_text_real(p, &v[have]);
        *end = letter;
        if (key && (n > MOST_FRAMES || n < -MOST_FRAMES)) return no_numbers(t, "bounding_boxes: a frame is a number below 1000000000");
        if (!ok || (key && have)) return no_numbers(t, "bounding_boxes: expected {frame: (y, x, h, w), ...}");
        if (key) frame = n - start;
        else if (++have == 4) {
            const double sx = (double)t->r->input->width / EPIC_WIDTH, sy = (double)t->r->input->height / EPIC_HEIGHT;
            const double edge[4] = {v[1] * sx, v[0] * sy, (v[1] + v[3]) * sx, (v[0] + v[2]) * sy};
            fl_box_add(t->r, frame - EPIC_REACH, frame + EPIC_REACH, edge, NULL);
            have = 0;
        }
        p = end;
    }
    return have ? no_numbers(t, "bounding_boxes: a box has four numbers") : FL_OK;
}

static fl_status read_row(table *t, char *line)
{
    char *field[MOST_FIELDS];
    const int count = split(line, field);
    for (int c = 0; c < t->columns; c++)
        if (t->at[c] >= count)
            return fl_error_set(t->r->cli->error, FL_UNREADABLE, "%s: line %d: expected a %s in field %d, got %d fields", t->r->path,
                                t->line, t->name[c], t->at[c] + 1, count);
    return t->name == epic_name ? read_epic(t, field) : read_plain(t, field);
}

fl_status fl_boxes_read_table(fl_box_reader *r, fl_bytes bytes)
{
    table t = {.r = r};
    char *text = fl_arena_text(r->cli->arena, "%.*s", (int)bytes.size, (const char *)bytes.data);
    if (!text) return r->cli->error->status;
    for (char *line = text; line && r->cli->error->status == FL_OK;) {
        char *next = strchr(line, '\n');
        if (next) *next++ = 0;
        line[strcspn(line, "\r")] = 0;
        if (++t.line == 1) read_header(&t, line);
        else if (*line) read_row(&t, line);
        line = next;
    }
    return r->cli->error->status;
}
