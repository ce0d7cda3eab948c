/* test_cli.c: the program as users and scripts meet it: exit codes, messages, help, pipes and signals. */
#include "io/cli/cli.h"
#include "io/npy.h"
#include "io/sample.h"
#include "tests/cli_rig.h"

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
    {"predict $D/x.npy --model tiny --tensor --weights $D/clip.ppm", 3, "safetensors"},
    {"predict $D/none.npy " TINY, 3, "none.npy"},
    {"predict $D " TINY, 3, "folder"},
    {"predict $D/text.txt " TINY, 3, "npy"},
    {"predict $D/wrong.npy " TINY, 3, "channels"},
    {"predict $D/flat.npy " TINY, 3, "axes"},
    {"predict $D/bytes.npy " TINY, 3, "floating-point"},
    {"predict $D/n.npy " TINY " --item 3", 2, "0 to 2"},
    {"predict $D/x.npy " TINY " --stride 2", 2, "does nothing"},
    {"predict $D/clip.ppm --item 1", 2, "does nothing without --tensor"},
    {"predict $D/clip.ppm --flow-tensor $D/x.npy", 2, "does nothing without --tensor"},
    {"predict $D/x.npy " TINY " --top 0", 2, "from 1"},
    {"predict $D/x.npy " TINY " --mem 100K", 6, "limit"},
    {"predict $D/clip.ppm --model tiny --weights formula --sampling segmnts", 2, "did you mean 'segments'"},
    {"predict $D/clip.ppm --model tiny --weights formula --size 12", 2, "320x240"},
    {"predict $D/clip.ppm --model tiny --weights formula --frames 64 --short error", 2, "--short"},
    {"predict $D/x.npy " TINY " --labels $D/text.txt", 3, "one per class"},
    {"train --weights formula", 2, "--masker"},
    {"train --masker --shuffle-labels --clips 8", 2, "--shuffle-labels"},
    {"explain $D/x.npy " TINY " --method real_time_saliency -o $D/never", 2, "train --masker"},
    {"explain $D/x.npy " TINY " --method gradient --masker $D/none -o $D/never", 2, "--masker"},
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
    {"explain $D/clip.ppm --model tiny --weights formula --method gradient --boxes $D/text.txt -o $D/never",
     3, "columns"},
    {"explain $D/clip.ppm --model tiny --weights formula --method gradient --boxes $D/others.csv -o $D/never",
     3, "no box"},
    {"explain $D/x.npy " TINY " --method gradient -o $D/text.txt", 1, "text.txt"},
    {"bench", 2, "got none"},
    {"bench --peak --model tiny", 2, "got several"},
    {"bench --model tiny --pass input", 2, "not input"},
    {"bench --model tiny --pass train --nodes", 2, "forward or gradient"},
    {"bench --layer '3>8 3x3x3 @4x9x9' --pass gradient", 2, "not gradient"},
    {"bench --layer '3>8 3x3x3'", 2, "@TxHxW"},
    {"bench --layer '3>8 3x3 @4x9x9'", 2, "3x3"},
    {"bench --layer '4>8 3x3x3 g3 @4x9x9'", 2, "groups"},
    {"demo --model tiny --weights formula -o $D/never", 2, "small networks"},
    {"predict $D/x.npy " TINY " --short loop", 2, "does nothing with --tensor"},
    {"predict $D/x.npy " TINY " --flow-bound 3", 2, "does nothing with --tensor"},
    {"predict $D/x.npy " TINY " --bptt none", 2, "does nothing for tiny"},
    {"predict $D/x.npy " TINY " --lstm-layers 2", 2, "does nothing for tiny"},
    {"predict $D/x.npy --model cnn_lstm_small --weights formula --lstm-layers 2", 2, "does nothing for cnn_lstm_small"},
    {"predict $D/x.npy " TINY " --peepholes", 2, "does nothing for tiny"},
    {"study $D/clip.ppm --synth 3", 2, "--synth"},
    {"evaluate $D/x.npy " TINY " --metric gini --write-copies never", 2, "does nothing with --write-copies"},
    {"flow $D/clip.ppm -o - --json", 2, "--json"},
    {"completion bash --json", 2, "--json"},
    {"convert $D/x.npy - --json", 2, "--json"},
    {"convert $D/x.npy ''", 2, "the name of the file"},
    {"predict $D/nan.npy " TINY, 1, "is nan"},
    {"explain $D/nan.npy " TINY " --method gradient -o $D/never2", 1, "is nan"},
    {"study $D/none1.y4m $D/none2.y4m --model tiny --weights formula --metric gini --method gradient", 3, "none2.y4m"},
    {"explain $D/clip.ppm --model tiny --weights formula --method gradient --boxes $D/turned.csv -o $D/never", 3, "before it begins"},
    {"predict $D/wide.y4m --model tiny --weights formula", 3, "got W99999999999999999999"},
    {"explain $D/x.npy " TINY " --method gradient --target-node nowhere:0 -o $D/never", 2, "nowhere"},
    {"inspect $D/loop", 3, "symbolic links"},
};

