/* test_cli.c: the program as users and scripts meet it: exit codes, messages, help, JSON, files, repeated runs.
 *
 * Everything runs on `tiny` with formula weights and a tensor written here, so it takes seconds. */
#include "io/cli/cli.h"
#include "io/npy.h"
#include "io/safetensors.h"
#include "io/sample.h"
#include "io/sha256.h"
#include "attribution/attribution.h"
#include "models/model.h"
#include "tensor/rng.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#define NEEDS_PROGRAM() do { if (!getenv("FOOTLIGHT")) SKIP("no program under test"); } while (0)
#define TINY "--model tiny --weights formula --tensor"

enum { CLIPS = 3, C = 3, T = 8, SIDE = 24, VOXELS = C * T * SIDE * SIDE, CLASSES = 5 };

/* ---- helpers ---- */

static char path_room[8][512];

static const char *file(const char *name)       /* in the scratch folder; the last eight are valid */
{
    static int next;
    char *room = path_room[next++ % 8];
    snprintf(room, sizeof path_room[0], "%s/%s", fl_test_folder(), name);
    return room;
}

/* Writes x.npy (one clip: 1,C,T,H,W), c.npy (the same as C,T,H,W) and n.npy (CLIPS clips, the last one the same). Values
 * are in file order. */
static const real *write_tensors(void)
{
    static real values[CLIPS * VOXELS];
    static bool there;
    const real *last = values + (CLIPS - 1) * VOXELS;
    if (there) return last;
    fl_error err = {0};
    fl_rng_fill_normal(5, 0, 0, values, CLIPS * VOXELS);
    const int64_t one[5] = {1, C, T, SIDE, SIDE}, all[5] = {CLIPS, C, T, SIDE, SIDE};
    there = fl_npy_write(file("x.npy"), 5, one, last, &err) == FL_OK && fl_npy_write(file("c.npy"), 4, one + 1, last, &err) == FL_OK &&
            fl_npy_write(file("n.npy"), 5, all, values, &err) == FL_OK;
    CHECK_SAY(there, "%s", err.message);
    return last;
}

static const fl_json_value *parse(fl_arena *arena, const char *text)
{
    const fl_json_value *v = fl_json_parse(arena, "output", text, strlen(text));
    CHECK_SAY(v != NULL, "not JSON: %s: %.200s", arena->error->message, text);
    return v;
}

/* Runs the program; stdout into text, stderr into talk; returns the exit code. */
static int run(char *text, char *talk, size_t size, const char *arguments)
{
    const int code = fl_test_shell(text, size, "cd '%s'; D=$PWD; \"$FOOTLIGHT\" %s 2>stderr.txt", fl_test_folder(), arguments);
    fl_test_shell(talk, size, "cat '%s'", file("stderr.txt"));
    return code;
}

static bool has_escape(const char *text) { return strpbrk(text, "\033\r\b") != NULL; }

/* ---- misuse ---- */

