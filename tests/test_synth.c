/* test_synth.c: the synthetic clips are what synth.h says, to the bit: truth, symmetry, and nothing to cheat with. */
#include "models/synth_parts.h"
#include "tensor/par.h"
#include "tensor/tensor.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

enum { T = 16, SIZE = 64, PIXELS = SIZE * SIZE, VOXELS = T * PIXELS };
typedef struct clip { unsigned char rgb[VOXELS * 3], mask[VOXELS]; fl_synth_truth truth; } clip;

static clip a, b;

static uint64_t clip_hash(const clip *c)
{
    int words[3] = {c->truth.label, c->truth.begin, c->truth.end};
    return fl_hash(c->rgb, sizeof c->rgb) ^ 3 * fl_hash(c->mask, sizeof c->mask) ^ 5 * fl_hash(words, sizeof words) ^
           7 * fl_hash(c->truth.box, sizeof c->truth.box);
}

static void make(const fl_synth_options *o, uint64_t index, clip *c)
{
    fl_synth_clip(o, index, c->rgb, c->mask, &c->truth);
}

TEST(synth_same_bits_twice_and_no_two_alike)
{
    fl_synth_options o = fl_synth_default(3), other = fl_synth_default(4);
    make(&o, 17, &a);
    make(&o, 17, &b);
    CHECK(memcmp(&a, &b, sizeof a) == 0);
    make(&other, 17, &b);
    CHECK(memcmp(a.rgb, b.rgb, sizeof a.rgb) != 0);
    make(&o, 18, &b);
    CHECK(memcmp(a.rgb, b.rgb, sizeof a.rgb) != 0);
    fl_synth_truth alone;
    fl_synth_clip(&o, 17, NULL, NULL, &alone);                /* the truth does not need the pictures */
    CHECK(memcmp(&alone, &a.truth, sizeof alone) == 0);
}

/* Networks were trained on these bits: a change here makes every shipped figure stale. */
TEST(synth_golden_bits)
{
    static const struct { uint64_t seed, index; fl_synth_kind kind; uint64_t hash; } golden[] = {
        {1, 0, FL_SYNTH_ACTION, 0x96f8e39d5b8ac348u},
        {1, 1, FL_SYNTH_ACTION, 0x43b5020fdc168e1du},
        {1, 2, FL_SYNTH_ACTION, 0xec790464b32af8a9u},
        {2024, 123456, FL_SYNTH_ACTION, 0x0160178c9602ebb8u},
        {~(uint64_t)0, ~(uint64_t)0, FL_SYNTH_ACTION, 0x9e8bd611bd162687u},
        {1, 0, FL_SYNTH_ONE_REGION, 0x01d7d6f251153290u},
        {1, 0, FL_SYNTH_ONE_FRAME, 0xaca7d82e1cec5ac2u}};
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        fl_synth_options o = fl_synth_default(golden[i].seed);
        o.kind = golden[i].kind;
        make(&o, golden[i].index, &a);
        unsigned long long hash = clip_hash(&a);
        CHECK_SAY(hash == golden[i].hash, "clip %zu hashes to 0x%016llx", i, hash);
    }
    static unsigned char rgb[5 * 40 * 17 * 3];
    fl_synth_options odd = {9, 5, 40, 17, FL_SYNTH_ACTION};
    fl_synth_clip(&odd, 4, rgb, NULL, NULL);
    unsigned long long hash = fl_hash(rgb, sizeof rgb);
    CHECK_SAY(hash == 0xe138907230532bd3u, "odd size hashes to 0x%016llx", hash);
}

TEST(synth_threads_make_the_same_clips)
{
    enum { CLIPS = 24 };
    static clip many[CLIPS];
    uint64_t hash[CLIPS] = {0};
    fl_synth_options o = fl_synth_default(5);
    fl_threads_set(4);
    FL_PARALLEL(i, CLIPS, 1e9) {
        make(&o, (uint64_t)i, &many[i]);
        hash[i] = clip_hash(&many[i]);
    }
    fl_threads_set(0);
    for (int i = 0; i < CLIPS; i++) {
        make(&o, (uint64_t)i, &a);
        CHECK(clip_hash(&a) == hash[i]);
    }
}

