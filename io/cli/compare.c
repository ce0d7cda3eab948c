/* compare.c: footlight compare: how alike are two maps, and where do they differ most? Two .npy files, or two folders of results. */
#include "attribution/metrics/agreement.h"
#include "io/cli/spare.h"
#include "io/colour.h"
#include "io/folder.h"
#include "io/font.h"
#include "io/npy.h"
#include "io/png_out.h"

#include <math.h>
#include <string.h>

static const fl_option options[] = {
    FL_OPTION_REAL("top", "X", "0.1", 1e-6, 1, "overlap: this part of the voxels, the largest of each"),
    FL_OPTION_TEXT("picture", 0, "FILE", NULL, "PNG: both maps, and the difference of their ranks, frame by frame"),
    {0}};
static const fl_option_group group = {"Options of compare", options};

typedef struct array { fl_shape shape; const real *value; } array;      /* T,H,W */

typedef struct pair {
    const char *name, *path[2];
    array map[2];
    double likeness[FL_AGREEMENTS], overlap, rank_difference, *per_frame;
    int64_t most;                        /* the voxel where ranks differ most */
} pair;

/* C,T,H,W becomes the sum over channels. */
static fl_status read_map(fl_cli *cli, const char *path, array *m)
{
    fl_npy a;
    const real *v = fl_npy_read(cli->arena, path, &a);
    if (!v) return cli->error->status;
    const int front = a.axes == 5 && a.size[0] == 1 ? 1 : 0, axes = a.axes - front;
    bool fits = axes == 3 || axes == 4;
    for (int i = 0; fits && i < a.axes; i++) fits = a.size[i] >= 1 && a.size[i] <= 1 << 20;
    if (!fits) return fl_error_set(cli->error, FL_UNREADABLE, "%s: expected a map of shape T,H,W or C,T,H,W, got %d axes", path, a.axes);
    const int64_t *size = a.size + a.axes - 3, channels = axes == 4 ? a.size[front] : 1;
    m->shape = (fl_shape){1, 1, (int)size[0], (int)size[1], (int)size[2]};
    const int64_t n = fl_shape_pixels(m->shape);
    fl_assert(n > 0);
    real *sum = FL_NEW(cli->arena, real, n);
    if (!sum) return cli->error->status;
    m->value = sum;
    for (int64_t i = 0; i < n; i++) {
        double total = 0;
        for (int64_t c = 0; c < channels; c++) total += (double)v[c * n + i];
        sum[i] = (real)total;
        if (!isfinite(total))
            return fl_error_set(cli->error, FL_UNREADABLE, "%s: value %lld is %g; expected finite numbers", path, (long long)i, total);
    }
    return FL_OK;
}

static fl_status compare(fl_cli *cli, pair *p)
{
    for (int k = 0; k < 2; k++)
        if (read_map(cli, p->path[k], &p->map[k]) != FL_OK) return cli->error->status;
    const fl_shape s = p->map[0].shape, other = p->map[1].shape;
    const real *a = p->map[0].value, *b = p->map[1].value;
    fl_assert(s.t > 0);
    if (!fl_shape_equal(s, other))
        return fl_error_set(cli->error, FL_USAGE, "%s and %s: %d,%d,%d and %d,%d,%d (T,H,W) cannot be compared place by place; "
                            "map_reduced.npy has the clip's size for every method", p->path[0], p->path[1], s.t, s.h, s.w, other.t, other.h,
                            other.w);
    const int64_t n = fl_shape_pixels(s), pixels = n / s.t, top = (int64_t)(fl_cli_real(cli, "top") * (double)n + 0.5);
    const fl_shape one = {1, 1, 1, s.h, s.w};
    for (int i = 0; i < FL_AGREEMENTS; i++) p->likeness[i] = fl_agreement_table[i].measure(s, a, b, cli->arena);
    p->overlap = fl_top_overlap(n, a, b, top > 0 ? top : 1, cli->arena);
    p->most = fl_largest_disagreement(n, a, b, &p->rank_difference, cli->arena);
    p->per_frame = FL_NEW(cli->arena, double, s.t);
    for (int t = 0; p->per_frame && t < s.t; t++)
        p->per_frame[t] = fl_agreement_table[0].measure(one, a + t * pixels, b + t * pixels, cli->arena);
    return cli->error->status;
}

static int least_alike(const pair *p)
{
    int worst = 0;
    for (int t = 1; t < p->map[0].shape.t; t++)
        if (p->per_frame[t] < p->per_frame[worst] || isnan(p->per_frame[worst])) worst = t;
    return worst;
}

