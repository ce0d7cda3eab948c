/* test_cli_weights.c: weight files of every kind through the program: what they make the network say, and what it says of them. */
#include "tests/cli_rig.h"

typedef struct say { fl_error error; fl_arena arena; const fl_json_value *v; } say;

static bool predict(say *s, const char *options)
{
    memset(s, 0, sizeof *s);
    fl_arena_init(&s->arena, &s->error);
    const int code = rig_run("predict $D/x.npy --tensor --model tiny --json --logits %s", options);
    CHECK_SAY(code == 0, "%s: %d: %s", options, code, rig_err);
    s->v = code == 0 ? rig_json(&s->arena) : NULL;
    return s->v != NULL;
}

/* All of them hold the formula parameters of tiny, some in half precision. */
TEST(cli_weights_of_every_kind_say_the_same)
{
    static const struct { const char *file; double tolerance; const char *says; } list[] = {
        {"plain.safetensors", 0, ""}, {"unaligned.safetensors", 0, ""}, {"zip.pth", 0, ""}, {"legacy.pth", 0, ""},
        {"checkpoint_zip.pth.tar", 0, "module."}, {"checkpoint_legacy.pth.tar", 0, "module."}, {"stored.npz", 0, ""},
        {"deflated.npz", 0, ""}, {"strided_shared.pth", 0, ""}, {"strided_shared_legacy.pth", 0, ""},
        {"whole_module_zip.pth", 0, ""}, {"float64_legacy.pth", 1e-6, ""}, {"float16.pth", 2e-2, ""}, {"bfloat16.pth", 2e-1, ""}};
    NEEDS_PROGRAM();
    rig_inputs();
    say truth, s;
    if (!predict(&truth, "--weights formula")) return;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        char options[1200];
        snprintf(options, sizeof options, "--weights '%s/%s'", rig_golden("weights"), list[i].file);
        if (!predict(&s, options)) continue;
        CHECK_SAY(strstr(rig_err, list[i].says) != NULL, "%s: '%s' does not say '%s'", list[i].file, rig_err, list[i].says);
        for (int k = 0; k < RIG_CLASSES; k++) {
            char path[32];
            snprintf(path, sizeof path, "logits.%d", k);
            const double off = fabs(rig_number(s.v, path) - rig_number(truth.v, path));
            CHECK_SAY(off <= list[i].tolerance, "%s: logit %d is off by %g", list[i].file, k, off);
        }
        CHECK(rig_number(s.v, "weights.missing") == 0 && rig_number(s.v, "weights.matched") == 17);
        fl_arena_free(&s.arena);
    }
    fl_arena_free(&truth.arena);
}

TEST(cli_weights_that_do_not_fit_say_why)
{
    NEEDS_PROGRAM();
    rig_inputs();
    CHECK(rig_run("predict $D/clip.ppm --model c3d_small --weights '%s'", rig_golden("weights/zip.pth")) == 4);
    CHECK_SAY(strstr(rig_err, "tiny (17 of its 17 tensors)") && strstr(rig_err, "--model tiny") && strstr(rig_err, "--allow-missing"),
              "%s", rig_err);
    CHECK(rig_run("predict $D/x.npy --tensor --model tiny --classes 7 --weights '%s'", rig_golden("weights/zip.pth")) == 4);
    CHECK_SAY(strstr(rig_err, "fc.") && strstr(rig_err, "number of classes"), "%s", rig_err);
    /* fc has another shape */
    CHECK(rig_run("predict $D/clip.ppm --model c3d_small --allow-missing --weights '%s'", rig_golden("weights/zip.pth")) == 4);
    CHECK(rig_run("predict $D/x.npy --tensor --model r3d_18") == 2 && strstr(rig_err, "--weights FILE"));
    CHECK(rig_run("predict $D/x.npy --tensor --model tiny --weights formula --flow-weights x") == 2 && strstr(rig_err, "two streams"));
    CHECK(rig_run("predict $D/x.npy --tensor --model tiny --weights formula --stream flow") == 2 && strstr(rig_err, "one input"));
    CHECK(rig_run("inspect nonsense") == 3 && strstr(rig_err, "did you mean"));
}