/* $D is the scratch folder. */
static const struct misuse { const char *arguments; int code; const char *says; } misuses[] = {
    {"lsit", 2, "did you mean 'list'"},
    {"frobnicate", 2, "footlight --help"},
    {"--threads", 2, "end of the line"},
    {"list --threads", 2, "expected a value (N)"},
    {"list --threads --json", 2, "got the option --json"},
    {"list --threads x", 2, "whole number"},
    {"list --threads 3.5", 2, "whole number"},
    {"list --threads ''", 2, "whole number"},
    {"list --threads 1000", 2, "from 0 to 64"},
    {"list --threads=-1", 2, "from 0 to 64"},
    {"list --seed 99999999999999999999", 2, "whole number"},
    {"list --mem 3X", 2, "512M"},
    {"list --mem 99999999999G", 2, "512M"},
    {"list --isa sse9", 2, "isa"},
    {"list --json=yes", 2, "takes no value"},
    {"list --jsn", 2, "did you mean '--json'"},
    {"list --no-such-thing-anywhere", 2, "unknown"},
    {"list -Z", 2, "unknown"},
    {"list models extra", 2, "one argument too many"},
    {"list method", 2, "did you mean 'methods'"},
    {"list layers --model tiyn", 2, "did you mean 'tiny'"},
    {"predict", 2, "predict CLIP"},
    {"predict $D/x.npy --model tyni", 2, "did you mean 'tiny'"},
    {"predict $D/x.npy --model tiny --tensor", 2, "--weights FILE"},
    {"predict $D/x.npy --model tiny --tensor --weights formula:x", 2, "formula:GAMMA"},
    {"predict $D/x.npy --model tiny --tensor --weights $D/none.safetensors", 3, "none.safetensors"},
    {"predict $D/x.npy --model tiny --tensor --weights $D/x.npy", 3, "safetensors"},
    {"predict $D/none.npy " TINY, 3, "none.npy"},
    {"predict $D " TINY, 3, "folder"},
    {"predict $D/text.txt " TINY, 3, "npy"},
    {"predict $D/wrong.npy " TINY, 3, "channels"},
    {"predict $D/flat.npy " TINY, 3, "axes"},
    {"predict $D/bytes.npy " TINY, 3, "floating-point"},
    {"predict $D/n.npy " TINY " --item 3", 2, "0 to 2"},
    {"predict $D/x.npy " TINY " --stride 2", 2, "does nothing"},
    {"predict $D/x.npy " TINY " --top 0", 2, "from 1"},
    {"predict $D/x.npy " TINY " --mem 100K", 6, "limit"},
    {"predict $D/clip.ppm --model tiny --weights formula --sampling segmnts", 2, "did you mean 'segments'"},
    {"predict $D/clip.ppm --model tiny --weights formula --size 12", 2, "320x240"},
    {"predict $D/clip.ppm --model tiny --weights formula --frames 64 --short error", 2, "--short"},
    {"predict $D/x.npy " TINY " --labels $D/text.txt", 3, "one per class"},
    {"train --weights formula", 2, "unknown"},
    {"explain $D/x.npy " TINY " --method gradient -o -", 2, "expected a folder"},
    {"explain", 2, "clip is missing"},
    {"explain $D/x.npy " TINY, 2, "by which method"},
    {"explain $D/x.npy " TINY " --method grad_cm", 2, "did you mean 'grad_cam'"},
    {"explain $D/x.npy " TINY " --method gradient,gradient", 2, "twice"},
    {"explain $D/x.npy " TINY " --method gradient --steps 5", 2, "reads no such option"},
    {"explain $D/x.npy " TINY " --method integrated_gradients --rule midle", 2, "did you mean 'middle'"},
    {"explain $D/x.npy " TINY " --method integrated_gradients --baseline blakc", 2, "did you mean 'black'"},
    {"explain $D/x.npy " TINY " --method gradient --target 5", 2, "from 0 to 4"},
    {"explain $D/x.npy " TINY " --method gradient --target walking", 2, "index"},
    {"explain $D/x.npy " TINY " --method gradient --against 1", 2, "margin"},
    {"explain $D/x.npy " TINY " --method grad_cam --layer nowhere -o $D/never", 2, "nowhere"},
    {"explain $D/x.npy " TINY " --method gradient --boxes $D/boxes.csv -o $D/never", 2, "tensor"},
    {"explain $D/clip.ppm --model tiny --weights formula --method gradient --boxes $D/text.txt -o $D/never", 3, "columns"},
    {"explain $D/clip.ppm --model tiny --weights formula --method gradient --boxes $D/others.csv -o $D/never", 3, "no box"},
    {"explain $D/x.npy " TINY " --method gradient -o $D/text.txt", 1, "text.txt"},
    {"bench", 2, "got none"},
    {"bench --peak --model tiny", 2, "got several"},
    {"bench --model tiny --pass input", 2, "of a layer"},
    {"bench --layer '3>8 3x3x3 @4x9x9' --pass gradient", 2, "of a model"},
    {"bench --layer '3>8 3x3x3'", 2, "@TxHxW"},
    {"bench --layer '3>8 3x3 @4x9x9'", 2, "3x3"},
    {"bench --layer '4>8 3x3x3 g3 @4x9x9'", 2, "groups"},
    {"demo --model tiny --weights formula -o $D/never", 2, "small networks"},
};

