/* convert.c: footlight convert: any file of weights as safetensors. */
#include "io/cli/cli.h"
#include "io/weights_file.h"

#include <string.h>

static void write_json(const char *from, const char *to, const fl_weights_file *w, int64_t bytes)
{
    fl_json j;
    fl_json_to_stream(&j, stdout, true);
    fl_json_object(&j, NULL);
    fl_json_string(&j, "from", from);
    fl_json_string(&j, "kind", w->kind);
    fl_json_int(&j, "tensors", w->count);
    fl_json_int(&j, "bytes", bytes);
    fl_json_string(&j, "output", to);
    fl_json_close(&j);
    fl_json_end(&j);
}

static fl_status run(fl_cli *cli)
{
    fl_weights_file w;
    const char *from = cli->argument[0], *to = cli->argument[1];
    if (!*to) return fl_error_set(cli->error, FL_USAGE, "convert: expected the name of the file to write, got ''");
    if (cli->json && strcmp(to, "-") == 0)
        return fl_error_set(cli->error, FL_USAGE, "--json: the weights themselves are on standard output; name a file instead of -");
    if (strcmp(to, "-") != 0 && fl_file_is_same(from, to))
        return fl_error_set(cli->error, FL_USAGE, "convert: '%s' is the file itself, which would be lost; expected another name", to);
    if (fl_weights_file_open(cli->arena, from, &w) != FL_OK) return cli->error->status;
    fl_status status = fl_weights_file_write(&w, to, cli->error);
    int64_t bytes = 0;
    for (int i = 0; i < w.count; i++) bytes += w.tensor[i].count * fl_scalar_size(w.tensor[i].type);
    if (status == FL_OK)
        fl_cli_say(cli, "%s: %s, %d tensors, %lld bytes of numbers, written to %s", from, w.kind, w.count,
                   (long long)bytes, to);
    if (status == FL_OK && cli->json) write_json(from, to, &w, bytes);
    fl_weights_file_close(&w);
    return status;
}

const fl_command fl_command_convert = {
    "convert", "writes the tensors of any weight file as safetensors, bit for bit", "FILE OUT.safetensors", 2, 2,
    NULL,
    "  footlight convert r3d_18.pth r3d_18.safetensors\n"
    "  footlight convert weights.npz - | sha256sum",
    run};