/* Files that are not what they should be. */
static void write_misfits(void)
{
    static const char byte_header[] = "\x93NUMPY\x01\x00\x76\x00{'descr': '|u1', 'fortran_order': False, "
                                      "'shape': (1, 1, 2, 2), }";
    static real zeros[4 * RIG_T * RIG_SIDE * RIG_SIDE];
    const int64_t wrong[4] = {4, RIG_T, RIG_SIDE, RIG_SIDE};
    fl_error err = {0};
    char bytes[128 + 4] = {0};
    memset(bytes, ' ', 127);
    memcpy(bytes, byte_header, sizeof byte_header - 1);
    bytes[127] = '\n';
    fl_file_write(rig_file("bytes.npy"), bytes, sizeof bytes, &err);
    fl_npy_write(rig_file("wrong.npy"), 4, wrong, zeros, &err);
    fl_npy_write(rig_file("flat.npy"), 2, wrong, zeros, &err);
    CHECK_SAY(err.status == FL_OK, "%s", err.message);
    for (int i = 0; i < 3; i++) zeros[i] = (real)NAN;
    fl_npy_write(rig_file("nan.npy"), 4, (const int64_t[]){RIG_C, RIG_T, RIG_SIDE, RIG_SIDE}, zeros, &err);
    CHECK(rig_shell("ln -s loop loop; printf 'YUV4MPEG2 W99999999999999999999 H4\\nFRAME\\n' >wide.y4m; "
                    "printf 'frame,x0,y0,x1,y1\\n0,5,5,1,9\\n' >turned.csv") == 0);
    CHECK(rig_shell("echo words >text.txt; printf 'frame,x0,y0,x1,y1,clip\\n0,1,1,5,5,x\\n' >others.csv") == 0);
}

/* The line that begins with "footlight: " and is no warning; NULL when there is none. */
static const char *last_message(void)
{
    const char *message = strstr(rig_err, "footlight: ");
    while (message && strncmp(message, "footlight: warning", 18) == 0) message = strstr(message + 1, "footlight: ");
    return message;
}

TEST(cli_misuse_says_what_and_where_in_one_line)
{
    NEEDS_PROGRAM();
    rig_inputs();
    write_misfits();
    for (size_t i = 0; i < sizeof misuses / sizeof *misuses; i++) {
        const struct misuse *m = &misuses[i];
        const int code = rig_run("%s", m->arguments);
        const char *message = last_message();
        CHECK_SAY(code == m->code, "%s: exit code %d, wanted %d: %s", m->arguments, code, m->code, rig_err);
        CHECK_SAY(message && strstr(message, m->says), "%s: wanted '%s' in: %s", m->arguments, m->says, rig_err);
        CHECK_SAY(message && strchr(message, '\n') == message + strlen(message) - 1, "%s: more than a line: %s",
                  m->arguments, rig_err);
        CHECK_SAY(!*rig_out || strncmp(m->arguments, "explain", 7) == 0, "%s: on stdout: %s", m->arguments, rig_out);
        CHECK_SAY(!rig_has_escape(rig_out) && !rig_has_escape(rig_err), "%s: control characters", m->arguments);
    }
    CHECK(rig_shell("ls never/* *.tmp 2>/dev/null") != 0 && !*rig_out);
}