TEST(synth_labels_are_balanced)
{
    for (int kind = 0; kind < FL_SYNTH_KINDS; kind++) {
        int count[FL_SYNTH_CLASSES] = {0}, classes = fl_synth_classes((fl_synth_kind)kind), in_order = 0;
        fl_synth_options o = fl_synth_default(8);
        o.kind = (fl_synth_kind)kind;
        for (int i = 0; i < 800; i++) {
            int label = fl_synth_label_at(&o, (uint64_t)i);
            count[label]++;
            in_order += label == i % classes;
        }
        for (int k = 0; k < classes; k++) CHECK(count[k] == 800 / classes);
        CHECK_SAY(in_order < 300, "%d of 800 labels follow their index", in_order);
    }
}

static fl_synth_box tight(const unsigned char *mask, int height, int width)
{
    fl_synth_box t = {width, height, 0, 0};
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            if (mask[y * width + x]) {
                if (x < t.x0) t.x0 = x;
                if (y < t.y0) t.y0 = y;
                if (x >= t.x1) t.x1 = x + 1;
                if (y >= t.y1) t.y1 = y + 1;
            }
    return t.x1 ? t : (fl_synth_box){0, 0, 0, 0};
}

TEST(synth_boxes_are_tight_and_actors_whole)
{
    static const int sizes[][3] = {{16, 64, 64}, {4, 16, 16}, {7, 16, 90}, {5, 128, 33}, {128, 24, 24},
                                   {4, 512, 16}, {4, 16, 512}};
    static unsigned char mask[8 * 128 * 1024];
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int i = 0; i < 24; i++) {
            fl_synth_options o = {6, sizes[s][0], sizes[s][1], sizes[s][2], FL_SYNTH_ACTION};
            fl_synth_truth truth;
            int wrong = 0, outside = 0;
            fl_synth_clip(&o, (uint64_t)i, NULL, mask, &truth);
            CHECK(truth.begin >= 0 && truth.end - truth.begin >= 2 && truth.end <= o.frames);
            for (int t = 0; t < o.frames; t++) {
                fl_synth_box want = tight(mask + t * o.height * o.width, o.height, o.width), got = truth.box[t];
                fl_synth_pose p = truth.pose[t];
                wrong += want.x1 == 0 || memcmp(&want, &got, sizeof got) != 0;
                outside += p.x < p.radius || p.y < p.radius || p.x > o.width - p.radius || p.y > o.height - p.radius;
            }
            CHECK(wrong == 0 && outside == 0);
        }
}

/* Every pose does what the class says during the span and rests, up to the shiver, before and after. */
TEST(synth_the_actor_acts)
{
    fl_synth_options o = fl_synth_default(10);
    for (int i = 0; i < 400; i++) {
        fl_synth_truth r;
        fl_synth_clip(&o, (uint64_t)i, NULL, NULL, &r);
        const fl_synth_pose *first = &r.pose[r.begin], *last = &r.pose[r.end - 1];
        double moved[4] = {first->x - last->x, first->y - last->y,
                           (last->angle - first->angle) * 180 / 3.14159265358979, last->radius / first->radius};
        static const double least[4] = {14.8, 14.8, 70, 1.6}, most[4] = {26.2, 26.2, 160, 2.4};
        if (r.label % 2) {
            for (int k = 0; k < 3; k++) moved[k] = -moved[k];
            moved[3] = 1 / moved[3];
        }
        for (int k = 0; k < 4; k++)
            if (k == r.label / 2) CHECK(moved[k] >= least[k] - 1e-9 && moved[k] <= most[k] + 1e-9);
            else CHECK_NEAR(moved[k], k == 3, k < 2 ? 1.2 : 1e-9);
        for (int t = 0; t < o.frames; t++) {
            const fl_synth_pose *rest = t < r.begin ? first : t >= r.end ? last : NULL;
            if (rest) CHECK(fabs(r.pose[t].x - rest->x) <= 1.2 && fabs(r.pose[t].y - rest->y) <= 1.2 &&
                            r.pose[t].angle == rest->angle && r.pose[t].radius == rest->radius);
        }
        CHECK(r.end - r.begin >= 6 && r.end - r.begin <= 12);
    }
}

