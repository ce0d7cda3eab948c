/* boxes.c: reads the CSV and maps edges through the resize and the crop that the frames went through. */
#include "io/cli/boxes.h"

#include <math.h>
#include <string.h>

enum { COLUMNS = 7, CLIP = 0, FRAME, X0, Y0, X1, Y1, LABEL, MOST_FIELDS = 32, MOST_BYTES = 64 << 20 };
static const char *const column_name[COLUMNS] = {"clip", "frame", "x0", "y0", "x1", "y1", "label"};

typedef struct reader {
    fl_cli *cli;
    const char *path;
    const fl_input *input;
    fl_boxes *boxes;
    int at[COLUMNS];                 /* field of each column; -1: none */
    int line;
} reader;

/* Cuts a line into fields in place. Quotes around a field are taken off. */
static int split(char *line, char *field[MOST_FIELDS])
{
    int count = 0;
    for (char *p = line; p && count < MOST_FIELDS;) {
        char *end = strchr(p, ',');
        if (end) *end++ = 0;
        const size_t n = strlen(p);
        const bool quoted = n >= 2 && p[0] == '"' && p[n - 1] == '"';
        if (quoted) p[n - 1] = 0;
        field[count++] = p + quoted;
        p = end;
    }
    return count;
}

static fl_status read_header(reader *r, char *line)
{
    char *field[MOST_FIELDS];
    const int count = split(line, field);
    for (int c = 0; c < COLUMNS; c++) {
        r->at[c] = -1;
        for (int i = 0; i < count; i++)
            if (strcmp(field[i], column_name[c]) == 0) r->at[c] = i;
        if (r->at[c] < 0 && c != CLIP && c != LABEL)
            return fl_error_set(r->cli->error, FL_UNREADABLE, "%s: line 1: expected the columns frame,x0,y0,x1,y1 "
                                "(and clip, label), '%s' is missing", r->path, column_name[c]);
    }
    return FL_OK;
}

static void join(fl_box *to, fl_box b)
{
    if (to->x1 <= to->x0) {
        *to = b;
        return;
    }
    if (b.x0 < to->x0) to->x0 = b.x0;
    if (b.y0 < to->y0) to->y0 = b.y0;
    if (b.x1 > to->x1) to->x1 = b.x1;
    if (b.y1 > to->y1) to->y1 = b.y1;
}

static void use_box(reader *r, long long frame, const double edge[4], const char *label)
{
    double seen[4];
    if (!(edge[2] > edge[0] && edge[3] > edge[1])) return;                          /* nothing there */
    if (!fl_preprocess_box(&r->input->fitting, edge, seen)) return;                 /* outside the crop */
    const fl_box b = {(int)floor(seen[0]), (int)floor(seen[1]), (int)ceil(seen[2]), (int)ceil(seen[3])};
    for (int t = 0; t < r->input->shape.t; t++) {
        if (r->input->frame[t] != frame) continue;
        if (label && !r->boxes->label) r->boxes->label = fl_arena_text(r->cli->arena, "%s", label);
        join(&r->boxes->box[t], b);
    }
}

static fl_status read_row(reader *r, char *line)
{
    char *field[MOST_FIELDS];
    const int count = split(line, field);
    double edge[4];
    long long frame;
    for (int c = 0; c < COLUMNS; c++)
        if (r->at[c] >= count)
            return fl_error_set(r->cli->error, FL_UNREADABLE, "%s: line %d: expected a %s in field %d, got %d fields",
                                r->path, r->line, column_name[c], r->at[c] + 1, count);
    if (r->at[CLIP] >= 0 && strcmp(field[r->at[CLIP]], r->input->title) != 0) return FL_OK;
    bool ok = fl_text_int(field[r->at[FRAME]], &frame);
    for (int k = 0; k < 4; k++) ok = ok && fl_text_real(field[r->at[X0 + k]], &edge[k]);
    if (!ok)
        return fl_error_set(r->cli->error, FL_UNREADABLE, "%s: line %d: frame, x0, y0, x1 and y1 are numbers",
                            r->path, r->line);
    use_box(r, frame, edge, r->at[LABEL] >= 0 ? field[r->at[LABEL]] : NULL);
    return FL_OK;
}

static fl_status finish(reader *r)
{
    fl_boxes *b = r->boxes;
    for (int t = 0; t < r->input->shape.t; t++) {
        const fl_box *box = &b->box[t];
        b->frames += box->x1 > box->x0;
        b->drawn[t] = (fl_frame_box){box->x0, box->y0, box->x1 - 1, box->y1 - 1};       /* without a box: x1 < x0 */
    }
    if (b->frames) return FL_OK;
    return fl_error_set(r->cli->error, FL_UNREADABLE, "%s: no box for a frame of '%s' that the network sees; frames "
                        "are counted from 0, and the column clip holds names without folder and ending", r->path,
                        r->input->title);
}

fl_status fl_boxes_read(fl_cli *cli, const char *path, const fl_input *input, fl_boxes *boxes)
{
    fl_bytes bytes;
    reader r = {.cli = cli, .path = path, .input = input, .boxes = boxes};
    if (!input->frame)
        return fl_error_set(cli->error, FL_USAGE, "--boxes: a tensor has no frames that boxes could belong to");
    if (fl_file_read(cli->arena, path, MOST_BYTES, &bytes) != FL_OK) return cli->error->status;
    *boxes = (fl_boxes){.box = FL_NEW(cli->arena, fl_box, input->shape.t),
                        .drawn = FL_NEW(cli->arena, fl_frame_box, input->shape.t)};
    char *text = fl_arena_text(cli->arena, "%.*s", (int)bytes.size, (const char *)bytes.data);
    if (!boxes->box || !boxes->drawn || !text) return cli->error->status;
    for (char *line = text; line && cli->error->status == FL_OK;) {
        char *next = strchr(line, '\n');
        if (next) *next++ = 0;
        line[strcspn(line, "\r")] = 0;
        if (++r.line == 1) read_header(&r, line);
        else if (*line) read_row(&r, line);
        line = next;
    }
    return cli->error->status == FL_OK ? finish(&r) : cli->error->status;
}
