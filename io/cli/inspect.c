/* inspect.c: footlight inspect: what a file of weights holds, and what it would have done in Python. */
#include "io/cli/inspect.h"
#include "io/onnx/onnx.h"
#include "io/weights_file.h"
#include "models/model.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const fl_option options[] = {
    FL_OPTION_FLAG("stats", 0, "smallest, largest, mean and deviation of every tensor"),
    FL_OPTION_INT("frames", "T", NULL, 1, 4096, "of a network: frames that it sees; default: the network's"),
    FL_OPTION_FLAG("danger", 0, "only names of code that Python would import and that are not known here; exit code "
                   "5 if any"),
    {0}};
static const fl_option_group group = {"Options of inspect", options};

static const char *const class_name[] = {
    [FL_IMPORT_KNOWN] = "known", [FL_IMPORT_UNKNOWN] = "unknown", [FL_IMPORT_DANGEROUS] = "dangerous"};

typedef struct stats { double min, max, mean, deviation; int64_t not_finite; } stats;

/* Two passes, so that the deviation of numbers far from zero is right. Numbers that are not finite are only
 * counted. */
static stats measure(const fl_stored *t)
{
    stats s = {INFINITY, -INFINITY, 0, 0, 0};
    real part[4096];
    for (int pass = 0; pass < 2; pass++) {
        double sum = 0;
        s.not_finite = 0;
        for (int64_t done = 0, n; done < t->count; done += n) {
            n = t->count - done < 4096 ? t->count - done : 4096;
            fl_stored_decode(t, done, n, part);
            for (int64_t i = 0; i < n; i++) {
                const double x = (double)part[i];
                if (!isfinite(x)) {
                    s.not_finite++;
                    continue;
                }
                if (x < s.min) s.min = x;
                if (x > s.max) s.max = x;
                sum += pass ? (x - s.mean) * (x - s.mean) : x;
            }
        }
        const double count = (double)(t->count - s.not_finite);
        if (pass) s.deviation = count > 0 ? sqrt(sum / count) : NAN;
        else s.mean = count > 0 ? sum / count : NAN;
    }
    return s;
}

static int64_t bytes_of(const fl_stored *t) { return t->count * fl_scalar_size(t->type); }

static int strangers(const fl_weights_file *w)
{
    int n = 0;
    while (n < w->imports && w->import[n].class != FL_IMPORT_KNOWN) n++;           /* they come first */
    return n;
}

/* ---- for people ---- */

static void print_tensors(const fl_cli *cli, const fl_weights_file *w)
{
    int width = 6;
    for (int i = 0; i < w->count; i++)
        if ((int)strlen(w->tensor[i].name) > width) width = (int)strlen(w->tensor[i].name);
    if (width > 60) width = 60;
    printf("  %-*s  %-5s %-20s %12s", width, "tensor", "type", "shape", "bytes");
    if (fl_cli_flag(cli, "stats")) printf(" %12s %12s %12s %12s", "smallest", "largest", "mean", "deviation");
    printf("\n");
    for (int i = 0; i < w->count; i++) {
        const fl_stored *t = &w->tensor[i];
        fl_sizes_text sizes;
        printf("  %-*s  %-5s %-20s %12" PRId64, width, t->name, fl_scalar_name(t->type), fl_stored_sizes(t, &sizes),
               bytes_of(t));
        if (fl_cli_flag(cli, "stats") && t->count) {
            const stats s = measure(t);
            printf(" %12.5g %12.5g %12.5g %12.5g", s.min, s.max, s.mean, s.deviation);
            if (s.not_finite) printf("  %" PRId64 " not finite", s.not_finite);
        }
        printf("\n");
    }
}

static void print_imports(const fl_weights_file *w, int count)
{
    for (int i = 0; i < count; i++)
        printf("  %-10s %s.%s\n", class_name[w->import[i].class], w->import[i].module, w->import[i].name);
}

static void print_file(const fl_cli *cli, const fl_weights_file *w)
{
    int64_t bytes = 0, numbers = 0;
    const int unknown = strangers(w);
    for (int i = 0; i < w->count; i++) {
        bytes += bytes_of(&w->tensor[i]);
        numbers += w->tensor[i].count;
    }
    printf("%s: %s, %d tensors, %" PRId64 " numbers, %" PRId64 " bytes\n", cli->argument[0], w->kind, w->count,
           numbers, bytes);
    if (w->container) printf("tensors are inside '%s'\n", w->container);
    for (int i = 0; i < w->metadata.count; i++)
        printf("%s: %s\n", w->metadata.pair[i].key, w->metadata.pair[i].value);
    printf("\n");
    print_tensors(cli, w);
    if (unknown)
        printf("\nPython would import this code to open the file; here it is only a name, and nothing is run:\n");
    print_imports(w, unknown);
}

