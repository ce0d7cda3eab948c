/* test_segments.c: pieces of clips: boxes by hand, SLIC against the definition written cluster by cluster, edges and motion that are
 * known, bits, bad input. */
#include "attribution/segments.h"
#include "tensor/math.h"
#include "tensor/par.h"
#include "tensor/rng.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 8 * 48 * 64 };

static real clip[MOST * 3];
static int32_t kept[MOST];
static fl_error err;
static fl_arena arena;
static fl_segments got;

static bool cut(const char *kind, fl_shape s, const fl_segment_options *o)
{
    err = (fl_error){0};
    fl_arena_free(&arena);
    fl_arena_init(&arena, &err);
    return CHECK_SAY(fl_segments_make(kind, s, clip, NULL, o, &arena, &got, &err) == FL_OK, "%s: %s", kind, err.message);
}

static int32_t label_at(int t, int h, int w) { return got.label[(t * got.h + h) * got.w + w]; }

static void noise(fl_shape s, int seed)
{
    for (int64_t i = 0; i < fl_shape_count(s); i++) clip[i] = (real)fl_rng_uniform((uint64_t)seed, 7, (uint64_t)i);
}

/* Every number is used, new numbers come in order, and sizes add up. */
static void check_numbering(const char *what)
{
    int64_t *size = calloc((size_t)got.count + 1, sizeof *size), sum = 0;
    int32_t seen = 0;
    for (int64_t i = 0; i < (int64_t)got.t * got.h * got.w; i++) {
        CHECK_SAY(got.label[i] <= seen && got.label[i] >= 0, "%s: voxel %d has %d after %d", what, (int)i, got.label[i], seen);
        seen += got.label[i] == seen;
    }
    CHECK_SAY(seen == got.count, "%s: %d pieces, count says %d", what, seen, got.count);
    fl_segments_sizes(&got, size);
    for (int i = 0; i < got.count; i++) {
        CHECK_SAY(size[i] > 0, "%s: piece %d is empty", what, i);
        sum += size[i];
    }
    CHECK(sum == (int64_t)got.t * got.h * got.w);
    free(size);
}

TEST(segments_boxes_and_frames)
{
    const fl_shape s = {1, 1, 3, 5, 4};
    fl_segment_options o = fl_segments_default();
    memcpy(o.cell, (int[]){2, 3, 2}, sizeof o.cell);
    noise(s, 1);
    if (!cut("grid", s, &o)) return;
    CHECK(got.count == 8 && got.t == 3 && got.h == 5 && got.w == 4);
    for (int t = 0; t < 3; t++)
        for (int h = 0; h < 5; h++)
            for (int w = 0; w < 4; w++) CHECK(label_at(t, h, w) == (t / 2) * 4 + (h / 3) * 2 + w / 2);
    check_numbering("grid");
    o.cell[1] = 100;
    if (cut("grid", s, &o)) CHECK(got.count == 4);
    if (!cut("frames", s, &o)) return;
    CHECK(got.count == 3 && label_at(2, 4, 3) == 2 && label_at(1, 0, 0) == 1);
    check_numbering("frames");
}

/* ---- SLIC once more: cluster by cluster, over all voxels, and fragments by flooding ---- */

typedef struct naive { int t, h, w, step[3], count; double c[64][4], p[3]; } naive;

static void naive_place(const naive *n, int i, int *p)
{
    p[0] = i / n->w / n->h;
    p[1] = i / n->w % n->h;
    p[2] = i % n->w;
}

static void naive_round(naive *n, const double *grey, double *best, int *label, double scale)
{
    for (int i = 0; i < n->t * n->h * n->w; i++) best[i] = 1e300;
    for (int k = 0; k < n->count; k++)
        for (int i = 0; i < n->t * n->h * n->w; i++) {
            int p[3];
            double d = (grey[i] - n->c[k][3]) * (grey[i] - n->c[k][3]);
            naive_place(n, i, p);
            for (int a = 0; a < 3; a++) {
                const double x = p[a] - n->c[k][a];
                if (fabs(x) > 2 * n->step[a]) d = 1e301;
                d += x * x / (scale * scale);
            }
            if (d >= best[i]) continue;
            best[i] = d;
            label[i] = k;
        }
    for (int k = 0; k < n->count; k++) {
        double sum[4] = {0}, members = 0;
        for (int i = 0; i < n->t * n->h * n->w; i++) {
            int p[3];
            naive_place(n, i, p);
            if (label[i] != k) continue;
            members++;
            for (int a = 0; a < 3; a++) sum[a] += p[a];
            sum[3] += grey[i];
        }
        for (int a = 0; a < 4 && members > 0; a++) n->c[k][a] = sum[a] / members;
    }
}