/* The mask of the last frame, carried by the two poses into the first one, covers the mask there. */
TEST(synth_the_mask_follows_the_pose)
{
    fl_synth_options o = fl_synth_default(11);
    double sum = 0;
    for (int i = 0; i < 80; i++) {
        make(&o, (uint64_t)i, &a);
        const fl_synth_pose *p = &a.truth.pose[0], *q = &a.truth.pose[T - 1];
        const fl_synth_pose *big = p->radius > q->radius ? p : q, *small = big == p ? q : p;
        const unsigned char *from = small == p ? a.mask : a.mask + (T - 1) * PIXELS;
        const unsigned char *to = big == p ? a.mask : a.mask + (T - 1) * PIXELS;
        double turn = small->angle - big->angle, c = cos(turn), s = sin(turn), zoom = small->radius / big->radius;
        int both = 0, either = 0;
        for (int y = 0; y < SIZE; y++)
            for (int x = 0; x < SIZE; x++) {
                double dx = (x + 0.5 - big->x) * zoom, dy = (y + 0.5 - big->y) * zoom;
                int u = (int)floor(small->x + c * dx - s * dy), v = (int)floor(small->y + s * dx + c * dy);
                int here = to[y * SIZE + x] != 0, in = u >= 0 && v >= 0 && u < SIZE && v < SIZE;
                int there = in && from[v * SIZE + u];
                both += here && there;
                either += here || there;
            }
        sum += (double)both / either;
        CHECK_SAY((double)both / either > 0.6, "clip %d: overlap %.3f", i, (double)both / either);
    }
    CHECK_SAY(sum / 80 > 0.85, "mean overlap %.3f", sum / 80);
}

TEST(synth_partner_class_is_the_clip_backwards)
{
    fl_synth_options o = fl_synth_default(12);
    for (int i = 0; i < 8; i++)
        for (int label = 0; label < FL_SYNTH_CLASSES; label += 2) {
            fl_synth_clip_of(&o, (uint64_t)i, label, a.rgb, a.mask, &a.truth);
            fl_synth_clip_of(&o, (uint64_t)i, label + 1, b.rgb, b.mask, &b.truth);
            int same = a.truth.begin == T - b.truth.end && a.truth.end == T - b.truth.begin;
            for (int t = 0; t < T; t++) {
                int u = T - 1 - t;
                same &= memcmp(a.rgb + t * PIXELS * 3, b.rgb + u * PIXELS * 3, PIXELS * 3) == 0;
                same &= memcmp(a.mask + t * PIXELS, b.mask + u * PIXELS, PIXELS) == 0;
                same &= memcmp(&a.truth.box[t], &b.truth.box[u], sizeof(fl_synth_box)) == 0;
            }
            CHECK(same);
            CHECK(memcmp(a.rgb, b.rgb, sizeof a.rgb) != 0);
        }
}

/* Between classes that are told in the same direction, nothing differs but the pixels that an actor touches. */
TEST(synth_scene_does_not_know_the_class)
{
    fl_synth_options o = fl_synth_default(13);
    for (int i = 0; i < 6; i++)
        for (int label = 2; label < FL_SYNTH_CLASSES; label += 2) {
            int touched = 0, elsewhere = 0;
            fl_synth_clip_of(&o, (uint64_t)i, 0, a.rgb, a.mask, &a.truth);
            fl_synth_clip_of(&o, (uint64_t)i, label, b.rgb, b.mask, &b.truth);
            for (int v = 0; v < VOXELS; v++) {
                int t = v / PIXELS, y = v % PIXELS / SIZE, x = v % SIZE, near = 0;
                for (int side = 0; side < 2; side++) {
                    fl_synth_box box = side ? b.truth.box[t] : a.truth.box[t];
                    near |= x >= box.x0 - 2 && x < box.x1 + 2 && y >= box.y0 - 2 && y < box.y1 + 2;
                }
                int differs = memcmp(a.rgb + 3 * v, b.rgb + 3 * v, 3) != 0;
                touched += near && differs;
                elsewhere += !near && differs;
            }
            CHECK(touched > 0 && elsewhere == 0);
        }
}

/* Velocities of the background: mean 0, uncorrelated with the class (the odd class of a pair shows them negated). */
TEST(synth_background_drift_is_independent_of_the_class)
{
    enum { CLIPS = 2000 };
    fl_synth_options o = fl_synth_default(14);
    double sum[FL_SYNTH_CLASSES][2] = {{0}}, square = 0;
    static synth_background background;
    for (int i = 0; i < CLIPS; i++) {
        fl_rng draw = synth_stream(o.seed, (uint64_t)i, SYNTH_BACKGROUND);
        synth_background_draw(&draw, T, &background);
        int label = fl_synth_label_at(&o, (uint64_t)i), sign = label % 2 ? -1 : 1;
        sum[label][0] += sign * background.vx;
        sum[label][1] += sign * background.vy;
        square += background.vx * background.vx + background.vy * background.vy;
    }
    double n = (double)CLIPS / FL_SYNTH_CLASSES, error = sqrt(square / (2 * CLIPS) / n);
    CHECK_NEAR(square / (2 * CLIPS), 1.25 * 1.25 / 3, 0.03);                    /* uniform in -1.25 .. 1.25 */
    for (int k = 0; k < FL_SYNTH_CLASSES; k++)
        for (int axis = 0; axis < 2; axis++) CHECK_NEAR(sum[k][axis] / n, 0, 3.5 * error);
}