static void write_misfits(void)
{
    static const unsigned char byte_header[] = "\x93NUMPY\x01\x00\x76\x00";
    fl_error err = {0};
    static real zeros[4 * T * SIDE * SIDE];
    const int64_t wrong[4] = {4, T, SIDE, SIDE};
    fl_npy_write(file("wrong.npy"), 4, wrong, zeros, &err);
    fl_npy_write(file("flat.npy"), 2, wrong, zeros, &err);
    fl_file_write(file("text.txt"), "no numbers here\n", 16, &err);
    fl_file_write(file("others.csv"), "clip,frame,x0,y0,x1,y1,label\nother,0,1,1,5,5,x\n", 47, &err);
    fl_file_write(file("boxes.csv"), "clip,frame,x0,y0,x1,y1,label\nclip,0,4,4,20,20,thing\n", 52, &err);
    char bytes[128 + 4] = {0};
    memset(bytes, ' ', 128);
    memcpy(bytes, byte_header, 10);
    memcpy(bytes + 10, "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 2, 2), }", 65);
    bytes[127] = '\n';
    fl_file_write(file("bytes.npy"), bytes, sizeof bytes, &err);
    CHECK_SAY(err.status == FL_OK, "%s", err.message);
    CHECK(fl_test_shell(NULL, 0, "cd '%s' && \"$FOOTLIGHT\" synth -o s --count 1 --quiet >/dev/null && mv s/clip_000000.ppm clip.ppm",
                        fl_test_folder()) == 0);
}

TEST(cli_misuse_says_what_and_where_in_one_line)
{
    NEEDS_PROGRAM();
    write_tensors();
    write_misfits();
    for (size_t i = 0; i < sizeof misuses / sizeof *misuses; i++) {
        const struct misuse *m = &misuses[i];
        static char text[8192], talk[8192];
        const int code = run(text, talk, sizeof text, m->arguments);
        const char *message = strstr(talk, "footlight: ");
        while (message && strncmp(message, "footlight: warning", 18) == 0) message = strstr(message + 1, "footlight: ");
        CHECK_SAY(code == m->code, "%s: exit code %d, wanted %d: %s", m->arguments, code, m->code, talk);
        CHECK_SAY(message && strstr(message, m->says), "%s: wanted '%s' in: %s", m->arguments, m->says, talk);
        CHECK_SAY(message && strchr(message, '\n') == message + strlen(message) - 1, "%s: one line: %s", m->arguments, talk);
        CHECK_SAY(strncmp(m->arguments, "explain", 7) == 0 || !*text, "%s: stdout: %s", m->arguments, text);
        CHECK_SAY(!has_escape(text) && !has_escape(talk), "%s: control characters", m->arguments);
    }
    CHECK(fl_test_shell(NULL, 0, "ls '%s'/never/* 2>/dev/null", fl_test_folder()) != 0);
    CHECK(fl_test_shell(NULL, 0, "ls '%s'/*.tmp 2>/dev/null", fl_test_folder()) != 0);
}

TEST(cli_weights_that_do_not_fit_end_with_4)
{
    NEEDS_PROGRAM();
    write_tensors();
    fl_error err = {0};
    fl_arena arena;
    fl_arena_init(&arena, &err);
    fl_graph *g = fl_graph_new(&arena);
    fl_model_build(g, fl_model_find("tiny"), &(fl_model_options){0});
    fl_model_fill_formula(g, 1);
    fl_bundle bundle;
    fl_bundle_init(&bundle, &arena);
    CHECK(fl_graph_store(g, &bundle) == FL_OK && fl_safetensors_write(file("w.safetensors"), &bundle, NULL, &err) == FL_OK);
    static char text[8192], talk[8192], formula[8192];
    fl_sha256_text sha;
    CHECK(fl_sha256_file(file("w.safetensors"), sha, &err) == FL_OK);
    CHECK(run(text, talk, sizeof text, "predict $D/x.npy --model tiny --tensor --weights $D/w.safetensors --json --logits") == 0);
    const fl_json_value *v = parse(&arena, text), *weights = fl_json_get(v, "weights");
    CHECK(v && strcmp(fl_json_get(weights, "sha256")->string, sha) == 0 && strstr(fl_json_get(weights, "path")->string, "w.safetensors"));
    CHECK(run(formula, talk, sizeof text, "predict $D/x.npy " TINY " --json --logits") == 0);
    const char *a = strstr(text, "\"top\""), *b = strstr(formula, "\"top\"");
    CHECK(a && b && strcmp(a, b) == 0);
    CHECK(run(text, talk, sizeof text, "predict $D/x.npy --model tiny --tensor --weights $D/w.safetensors --classes 7") == 4);
    CHECK_SAY(strstr(talk, "'fc.weight'") && strstr(talk, "w.safetensors"), "%s", talk);
    CHECK(run(text, talk, sizeof text, "predict $D/x.npy --model tiny --tensor --weights formula --classes 7 --top 99 --json") == 0);
    v = parse(&arena, text);
    CHECK(v && fl_json_get(v, "top")->count == 7);
    CHECK(fl_test_shell(NULL, 0, "printf 'one\\ntwo\\nthree\\nfour\\nfive' >'%s'", file("names.txt")) == 0);
    CHECK(run(text, talk, sizeof text, "predict $D/x.npy " TINY " --labels $D/names.txt --top 5") == 0);
    CHECK(strstr(text, "five") && strstr(text, "one"));
    fl_arena_free(&arena);
}

