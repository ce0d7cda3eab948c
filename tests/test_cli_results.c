/* test_cli_results.c: what comes out of predict, explain, demo and bench, against numbers that are computed here. */
#include "attribution/attribution.h"
#include "io/npy.h"
#include "io/safetensors.h"
#include "io/sha256.h"
#include "tests/cli_rig.h"

typedef struct rig {
    fl_error err;
    fl_arena arena;
    fl_graph *graph;                     /* tiny with formula weights */
    fl_network net;
} rig;

static void open_rig(rig *r)
{
    r->err = (fl_error){0};
    fl_arena_init(&r->arena, &r->err);
    r->graph = fl_graph_new(&r->arena);
    r->net = fl_model_build(r->graph, fl_model_find("tiny"), &(fl_model_options){0});
    fl_model_fill_formula(r->graph, 1);
}

static bool has_sha(const char *name, const char *sha256)
{
    fl_sha256_text sha;
    fl_error err = {0};
    return fl_sha256_file(rig_file(name), sha, &err) == FL_OK && strcmp(sha, sha256) == 0;
}

/* ---- predict ---- */

TEST(cli_predict_prints_what_the_network_says)
{
    NEEDS_PROGRAM();
    const real *values = rig_inputs();
    rig r;
    open_rig(&r);
    CHECK(fl_graph_plan(r.graph, &(fl_plan){.out = &r.net.logits, .n_out = 1}) == FL_OK);
    fl_from_file_order(fl_graph_shape(r.graph, r.net.input), values, fl_graph_value(r.graph, r.net.input));
    fl_graph_forward(r.graph);
    const real *z = fl_graph_value(r.graph, r.net.logits);
    int best = 0;
    double sum = 0;
    for (int k = 0; k < RIG_CLASSES; k++) best = z[k] > z[best] ? k : best;
    for (int k = 0; k < RIG_CLASSES; k++) sum += exp((double)z[k] - (double)z[best]);

    CHECK(rig_run("predict $D/x.npy " TINY " --json --logits --top 2") == 0 && !*rig_err);
    const fl_json_value *v = rig_json(&r.arena);
    CHECK(v && rig_at(v, "logits")->count == RIG_CLASSES && rig_at(v, "top")->count == 2);
    for (int k = 0; k < RIG_CLASSES; k++) {
        char path[32];
        snprintf(path, sizeof path, "logits.%d", k);
        CHECK_NEAR(rig_number(v, path), (double)z[k], 1e-6);
    }
    CHECK(rig_number(v, "top.0.index") == best && rig_at(v, "top.0.label")->kind == FL_JSON_NULL);
    CHECK_NEAR(rig_number(v, "top.0.logit"), (double)z[best], 1e-6);
    CHECK_NEAR(rig_number(v, "top.0.probability"), 1 / sum, 1e-6);
    CHECK(strcmp(rig_text(v, "model"), "tiny") == 0 && has_sha("x.npy", rig_text(v, "input.sha256")));
    fl_arena_free(&r.arena);
}

/* C,T,H,W; an item of N,C,T,H,W; standard input; --name=value; the last one wins; options before the command; --. */
TEST(cli_many_ways_to_say_the_same)
{
    NEEDS_PROGRAM();
    rig_inputs();
    static const char *const same[] = {
        "predict $D/c.npy " TINY " --json --top 2",
        "predict $D/n.npy " TINY " --json --top 2 --item 2",
        "predict - " TINY " --json --top 2 <$D/x.npy",
        "predict $D/x.npy " TINY " --model=tiny --json --top 4 --top=2",
        "--json predict --top 2 --model i3d_small -m tiny -wformula --tensor -- $D/x.npy"};
    CHECK(rig_run("predict $D/x.npy " TINY " --json --top 2") == 0);
    rig_keep();
    const char *top = strstr(rig_kept, "\"top\"");
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        CHECK(rig_run("%s", same[i]) == 0);
        CHECK_SAY(top && strstr(rig_out, top), "%s: %s%s", same[i], rig_out, rig_err);
    }
    CHECK(rig_run("predict $D/n.npy " TINY " --json --top 2") == 0 && top && !strstr(rig_out, top));
}

