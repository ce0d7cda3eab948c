/* test_cli_inspect.c: inspect and convert as users call them; the same explanation from every kind of weight file. */
#include "tests/cli_rig.h"

TEST(cli_inspect_shows_a_file)
{
    NEEDS_PROGRAM();
    CHECK(rig_run("inspect '%s'", rig_golden("weights/checkpoint_legacy.pth.tar")) == 0);
    CHECK(strstr(rig_out, "PyTorch checkpoint (stream), 20 tensors, 1960 numbers, 7852 bytes")
          && strstr(rig_out, "inside 'state_dict'"));
    CHECK(strstr(rig_out, "module.stem.weight") && strstr(rig_out, "8,3,3,3,3") && !strstr(rig_out, "import"));
    CHECK(rig_run("inspect '%s' --stats", rig_golden("weights/small_zip.pth")) == 0);
    CHECK_SAY(strstr(rig_out, "F32   2,3                            24           -2            4       1.0417       "
                     "1.9917"), "%s", rig_out);
    CHECK(rig_run("inspect '%s'", rig_golden("weights/whole_module_zip.pth")) == 0 && strstr(rig_out, "unknown    nets.Tiny"));
    CHECK(rig_shell("\"$FOOTLIGHT\" inspect - <'%s'", rig_golden("weights/stored.npz")) == 0
          && strstr(rig_out, "-: NumPy archive (.npz), 20 tensors"));
    /* the network */
    CHECK(rig_shell("mkdir -p $D/named/tiny && cd $D/named && \"$FOOTLIGHT\" inspect tiny") == 0 && strstr(rig_out, "1901"));
    CHECK(rig_run("inspect nothing.pth") == 3 && strstr(rig_err, "nothing.pth"));
    CHECK(rig_run("inspect '%s'", rig_golden("weights/refuse_html.pth")) == 3 && strstr(rig_err, "web page"));
}

TEST(cli_inspect_as_json)
{
    NEEDS_PROGRAM();
    fl_error err = {0};
    fl_arena a;
    fl_arena_init(&a, &err);
    CHECK(rig_run("inspect --json --stats '%s'", rig_golden("weights/small_stream.pth")) == 0);
    const fl_json_value *v = rig_json(&a);
    CHECK(strcmp(rig_text(v, "kind"), "PyTorch checkpoint (stream)") == 0
          && strcmp(rig_text(v, "tensors.1.dtype"), "I64") == 0);
    CHECK(rig_number(v, "tensors.0.shape.1") == 3 && rig_number(v, "tensors.0.bytes") == 24
          && rig_number(v, "tensors.0.min") == -2);
    CHECK(strcmp(rig_text(v, "imports.0.class"), "known") == 0 && rig_number(v, "imports.1.count") == 1);
    fl_arena_free(&a);
}

TEST(cli_inspect_finds_danger)
{
    NEEDS_PROGRAM();
    CHECK(rig_run("inspect --danger '%s'", rig_golden("weights/refuse_global_zip.pth")) == 5);
    CHECK(strstr(rig_out, "dangerous  posix.system") && strstr(rig_err, "posix.system"));
    CHECK(rig_run("inspect --danger '%s'", rig_golden("weights/refuse_reachable_global_legacy.pth")) == 5
          && strstr(rig_out, "posix.system"));
    CHECK(rig_run("inspect --danger '%s'", rig_golden("weights/whole_module_zip.pth")) == 5
          && strstr(rig_out, "unknown    nets.Tiny"));
    CHECK(rig_run("inspect --danger '%s'", rig_golden("weights/checkpoint_zip.pth.tar")) == 0
          && strstr(rig_out, "no code that is not known"));
    CHECK(rig_run("inspect --danger '%s'", rig_golden("weights/plain.safetensors")) == 0);
    CHECK(rig_run("inspect --danger '%s'", rig_golden("weights/refuse_truncated.pth")) == 3);
    /* a pickle that breaks off after its call has run by then, in Python */
    CHECK(rig_shell("printf '\\200\\2cposix\\nsystem\\n(U\\4touctR0\\377' >broken.pkl") == 0);
    CHECK(rig_run("inspect --danger broken.pkl") == 5 && strstr(rig_out, "dangerous  posix.system"));
    fl_error err = {0};
    fl_arena a;
    fl_arena_init(&a, &err);
    CHECK(rig_run("inspect --danger --json '%s'", rig_golden("weights/refuse_global_zip.pth")) == 5);
    const fl_json_value *v = rig_json(&a);
    CHECK(strcmp(rig_text(v, "imports.0.name"), "posix.system") == 0 && !rig_at(v, "imports.1"));
    fl_arena_free(&a);
}

TEST(cli_convert_gives_the_same_network)
{
    NEEDS_PROGRAM();
    rig_inputs();
    fl_error err = {0};
    fl_arena a;
    double want[3] = {0};
    fl_arena_init(&a, &err);
    CHECK(rig_run("predict x.npy --tensor --model tiny --weights formula --json") == 0);
    for (int i = 0; i < 3; i++)
        want[i] = rig_number(rig_json(&a), (const char *const[]){"top.0.logit", "top.1.logit", "top.2.logit"}[i]);
    CHECK(rig_run("convert '%s' out.safetensors", rig_golden("weights/strided_shared_legacy.pth")) == 0
          && strstr(rig_err, "20 tensors, 7852 bytes"));
    const char *const files[] = {"out.safetensors", rig_golden("weights/whole_module_zip.pth"),
                                 rig_golden("weights/checkpoint_zip.pth.tar"), rig_golden("weights/deflated.npz")};
    for (int k = 0; k < 4; k++) {
        CHECK_SAY(rig_run("predict x.npy --tensor --model tiny --weights '%s' --json", files[k]) == 0, "%s: %s",
                  files[k], rig_err);
        for (int i = 0; i < 3; i++)
            CHECK_NEAR(rig_number(rig_json(&a), (const char *const[]){"top.0.logit", "top.1.logit",
                                                                      "top.2.logit"}[i]), want[i], 0);
    }
    /* still there */
    CHECK(rig_run("convert '%s' out.safetensors", rig_golden("weights/refuse_lfs.pth")) == 3
          && rig_run("inspect out.safetensors") == 0);
    CHECK(rig_run("convert '%s' no/such/folder.safetensors", rig_golden("weights/zip.pth")) == 1);
    CHECK(rig_shell("\"$FOOTLIGHT\" convert '%s' - -q | cmp - out.safetensors",
                    rig_golden("weights/strided_shared_legacy.pth")) == 0);
    CHECK(rig_shell("\"$FOOTLIGHT\" predict x.npy --tensor --model tiny --weights - --json <out.safetensors "
                    ">piped.json; grep -c sha256 piped.json") == 0);
    fl_arena_free(&a);
}