/* ---- help ---- */

TEST(cli_help_names_every_option_of_every_command)
{
    NEEDS_PROGRAM();
    static char text[32768], again[32768], talk[32768], arguments[128], word[64];
    CHECK(run(text, talk, sizeof text, "--help") == 0 && !*talk);
    for (int i = 0; fl_command_table[i]; i++) {
        snprintf(word, sizeof word, "\n  %s ", fl_command_table[i]->name);
        CHECK_SAY(strstr(text, word) != NULL, "--help does not name %s", fl_command_table[i]->name);
    }
    CHECK(run(again, talk, sizeof text, "help") == 0 && strcmp(text, again) == 0);
    CHECK(run(again, talk, sizeof text, "") == 2 && !*again && strcmp(text, talk) == 0);
    for (int i = 0; fl_command_table[i]; i++) {
        const fl_command *c = fl_command_table[i];
        snprintf(arguments, sizeof arguments, "%s --help", c->name);
        CHECK(run(text, talk, sizeof text, arguments) == 0 && !*talk && !has_escape(text) && strstr(text, c->doc));
        snprintf(arguments, sizeof arguments, "help %s", c->name);
        CHECK(run(again, talk, sizeof text, arguments) == 0 && strcmp(text, again) == 0);
        for (int k = -1; k < 0 || (c->group && c->group[k]); k++) {
            const fl_option_group *group = k < 0 ? &fl_cli_common : c->group[k];
            for (const fl_option *o = group->option; o->name; o++) {
                snprintf(word, sizeof word, "--%s", o->name);
                CHECK_SAY(strstr(text, word) != NULL, "%s --help does not name --%s", c->name, o->name);
            }
        }
    }
}

/* What holds when an option is not given must itself be allowed. */
static void check_preset(const fl_command *c, const fl_option *o)
{
    long long whole = 0;
    double number = 0;
    size_t bytes;
    bool found = false;
    for (int i = 0; o->words && o->words[i]; i++) found = found || (o->preset && strcmp(o->words[i], o->preset) == 0);
    CHECK_SAY(o->help && *o->help, "%s --%s: no help", c->name, o->name);
    CHECK_SAY((o->kind == FL_OPT_FLAG) == (o->value == NULL), "%s --%s: a value has a name", c->name, o->name);
    CHECK_SAY((o->kind == FL_OPT_CHOICE) == (o->words != NULL), "%s --%s: a choice has words", c->name, o->name);
    if (!o->preset) return;
    if (o->kind == FL_OPT_INT) CHECK_SAY(fl_text_int(o->preset, &whole), "%s --%s: %s", c->name, o->name, o->preset);
    if (o->kind == FL_OPT_REAL) CHECK_SAY(fl_text_real(o->preset, &number), "%s --%s: %s", c->name, o->name, o->preset);
    if (o->kind == FL_OPT_BYTES) CHECK_SAY(fl_text_bytes(o->preset, &bytes), "%s --%s: %s", c->name, o->name, o->preset);
    if (o->kind == FL_OPT_CHOICE) CHECK_SAY(found, "%s --%s: %s is not one of the words", c->name, o->name, o->preset);
    if (o->kind == FL_OPT_INT) number = (double)whole;
    if ((o->kind == FL_OPT_INT || o->kind == FL_OPT_REAL) && o->min < o->max)
        CHECK_SAY(number >= o->min && number <= o->max, "%s --%s: preset %s out of range", c->name, o->name, o->preset);
}

TEST(cli_presets_are_allowed_values)
{
    int options = 0;
    for (int i = 0; fl_command_table[i]; i++)
        for (int k = 0; fl_command_table[i]->group && fl_command_table[i]->group[k]; k++)
            for (const fl_option *o = fl_command_table[i]->group[k]->option; o->name; o++, options++)
                check_preset(fl_command_table[i], o);
    CHECK(options > 20);
}

