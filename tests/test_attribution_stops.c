/* test_attribution_stops.c: methods that sample, stopped before the end: what they know by then, and the same bits when they go on. */
#include "tests/sampling_rig.h"

/* ---- stopping ---- */

static bool enough(int done, int total, void *user)
{
    (void)total;
    return done < *(const int *)user;
}

/* A stopped occlusion is near the whole one, as near as its standard errors say; the whole one has none. */
TEST(attribution_stopped_occlusion)
{
    fl_rig r;
    linear_up(&r, 2);
    static double whole[PIXELS];
    rig_explain(&r, "occlusion", clip, WITH(OF_CLASS_1, .window = "2,2,2", .stride = "1,1,1"));
    for (int p = 0; p < PIXELS; p++) whole[p] = (double)r.map.data[p * C];
    const int all = r.map.samples;
    for (int part = 1; part < 4; part++) {
        int stop = 2 + all * part / 4;
        rig_explain(&r, "occlusion", clip, WITH(OF_CLASS_1, .window = "2,2,2", .stride = "1,1,1", .progress = enough, .user = &stop));
        CHECK(r.map.partial && r.map.samples == all * part / 4 && r.error.status == FL_OK);
        double far = 0, said = 0;
        for (int p = 0; p < PIXELS; p++) {
            const double d = (double)r.map.data[p * C] - whole[p], se = (double)r.map.standard_error[p];
            far += d * d;
            said += se * se;
        }
        CHECK_SAY(sqrt(far / said) > 0.5 && sqrt(far / said) < 1.6, "%d of %d windows: off by %g of what is said", r.map.samples, all,
                  sqrt(far / said));
    }
    rig_down(&r);
}

TEST(attribution_tolerance_stops)
{
    static const char *const methods[] = {"rise", "kernel_shap", "shapley_sampled", "lime"};
    for (int k = 0; k < 4; k++) {
        int samples[2];
        uint64_t hash[2];
        for (int b = 0; b < 2; b++) {
            fl_rig r;
            net_up(&r, M, 1 + 3 * b);
            const fl_explain_options o = WITH(CLASS_0, .samples = 20000, .grid = "5,1,1", .keep = 0.5, .segments = "frames",
                                              .tolerance = 0.08, .seed = 3, .hide = FL_HIDE_BASELINE);
            fl_explain_options now = o;
            if (k == 1) now.samples = 900;
            rig_explain(&r, methods[k], frames_of_one, now);
            CHECK_SAY(r.map.settled && !r.map.partial && r.map.samples < now.samples * (k == 2 ? M : 1), "%s: %d samples", methods[k],
                      r.map.samples);
            double most = 0;
            for (int p = 0; p < M; p++) most = fmax(most, fabs((double)r.map.data[p]));
            CHECK_SAY(r.map.error_most <= 0.08 * most * 1.0001, "%s: %g of %g", methods[k], r.map.error_most, most);
            samples[b] = r.map.samples;
            hash[b] = fl_hash(r.map.data, M * sizeof(real));
            rig_down(&r);
        }
        CHECK(samples[0] == samples[1] && hash[0] == hash[1]);           /* clips per pass do not matter */
    }
}

/* A frame of one pixel shows its mean colour when it shows itself: the score never changes, and nothing has an effect. */
TEST(attribution_lime_of_a_score_that_never_changes)
{
    fl_rig r;
    net_up(&r, M, 1);
    const real *map = rig_explain(&r, "lime", frames_of_one, WITH(CLASS_0, .samples = 1000, .segments = "frames", .tolerance = 0.08));
    for (int p = 0; map && p < M; p++) CHECK_SAY(map[p] == 0, "frame %d: %g", p, (double)map[p]);
    CHECK(r.map.settled && r.map.error_most == 0);
    rig_down(&r);
}

/* ---- going on ---- */

typedef struct memory { unsigned char bytes[1 << 20]; size_t size; char belongs[2048]; int saves; } memory;

static bool always(void *user) { (void)user; return true; }