/* Flood from i, in the order breadth first; returns how many, the last foreign neighbour in *next_to. */
static int naive_flood(const naive *n, const int *label, int *to, int i, int number, int most, int *list, int *next_to)
{
    static const int way[6][3] = {{0, 0, 1}, {0, 0, -1}, {0, 1, 0}, {0, -1, 0}, {1, 0, 0}, {-1, 0, 0}};
    int found = 1;
    list[0] = i;
    to[i] = number;
    *next_to = -1;
    for (int done = 0; done < found && found < most; done++)
        for (int k = 0; k < 6 && found < most; k++) {
            int p[3];
            naive_place(n, list[done], p);
            const int t = p[0] + way[k][0], h = p[1] + way[k][1], w = p[2] + way[k][2], j = (t * n->h + h) * n->w + w;
            if (t < 0 || h < 0 || w < 0 || t >= n->t || h >= n->h || w >= n->w) continue;
            if (to[j] >= 0 && to[j] != number) *next_to = to[j];
            if (to[j] >= 0 || label[j] != label[i]) continue;
            to[j] = number;
            list[found++] = j;
        }
    return found;
}

TEST(segments_slic_follows_its_definition)
{
    enum { T = 6, H = 12, W = 14, V = T * H * W };
    const fl_shape s = {1, 1, T, H, W};
    static double grey[V], best[V];
    static int label[V], to[V], list[V];
    noise(s, 3);
    fl_segment_options o = fl_segments_default();
    o.pieces = 12;
    o.compactness = 15;
    if (!cut("slic", s, &o)) return;
    check_numbering("slic");

    /* (6 x 12 x 14 / 12)^(1/3) = 4.38: steps of 4 from 2 on: 1, 3, 3 places */
    naive n = {.t = T, .h = H, .w = W, .step = {4, 4, 4}};
    for (int t = 2; t < T; t += 4)
        for (int h = 2; h < H; h += 4)
            for (int w = 2; w < W; w += 4) memcpy(n.c[n.count++], (double[4]){t, h, w, 0}, sizeof n.c[0]);
    real low, high;
    fl_min_max(clip, V, &low, &high);
    for (int i = 0; i < V; i++)
        grey[i] = (double)(real)(100 * (double)(real)(((double)clip[i] - (double)low) / ((double)high - (double)low)) / o.compactness);
    for (int round = 0; round < 10; round++) naive_round(&n, grey, best, label, 4);
    for (int i = 0; i < V; i++) to[i] = -1;
    int count = 0, next_to, fragments = 0;
    for (int i = 0; i < V; i++) {
        if (to[i] >= 0) continue;
        const int found = naive_flood(&n, label, to, i, count, (int)(3.0 * V / n.count), list, &next_to);
        if (found >= (int)(0.5 * V / n.count) || next_to < 0) count++;
        else for (int j = 0; j < found; j++) to[list[j]] = next_to;
        fragments++;
    }
    CHECK_SAY(fragments > count && count > 3, "too easy: %d fragments, %d pieces", fragments, count);
    CHECK(got.count == count);
    for (int i = 0; i < V; i++) CHECK_SAY(got.label[i] == to[i], "voxel %d: %d, wanted %d", i, got.label[i], to[i]);
}

/* A red and a blue half, and a green bar that comes for the last frames: no piece has two colours. */
TEST(segments_slic_keeps_edges)
{
    const fl_shape s = {1, 3, 8, 24, 32};
    for (int zero = 0; zero < 2; zero++) {
        for (int64_t i = 0; i < fl_shape_pixels(s); i++) {
            const int w = (int)(i % 32), t = (int)(i / (24 * 32)), which = t >= 5 && w < 7 ? 1 : w < 13 ? 0 : 2;
            for (int c = 0; c < 3; c++) clip[3 * i + c] = (real)(c == which ? 0.9 : 0.1);
        }
        fl_segment_options o = fl_segments_default();
        o.pieces = 40;
        o.zero = zero;
        if (!cut("slic", s, &o)) return;
        check_numbering("slic");
        CHECK_SAY(got.count > 10 && got.count < 100, "%d pieces", got.count);
        int colour[MOST / 16] = {0}, wrong = 0;
        for (int64_t i = 0; i < fl_shape_pixels(s); i++) {
            int which = 1;
            for (int c = 0; c < 3; c++) which += (clip[3 * i + c] > 0.5f) * c;
            int *known = &colour[got.label[i]];
            wrong += *known && *known != which;
            if (!*known) *known = which;
        }
        CHECK_SAY(wrong == 0, "%d voxels are in pieces of another colour", wrong);
    }
}