TEST(cli_numbers_are_read_to_the_last_letter)
{
    long long n;
    double x;
    size_t b;
    CHECK(fl_text_int("-12", &n) && n == -12);
    CHECK(!fl_text_int("", &n) && !fl_text_int(" 1", &n) && !fl_text_int("1 ", &n) && !fl_text_int("1e3", &n));
    CHECK(!fl_text_int("9223372036854775808", &n));
    CHECK(fl_text_real("1e-3", &x) && x == 1e-3);
    CHECK(!fl_text_real("nan", &x) && !fl_text_real("inf", &x) && !fl_text_real("1,5", &x) && !fl_text_real("1e999", &x));
    CHECK(fl_text_bytes("3", &b) && b == 3);
    CHECK(fl_text_bytes("3K", &b) && b == 3072);
    CHECK(fl_text_bytes("2G", &b) && b == (size_t)2 << 30);
    CHECK(!fl_text_bytes("-1", &b) && !fl_text_bytes("1KB", &b) && !fl_text_bytes("", &b) && !fl_text_bytes("99999999999T", &b));
    static const char *const words[] = {"gradient", "grad_cam", "smoothgrad"};
    CHECK(strcmp(fl_nearest("gradnt", words, 3), "gradient") == 0);
    CHECK(strcmp(fl_nearest("smooth", words, 3), "smoothgrad") == 0);
    CHECK(fl_nearest("occlusion", words, 3) == NULL && fl_nearest("", words, 3) == NULL);
}

/* ---- what comes out ---- */

TEST(cli_predict_prints_what_the_network_says)
{
    NEEDS_PROGRAM();
    const real *values = write_tensors();
    fl_error err = {0};
    fl_arena arena;
    fl_arena_init(&arena, &err);
    const fl_model *tiny = fl_model_find("tiny");
    fl_graph *g = fl_graph_new(&arena);
    const fl_network net = fl_model_build(g, tiny, &(fl_model_options){0});
    fl_model_fill_formula(g, 1);
    CHECK(fl_graph_plan(g, &(fl_plan){.out = &net.logits, .n_out = 1}) == FL_OK);
    fl_from_file_order(fl_graph_shape(g, net.input), values, fl_graph_value(g, net.input));
    fl_graph_forward(g);
    const real *logits = fl_graph_value(g, net.logits);

    static char text[8192], other[8192], talk[8192];
    CHECK(run(text, talk, sizeof text, "predict $D/x.npy " TINY " --json --logits --top 2") == 0 && !*talk);
    const fl_json_value *v = parse(&arena, text), *all = fl_json_get(v, "logits"), *top = fl_json_get(v, "top");
    CHECK(v && all && all->count == CLASSES && top && top->count == 2);
    int best = 0, k = 0;
    double sum = 0;
    for (int i = 0; i < CLASSES; i++) best = logits[i] > logits[best] ? i : best;
    for (int i = 0; i < CLASSES; i++) sum += exp((double)logits[i] - (double)logits[best]);
    for (const fl_json_value *l = all ? all->first : NULL; l; l = l->next, k++) CHECK_NEAR(l->number, (double)logits[k], 1e-6);
    CHECK(top && fl_json_get(top->first, "index")->integer == best);
    CHECK(top && fl_json_get(top->first, "label")->kind == FL_JSON_NULL);
    CHECK_NEAR(fl_json_get(top->first, "logit")->number, (double)logits[best], 1e-6);
    CHECK_NEAR(fl_json_get(top->first, "probability")->number, 1 / sum, 1e-6);
    CHECK(strcmp(fl_json_get(v, "model")->string, "tiny") == 0);
    fl_sha256_text sha;
    CHECK(fl_sha256_file(file("x.npy"), sha, &err) == FL_OK && strcmp(fl_json_get(fl_json_get(v, "input"), "sha256")->string, sha) == 0);

    /* C,T,H,W and one item of N,C,T,H,W are the same clip; so is standard input; --name=value, and the last one wins */
    const char *after = strstr(text, "\"top\"");
    static const char *const same[] = {
        "predict $D/c.npy " TINY " --json --logits --top 2", "predict $D/n.npy " TINY " --json --logits --top 2 --item 2",
        "predict - " TINY " --json --logits --top 2 <$D/x.npy", "predict $D/x.npy " TINY " --model=tiny --json --logits --top 4 --top=2",
        "--json predict --logits --top 2 " TINY " -- $D/x.npy"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        CHECK(run(other, talk, sizeof other, same[i]) == 0);
        CHECK_SAY(after && strstr(other, "\"top\"") && strcmp(strstr(other, "\"top\""), after) == 0, "%s", same[i]);
    }
    CHECK(run(text, talk, sizeof text, "predict $D/x.npy " TINY) == 0 && !*talk && strstr(text, "probability"));
    fl_arena_free(&arena);
}