/* A file without its head: refused, or with made-up values for the head. */
TEST(cli_weights_with_a_missing_head)
{
    NEEDS_PROGRAM();
    rig_inputs();
    CHECK(rig_run("convert '%s' whole.safetensors", rig_golden("weights/zip.pth")) == 0);
    CHECK(rig_shell("sed 's/\"fc.bias\"/\"xx.bias\"/' whole.safetensors >headless.safetensors") == 0);
    CHECK(rig_run("predict $D/x.npy --tensor --model tiny --weights headless.safetensors") == 4);
    CHECK_SAY(strstr(rig_err, "fc.bias") && strstr(rig_err, "xx.bias"), "%s", rig_err);
    CHECK(rig_run("predict $D/x.npy --tensor --model tiny --weights headless.safetensors --allow-missing") == 0);
    CHECK_SAY(strstr(rig_err, "fc.bias") && strstr(rig_err, "xx.bias"), "%s", rig_err);
}

/* A card beside the weights: other labels and another mean; a misspelt word in it is an error. */
TEST(cli_weights_bring_their_card)
{
    NEEDS_PROGRAM();
    rig_inputs();
    fl_error error = {0};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    CHECK(rig_run("convert '%s' carded.safetensors", rig_golden("weights/zip.pth")) == 0);
    CHECK(rig_run("predict $D/clip.ppm --model tiny --weights carded.safetensors --json --logits") == 0);
    rig_keep();
    CHECK(rig_shell("echo '{\"labels\": [\"run\", \"sit\", \"eat\", \"fly\", \"nap\"], "
                    "\"mean\": [0.1, 0.2, 0.3]}' >carded.card.json") == 0);
    CHECK(rig_run("predict $D/clip.ppm --model tiny --weights carded.safetensors --json --logits") == 0);
    CHECK(strcmp(rig_out, rig_kept) != 0 && strstr(rig_err, "carded.card.json"));
    const fl_json_value *v = rig_json(&arena);
    CHECK(v && strlen(rig_text(v, "top.0.label")) == 3);
    CHECK(rig_shell("echo '{\"meen\": [0.1, 0.2, 0.3]}' >carded.card.json") == 0);
    CHECK(rig_run("predict $D/clip.ppm --model tiny --weights carded.safetensors") == 3 && strstr(rig_err, "meen"));
    fl_arena_free(&arena);
}

/* Both ways through time from the command line: the same scores, other gradients. */
TEST(cli_bptt_none_changes_the_map_and_not_the_scores)
{
    NEEDS_PROGRAM();
    rig_inputs();
    CHECK(rig_run("explain $D/clip.ppm --model cnn_lstm_small --method gradient -o full --json --quiet --target 0") == 0);
    CHECK(rig_run("explain $D/clip.ppm --model cnn_lstm_small --method gradient -o none --json --quiet --target 0 --bptt none") == 0);
    CHECK(rig_shell("cmp -s full/map.npy none/map.npy") == 1);
    CHECK(rig_run("predict $D/clip.ppm --model cnn_lstm_small --json --logits") == 0);
    rig_keep();
    CHECK(rig_run("predict $D/clip.ppm --model cnn_lstm_small --json --logits --bptt none") == 0 && strcmp(rig_out, rig_kept) == 0);
}

TEST(cli_inspect_names_a_network)
{
    NEEDS_PROGRAM();
    fl_error error = {0};
    fl_arena arena;
    fl_arena_init(&arena, &error);
    CHECK(rig_run("inspect tiny --json") == 0);
    const fl_json_value *v = rig_json(&arena);
    CHECK(v && rig_number(v, "parameters") == 1901 && rig_at(v, "layers")->count == 13);
    CHECK(strcmp(rig_text(v, "layers.0.name"), "stem") == 0 && rig_number(v, "layers.0.receptive_field.2") == 3);
    CHECK(rig_number(v, "gradient_bytes") > rig_number(v, "forward_bytes"));
    CHECK(rig_run("inspect r2plus1d_18") == 0 && strstr(rig_out, "40.52 GMAC") && strstr(rig_out, "31505325"));
    const char *frames = rig_golden("onnx/frames.onnx");                 /* a network from a file may leave its frames open */
    CHECK(rig_run("inspect '%s'", frames) == 2 && strstr(rig_err, "--frames"));
    CHECK(rig_run("inspect '%s' --frames 4", frames) == 0 && strstr(rig_out, "conv1"));
    CHECK(rig_run("list layers --model '%s' --frames 4", frames) == 0 && strstr(rig_out, "conv1"));
    CHECK(rig_run("list models --frames 4") == 2 && strstr(rig_err, "list layers"));
    fl_arena_free(&arena);
}