static void same_bits(const char *kind, fl_shape s, const fl_segment_options *o)
{
    if (!cut(kind, s, o)) return;
    memcpy(kept, got.label, (size_t)fl_shape_pixels(s) * sizeof *kept);
    const int count = got.count;
    fl_parallel_min = 0;
    for (int threads = 1; threads <= 5; threads += 2)
        for (int backwards = 0; backwards < 2; backwards++) {
            fl_threads_set(threads);
            fl_parallel_backwards = backwards;
            if (cut(kind, s, o))
                CHECK_SAY(got.count == count && memcmp(kept, got.label, (size_t)fl_shape_pixels(s) * sizeof *kept) == 0,
                          "%s: %d threads, %s: other pieces", kind, threads, backwards ? "backwards" : "forwards");
        }
    fl_threads_set(0);
    fl_parallel_min = FL_PARALLEL_MIN;
    fl_parallel_backwards = false;
}

TEST(segments_have_the_same_bits)
{
    const fl_shape s = {1, 3, 4, 20, 24};
    noise(s, 5);
    fl_segment_options o = fl_segments_default();
    o.pieces = 20;
    o.sigma = 0.8;
    o.zero = o.stretch_frames = true;
    for (int i = 0; fl_segments_name[i]; i++) same_bits(fl_segments_name[i], s, &o);
}

/* A texture of waves that goes `speed` pixels to the right from frame to frame. */
static void moving(fl_shape s, double speed)
{
    for (int t = 0; t < s.t; t++)
        for (int h = 0; h < s.h; h++)
            for (int w = 0; w < s.w; w++) {
                const double x = w - speed * t;
                clip[(t * s.h + h) * s.w + w] = (real)(fl_sin64(0.5 * x + 0.3 * h) + fl_sin64(0.23 * x - 0.41 * h) + fl_sin64(0.8 * h));
            }
}

/* The part of the voxels, of those that came from inside, that are in the piece in which what they show was before. */
static double follows(int speed)
{
    int64_t same = 0, all = 0;
    for (int t = 1; t < got.t; t++)
        for (int h = 2; h < got.h - 2; h++)
            for (int w = speed * t + 3; w < got.w - 3; w++, all++) same += label_at(t, h, w) == label_at(t - 1, h, w - speed);
    return (double)same / (double)all;
}

TEST(segments_tubes_follow_motion)
{
    const fl_shape s = {1, 1, 6, 40, 64};
    moving(s, 2);
    fl_segment_options o = fl_segments_default();
    memcpy(o.cell, (int[]){0, 8, 8}, sizeof o.cell);
    if (!cut("tubes", s, &o)) return;
    check_numbering("tubes");
    CHECK(got.count == 40);
    int wrong = 0, all = 0;
    for (int t = 0; t < s.t; t++)
        for (int h = 2; h < s.h - 2; h++)
            for (int w = 2 * t + 3; w < s.w - 3; w++, all++) {
                const int x = w - 2 * t, at_edge = x % 8 == 0 || x % 8 == 7 || h % 8 == 0 || h % 8 == 7;     /* flow errs by hundredths */
                wrong += !at_edge && label_at(t, h, w) != h / 8 * 8 + x / 8;
            }
    CHECK_SAY(wrong == 0, "%d of %d voxels are in another cell's tube", wrong, all);
    o.cell[0] = 3;
    if (!cut("tubes", s, &o)) return;
    CHECK(got.count == 80);                          /* the second row of tubes begins anew in frame 3 */
    CHECK(label_at(3, 20, 20) == 40 + 2 * 8 + 2);
}