TEST(cli_json_is_json)
{
    NEEDS_PROGRAM();
    static const struct { const char *arguments, *member; } cases[] = {
        {"--version --json", "precision"}, {"list --json", "methods"}, {"list models --json", "models"}, {"list ops --json", "ops"},
        {"list layers --model tiny --json", "layers"}, {"explain --list-layers --model tiny --json", "layers"},
        {"bench --model tiny --repeat 1 --json", "peak_bytes"}, {"bench --model tiny --pass gradient --repeat 2 --json", "median_s"},
        {"bench --layer '3>8 3x3x3 s1,2 @4x9x9' --repeat 1 --json", "gflops"}};
    static char text[65536], talk[65536];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fl_error err = {0};
        fl_arena arena;
        fl_arena_init(&arena, &err);
        CHECK(run(text, talk, sizeof text, cases[i].arguments) == 0 && !*talk);
        CHECK_SAY(fl_json_get(parse(&arena, text), cases[i].member), "%s: no %s", cases[i].arguments, cases[i].member);
        fl_arena_free(&arena);
    }
}

TEST(cli_bench_counts_by_the_definition)
{
    NEEDS_PROGRAM();
    static char text[4096], talk[4096];
    fl_error err = {0};
    fl_arena arena;
    fl_arena_init(&arena, &err);
    CHECK(run(text, talk, sizeof text, "bench --layer '6>8 3x5x3 s2,1,2 g2 @7x9x10' --batch 3 --repeat 1 --pass weights --json") == 0);
    const fl_json_value *v = parse(&arena, text);
    CHECK(v != NULL);
    const double y = 3.0 * 8 * 4 * 9 * 5, taps = 3 * 5 * 3 * 3;      /* outputs; taps: kernel times 6/2 channels */
    CHECK_NEAR(fl_json_get(v, "gflop")->number, 2e-9 * y * taps, 1e-15);
    const double best = fl_json_get(v, "best_s")->number, rate = fl_json_get(v, "gflops")->number;
    CHECK(best > 0 && fl_json_get(v, "median_s")->number >= best);
    CHECK_NEAR(rate * best, 2e-9 * y * taps, 1e-12);
    fl_arena_free(&arena);
}

/* ---- explain ---- */

#define EXPLAIN "explain $D/x.npy " TINY " --quiet --method gradient,smoothgrad,grad_cam --samples 3 --seed 3"

TEST(cli_explain_gives_the_same_bytes_whatever_the_threads)
{
    NEEDS_PROGRAM();
    write_tensors();
    static char text[65536], talk[65536], arguments[512];
    static const int threads[] = {1, 2, 16};
    for (int i = 0; i < 3; i++) {
        snprintf(arguments, sizeof arguments, EXPLAIN " --threads %d -o $D/run%d", threads[i], i);
        CHECK_SAY(run(text, talk, sizeof text, arguments) == 0, "%s", talk);
        CHECK(strstr(text, "report: ") != NULL && !has_escape(text) && !has_escape(talk));
        CHECK_SAY(i == 0 || fl_test_shell(NULL, 0, "cd '%s' && diff -r run0 run%d", fl_test_folder(), i) == 0, "%d threads", threads[i]);
    }
    CHECK(fl_test_shell(text, sizeof text, "cd '%s' && grep -l run0 run0/*", fl_test_folder()) == 1 && !*text);
    CHECK(run(text, talk, sizeof text, EXPLAIN " --seed 4 -o $D/run4") == 0);
    CHECK(fl_test_shell(NULL, 0, "cd '%s' && cmp -s run0/smoothgrad_map.npy run4/smoothgrad_map.npy", fl_test_folder()) == 1);
    CHECK(fl_test_shell(NULL, 0, "cd '%s' && cmp -s run0/gradient_map.npy run4/gradient_map.npy", fl_test_folder()) == 0);
}