/* Frames pooled, the classes of a pair agree in every statistic of the actor, on clips with nothing in common. */
TEST(synth_pooled_frames_agree_within_a_pair)
{
    enum { CLIPS = 2400, STATISTICS = 7 };
    fl_synth_options o = fl_synth_default(15);
    double sum[FL_SYNTH_CLASSES][STATISTICS] = {{0}}, square[FL_SYNTH_CLASSES][STATISTICS] = {{0}};
    for (int i = 0; i < CLIPS; i++) {
        fl_synth_truth r;
        fl_synth_clip(&o, (uint64_t)i, NULL, NULL, &r);
        double mean[STATISTICS] = {0};
        for (int t = 0; t < T; t++) {
            fl_synth_box k = r.box[t];
            fl_synth_pose p = r.pose[t];
            double value[STATISTICS] = {p.x, p.y, p.radius, cos(p.angle), sin(p.angle), (k.x1 - k.x0) * (k.y1 - k.y0),
                                        t >= r.begin && t < r.end ? t : 7.5};
            for (int s = 0; s < STATISTICS; s++) mean[s] += value[s] / T;
        }
        for (int s = 0; s < STATISTICS; s++) {
            sum[r.label][s] += mean[s];
            square[r.label][s] += mean[s] * mean[s];
        }
    }
    double n = (double)CLIPS / FL_SYNTH_CLASSES;
    for (int k = 0; k < FL_SYNTH_CLASSES; k += 2)
        for (int s = 0; s < STATISTICS; s++) {
            double difference = (sum[k][s] - sum[k + 1][s]) / n, variance = 0;
            for (int side = 0; side < 2; side++) {
                double m = sum[k + side][s] / n;
                variance += (square[k + side][s] / n - m * m) / n;
            }
            CHECK_NEAR(difference, 0, 3.5 * sqrt(variance));
        }
}

/* A nearest-mean classifier within each pair: trained on the first clips, tried on the others. It sees blocks of
 * 8 x 8 pixels: in one frame; their mean and variance over time; or, to show what it can do, the mask times time. */
enum { CELLS = 8 * 8 * 3, FEATURES = 2 * CELLS, TRAIN = 600, TRY = 600 };
enum { ONE_FRAME, ORDER_BLIND, MASK_IN_TIME, VIEWS };

static void look(const clip *c, int index, double view[VIEWS][FEATURES])
{
    static double cell[T][CELLS];
    memset(cell, 0, sizeof cell);
    memset(view, 0, sizeof(double[VIEWS][FEATURES]));
    for (int v = 0; v < VOXELS; v++) {
        int t = v / PIXELS, block = v % PIXELS / SIZE / 8 * 8 + v % SIZE / 8;
        for (int k = 0; k < 3; k++) cell[t][3 * block + k] += c->rgb[3 * v + k] / (64.0 * 255);
        if (c->mask[v]) view[MASK_IN_TIME][block] += t - 7.5;
    }
    memcpy(view[ONE_FRAME], cell[index * 7 % T], sizeof cell[0]);
    for (int i = 0; i < CELLS; i++) {
        double sum = 0, square = 0;
        for (int t = 0; t < T; t++) {
            sum += cell[t][i] / T;
            square += cell[t][i] * cell[t][i] / T;
        }
        view[ORDER_BLIND][i] = sum;
        view[ORDER_BLIND][CELLS + i] = 20 * (square - sum * sum);
    }
}