static void print_danger(const fl_cli *cli, const fl_weights_file *w)
{
    const int unknown = strangers(w);
    if (unknown == 0) printf("%s: %s, no code that is not known\n", cli->argument[0], w->kind);
    print_imports(w, unknown);
}

/* ---- as JSON ---- */

static void write_tensor(fl_json *j, const fl_stored *t, bool with_stats)
{
    fl_json_object(j, NULL);
    fl_json_string(j, "name", t->name);
    fl_json_string(j, "dtype", fl_scalar_name(t->type));
    fl_json_array(j, "shape");
    for (int k = 0; k < t->axes; k++) fl_json_int(j, NULL, t->size[k]);
    fl_json_close(j);
    fl_json_int(j, "bytes", bytes_of(t));
    if (with_stats && t->count) {
        const stats s = measure(t);
        fl_json_number(j, "min", s.min);
        fl_json_number(j, "max", s.max);
        fl_json_number(j, "mean", s.mean);
        fl_json_number(j, "deviation", s.deviation);
        fl_json_int(j, "not_finite", s.not_finite);
    }
    fl_json_close(j);
}

static void write_file(const fl_cli *cli, const fl_weights_file *w, bool danger)
{
    fl_json j;
    fl_json_to_stream(&j, stdout, true);
    fl_json_object(&j, NULL);
    fl_json_string(&j, "file", cli->argument[0]);
    fl_json_string(&j, "kind", w->kind);
    if (!danger) {
        fl_json_string(&j, "container", w->container);
        fl_json_object(&j, "metadata");
        for (int i = 0; i < w->metadata.count; i++)
            fl_json_string(&j, w->metadata.pair[i].key, w->metadata.pair[i].value);
        fl_json_close(&j);
        fl_json_array(&j, "tensors");
        for (int i = 0; i < w->count; i++) write_tensor(&j, &w->tensor[i], fl_cli_flag(cli, "stats"));
        fl_json_close(&j);
    }
    fl_json_array(&j, "imports");
    for (int i = 0, n = danger ? strangers(w) : w->imports; i < n; i++) {
        fl_json_object(&j, NULL);
        fl_json_format(&j, "name", "%s.%s", w->import[i].module, w->import[i].name);
        fl_json_string(&j, "class", class_name[w->import[i].class]);
        fl_json_int(&j, "count", w->import[i].count);
        fl_json_close(&j);
    }
    fl_json_close(&j);
    fl_json_close(&j);
    fl_json_end(&j);
}

/* ---- the command ---- */

/* A file that is refused for the code it names is shown all the same: that is what is asked. */
static fl_status inspect_danger(fl_cli *cli, fl_status status, const fl_weights_file *w)
{
    const int unknown = strangers(w);
    if (status != FL_OK && unknown == 0) return status;
    if (cli->json) write_file(cli, w, true);
    else print_danger(cli, w);
    if (unknown == 0) return FL_OK;
    fl_error_clear(cli->error);
    return fl_error_set(cli->error, FL_CHECK, "%s: opening it in Python would import and could run %d thing%s "
                        "unknown here, the first is %s.%s", cli->argument[0], unknown, unknown == 1 ? "" : "s",
                            w->import[0].module, w->import[0].name);
}

/* A folder may be called as a network is: results of tiny, say. */
static bool is_network(const char *what)
{
    if (strcmp(what, "-") == 0) return false;
    return !fl_file_exists(what) || (fl_folder_exists(what) && fl_model_find(what)) || fl_onnx_is_file(what);
}

static fl_status run(fl_cli *cli)
{
    const char *what = cli->argument[0];
    fl_weights_file w;
    if (is_network(what)) return fl_inspect_model(cli, what, (int)fl_cli_int(cli, "frames"));
    if (fl_cli_given(cli, "frames")) return fl_error_set(cli->error, FL_USAGE, "--frames: is of a network; %s is a file of weights", what);
    fl_status status = fl_weights_file_open(cli->arena, what, &w);
    if (fl_cli_flag(cli, "danger")) status = inspect_danger(cli, status, &w);
    else if (status == FL_OK && cli->json) write_file(cli, &w, false);
    else if (status == FL_OK) print_file(cli, &w);
    fl_weights_file_close(&w);
    return status;
}

const fl_command fl_command_inspect = {
    "inspect", "what a file of weights holds, without running any of it; what a network is made of",
    "FILE|MODEL [--stats] [--danger] [--frames T]", 1, 1,
    (const fl_option_group *const[]){&group, NULL},
    "  footlight inspect r3d_18.pth\n"
    "  footlight inspect r2plus1d_18\n"
    "  footlight inspect --danger checkpoint.pth || echo do not open it in Python",
    run};