static double sum_of_npy(fl_arena *arena, const char *path, fl_npy *header)
{
    const real *map = fl_npy_read(arena, path, header);
    CHECK_SAY(map != NULL, "%s", arena->error->message);
    double sum = 0;
    for (int64_t i = 0; map && i < header->count; i++) sum += (double)map[i];
    return sum;
}

TEST(cli_explain_writes_a_folder_that_tells_everything)
{
    NEEDS_PROGRAM();
    write_tensors();
    static char text[65536], talk[65536];
    fl_error err = {0};
    fl_arena arena;
    fl_arena_init(&arena, &err);
    CHECK(run(text, talk, sizeof text, "explain $D/x.npy " TINY " --method integrated_gradients --baseline black --target 2 --steps 30 --json --quiet "
              "-o $D/one/deep/er") == 0 && !*talk);
    const fl_json_value *v = parse(&arena, text);
    CHECK(fl_test_shell(NULL, 0, "cmp -s - '%s' <<'E'\n%sE\n", file("one/deep/er/result.json"), text) == 0);
    const fl_json_value *map = fl_json_get(v, "maps") ? fl_json_get(v, "maps")->first : NULL, *law = fl_json_get(map, "law");
    CHECK(map && law && strcmp(fl_json_get(map, "method")->string, "integrated_gradients") == 0);
    CHECK(strcmp(fl_json_get(fl_json_get(map, "settings"), "baseline")->string, "black") == 0);
    CHECK(strcmp(fl_json_get(fl_json_get(map, "settings"), "steps")->string, "30") == 0);
    CHECK(fl_json_get(fl_json_get(v, "target"), "index")->integer == 2);
    CHECK(strcmp(fl_json_get(fl_json_get(v, "options"), "baseline")->string, "black") == 0 && !fl_json_get(fl_json_get(v, "options"), "output"));

    /* the law holds for the numbers in the file, and its two sides are the two scores */
    fl_npy header;
    const double sum = sum_of_npy(&arena, file("one/deep/er/map.npy"), &header), wanted = fl_json_get(law, "wanted")->number;
    CHECK(header.axes == 4 && header.size[0] == C && header.size[1] == T && header.size[2] == SIDE && header.size[3] == SIDE);
    CHECK_NEAR(sum, fl_json_get(law, "sum")->number, 1e-4 * fabs(wanted));
    CHECK_NEAR(wanted, fl_json_get(map, "score")->number - fl_json_get(map, "baseline_score")->number, 1e-5);
    CHECK_NEAR(sum, wanted, 0.05 * fabs(wanted));
    CHECK_NEAR(sum_of_npy(&arena, file("one/deep/er/map_reduced.npy"), &header), sum, 1e-4 * fabs(wanted));
    CHECK(header.axes == 3 && header.size[0] == T && header.size[1] == SIDE && header.size[2] == SIDE);

    int files = 0;
    for (const fl_json_value *f = fl_json_get(v, "files") ? fl_json_get(v, "files")->first : NULL; f; f = f->next, files++) {
        fl_sha256_text sha;
        char path[256];
        snprintf(path, sizeof path, "one/deep/er/%s", fl_json_get(f, "name")->string);
        CHECK(fl_sha256_file(file(path), sha, &err) == FL_OK && strcmp(sha, fl_json_get(f, "sha256")->string) == 0);
    }
    CHECK(files == 5);

    /* a layer-level map: the layer's own T,H,W, and no folder named: one is made up */
    CHECK(run(text, talk, sizeof text, "explain $D/x.npy " TINY " --method grad_cam --layer relus.0") == 0 && strstr(text, "footlight-x-grad_cam/report.html"));
    sum_of_npy(&arena, file("footlight-x-grad_cam/map.npy"), &header);
    CHECK(header.axes == 3 && header.size[0] == T && header.size[1] == SIDE / 2 && header.size[2] == SIDE / 2);
    fl_arena_free(&arena);
}