TEST(segments_flow_pieces_go_along)
{
    const fl_shape s = {1, 1, 6, 40, 64};
    moving(s, 3);
    fl_segment_options o = fl_segments_default();
    o.pieces = 40;
    o.compactness = 40;
    if (!cut("slic", s, &o)) return;
    const double without = follows(3);
    if (!cut("flow", s, &o)) return;
    check_numbering("flow");
    const double with = follows(3);
    CHECK_SAY(with > 0.95 && without < 0.8, "followed: %.3f with flow, %.3f without", with, without);
    moving(s, 0);
    if (!cut("slic", s, &o)) return;
    memcpy(kept, got.label, (size_t)fl_shape_pixels(s) * sizeof *kept);
    if (cut("flow", s, &o)) CHECK(memcmp(kept, got.label, (size_t)fl_shape_pixels(s) * sizeof *kept) == 0);      /* at rest: the same */
}

/* Lab ignores what normalisation did: undone by the card, the same pieces. */
TEST(segments_undo_normalisation)
{
    const fl_shape s = {1, 3, 4, 16, 16};
    fl_card_input card = {.white = 255, .bgr = true, .mean = {100, 110, 120}, .std = {50, 60, 70}};
    fl_segment_options o = fl_segments_default();
    o.pieces = 12;
    noise(s, 9);
    if (!cut("slic", s, &o)) return;
    memcpy(kept, got.label, (size_t)fl_shape_pixels(s) * sizeof *kept);
    for (int64_t i = 0; i < fl_shape_pixels(s); i++) {
        const double rgb[3] = {(double)clip[3 * i], (double)clip[3 * i + 1], (double)clip[3 * i + 2]};
        for (int c = 0; c < 3; c++) clip[3 * i + c] = (real)((255 * rgb[2 - c] - card.mean[c]) / card.std[c]);
    }
    fl_segments again;
    CHECK(fl_segments_make("slic", s, clip, &card, &o, &arena, &again, &err) == FL_OK);
    int64_t same = 0;
    for (int64_t i = 0; i < fl_shape_pixels(s); i++) same += again.label[i] == kept[i];
    CHECK_SAY(same == fl_shape_pixels(s), "%d of %d voxels are where they were", (int)same, (int)fl_shape_pixels(s));
}

TEST(segments_refuse_what_makes_no_sense)
{
    const fl_shape s = {1, 3, 2, 8, 8};
    const fl_segment_options good = fl_segments_default();
    fl_segment_options bad[8] = {good, good, good, good, good, good, good, good};
    bad[0].cell[1] = 0;
    bad[1].pieces = 0;
    bad[2].compactness = 0;
    bad[3].compactness = (double)NAN;
    bad[4].sigma = -1;
    bad[5].spacing[2] = 0;
    bad[6].rounds = 0;
    bad[7].cell[0] = -1;
    noise(s, 2);
    for (int i = 0; i < 8; i++) {
        err = (fl_error){0};
        CHECK_SAY(fl_segments_make("slic", s, clip, NULL, &bad[i], &arena, &got, &err) == FL_USAGE, "%d: %s", i, err.message);
        CHECK(got.label == NULL && strstr(err.message, "expected"));
    }
    err = (fl_error){0};
    CHECK(fl_segments_make("slick", s, clip, NULL, &good, &arena, &got, &err) == FL_USAGE && strstr(err.message, "'slic'"));
}

TEST(segments_of_flat_and_tiny_clips)
{
    fl_segment_options o = fl_segments_default();
    for (int i = 0; fl_segments_name[i]; i++)
        for (int one = 0; one < 2; one++) {
            const fl_shape s = one ? (fl_shape){1, 3, 1, 1, 1} : (fl_shape){1, 2, 3, 17, 19};
            memset(clip, 0, sizeof clip);
            if (cut(fl_segments_name[i], s, &o)) check_numbering(fl_segments_name[i]);
            if (one) CHECK(got.count == 1);
        }
}

TEST(segments_survive_lack_of_memory)
{
    const fl_shape s = {1, 3, 3, 12, 12};
    const fl_segment_options o = fl_segments_default();
    noise(s, 4);
    for (int i = 0; fl_segments_name[i]; i++)
        for (long k = 1;; k++) {
            err = (fl_error){0};
            fl_arena_free(&arena);
            fl_arena_init(&arena, &err);
            fl_arena_fail_at(k);
            const fl_status status = fl_segments_make(fl_segments_name[i], s, clip, NULL, &o, &arena, &got, &err);
            const bool done = fl_arena_count() < k;
            fl_arena_fail_at(0);
            CHECK_SAY(done ? status == FL_OK : status == FL_FAILED && !got.label, "%s, allocation %ld: status %d %s",
                      fl_segments_name[i], k, status, err.message);
            if (done) break;
        }
}