/* ---- which files ---- */

static bool is_reduced(const char *path, const void *user)
{
    const size_t n = strlen(path), m = strlen("map_reduced.npy");
    (void)user;
    return n >= m && strcmp(path + n - m, "map_reduced.npy") == 0;
}

static const char *base(const char *path) { return strrchr(path, '/') ? strrchr(path, '/') + 1 : path; }

/* The maps that both folders have, by name. */
static fl_status pair_folders(fl_cli *cli, const char *a, const char *b, pair **pairs, int *count)
{
    fl_listing list[2];
    *count = 0;
    if (fl_folder_list(cli->arena, a, is_reduced, NULL, &list[0]) != FL_OK || fl_folder_list(cli->arena, b, is_reduced, NULL,
        &list[1]) != FL_OK)
        return cli->error->status;
    *pairs = FL_NEW(cli->arena, pair, list[0].count + 1);
    for (int i = 0; *pairs && i < list[0].count; i++)
        for (int k = 0; k < list[1].count; k++)
            if (strcmp(base(list[0].path[i]), base(list[1].path[k])) == 0)
                (*pairs)[(*count)++] = (pair){.name = base(list[0].path[i]), .path = {list[0].path[i], list[1].path[k]}};
    /* one map each, by whatever method */
    if (*pairs && !*count && list[0].count == 1 && list[1].count == 1)
        (*pairs)[(*count)++] = (pair){.name = "maps", .path = {list[0].path[0], list[1].path[0]}};
    if (*count || cli->error->status) return cli->error->status;
    return fl_error_set(cli->error, FL_USAGE, "%s and %s: no map that both have: expected files like map_reduced.npy with the same names",
        a, b);
}

/* ---- out ---- */

static void print_pair(const fl_cli *cli, const pair *p)
{
    const fl_shape s = p->map[0].shape;
    fl_assert(s.t > 0 && s.h > 0 && s.w > 0);
    const int64_t at = p->most;
    const int worst = least_alike(p);
    printf("%s\n%s: %d frames of %d x %d\n", p->path[0], p->path[1], s.t, s.w, s.h);
    for (int i = 0; i < FL_AGREEMENTS; i++) {
        const bool overlap = strcmp(fl_agreement_table[i].name, "overlap") == 0;
        const double v = overlap ? p->overlap : p->likeness[i];
        printf("  %-13s ", fl_agreement_table[i].name);
        if (isnan(v)) printf("%8s  not defined: a map is constant\n", "-");
        else if (overlap) printf("%8.4f  share that the largest %g of the voxels have in common\n", v, fl_cli_real(cli, "top"));
        else printf("%8.4f  %s\n", v, fl_agreement_table[i].doc);
    }
    if (p->rank_difference == 0) {
        printf("  every voxel has the same rank in both\n");
        return;
    }
    printf("  they differ most in frame %d at column %d, row %d: the second map's rank is %.1f %% %s\n", (int)(at / ((int64_t)s.h * s.w)),
           (int)(at % s.w), (int)(at / s.w % s.h), 100 * fabs(p->rank_difference), p->rank_difference < 0 ? "lower" : "higher");
    if (!isnan(p->per_frame[worst])) printf("  the least alike frame is %d: rank correlation %.4f\n", worst, p->per_frame[worst]);
}

static void write_pair(fl_json *j, const pair *p)
{
    const fl_shape s = p->map[0].shape;
    fl_assert(s.t > 0 && s.h > 0 && s.w > 0);
    const int at[3] = {(int)(p->most / ((int64_t)s.h * s.w)), (int)(p->most / s.w % s.h), (int)(p->most % s.w)};
    fl_json_object(j, NULL);
    fl_json_string(j, "name", p->name);
    fl_json_string(j, "first", p->path[0]);
    fl_json_string(j, "second", p->path[1]);
    fl_json_ints(j, "shape", (int[]){s.t, s.h, s.w}, 3);
    for (int i = 0; i < FL_AGREEMENTS; i++)
        fl_json_number(j, fl_agreement_table[i].name, strcmp(fl_agreement_table[i].name, "overlap") == 0 ? p->overlap : p->likeness[i]);
    fl_json_array(j, "spearman_of_frames");
    for (int t = 0; t < s.t; t++) fl_json_number(j, NULL, p->per_frame[t]);
    fl_json_close(j);
    fl_json_int(j, "least_alike_frame", least_alike(p));
    if (p->rank_difference != 0) fl_json_ints(j, "largest_difference_at", at, 3);
    else fl_json_null(j, "largest_difference_at");
    fl_json_number(j, "rank_difference", p->rank_difference);
    fl_json_close(j);
}

