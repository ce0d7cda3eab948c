/* weights_other.c: what people have under the name of a weight file, by its first bytes, and what to do about it. */
#include "io/json.h"
#include "io/weights_file.h"

#include <ctype.h>
#include <string.h>

static bool has_at(fl_bytes b, size_t at, const char *magic)
{
    const size_t n = strlen(magic);
    return b.size >= n && at <= b.size - n && memcmp(b.data + at, magic, n) == 0;
}

static const struct { size_t at; const char *magic, *what; } known[] = {
    {0, "version https://git-lfs", "a Git LFS pointer, a few lines in place of the file: run git lfs pull, or "
     "download the file itself"},
    {0, "\x1f\x8b", "a gzip file: unpack it with gunzip first"},
    {0, "BZh", "a bzip2 file: unpack it with bunzip2 first"},
    {0, "\xfd" "7zXZ", "an xz file: unpack it with unxz first"},
    {0, "\x28\xb5\x2f\xfd", "a zstd file: unpack it with unzstd first"},
    {0, "7z\xbc\xaf", "a 7z archive: unpack it first"},
    {0, "Rar!", "a RAR archive: unpack it first"},
    {0, "\x89HDF\r\n\x1a\n", "an HDF5 file (Keras, MATLAB): load it in Python with h5py and save the arrays with "
     "numpy.savez"},
    {0, "GGUF", "a GGUF file of a language model: convert the original checkpoint to safetensors instead"},
    {4, "TFL3", "a TensorFlow Lite model: export the original network's weights with numpy.savez"},
    {0, "PK\3\4", "a zip archive: a PyTorch checkpoint or .npz"},
    {0, "\x80\2", "a Python pickle: a PyTorch checkpoint"},
    {0, "\x93NUMPY", "an .npy array"},
    {0, "PAR1", "a Parquet table"}, {0, "%PDF", "a PDF document"}, {0, "\x89PNG", "a picture"},
    {0, "\xff\xd8\xff", "a picture"},
    {4, "ftyp", "a video"},
    {0, "\x7f" "ELF", "a program"}, {0, "MZ", "a program"},
};

/* Torch7 begins with two small numbers: kind of value (3 table, 4 object) and index 1; then the version "V 1". */
static bool is_torch7(fl_bytes b)
{
    static const unsigned char object[] = {4, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 'V', ' ', '1'};
    static const unsigned char table[] = {3, 0, 0, 0, 1, 0, 0, 0};
    return b.size >= 16 && (memcmp(b.data, object, sizeof object) == 0 || memcmp(b.data, table, sizeof table) == 0);
}

/* Protocol buffers have no magic. A caffemodel begins with its name (field 1), then layers (2, or 100 in newer
 * files); an ONNX model with its version (field 1, a small number), then the name of its producer or the graph. */
static bool is_caffe(fl_bytes b)
{
    if (b.size < 16 || b.data[0] != 0x0a || b.data[1] == 0 || b.data[1] > 100 || (size_t)b.data[1] + 4 > b.size)
        return false;
    for (int i = 0; i < b.data[1]; i++)
        if (!isprint(b.data[2 + i])) return false;
    const unsigned char *next = b.data + 2 + b.data[1];
    return *next == 0x12 || *next == 0x1a || (next[0] == 0xa2 && next[1] == 0x06);
}

static bool is_onnx(fl_bytes b)
{
    return b.size >= 16 && b.data[0] == 8 && b.data[1] >= 1 && b.data[1] <= 20
        && (b.data[2] == 0x12 || b.data[2] == 0x3a);
}

static bool is_old_tar(fl_bytes b)
{
    return has_at(b, 257, "ustar") || has_at(b, 0, "sys_info") || has_at(b, 0, "storages") || has_at(b, 0, "tensors");
}

static bool is_web_page(fl_bytes b)
{
    size_t i = has_at(b, 0, "\xef\xbb\xbf") ? 3 : 0;
    while (i < b.size && isspace(b.data[i])) i++;
    return i < b.size && b.data[i] == '<';
}

static bool is_text(fl_bytes b)
{
    for (size_t i = 0, n = 0; i < b.size && i < 512; i += n) {
        n = (size_t)fl_utf8_length(b.data + i, b.size - i);
        if (n == 0 || (b.data[i] < 32 && !isspace(b.data[i]))) return false;
    }
    return b.size > 0;
}

const char *fl_weights_other_kind(fl_bytes b)
{
    if (b.size == 0) return "an empty file: the download failed, get it again";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (has_at(b, known[i].at, known[i].magic)) return known[i].what;
    if (is_web_page(b)) return "a web page in place of the file: the download failed; open the address in a browser";
    if (is_torch7(b)) return "a Torch7 file (.t7): convert it in Lua, or take a PyTorch version of the network";
    if (is_old_tar(b)) return "a tar archive: unpack it; one of PyTorch 0.1 must be saved again with a newer version";
    if (is_caffe(b)) return "a Caffe model: take a PyTorch version of it, or save its blobs with numpy.savez";
    if (is_onnx(b)) return "an ONNX model, which is a network with its weights: --model FILE.onnx";
    if (is_text(b)) return "a text file: is it the right one?";
    return NULL;
}