TEST(synth_no_order_no_class)
{
    static double mean[VIEWS][FL_SYNTH_CLASSES][FEATURES], view[VIEWS][FEATURES];
    double hit[VIEWS][FL_SYNTH_CLASSES / 2] = {{0}}, noise = 3.2 * sqrt(0.25 / (TRY / 4.0));
    fl_synth_options o = fl_synth_default(16);
    for (int i = 0; i < TRAIN + TRY; i++) {
        make(&o, (uint64_t)i, &a);
        look(&a, i, view);
        int label = a.truth.label, even = label / 2 * 2;
        for (int s = 0; s < VIEWS; s++) {
            double to_even = 0, to_odd = 0;
            for (int j = 0; j < FEATURES; j++) {
                double f = view[s][j], m = mean[s][even][j], n = mean[s][even + 1][j];
                if (i < TRAIN) mean[s][label][j] += f * FL_SYNTH_CLASSES / TRAIN;
                to_even += (f - m) * (f - m);
                to_odd += (f - n) * (f - n);
            }
            if (i >= TRAIN) hit[s][label / 2] += ((to_odd < to_even) == label % 2) / (TRY / 4.0);
        }
    }
    for (int k = 0; k < FL_SYNTH_CLASSES / 2; k++) {
        CHECK_NEAR(hit[ONE_FRAME][k], 0.5, noise);
        CHECK_NEAR(hit[ORDER_BLIND][k], 0.5, noise);
    }
    for (int k = 0; k < 2; k++)
        CHECK_SAY(hit[MASK_IN_TIME][k] > 0.9, "control, pair %d: %.3f", k, hit[MASK_IN_TIME][k]);
}

TEST(synth_whitebox_evidence_is_all_and_only)
{
    static unsigned char evidence[VOXELS];
    for (int kind = FL_SYNTH_ONE_REGION; kind <= FL_SYNTH_ONE_FRAME; kind++)
        for (int i = 0; i < 20; i++) {
            fl_synth_options o = fl_synth_default(17);
            o.kind = (fl_synth_kind)kind;
            int differ_in = 0, differ_out = 0, count = 0;
            int expected = kind == FL_SYNTH_ONE_REGION ? T * 16 * 16 : PIXELS;
            fl_synth_clip_of(&o, (uint64_t)i, i % 4, a.rgb, a.mask, &a.truth);
            fl_synth_clip_of(&o, (uint64_t)i, (i + 1) % 4, b.rgb, b.mask, &b.truth);
            fl_synth_evidence(&o, &a.truth, evidence);
            CHECK(memcmp(evidence, a.mask, sizeof evidence) == 0 && memcmp(evidence, b.mask, sizeof evidence) == 0);
            for (int v = 0; v < VOXELS; v++) {
                int differs = memcmp(a.rgb + 3 * v, b.rgb + 3 * v, 3) != 0;
                count += evidence[v] != 0;
                differ_in += evidence[v] && differs;
                differ_out += !evidence[v] && differs;
            }
            CHECK(count == expected && differ_out == 0 && differ_in > count / 2);
        }
}

/* The stripes say the class: steps along them change least. */
TEST(synth_whitebox_stripes_decide)
{
    static const int step[FL_SYNTH_PATTERNS][2] = {{2, 0}, {0, 2}, {1, 1}, {1, -1}};     /* along the stripes */
    int right = 0;
    for (int i = 0; i < 80; i++) {
        fl_synth_options o = fl_synth_default(18);
        o.kind = i % 2 ? FL_SYNTH_ONE_REGION : FL_SYNTH_ONE_FRAME;
        make(&o, (uint64_t)i / 2, &a);
        fl_synth_box k = a.truth.box[a.truth.begin];
        const unsigned char *frame = a.rgb + a.truth.begin * PIXELS * 3;
        double change[FL_SYNTH_PATTERNS] = {0};
        for (int y = k.y0 + 2; y < k.y1 - 2; y++)
            for (int x = k.x0 + 2; x < k.x1 - 2; x++)
                for (int s = 0; s < FL_SYNTH_PATTERNS; s++) {
                    int d = frame[3 * (y * SIZE + x)] - frame[3 * ((y + step[s][1]) * SIZE + x + step[s][0])];
                    change[s] += d * d;
                }
        int best = 0;
        for (int s = 1; s < FL_SYNTH_PATTERNS; s++)
            if (change[s] < change[best]) best = s;
        right += best == a.truth.label;
    }
    CHECK_SAY(right == 80, "%d of 80 read off", right);
}

TEST(synth_refuses_impossible_options)
{
    static const int bad[][4] = {{3, 64, 64, 0}, {129, 64, 64, 0}, {16, 15, 64, 0}, {16, 64, 513, 0},
                                 {16, 64, 64, 3}, {16, 64, 64, -1}};
    fl_synth_options o = fl_synth_default(1);
    CHECK(fl_synth_check(&o, NULL) == FL_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fl_error err = {FL_OK, ""};
        o = (fl_synth_options){1, bad[i][0], bad[i][1], bad[i][2], (fl_synth_kind)bad[i][3]};
        CHECK(fl_synth_check(&o, &err) == FL_USAGE && err.message[0]);
    }
}
