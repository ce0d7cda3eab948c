/* weights_write.c: tensors of any file as safetensors, bit for bit: nothing passes through real. */
#include "io/json.h"
#include "io/weights_file.h"

#include <string.h>

static void header_text(fl_json *j, const fl_weights_file *w)
{
    int64_t at = 0;
    fl_json_object(j, NULL);
    fl_json_object(j, "__metadata__");
    for (int i = 0; i < w->metadata.count; i++) fl_json_string(j, w->metadata.pair[i].key, w->metadata.pair[i].value);
    if (!w->metadata.count) fl_json_string(j, "format", "pt");
    fl_json_close(j);
    for (int i = 0; i < w->count; i++) {
        const fl_stored *t = &w->tensor[i];
        fl_json_object(j, t->name);
        fl_json_string(j, "dtype", fl_scalar_name(t->type));
        fl_json_array(j, "shape");
        for (int k = 0; k < t->axes; k++) fl_json_int(j, NULL, t->size[k]);
        fl_json_close(j);
        fl_json_array(j, "data_offsets");
        fl_json_int(j, NULL, at);
        at += t->count * fl_scalar_size(t->type);
        fl_json_int(j, NULL, at);
        fl_json_close(j);
        fl_json_close(j);
    }
    fl_json_close(j);
}

static void write_numbers(FILE *f, const fl_stored *t)
{
    unsigned char packed[1 << 15];
    const int bytes = fl_scalar_size(t->type);
    const int64_t most = (int64_t)sizeof packed / bytes;
    for (int64_t done = 0, n; done < t->count && !ferror(f); done += n) {
        n = t->count - done < most ? t->count - done : most;
        fl_stored_pack(t, done, n, packed);
        fwrite(packed, (size_t)bytes, (size_t)n, f);
    }
}

static fl_status write_all(const fl_weights_file *w, const char *text, const char *path, fl_error *err)
{
    fl_writer out;
    const size_t size = strlen(text) - 1, padded = (size + 7) / 8 * 8;    /* no line break; spaces up to 8 bytes */
    if (fl_write_begin(&out, path, err) != FL_OK) return err->status;
    for (int i = 0; i < 8; i++) fputc((int)((uint64_t)padded >> 8 * i & 255), out.stream);
    fprintf(out.stream, "%.*s%*s", (int)size, text, (int)(padded - size), "");
    for (int i = 0; i < w->count; i++) write_numbers(out.stream, &w->tensor[i]);
    return fl_write_end(&out, true);
}

fl_status fl_weights_file_write(const fl_weights_file *w, const char *path, fl_error *err)
{
    fl_arena scratch;
    fl_json j;
    for (int i = 0; i < w->count; i++)
        if (strcmp(w->tensor[i].name, "__metadata__") == 0)
            return fl_error_set(err, FL_FAILED, "%s: a tensor called __metadata__ cannot be written as safetensors",
                                path);
    fl_arena_init(&scratch, err);
    fl_json_to_text(&j, &scratch, false);
    header_text(&j, w);
    const char *text = fl_json_end(&j);
    fl_status status = text ? write_all(w, text, path, err)
                            : fl_error_set(err, FL_FAILED, "%s: memory ran out", path);
    fl_arena_free(&scratch);
    return status;
}