/* Three rows: the first map, the second, and second minus first in ranks. */
static fl_status draw(fl_cli *cli, const pair *p, const char *path)
{
    enum { LEFT = 96, GAP = 4 };
    const fl_shape s = p->map[0].shape;
    fl_assert(s.t > 0 && s.w > 0);
    const int64_t n = fl_shape_pixels(s), pixels = n / s.t;
    const int zoom = s.w >= 64 ? 1 : (63 + s.w) / s.w, wide = s.w * zoom + GAP, high = s.h * zoom + GAP;
    const real *difference = fl_rank_difference(n, p->map[0].value, p->map[1].value, cli->arena);
    const real *row[3] = {p->map[0].value, p->map[1].value, difference};
    static const char *const name[3] = {"first", "second", "second - first"};
    unsigned char *grey = FL_NEW(cli->arena, unsigned char, 3 * pixels), *out = FL_NEW(cli->arena, unsigned char, 3 * pixels);
    fl_canvas c = fl_canvas_new(cli->arena, LEFT + s.t * wide, 3 * high + 16, (fl_ink){255, 255, 255});
    fl_buffer png = fl_buffer_new(cli->arena);
    if (!difference || !grey || !out || !c.rgb) return cli->error->status;
    memset(grey, 128, 3 * (size_t)pixels);
    for (int r = 0; r < 3; r++) {
        fl_scaled scaled;
        if (fl_scale_map(&scaled, cli->arena, row[r], s.t, pixels, fl_look_default()) != FL_OK) return cli->error->status;
        fl_font_draw(&c, 4, r * high + high / 2 - 4, name[r], (fl_face){1, 0, {30, 30, 40}});
        for (int t = 0; t < s.t; t++) {
            fl_scaled_overlay(&scaled, t, grey, out);
            fl_canvas_image(&c, LEFT + t * wide, r * high, out, s.w, s.h, zoom);
        }
    }
    for (int t = 0; t < s.t; t++) {
        char text[16];
        snprintf(text, sizeof text, "%d", t);
        fl_font_place(&c, LEFT + t * wide + wide / 2, 3 * high + 2, 0, text, (fl_face){1, 0, {30, 30, 40}});
    }
    if (fl_png_encode(&png, c.rgb, c.width, c.height) != FL_OK) return cli->error->status;
    return fl_file_write(path, png.data, png.size, cli->error);
}

static fl_status run(fl_cli *cli)
{
    const char *a = cli->argument[0], *b = cli->argument[1], *picture = fl_cli_text(cli, "picture");
    pair one = {.name = "maps", .path = {a, b}}, *pairs = &one;
    int count = 1;
    if (fl_cli_spare(cli, "picture", picture) != FL_OK) return cli->error->status;
    if (fl_folder_exists(a) != fl_folder_exists(b))
        return fl_error_set(cli->error, FL_USAGE, "compare: expected two files or two folders, got one of each");
    if (fl_folder_exists(a) && pair_folders(cli, a, b, &pairs, &count) != FL_OK) return cli->error->status;
    if (picture && count != 1) return fl_error_set(cli->error, FL_USAGE, "--picture: of one pair of maps; the folders have %d in common",
        count);
    for (int i = 0; i < count; i++)
        if (compare(cli, &pairs[i]) != FL_OK) return cli->error->status;
    if (picture && draw(cli, pairs, picture) != FL_OK) return cli->error->status;
    fl_json j;
    if (cli->json) {
        fl_json_to_stream(&j, stdout, true);
        fl_json_object(&j, NULL);
        fl_json_array(&j, "pairs");
    }
    for (int i = 0; i < count; i++) {
        if (cli->json) write_pair(&j, &pairs[i]);
        else print_pair(cli, &pairs[i]);
    }
    if (!cli->json) return FL_OK;
    fl_json_close(&j);
    fl_json_close(&j);
    fl_json_end(&j);
    return FL_OK;
}

const fl_command fl_command_compare = {
    "compare", "how alike are two maps, and where do they differ most?", "MAP.npy MAP.npy | DIR DIR [options]", 2, 2,
    (const fl_option_group *const[]){&group, NULL},
    "  footlight compare a/map_reduced.npy b/map_reduced.npy --picture difference.png\n"
    "  footlight compare out_trained out_random\n", run};