/* A message quotes what the user wrote, but never lets it steer the terminal or begin a line of its own. */
TEST(cli_messages_are_made_harmless)
{
    NEEDS_PROGRAM();
    CHECK(rig_run("predict \"$(printf 'a\\033[2Jb\\nfootlight: all is well')\" --weights formula") == 3);
    CHECK_SAY(!rig_has_escape(rig_err) && strstr(rig_err, "a?[2Jb?footlight"), "%s", rig_err);
    CHECK(strchr(rig_err, '\n') == rig_err + strlen(rig_err) - 1);
}

/* ---- help ---- */

static void check_help(const fl_command *c)
{
    CHECK(rig_run("%s --help", c->name) == 0 && !*rig_err && !rig_has_escape(rig_out) && strstr(rig_out, c->doc));
    rig_keep();
    CHECK(rig_run("help %s", c->name) == 0 && strcmp(rig_kept, rig_out) == 0);
    for (int k = -1; k < 0 || (c->group && c->group[k]); k++) {
        for (const fl_option *o = k < 0 ? fl_cli_common.option : c->group[k]->option; o->name; o++) {
            char word[64];
            snprintf(word, sizeof word, "--%s", o->name);
            CHECK_SAY(strstr(rig_out, word) && strlen(o->help) > 5, "%s --help: nothing of --%s", c->name, o->name);
        }
    }
}

TEST(cli_help_names_every_option_of_every_command)
{
    NEEDS_PROGRAM();
    CHECK(rig_run("--help") == 0 && !*rig_err);
    rig_keep();
    for (int i = 0; fl_command_table[i]; i++) {
        char word[64];
        snprintf(word, sizeof word, "\n  %s ", fl_command_table[i]->name);
        CHECK_SAY(strstr(rig_kept, word) != NULL, "--help does not name %s", fl_command_table[i]->name);
    }
    CHECK(rig_run("help") == 0 && strcmp(rig_kept, rig_out) == 0);
    CHECK(rig_run("%s", "") == 2 && !*rig_out && strcmp(rig_kept, rig_err) == 0);
    for (int i = 0; fl_command_table[i]; i++) check_help(fl_command_table[i]);
}

/* The line of the script on stdout that lists the options of a command names this one. */
static bool completes(const fl_command *c, const fl_option *o)
{
    char line[64], word[64];
    snprintf(line, sizeof line, "\n        %s) words='", c->name);
    snprintf(word, sizeof word, " --%s", o->name);
    const char *begin = strstr(rig_out, line), *end = begin ? strchr(begin + 1, '\n') : NULL;
    for (const char *p = begin; p && (p = strstr(p, word)) != NULL && p < end; p++)
        if (p[strlen(word)] == ' ' || p[strlen(word)] == '\'') return true;
    return false;
}

/* Completion and man page are made from the tables; where bash and groff are there, they must like them. */
TEST(cli_completion_knows_every_option)
{
    NEEDS_PROGRAM();
    CHECK(rig_run("completion bash") == 0);
    for (int i = 0; fl_command_table[i]; i++) {
        const fl_command *c = fl_command_table[i];
        for (int k = 0; c->group && c->group[k]; k++)
            for (const fl_option *o = c->group[k]->option; o->name; o++)
                CHECK_SAY(completes(c, o), "%s --%s", c->name, o->name);
    }
    CHECK(rig_shell("\"$FOOTLIGHT\" completion bash >c.bash && \"$FOOTLIGHT\" completion man >f.1") == 0);
    if (rig_shell("command -v bash") == 0)
        CHECK(rig_shell("bash -c '. ./c.bash; COMP_WORDS=(footlight explain x --rule mi); COMP_CWORD=4; _footlight; "
                        "[ \"$COMPREPLY\" = middle ]'") == 0);
    if (rig_shell("command -v groff") == 0)
        CHECK_SAY(rig_shell("groff -ww -man -Tutf8 f.1 2>&1 >/dev/null") == 0 && !*rig_out, "%s", rig_out);
}