TEST(cli_weights_come_from_files_and_must_fit)
{
    NEEDS_PROGRAM();
    rig_inputs();
    rig r;
    open_rig(&r);
    fl_bundle bundle;
    fl_bundle_init(&bundle, &r.arena);
    CHECK(fl_graph_store(r.graph, &bundle) == FL_OK);
    CHECK(fl_safetensors_write(rig_file("w.safetensors"), &bundle, NULL, &r.err) == FL_OK);

    CHECK(rig_run("predict $D/x.npy " TINY " --json") == 0);
    rig_keep();
    CHECK(rig_run("predict $D/x.npy --model tiny --tensor --weights $D/w.safetensors --json") == 0);
    const char *top = strstr(rig_kept, "\"top\"");
    CHECK_SAY(top && strstr(rig_out, top), "%s", rig_out);
    const fl_json_value *v = rig_json(&r.arena);
    CHECK(has_sha("w.safetensors", rig_text(v, "weights.sha256")));
    CHECK(strstr(rig_text(v, "weights.path"), "w.safetensors") != NULL);

    CHECK(rig_run("predict $D/x.npy --model tiny --tensor --weights $D/w.safetensors --classes 7") == 4);
    CHECK_SAY(strstr(rig_err, "'fc.weight'") && strstr(rig_err, "w.safetensors"), "%s", rig_err);
    CHECK(rig_run("predict $D/x.npy --model i3d_small --tensor --weights $D/w.safetensors") != 0);
    CHECK(rig_run("predict $D/x.npy " TINY " --classes 7 --top 99 --json") == 0);
    CHECK(!isnan(rig_number(rig_json(&r.arena), "top.6.index")) && !rig_at(rig_json(&r.arena), "top.7"));
    CHECK(rig_shell("printf 'one\\ntwo\\nthree\\nfour\\nfive' >names.txt") == 0);
    CHECK(rig_run("predict $D/x.npy " TINY " --labels $D/names.txt --top 5") == 0);
    CHECK(strstr(rig_out, "    0  one ") && strstr(rig_out, "    4  five "));
    fl_arena_free(&r.arena);
}

/* A folder of weights that is named goes before all others. */
TEST(cli_weights_are_found_and_missed)
{
    NEEDS_PROGRAM();
    rig_inputs();
    rig r;
    open_rig(&r);
    fl_arena_free(&r.arena);
    fl_arena_init(&r.arena, &r.err);
    r.graph = fl_graph_new(&r.arena);
    fl_model_build(r.graph, fl_model_find("c3d_small"), &(fl_model_options){0});
    fl_model_fill_formula(r.graph, 1);
    fl_bundle bundle;
    fl_bundle_init(&bundle, &r.arena);
    CHECK(rig_shell("mkdir -p found alone && cp \"$FOOTLIGHT\" alone/") == 0);
    CHECK(fl_graph_store(r.graph, &bundle) == FL_OK);
    CHECK(fl_safetensors_write(rig_file("found/c3d_small.safetensors"), &bundle, NULL, &r.err) == FL_OK);
    CHECK(rig_run("predict $D/clip.ppm --model c3d_small --weights formula --json") == 0);
    rig_keep();
    const char *top = strstr(rig_kept, "\"top\"");
    CHECK(rig_shell("FOOTLIGHT_WEIGHTS=found \"$FOOTLIGHT\" predict clip.ppm --model c3d_small --json") == 0);
    CHECK_SAY(top && strstr(rig_out, top) && strstr(rig_out, "\"weights/c3d_small.safetensors\""), "%s", rig_out);
    CHECK(rig_shell("alone/footlight predict clip.ppm --model c3d_small 2>&1") == 3);
    CHECK_SAY(strstr(rig_out, "FOOTLIGHT_WEIGHTS") && strstr(rig_out, "c3d_small.safetensors"), "%s", rig_out);
    fl_arena_free(&r.arena);
}