TEST(cli_boxes_judge_a_map)
{
    NEEDS_PROGRAM();
    static char text[65536], talk[65536];
    fl_error err = {0};
    fl_arena arena;
    fl_arena_init(&arena, &err);
    CHECK(run(text, talk, sizeof text, "synth -o $D/b --count 1 --frames 8 --size 48x48 --quiet") == 0);
    CHECK(run(text, talk, sizeof text, "explain $D/b/clip_000000.ppm --model tiny --weights formula --method gradient --boxes "
              "$D/b/clip_000000.csv --json --quiet -o $D/b/out") == 0);
    const fl_json_value *v = parse(&arena, text), *p = fl_json_get(fl_json_get(v, "maps")->first, "pointing");
    /* the boxes' share of the voxels, from the CSV: half the size in the network's frames */
    fl_bytes csv;
    CHECK(fl_file_read(&arena, file("b/clip_000000.csv"), 65536, &csv) == FL_OK);
    double inside = 0;
    int frame, x0, y0, x1, y1;
    for (const char *line = strchr((const char *)csv.data, '\n'); line && line[1]; line = strchr(line + 1, '\n'))
        if (sscanf(line + 1, "clip_000000,%d,%d,%d,%d,%d", &frame, &x0, &y0, &x1, &y1) == 5)
            inside += ((x1 + 1) / 2 - x0 / 2) * ((y1 + 1) / 2 - y0 / 2);
    CHECK(p && inside > 0);
    CHECK_NEAR(fl_json_get(p, "chance")->number, inside / (8 * 24 * 24), 1e-6);
    CHECK(strstr(text, "\"hit\"") != NULL);
    fl_arena_free(&arena);
}

TEST(cli_demo_needs_no_file)
{
    NEEDS_PROGRAM();
    static char text[65536], talk[65536];
    CHECK(run(text, talk, sizeof text, "demo --weights formula -o $D/demo --seed 2") == 0);
    CHECK_SAY(strstr(text, "the clip shows: ") && strstr(text, "/demo/report.html"), "%s", text);
    CHECK(fl_test_shell(text, sizeof text, "cd '%s/demo' && ls clip.ppm report.html result.json smoothgrad_sheet.png grad_cam_map.npy", fl_test_folder()) == 0);
}

/* ---- the surroundings ---- */

TEST(cli_a_reader_that_leaves_is_no_error_but_a_full_disk_is)
{
    NEEDS_PROGRAM();
    char text[256];
    CHECK(fl_test_shell(text, sizeof text, "cd '%s'; { sleep 0.1; \"$FOOTLIGHT\" list 2>pipe.err; echo $? >pipe.code; } | true; cat pipe.code pipe.err",
                        fl_test_folder()) == 0);
    CHECK_SAY(strcmp(text, "0\n") == 0, "%s", text);
    if (fl_test_shell(NULL, 0, "test -w /dev/full") != 0) return;
    CHECK(fl_test_shell(text, sizeof text, "\"$FOOTLIGHT\" list 2>&1 >/dev/full") == 1);
    CHECK_SAY(strncmp(text, "footlight: standard output", 26) == 0, "%s", text);
}

TEST(cli_interrupted_runs_leave_nothing_half_done)
{
    NEEDS_PROGRAM();
    write_tensors();
    char text[512];
    CHECK(fl_test_shell(text, sizeof text, "cd '%s'; \"$FOOTLIGHT\" explain x.npy " TINY " --method smoothgrad --samples 1000000 -o stopped "
                        ">/dev/null 2>&1 & p=$!; sleep 0.5; kill -TERM $p; wait $p; echo $?; ls '%s/stopped'", fl_test_folder(), fl_test_folder()) == 0);
    CHECK_SAY(strcmp(text, "143\n") == 0, "%s", text);
}

TEST(cli_versions_and_threads)
{
    NEEDS_PROGRAM();
    static char text[1024], talk[1024];
    CHECK(run(text, talk, sizeof text, "--version --threads 1") == 0 && !*talk);
    CHECK_SAY(strstr(text, FL_VERSION) && strstr(text, FL_REAL_NAME) && strstr(text, "threads: 1\n") && strstr(text, "OpenMP: o"), "%s", text);
    CHECK(run(text, talk, sizeof text, "predict --isa base --version") == 0 && strstr(text, "ISA: base"));
}

/* The words of --sampling are those of io/sample.c. */
TEST(cli_knows_the_rules_of_sampling)
{
    NEEDS_PROGRAM();
    static char text[32768], talk[32768];
    CHECK(run(text, talk, sizeof text, "predict --help") == 0);
    CHECK(fl_sample_rule(0) != NULL);
    for (int i = 0; fl_sample_rule(i); i++) CHECK_SAY(strstr(text, fl_sample_rule(i)) != NULL, "%s", fl_sample_rule(i));
}