/* What holds when an option is not given must itself be allowed. */
static bool is_allowed(const fl_option *o)
{
    long long whole = 0;
    double number = 0;
    size_t bytes;
    if (o->kind == FL_OPT_BYTES) return fl_text_bytes(o->preset, &bytes);
    if (o->kind == FL_OPT_TEXT) return *o->preset != 0;
    if (o->kind == FL_OPT_FLAG) return false;
    for (int i = 0; o->words && o->words[i]; i++)
        if (strcmp(o->words[i], o->preset) == 0) return true;
    if (o->kind == FL_OPT_CHOICE || o->kind == FL_OPT_CHOICES) return false;
    if (o->kind == FL_OPT_INT ? !fl_text_int(o->preset, &whole) : !fl_text_real(o->preset, &number)) return false;
    if (o->kind == FL_OPT_INT) number = (double)whole;
    return !(o->min < o->max) || (number >= o->min && number <= o->max);
}

TEST(cli_presets_are_allowed_values)
{
    int options = 0;
    for (int i = 0; fl_command_table[i]; i++) {
        const fl_command *c = fl_command_table[i];
        for (int k = 0; c->group && c->group[k]; k++) {
            for (const fl_option *o = c->group[k]->option; o->name; o++, options++) {
                CHECK_SAY((o->kind == FL_OPT_FLAG) == (o->value == NULL), "%s --%s: value", c->name, o->name);
                CHECK_SAY((o->kind == FL_OPT_CHOICE || o->kind == FL_OPT_CHOICES) == (o->words != NULL),
                          "%s --%s: words", c->name, o->name);
                CHECK_SAY(!o->preset || is_allowed(o), "%s --%s: preset %s", c->name, o->name, o->preset);
            }
        }
    }
    CHECK(options > 20);
}

/* The words of --sampling are those of io/sample.c. */
TEST(cli_knows_the_rules_of_sampling)
{
    NEEDS_PROGRAM();
    CHECK(rig_run("predict --help") == 0 && fl_sample_rule(0));
    for (int i = 0; fl_sample_rule(i); i++)
        CHECK_SAY(strstr(rig_out, fl_sample_rule(i)) != NULL, "%s", fl_sample_rule(i));
}

TEST(cli_numbers_are_read_to_the_last_letter)
{
    static const char *const no_int[] = {"", " 1", "1 ", "1e3", "0x1", "9223372036854775808"};
    static const char *const no_real[] = {"", "nan", "inf", "1,5", "1e999", "1 "};
    static const char *const no_bytes[] = {"", "-1", "1KB", "K", "99999999999T"};
    long long n;
    double x;
    size_t b;
    CHECK(fl_text_int("-12", &n) && n == -12);
    CHECK(fl_text_real("1e-3", &x) && x == 1e-3);
    CHECK(fl_text_bytes("3", &b) && b == 3);
    CHECK(fl_text_bytes("3K", &b) && b == 3072);
    CHECK(fl_text_bytes("2G", &b) && b == (size_t)2 << 30);
    for (size_t i = 0; i < sizeof no_int / sizeof *no_int; i++)
        CHECK_SAY(!fl_text_int(no_int[i], &n), "%s", no_int[i]);
    for (size_t i = 0; i < sizeof no_real / sizeof *no_real; i++)
        CHECK_SAY(!fl_text_real(no_real[i], &x), "%s", no_real[i]);
    for (size_t i = 0; i < sizeof no_bytes / sizeof *no_bytes; i++)
        CHECK_SAY(!fl_text_bytes(no_bytes[i], &b), "%s", no_bytes[i]);
}

TEST(cli_suggests_only_what_is_near)
{
    static const char *const words[] = {"gradient", "grad_cam", "smoothgrad"};
    CHECK(strcmp(fl_nearest("gradnt", words, 3), "gradient") == 0);
    CHECK(strcmp(fl_nearest("smooth", words, 3), "smoothgrad") == 0);
    CHECK(fl_nearest("occlusion", words, 3) == NULL && fl_nearest("", words, 3) == NULL);
    static const char *const options[] = {"--json", "--threads", "--seed"};
    CHECK(strcmp(fl_nearest("--thread", options, 3), "--threads") == 0 && fl_nearest("--frob", options, 3) == NULL);
}

/* ---- the surroundings ---- */