static fl_status save(void *user, const fl_state *s)
{
    memory *m = user;
    m->size = 0;
    m->saves++;
    snprintf(m->belongs, sizeof m->belongs, "%s", s->belongs);
    for (int i = 0; i < s->parts; i++) {
        if (!CHECK(m->size + s->part[i].size <= sizeof m->bytes)) return FL_FAILED;
        if (s->part[i].size) memcpy(m->bytes + m->size, s->part[i].data, s->part[i].size);
        m->size += s->part[i].size;
    }
    return FL_OK;
}

static fl_status load(void *user, const fl_state *s, bool *found)
{
    memory *m = user;
    size_t at = 0;
    *found = m->size > 0;
    if (!*found) return FL_OK;
    CHECK_SAY(strcmp(m->belongs, s->belongs) == 0, "%s\nis not\n%s", m->belongs, s->belongs);
    for (int i = 0; i < s->parts; i++) {
        if (s->part[i].size) memcpy(s->part[i].data, m->bytes + at, s->part[i].size);
        at += s->part[i].size;
    }
    CHECK(at == m->size);
    return FL_OK;
}

/* Every sampling method, stopped again and again with other numbers of clips per pass: the bits of a run that nothing stopped. */
TEST(attribution_sampling_goes_on_to_the_same_bits)
{
    static const char *const methods[] = {"occlusion", "aosa", "sos", "rise", "rise_3d", "lime", "kernel_shap", "shapley_exact",
                                          "shapley_sampled",
                                          "loco", "up", "smoothgrad", "vargrad"};
    for (size_t k = 0; k < sizeof methods / sizeof *methods; k++)
        for (int kind = 0; kind < 2; kind++) {
            static memory mem;
            mem.size = 0;
            mem.saves = 0;
            const fl_keeper keeper = {"me\n", always, save, load, &mem};
            fl_explain_options o = WITH(OF_CLASS_1, .window = "2,3,3", .samples = 40, .grid = "2,3,2", .cell = "2,3,3", .pieces = 12,
                                        .seed = 8,
                                       .balanced = kind,
                                       .as_published = kind && fl_method_uses(fl_method_find(methods[k])) & FL_READS(as_published));
            uint64_t whole = 0, whole_error = 0;
            int passes = 0, stops = 0;
            if (strcmp(methods[k], "kernel_shap") == 0 && kind == 0) o.samples = 120;        /* some whole sizes, and some drawn */
            for (int round = -1; round < 40; round++) {
                fl_rig r;
                int stop = 3 + 4 * (round + 1) + (round + 1) * (round + 1);
                linear_up(&r, 1 + (round + 1) % 4);
                o.keeper = round < 0 ? NULL : &keeper;
                o.progress = round < 0 ? NULL : enough;
                o.user = &stop;
                fl_map map;
                const fl_status status = fl_explain(r.e, fl_method_find(methods[k]), clip, &o, &r.results, &map);
                const bool over = status == FL_OK && !map.partial;
                CHECK_SAY(status == FL_OK || status == FL_LIMIT, "%s: %s", methods[k], r.error.message);
                const uint64_t hash = over ? fl_hash(map.data, VOXELS * sizeof(real)) : 0;
                const uint64_t error = over && map.standard_error ? fl_hash(map.standard_error, PIXELS * sizeof(real)) : 0;
                if (round < 0) {
                    whole = hash;
                    whole_error = error;
                    passes = map.passes;
                    CHECK(over);
                } else if (over) {
                    CHECK_SAY(hash == whole && error == whole_error, "%s: other bits after %d stops", methods[k], stops);
                    CHECK_SAY(map.passes == passes, "%s: %d passes, %d without stops", methods[k], map.passes, passes);
                }
                stops += round >= 0 && !over;
                rig_down(&r);
                if (over && round >= 0) break;
            }
            CHECK_SAY(stops > 0 && stops < 40 && mem.saves > stops, "%s: %d stops", methods[k], stops);
        }
}