/* ---- JSON, bench ---- */

TEST(cli_json_is_json)
{
    NEEDS_PROGRAM();
    static const char *const cases[][2] = {
        {"--version --json", "precision"}, {"list --json", "methods.0.name"},
        {"list models --json", "models.0.input.3"}, {"list ops --json", "ops.0.doc"},
        {"list layers --model tiny --json", "layers.0.shape.3"},
        {"explain --list-layers --model tiny --json", "layers.0.default"},
        {"bench --peak --json", "gflops_one_thread"}, {"bench --model tiny --repeat 1 --json", "peak_bytes"},
        {"bench --model tiny --pass gradient --repeat 2 --json", "median_s"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fl_error err = {0};
        fl_arena arena;
        fl_arena_init(&arena, &err);
        CHECK(rig_run("%s", cases[i][0]) == 0 && !*rig_err);
        CHECK_SAY(rig_at(rig_json(&arena), cases[i][1]) != NULL, "%s: no %s", cases[i][0], cases[i][1]);
        fl_arena_free(&arena);
    }
}

TEST(cli_bench_counts_by_the_definition)
{
    NEEDS_PROGRAM();
    rig r;
    open_rig(&r);
    CHECK(rig_run("bench --layer '6>8 3x5x3 s2,1,2 g2 @7x9x10' --batch 3 --repeat 1 --pass weights --json") == 0);
    const fl_json_value *v = rig_json(&r.arena);
    const double gflop = 2e-9 * (3.0 * 8 * 4 * 9 * 5) * (3 * 5 * 3 * 3);      /* outputs, kernel times 6/2 channels */
    CHECK_NEAR(rig_number(v, "gflop"), gflop, 1e-8 * gflop);
    CHECK(rig_number(v, "best_s") > 0 && rig_number(v, "median_s") >= rig_number(v, "best_s"));
    CHECK_NEAR(rig_number(v, "gflops") * rig_number(v, "best_s"), gflop, 1e-6 * gflop);

    CHECK(rig_run("bench --model tiny --repeat 1 --json") == 0);
    const double forward = rig_number(rig_json(&r.arena), "gflop");
    /* stem 3>8 27 taps @8x12x12; after the pool 8>12 9 taps and 12>8 3 taps @8x6x6; fc 8>5 */
    const double places = 8.0 * 6 * 6, want = 2e-9 * (4 * places * 8 * 81 + places * 12 * 72 + places * 8 * 36 + 40);
    CHECK_NEAR(forward, want, 1e-6 * want);
    CHECK(rig_run("bench --model tiny --repeat 1 --pass gradient --batch 2 --json") == 0);
    CHECK_NEAR(rig_number(rig_json(&r.arena), "gflop"), 4 * want, 4e-6 * want);
    fl_arena_free(&r.arena);
}

TEST(cli_bench_looks_at_every_node)
{
    NEEDS_PROGRAM();
    rig r;
    open_rig(&r);
    CHECK(rig_run("bench --model tiny --pass gradient --nodes --repeat 3 --threads 1 --json") == 0);
    const fl_json_value *v = rig_json(&r.arena), *nodes = fl_json_get(v, "nodes");
    double gflop = 0, seconds = 0, before = INFINITY;
    int up = 0, down = 0;
    for (const fl_json_value *n = nodes ? nodes->first : NULL; n; n = n->next) {
        const double took = rig_number(n, "seconds");
        CHECK(took >= 0 && took <= before);                      /* the dearest first */
        before = took;
        seconds += took;
        gflop += rig_number(n, "gflop");
        up += strcmp(rig_text(n, "way"), "up") == 0;
        down += strcmp(rig_text(n, "way"), "down") == 0;
    }
    CHECK_SAY(up == 6 && down == 10, "%d up, %d down", up, down);                 /* ReLUs and the sum come with what is below them */
    CHECK_NEAR(gflop, rig_number(v, "gflop"), 1e-6 * gflop);
    CHECK(seconds > 0 && seconds <= rig_number(v, "best_s"));       /* the best of each, of the same runs */
    CHECK(rig_run("bench --model tiny --nodes --repeat 1") == 0 && strstr(rig_out, "conv+add+relu") && strstr(rig_out, "6 steps"));
    fl_arena_free(&r.arena);
}

/* ---- explain ---- */

TEST(cli_explain_gives_the_same_bytes_whatever_the_threads)
{
    NEEDS_PROGRAM();
    rig_inputs();
    static const int threads[] = {1, 2, 16};
    const char *what = "explain $D/x.npy " TINY " --quiet --method smoothgrad,grad_cam --samples 3";
    for (int i = 0; i < 3; i++) {
        CHECK(rig_run("%s --seed 3 --threads %d -o $D/run%d", what, threads[i], threads[i]) == 0);
        CHECK_SAY(strstr(rig_out, "report: ") && !rig_has_escape(rig_out) && !*rig_err, "%s", rig_err);
        CHECK_SAY(rig_shell("diff -r run1 run%d", threads[i]) == 0, "%d threads: %s", threads[i], rig_out);
    }
    CHECK(rig_shell("grep -l run1 run1/*") == 1);
    CHECK(rig_run("%s --seed 4 -o $D/other", what) == 0);
    CHECK(rig_shell("cmp -s run1/smoothgrad_map.npy other/smoothgrad_map.npy") == 1);
    CHECK(rig_shell("cmp -s run1/grad_cam_map.npy other/grad_cam_map.npy") == 0);
}

/* Where memory is short the program says how much would do: whoever does as told comes to the same bytes, and is told of more each time. */
TEST(cli_explain_says_what_memory_would_do)
{
    enum { MOST_TRIES = 40 };
    NEEDS_PROGRAM();
    rig_inputs();
    const char *what = "explain $D/clip.ppm --model r2plus1d_small --weights formula --frames 32 --quiet "
                       "--method integrated_gradients,grad_cam --steps 2";
    long mem = 4, before = 0;
    int code = 6, tries = 0;
    CHECK(rig_run("%s -o $D/free_of_limits", what) == 0);
    for (; code == 6 && mem > before && tries < MOST_TRIES; tries++) {
        before = mem;
        code = rig_run("%s -o $D/limited --mem %ldM", what, mem);
        const char *said = strstr(rig_err, "--mem ");
        if (code == 6) CHECK_SAY(said && !strstr(said + 1, "--mem "), "%s", rig_err);
        if (code == 6 && said) mem = strtol(said + 6, NULL, 10);
    }
    CHECK_SAY(code == 0 && tries > 2, "%d tries: exit code %d: %s", tries, code, rig_err);
    CHECK_SAY(rig_shell("diff -r free_of_limits limited") == 0, "%ld MiB: %s", mem, rig_out);
}

static double sum_of(fl_arena *arena, const char *name, fl_npy *header)
{
    const real *map = fl_npy_read(arena, rig_file(name), header);
    double sum = 0;
    CHECK_SAY(map != NULL, "%s", arena->error->message);
    for (int64_t i = 0; map && i < header->count; i++) sum += (double)map[i];
    return sum;
}

static bool has_size(const fl_npy *h, int axes, const int64_t *size)
{
    return h->axes == axes && memcmp(h->size, size, (size_t)axes * sizeof *size) == 0;
}

TEST(cli_explain_writes_a_folder_that_tells_everything)
{
    NEEDS_PROGRAM();
    rig_inputs();
    rig r;
    open_rig(&r);
    CHECK(rig_run("explain $D/x.npy " TINY " --method integrated_gradients --baseline black --target 2 --steps 30 "
                  "--json --quiet -o $D/one/deep/er") == 0 && !*rig_err);
    const fl_json_value *v = rig_json(&r.arena);
    rig_keep();
    CHECK(rig_shell("cat one/deep/er/result.json") == 0 && strcmp(rig_kept, rig_out) == 0);
    CHECK(strcmp(rig_text(v, "maps.0.method"), "integrated_gradients") == 0 && rig_number(v, "target.index") == 2);
    CHECK(strcmp(rig_text(v, "maps.0.settings.baseline"), "black") == 0);
    CHECK(strcmp(rig_text(v, "maps.0.settings.steps"), "30") == 0);
    CHECK(strcmp(rig_text(v, "options.baseline"), "black") == 0 && !rig_at(v, "options.output"));
    CHECK(strcmp(rig_text(v, "command"), "explain") == 0 && strstr(rig_text(v, "arguments.0"), "x.npy"));

    /* the law holds for the numbers in the files, and its two sides are the two scores */
    const int64_t clip[4] = {RIG_C, RIG_T, RIG_SIDE, RIG_SIDE};
    const double wanted = rig_number(v, "maps.0.law.wanted"), size = fabs(wanted);
    fl_npy header;
    CHECK_NEAR(wanted, rig_number(v, "maps.0.score") - rig_number(v, "maps.0.baseline_score"), 1e-5);
    CHECK_NEAR(sum_of(&r.arena, "one/deep/er/map.npy", &header), wanted, 0.05 * size);
    CHECK(has_size(&header, 4, clip));
    const double reduced = sum_of(&r.arena, "one/deep/er/map_reduced.npy", &header);
    CHECK_NEAR(reduced, rig_number(v, "maps.0.law.sum"), 1e-4 * size);
    CHECK(has_size(&header, 3, clip + 1));

    CHECK(rig_at(v, "files") && rig_at(v, "files")->count == 5);
    for (int i = 0; i < 5; i++) {
        char name[32], sha[32], path[128];
        snprintf(name, sizeof name, "files.%d.name", i);
        snprintf(sha, sizeof sha, "files.%d.sha256", i);
        snprintf(path, sizeof path, "one/deep/er/%s", rig_text(v, name));
        CHECK_SAY(has_sha(path, rig_text(v, sha)), "%s", path);
    }
    fl_arena_free(&r.arena);
}

/* A map of a layer has the layer's T,H,W; where no folder is named, one is made up. */
TEST(cli_explain_at_a_layer)
{
    NEEDS_PROGRAM();
    rig_inputs();
    rig r;
    open_rig(&r);
    CHECK(rig_run("explain $D/x.npy " TINY " --method grad_cam --layer relus.0") == 0);
    CHECK_SAY(strstr(rig_out, "report: footlight-x-grad_cam/report.html"), "%s", rig_out);
    fl_npy header;
    sum_of(&r.arena, "footlight-x-grad_cam/map.npy", &header);
    CHECK(has_size(&header, 3, (const int64_t[]){RIG_T, RIG_SIDE / 2, RIG_SIDE / 2}));
    sum_of(&r.arena, "footlight-x-grad_cam/map_reduced.npy", &header);
    CHECK(has_size(&header, 3, (const int64_t[]){RIG_T, RIG_SIDE, RIG_SIDE}));
    fl_arena_free(&r.arena);
}

TEST(cli_boxes_judge_a_map)
{
    NEEDS_PROGRAM();
    rig_inputs();
    rig r;
    open_rig(&r);
    const char *explain = "explain $D/clip.ppm --model tiny --weights formula --frames 16 --method gradient --json "
                          "--quiet -o $D/boxes --boxes";
    CHECK(rig_run("%s $D/clip.csv", explain) == 0);
    const fl_json_value *v = rig_json(&r.arena);
    fl_bytes csv;
    CHECK(fl_file_read(&r.arena, rig_file("clip.csv"), 65536, &csv) == FL_OK);
    double inside = 0;                                             /* the boxes' share, from 64 to 24 pixels a side */
    int t, x0, y0, x1, y1;
    for (const char *line = strchr((const char *)csv.data, '\n'); line && line[1]; line = strchr(line + 1, '\n'))
        if (sscanf(line + 1, "clip,%d,%d,%d,%d,%d", &t, &x0, &y0, &x1, &y1) == 5)
            inside += (ceil(x1 * 24 / 64.0) - floor(x0 * 24 / 64.0)) * (ceil(y1 * 24 / 64.0) - floor(y0 * 24 / 64.0));
    CHECK(inside > 0);
    CHECK_NEAR(rig_number(v, "maps.0.pointing.chance"), inside / (16 * 24 * 24), 1e-8);

    /* hit: the peak is inside its frame's box, as a box of the whole frame and one of a corner far from it show */
    const int peak_x = (int)rig_number(v, "maps.0.peak.2");
    CHECK(rig_shell("for t in $(seq 0 15); do echo $t,0,0,64,64; done | sed '1i frame,x0,y0,x1,y1' >all.csv") == 0);
    CHECK(rig_shell("for t in $(seq 0 15); do echo $t,%d,0,%d,64; done | sed '1i frame,x0,y0,x1,y1' >beside.csv",
                    peak_x < 12 ? 40 : 0, peak_x < 12 ? 64 : 24) == 0);
    CHECK(rig_run("%s $D/all.csv", explain) == 0);
    CHECK(strstr(rig_out, "\"hit\": true") && rig_number(rig_json(&r.arena), "maps.0.pointing.energy_inside") == 1);
    CHECK(rig_run("%s $D/beside.csv", explain) == 0 && strstr(rig_out, "\"hit\": false"));
    fl_arena_free(&r.arena);
}

/* With --exact no norm is folded, and no copy without them is there to look a layer up in. */
TEST(cli_exact_sums_reach_the_maps_of_layers)
{
    NEEDS_PROGRAM();
    rig_inputs();
    CHECK(rig_run("explain $D/x.npy " TINY " --method grad_cam --quiet -o near") == 0);
    CHECK(rig_run("explain $D/x.npy " TINY " --method grad_cam --exact --quiet -o exact") == 0);
    CHECK(rig_run("compare $D/near/map.npy $D/exact/map.npy") == 0 && strstr(rig_out, "pearson         1.0000"));
    CHECK(rig_run("compare $D/near/map.npy $D/near/map.npy") == 0 && strstr(rig_out, "same rank in both") &&
          !strstr(rig_out, "differ most"));
    CHECK(rig_run("compare $D/near/map.npy $D/near/map.npy --json") == 0 && strstr(rig_out, "\"largest_difference_at\": null"));
    CHECK(rig_run("explain $D/x.npy " TINY " --method gradient --target-node relus.2:1 --exact --quiet -o exact") == 0);
}

/* Every method that says it has another way as published takes the option: the message is about the class. */
TEST(cli_as_published_reaches_the_methods_that_have_it)
{
    NEEDS_PROGRAM();
    rig_inputs();
    int have = 0;
    for (const fl_method *m = fl_method_table; m->name; m++) {
        const bool has = fl_method_uses(m) & FL_READS(as_published);
        CHECK(rig_run("explain $D/x.npy " TINY " --method %s --as-published --target 99", m->name) == 2);
        CHECK_SAY(strstr(rig_err, has ? "--target" : "--as-published"), "%s: %s", m->name, rig_err);
        have += has;
    }
    CHECK(have > 15);
    fl_arena arena;
    fl_error err = {0};
    fl_arena_init(&arena, &err);
    CHECK(rig_run("explain $D/x.npy " TINY " --method gradient,rise --samples 20 --as-published -o published --json --quiet") == 0);
    const fl_json_value *v = rig_json(&arena);
    CHECK(v && strstr(rig_text(v, "maps.0.settings.as-published"), "probability") &&
          strcmp(rig_text(v, "maps.1.settings.as-published"), "yes") == 0);
    fl_arena_free(&arena);
}

TEST(cli_demo_needs_no_file)
{
    NEEDS_PROGRAM();
    CHECK(rig_run("demo --weights formula -o $D/demo --seed 2") == 0);
    CHECK_SAY(strstr(rig_out, "the clip shows: ") && strstr(rig_out, "/demo/report.html"), "%s", rig_out);
    CHECK(rig_shell("cd demo && ls clip.ppm report.html result.json smoothgrad_sheet.png grad_cam_map.npy") == 0);
}