TEST(cli_version_says_what_computes)
{
    NEEDS_PROGRAM();
    CHECK(rig_run("--version --threads 1") == 0 && !*rig_err);
    CHECK_SAY(strstr(rig_out, "footlight " FL_VERSION "\nprecision: " FL_REAL_NAME "\n"), "%s", rig_out);
    CHECK_SAY(strstr(rig_out, "threads: 1\nOpenMP: o"), "%s", rig_out);
    CHECK(rig_run("predict --isa base --version") == 0 && strstr(rig_out, "ISA: base"));
}

TEST(cli_a_reader_that_leaves_is_no_error_but_a_full_disk_is)
{
    NEEDS_PROGRAM();
    rig_shell("{ sleep 0.1; \"$FOOTLIGHT\" list 2>pipe.err; echo $? >pipe.code; } | true; cat pipe.code pipe.err");
    CHECK_SAY(strcmp(rig_out, "0\n") == 0, "%s", rig_out);
    if (rig_shell("test -w /dev/full") != 0) return;
    CHECK(rig_shell("\"$FOOTLIGHT\" list 2>&1 >/dev/full") == 1);
    CHECK_SAY(strncmp(rig_out, "footlight: standard output", 26) == 0, "%s", rig_out);
}

TEST(cli_stopped_runs_leave_nothing_half_done)
{
    NEEDS_PROGRAM();
    rig_inputs();
    rig_shell("\"$FOOTLIGHT\" explain clip.ppm --model c3d_small --weights formula --method integrated_gradients --steps 4096 "
              "-o stopped >/dev/null 2>&1 & p=$!; sleep 0.5; kill -TERM $p; wait $p; echo $?; ls stopped");
    CHECK_SAY(strcmp(rig_out, "143\n") == 0, "%s", rig_out);
    rig_shell("\"$FOOTLIGHT\" synth -o - --count 1 2>/dev/null; echo $?; ls -d ./- 2>/dev/null");
    CHECK_SAY(strncmp(rig_out, "2\n", 2) == 0 && !strstr(rig_out, "./-"), "%s", rig_out);
}

/* A terminal that closes ends a run as an interrupt does: what was half written goes.
 * The state is of megabytes and written all the time. */
TEST(cli_a_terminal_that_closes_leaves_nothing_half_written)
{
    NEEDS_PROGRAM();
    rig_inputs();
    for (int i = 0; i < 5; i++) {
        rig_shell("\"$FOOTLIGHT\" explain x.npy " TINY " --method rise --samples 1000000 --keep-every 0 -o hung >/dev/null 2>&1 & p=$!; "
                  "sleep 0.%d; kill -HUP $p; wait $p; echo $?; ls hung | grep tmp", 3 + i);
        CHECK_SAY(strcmp(rig_out, "129\n") == 0, "%s", rig_out);
    }
}

/* A folder called "-" does not stand in the way of standard input. */
TEST(cli_a_dash_is_standard_input)
{
    NEEDS_PROGRAM();
    rig_inputs();
    CHECK(rig_shell("mkdir ./- && \"$FOOTLIGHT\" predict - --quiet <clip.ppm; r=$?; rmdir ./-; exit $r") == 0 && strstr(rig_out, "logit"));
}

/* Long work does not begin when its result could not be written. */
TEST(cli_tries_where_it_writes_before_it_works)
{
    NEEDS_PROGRAM();
    rig_inputs();
    static const char *const refused[] = {
        "train --model tsm_small --steps 2 --warm-up 0 -o absent/w.safetensors",
        "train --model tsm_small --steps 2 --warm-up 0 --checkpoint absent/c",
        "flow $D/clip.ppm -o absent/f.npy", "flow $D/clip.ppm --picture absent/f.png",
        "evaluate $D/clip.ppm --method rise --samples 20 --metric insertion -o clip.csv",
        "sanity $D/clip.ppm --method rise --samples 20 -o clip.csv"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        CHECK_SAY(rig_run("%s", refused[i]) == 1, "%s: %s", refused[i], rig_err);
        CHECK_SAY(strstr(rig_err, "cannot be") && !*rig_out, "%s: %s%s", refused[i], rig_err, rig_out);
    }
    CHECK(rig_run("train --model tsm_small --steps 1 --warm-up 0 --batch 1 --validate 0") == 0 &&
          strstr(rig_err, "warning: train: what is learned is lost"));
}
