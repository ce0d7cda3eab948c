/* test_io_pickle.c: the machine that reads pickles: every instruction by hand, wrong operands, limits. */
#include "io/buffer.h"
#include "io/torch.h"
#include "tests/test.h"

#include <string.h>

static const fl_pickled *parse(fl_arena *a, const void *bytes, size_t size, fl_pickle *p)
{
    fl_error_clear(a->error);
    return fl_pickle_parse(a, (fl_bytes){bytes, size}, 0, "pickle", p) == FL_OK ? p->root : NULL;
}
#define PARSE(text) parse(&a, text, sizeof(text) - 1, &p)

TEST(io_pickle_numbers)
{
    static const struct { const char *bytes; size_t size; fl_pickled_kind kind; int64_t integer; } whole[] = {
        {"K\xff.", 3, FL_PICKLED_INT, 255}, {"M\x01\x02.", 4, FL_PICKLED_INT, 513},
        {"J\xfe\xff\xff\xff.", 6, FL_PICKLED_INT, -2},
        {"J\xff\xff\xff\x7f.", 6, FL_PICKLED_INT, 2147483647}, {"I-12\n.", 6, FL_PICKLED_INT, -12},
        {"L34L\n.", 6, FL_PICKLED_INT, 34},
        {"I01\n.", 5, FL_PICKLED_BOOL, 1}, {"I00\n.", 5, FL_PICKLED_BOOL, 0}, {"\x88.", 2, FL_PICKLED_BOOL, 1},
        {"\x89.", 2, FL_PICKLED_BOOL, 0},
        {"\x8a\x00.", 3, FL_PICKLED_INT, 0}, {"\x8a\x01\xff.", 4, FL_PICKLED_INT, -1},
        {"\x8a\x02\xff\x00.", 5, FL_PICKLED_INT, 255},
        {"\x8b\x03\0\0\0\0\0\x80.", 9, FL_PICKLED_INT, -8388608}, {"\x8a\x08\0\0\0\0\0\0\0\x80.", 11, FL_PICKLED_INT,
                                                                   INT64_MIN},
        {"\x8a\x09\0\0\0\0\0\0\0\0\x01.", 12, FL_PICKLED_LONG, 0}, {"N.", 2, FL_PICKLED_NONE, 0},
        {"\x80\x04\x95\x04\0\0\0\0\0\0\0K\x07\x94.", 15, FL_PICKLED_INT, 7},
    };
    fl_error err = {0};
    fl_arena a;
    fl_pickle p;
    fl_arena_init(&a, &err);
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        const fl_pickled *v = parse(&a, whole[i].bytes, whole[i].size, &p);
        CHECK_SAY(v && v->kind == whole[i].kind && v->integer == whole[i].integer, "%zu: %lld %s", i, v
                  ? (long long)v->integer : 0, err.message);
        CHECK(p.end == whole[i].size);
    }
    const fl_pickled *v = PARSE("G\x3f\xf8\0\0\0\0\0\0.");
    CHECK(v && v->kind == FL_PICKLED_FLOAT && v->number == 1.5);
    v = PARSE("F-2.5e1\n.");
    CHECK(v && v->kind == FL_PICKLED_FLOAT && v->number == -25);
    fl_arena_free(&a);
}

TEST(io_pickle_texts)
{
    static const struct { const char *bytes; size_t size; fl_pickled_kind kind; const char *text; } texts[] = {
        {"X\x03\0\0\0abc.", 9, FL_PICKLED_TEXT, "abc"}, {"\x8c\x02" "ab.", 5, FL_PICKLED_TEXT, "ab"},
        {"\x8d\x01\0\0\0\0\0\0\0a.", 11, FL_PICKLED_TEXT, "a"}, {"Va\\u00e9\\U0001f600\xe9\n.", 21, FL_PICKLED_TEXT,
                                                                 "a\xc3\xa9\xf0\x9f\x98\x80\xc3\xa9"},
        {"V\\u00zz\n.", 9, FL_PICKLED_TEXT, "\\u00zz"}, {"S'a\\n\\x41\\'\"'\n.", 15, FL_PICKLED_BYTES, "a\nA'\""},
        {"S\"it's\"\n.", 9, FL_PICKLED_BYTES, "it's"}, {"U\x02ok.", 5, FL_PICKLED_BYTES, "ok"},
        {"T\x02\0\0\0ok.", 8, FL_PICKLED_BYTES, "ok"},
        {"C\x02ok.", 5, FL_PICKLED_BYTES, "ok"}, {"B\x02\0\0\0ok.", 8, FL_PICKLED_BYTES, "ok"},
        {"\x8e\x02\0\0\0\0\0\0\0ok.", 12, FL_PICKLED_BYTES, "ok"},
        {"\x96\x02\0\0\0\0\0\0\0ok\x98.", 13, FL_PICKLED_BYTES, "ok"},
    };
    fl_error err = {0};
    fl_arena a;
    fl_pickle p;
    fl_arena_init(&a, &err);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const fl_pickled *v = parse(&a, texts[i].bytes, texts[i].size, &p);
        CHECK_SAY(v && v->kind == texts[i].kind && fl_pickled_is_text(v, texts[i].text), "%zu: '%.*s' %s", i, v
                  ? (int)v->size : 0,
                  v ? (const char *)v->text : "", err.message);
    }
    fl_arena_free(&a);
}

TEST(io_pickle_containers_and_memo)
{
    fl_error err = {0};
    fl_arena a;
    fl_pickle p;
    fl_arena_init(&a, &err);
    const fl_pickled *v = PARSE("(K\1K\2K\3t.");
    CHECK(v && v->kind == FL_PICKLED_TUPLE && v->count == 3 && v->item[2]->integer == 3);
    v = PARSE("K\1K\2\x86.");
    CHECK(v && v->kind == FL_PICKLED_TUPLE && v->count == 2 && v->item[0]->integer == 1);
    v = PARSE("](K\1K\2eK\3a.");
    CHECK(v && v->kind == FL_PICKLED_LIST && v->count == 3 && v->item[1]->integer == 2 && v->item[2]->integer == 3);
    v = PARSE("}(U\1aK\1U\1bK\2uU\1aK\3s.");
    CHECK(v && v->kind == FL_PICKLED_DICT && v->count == 6 && fl_pickled_get(v, "b")->integer == 2);
    /* the last one counts, as in Python */
    CHECK(v && fl_pickled_get(v, "a")->integer == 3 && !fl_pickled_get(v, "c"));
    v = PARSE("(U\1aK\1d.");
    CHECK(v && v->kind == FL_PICKLED_DICT && v->count == 2);
    v = PARSE("(K\1K\2l.");
    CHECK(v && v->kind == FL_PICKLED_LIST && v->count == 2);
    v = PARSE("\x8f(K\1K\2\x90.");
    CHECK(v && v->kind == FL_PICKLED_SET && v->count == 2);
    v = PARSE("(K\1\x91.");
    CHECK(v && v->kind == FL_PICKLED_SET && v->count == 1);
    v = PARSE("K\7q\0p300\n0h\0r\0\2\0\0" "0j\0\2\0\0g300\n\x86.");
    CHECK_SAY(v && v->count == 2 && v->item[0] == v->item[1] && v->item[0]->integer == 7, "%s", err.message);
    v = PARSE("K\1K\2(K\3K\4" "12\x87.");
    CHECK(v && v->count == 3 && v->item[1]->integer == 2 && v->item[2] == v->item[1]);      /* to the mark; again */
    v = PARSE("]q\0h\0a.");
    CHECK(v && v->count == 1 && v->item[0] == v);                                           /* a list in itself */
    fl_arena_free(&a);
}

TEST(io_pickle_calls_become_inert_nodes)
{
    fl_error err = {0};
    fl_arena a;
    fl_pickle p;
    fl_arena_init(&a, &err);
    static const char touch[] = "cposix\nsystem\n(U\x1dtouch footlight_was_here_too;tR.";
    const fl_pickled *v = PARSE(touch);
    CHECK(v && v->kind == FL_PICKLED_OBJECT && fl_pickled_is_global(v->maker, "posix", "system")
          && v->given->count == 1);
    CHECK(p.globals == 1 && !fl_file_exists("footlight_was_here_too"));
    v = PARSE("\x8c\2os\x8c\6system\x93U\1x\x85R.");
    CHECK(v && fl_pickled_is_global(v->maker, "os", "system"));
    v = PARSE("ccollections\nOrderedDict\n)R(U\1aK\1u}b.");
    CHECK(v && fl_pickled_is_mapping(v) && fl_pickled_get(v, "a")->integer == 1 && v->state->kind == FL_PICKLED_DICT);
    v = PARSE("cm\nC\n)\x81(K\1e.");
    CHECK(v && v->kind == FL_PICKLED_OBJECT && !v->is_mapping && v->count == 1);
    v = PARSE("cm\nC\n)}\x92.");
    CHECK(v && fl_pickled_is_global(v->maker, "m", "C"));
    v = PARSE("(im\nC\n.");
    CHECK(v && fl_pickled_is_global(v->maker, "m", "C") && v->given->count == 0);
    v = PARSE("(cm\nC\nK\5o.");
    CHECK(v && fl_pickled_is_global(v->maker, "m", "C") && v->given->count == 1 && v->given->item[0]->integer == 5);
    v = PARSE("U\2idQ.");
    CHECK(v && v->kind == FL_PICKLED_PERSISTENT && fl_pickled_is_text(v->id, "id") && p.persistents == 1);
    v = PARSE("Pid\n.");
    CHECK(v && v->kind == FL_PICKLED_PERSISTENT && fl_pickled_is_text(v->id, "id"));
    fl_arena_free(&a);
}

TEST(io_pickle_checks_every_operand)
{
#define BAD(text, says) {text, sizeof(text) - 1, says}
    static const struct { const char *bytes; size_t size; const char *says; } bad[] = {
        BAD("", "cut short"), BAD("K", "cut short"), BAD("K\1", "cut short"), BAD(".", "one value"),
        BAD("K\1K\2.", "one value"),
        BAD("(K\1.", "one value"), BAD("0.", "more values"), BAD("2.", "more values"), BAD("t.", "a mark"),
        BAD("e.", "a mark"),
        /* below the mark is out of reach */
        BAD("K\1\x86.", "more values"), BAD("K\1(\x85.", "more values"),
        BAD("K\1(K\2e.", "a list or set"), BAD("](U\1aK\1u.", "a dictionary"), BAD("}(K\1e.", "a list or set"),
        BAD("}K\1a.", "a list or set"),
        BAD("]K\1K\2s.", "a dictionary"), BAD("K\1K\2K\3s.", "a dictionary"),           /* CVE-2026-24747 */
        BAD("}(U\1au.", "in pairs"), BAD("(U\1ad.", "in pairs"), BAD("(K\1e.", "container below"),
        BAD("cm\nC\nK\1R.", "a tuple"), BAD("K\1)R.", "a name before"), BAD("U\1x)R.", "a name before"),
        BAD("cm\nC\n)K\1\x92.", "named values"), BAD("}}b.", "without a state"),
        BAD("cm\nC\n)R}b}b.", "without a state"),
        BAD("cm\nC\n}b.", "without a state"), BAD("K\1K\2\x93.", "two texts"), BAD("U\1aU\1b\x93.", "two texts"),
        BAD("c\nC\n.", "1 to 512"), BAD("cm\n\n.", "1 to 512"), BAD("ca b\nC\n.", "without blanks"),
        BAD("cm\nC", "line break"),
        BAD("(o.", "a class above"), BAD("(K\1o.", "a name before"), BAD("h\0.", "filled"),
        BAD("g-1\n.", "place of the memo"), BAD("q\0.", "more values"),
        BAD("K\1r\xff\xff\xff\xff.", "1048576"), BAD("K\1p99999999\n.", "1048576"), BAD("\x80\6.", "protocol"),
        BAD("\x82\1.", "extension"), BAD("\x97.", "buffers"),
        BAD("\x95\xff\0\0\0\0\0\0\0.", "a frame"), BAD("X\xff\xff\xff\xff" "abc.", "cut short"),
        BAD("\x8d\xff\xff\xff\xff\xff\xff\xff\xff" "abc.", "cut short"),
        BAD("I12x\n.", "18 digits"), BAD("I1234567890123456789012\n.", "18 digits"), BAD("F1.x\n.", "a number"),
        BAD("I\n.", "60"), BAD("Sabc\n.", "in quotes"), BAD("S'abc\n.", "in quotes"), BAD("S'\\q'\n.", "an escape"),
        BAD("V\\Uffffffff\n.", "10FFFF"), BAD("\xff.", "an instruction"), BAD("\0.", "an instruction"),
    };
    fl_error err = {0};
    fl_arena a;
    fl_pickle p;
    fl_arena_init(&a, &err);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_SAY(!parse(&a, bad[i].bytes, bad[i].size, &p) && err.status == FL_UNREADABLE, "%zu is taken", i);
        CHECK_SAY(strstr(err.message, bad[i].says) && strstr(err.message, "byte "), "%zu, '%s': %s", i, bad[i].says,
                  err.message);
    }
    fl_arena_free(&a);
}

TEST(io_pickle_has_limits)
{
    fl_error err = {0};
    fl_arena a;
    fl_pickle p;
    static char many[(1 << 20) + 2];
    fl_arena_init(&a, &err);
    memset(many, 'N', sizeof many);
    CHECK(!parse(&a, many, sizeof many, &p) && strstr(err.message, "1048576 values"));
    fl_arena_free(&a);
}

/* ---- what a tree means ---- */

static fl_status weights(fl_arena *a, const void *bytes, size_t size, fl_weights_file *w)
{
    fl_error_clear(a->error);
    return fl_weights_file_parse(a, (fl_bytes){bytes, size}, "file", w);
}

/* then shape, type ... */
#define ARRAY2 "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0tU\1btR(K\1"
#define DTYPE(code) "cnumpy\ndtype\n(U\2" code "K\0K\1tR(K\3U\1<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"

/* As Python 2 wrote them: strings for bytes, protocol 2. */
TEST(io_pickle_arrays_of_python_2)
{
    static const char file[] = "\x80\2}q\0U\5blobsq\1}q\2(U\7conv1_wq\3" ARRAY2 "K\2K\2\x86" DTYPE("f4")
        "\x89U\x10\0\0\x80\x3f\0\0\0\xc0\0\0\0\x3f\0\0\x40\x40tbU\2lrG\x3f\xb9\x99\x99\x99\x99\x99\x9aus.";
    fl_error err = {0};
    fl_arena a;
    fl_weights_file w;
    real got[4] = {0};
    fl_arena_init(&a, &err);
    CHECK_SAY(weights(&a, file, sizeof file - 1, &w) == FL_OK, "%s", err.message);
    CHECK(w.count == 1 && strcmp(w.tensor[0].name, "conv1_w") == 0 && strcmp(w.container, "blobs") == 0);
    if (w.count) fl_stored_decode(&w.tensor[0], 0, 4, got);
    CHECK(w.count && got[0] == 1 && got[1] == -2 && got[2] == R(0.5) && got[3] == 3);
    fl_arena_free(&a);
}

TEST(io_pickle_refuses_what_is_no_tensor)
{
#define F4(shape, bytes) "\x80\2}U\1w" ARRAY2 shape DTYPE("f4") "\x89" bytes "tbs."
#define TORCH(values) "\x80\2}U\1wctorch._utils\n_rebuild_tensor_v2\n(" values "tRs."
#define STORAGE "(U\7storagectorch\nFloatStorage\nU\1" "0U\3cpuK\4tQ"
    static const struct { const char *bytes; size_t size; const char *says; } bad[] = {
        BAD(F4("K\2K\3\x86", "U\4\0\0\0\0"), "takes numbers"), BAD(F4("K\1\x85", "U\5\0\0\0\0\0"),
                                                                   "more than its shape needs"),
        BAD(F4("K\1\x85", "]"), "Python objects"), BAD(F4("K\1\x85", "K\1"), "not bytes"),
        BAD(F4("K\1", "U\4\0\0\0\0"), "a tuple of at most 8"),
        BAD(F4("(K\1K\1K\1K\1K\1K\1K\1K\1K\1t", "U\4\0\0\0\0"), "a tuple of at most 8"),
        BAD(F4("J\xff\xff\xff\xff\x85", "U\4\0\0\0\0"), "from 0 to 2^40"),
        BAD(F4("\x8a\6\xff\xff\xff\xff\xff\x7f\x85", "U\4\0\0\0\0"), "from 0 to 2^40"),
        BAD(F4("\x8a\6\0\0\0\0\0\1\x8a\6\0\0\0\0\0\1\x86", "U\4\0\0\0\0"), "more than 2^40"),
        BAD("\x80\2}U\1w" ARRAY2 "K\1\x85" DTYPE("c8") "\x89U\10\0\0\0\0\0\0\0\0tbs.", "'c8'"),
        BAD("\x80\2}U\1w" ARRAY2 "K\1\x85" DTYPE("O8") "\x89]tbs.", "'O8'"),
        BAD(TORCH("K\1K\0K\1\x85K\1\x85\x89N"), "its storage is"), BAD(TORCH("K\1"), "its maker got 1"),
        BAD(TORCH(STORAGE "K\0K\4\x85K\1\x85\x89N"), "is not in the file"),
        BAD("\x80\2}U\1wctorch._utils\n_rebuild_sparse_tensor\n)Rs.", "only dense tensors"),
        BAD("\x80\2}U\1wctorch._utils\n_rebuild_parameter\n(K\1\x89NtRs.", "made by"),
        BAD("\x80\2K\1.", "holds no tensors"), BAD("\x80\2cm\nC\n)R.", "made by m.C"),
        BAD("\x80\2}U\1wcm\nC\n)Rs.", "made by m.C"),
    };
    fl_error err = {0};
    fl_arena a;
    fl_weights_file w;
    fl_arena_init(&a, &err);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_SAY(weights(&a, bad[i].bytes, bad[i].size, &w) == FL_UNREADABLE, "%zu is taken", i);
        CHECK_SAY(strstr(err.message, bad[i].says) != NULL, "%zu, '%s': %s", i, bad[i].says, err.message);
    }
    fl_arena_free(&a);
}

/* PyTorch's stream with one storage of four floats, 1 2 3 4, and one tensor made of it. */
TEST(io_pickle_tensors_lie_inside_their_storage)
{
#define HOW(maker, values, says, ...) {maker, sizeof(maker) - 1, values, sizeof(values) - 1, says, {__VA_ARGS__}}
    static const struct {
        const char *maker;
        size_t maker_size;
        const char *values;
        size_t size;
        const char *says;
        real want[5];
    } how[] = {
        HOW("_rebuild_tensor_v2", "K\0K\4\x85K\1\x85\x89N", NULL, 1, 2, 3, 4),
        HOW("_rebuild_tensor_v2", "K\2K\2\x85K\1\x85\x89N", NULL, 3, 4),
        HOW("_rebuild_tensor_v2", "K\0K\2K\2\x86K\1K\2\x86\x89N", NULL, 1, 3, 2, 4),
        HOW("_rebuild_tensor_v2", "K\1K\2\x85K\2\x85\x89N", NULL, 2, 4),
        HOW("_rebuild_tensor_v2", "K\3K\5\x85K\0\x85\x89N", NULL, 4, 4, 4, 4, 4),
        HOW("_rebuild_tensor_v2", "K\0ctorch\nSize\n(K\1K\4\x86tRK\1K\1\x86\x89N", NULL, 1, 2, 3, 4),
        HOW("_rebuild_tensor_v2", "K\4K\0\x85K\1\x85\x89N", NULL, 0),
        HOW("_rebuild_tensor_v2", "K\3))\x89" "ccollections\nOrderedDict\n)R", NULL, 4),
        HOW("_rebuild_tensor", "K\1K\3\x85K\1\x85", NULL, 2, 3, 4),
        HOW("_rebuild_tensor_v2", "K\1K\4\x85K\1\x85\x89N", "takes numbers 1 to 4 of a storage of 4", 0),
        HOW("_rebuild_tensor_v2", "K\5K\0\x85K\1\x85\x89N", "begins outside", 0),
        HOW("_rebuild_tensor_v2", "J\xff\xff\xff\xffK\1\x85K\1\x85\x89N", "begins outside", 0),
        HOW("_rebuild_tensor_v2", "K\0K\2K\2\x86K\3K\1\x86\x89N", "takes numbers 0 to 4", 0),
        HOW("_rebuild_tensor_v2", "K\0K\2K\2\x86K\1\x85\x89N", "2 sizes and 1 strides", 0),
        HOW("_rebuild_tensor_v2", "K\0K\2\x85J\xff\xff\xff\xff\x85\x89N", "from 0 to 2^40", 0),
        HOW("_rebuild_tensor_v2", "K\0K\3\x85\x8a\x06\0\0\0\0\0\1\x85\x89N", "lead out of its storage", 0),
        HOW("_rebuild_tensor_v2", "K\0\x8a\4\0\0\0\x40\x85K\0\x85\x89N", "repeats 4 stored numbers", 0),
        HOW("_rebuild_tensor_v2", "K\0K\1\x85K\1\x85\x89}(U\1hcm\nhook\nu", "hooks", 0),
        HOW("_rebuild_tensor_v2", "K\0K\1\x85K\1\x85\x89" "cm\nhooks\n)R", "hooks (m.hooks)", 0),
        HOW("_rebuild_tensor_v3", "K\0K\1\x85K\1\x85\x89Nctorch\nfloat32\n", "whole numbers of its type", 0),
        HOW("_rebuild_tensor_v3", "K\0K\1\x85K\1\x85\x89Nctorch\nfloat8_e5m2\n", "float8_e5m2", 0),
        HOW("_rebuild_qtensor", "K\0K\1\x85K\1\x85\x89N", "only dense tensors", 0),
    };
    static const char head[] = "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\2M\xe9\3.\x80\2}U\x0d"
                               "little_endian\x88s.\x80\2}U\1wctorch._utils\n",
                      storage[] = "\n((U\7storagectorch\nFloatStorage\nU\1" "0U\3cpuK\4tQ",
                      tail[] = "tRs.\x80\2]U\1" "0a.\4\0\0\0\0\0\0\0\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40";
    for (size_t i = 0; i < sizeof how / sizeof *how; i++) {
        fl_error err = {0};
        fl_arena a;
        fl_weights_file w;
        real got[5] = {0};
        fl_arena_init(&a, &err);
        fl_buffer b = fl_buffer_new(&a);
        fl_buffer_add(&b, head, sizeof head - 1);
        fl_buffer_add(&b, how[i].maker, how[i].maker_size);
        fl_buffer_add(&b, storage, sizeof storage - 1);
        fl_buffer_add(&b, how[i].values, how[i].size);
        fl_buffer_add(&b, tail, sizeof tail - 1);
        const fl_status status = weights(&a, b.data, b.size, &w);
        if (how[i].says) {
            CHECK_SAY(status == FL_UNREADABLE && strstr(err.message, how[i].says), "%zu, '%s': %s", i, how[i].says,
                      err.message);
        } else {
            CHECK_SAY(status == FL_OK && w.count == 1 && w.tensor[0].count <= 5, "%zu: %s", i, err.message);
            if (status == FL_OK) fl_stored_decode(&w.tensor[0], 0, w.tensor[0].count, got);
            CHECK_SAY(memcmp(got, how[i].want, sizeof got) == 0, "%zu: %g %g %g", i, (double)got[0], (double)got[1],
                      (double)got[2]);
        }
        fl_arena_free(&a);
    }
}

#define ONE ARRAY2 "K\1\x85" DTYPE("i1") "\x89U\1\7tb"

/* An unknown object is left alone where no tensors are, and listed; next to a tensor the file is refused. */
TEST(io_pickle_strangers_matter_next_to_tensors_only)
{
    static const char beside[] = "\x80\2}(U\nstate_dict}U\1w" ONE "sU\4argscmine\nOptions\n)Ru.",
    next_to[] = "\x80\2}(U\1w" ONE "U\1xcmine\nOptions\n)Ru.",
                      lists[] = "\x80\2}U\1n](" ONE "}U\1k" ONE "s" "es.", loop[] = "\x80\2}q\0U\1wh\0s.",
                          laughs[] = "\x80\2]q\0](h\0h\0eq\1](h\1h\1eq\2.";
    fl_error err = {0};
    fl_arena a;
    fl_weights_file w;
    fl_arena_init(&a, &err);
    CHECK_SAY(weights(&a, beside, sizeof beside - 1, &w) == FL_OK && w.count == 1
              && strcmp(w.container, "state_dict") == 0, "%s", err.message);
    CHECK(w.imports > 0 && w.import[0].class == FL_IMPORT_UNKNOWN && strcmp(w.import[0].module, "mine") == 0);
    CHECK(weights(&a, next_to, sizeof next_to - 1, &w) == FL_UNREADABLE
          && strstr(err.message, "'x' is made by mine.Options"));
    CHECK_SAY(weights(&a, lists, sizeof lists - 1, &w) == FL_OK && w.count == 2, "%s", err.message);
    CHECK(w.count == 2 && strcmp(w.tensor[0].name, "n.0") == 0 && strcmp(w.tensor[1].name, "n.1.k") == 0);
    CHECK(weights(&a, loop, sizeof loop - 1, &w) == FL_UNREADABLE && strstr(err.message, "nested deeper"));
    CHECK(weights(&a, laughs, sizeof laughs - 1, &w) == FL_UNREADABLE);
    fl_arena_free(&a);
}

/* Twenty lists, each holding the one before it a hundred times: 100^20 paths, few bytes, quickly refused. */
TEST(io_pickle_walks_no_endless_tree)
{
    static unsigned char file[8192];
    size_t n = 0;
    file[n++] = 0x80, file[n++] = 2, file[n++] = ']', file[n++] = 'q', file[n++] = 0;
    for (int level = 0; level < 20; level++) {
        file[n++] = '0', file[n++] = ']', file[n++] = '(';
        for (int k = 0; k < 100; k++) file[n++] = 'h', file[n++] = (unsigned char)level;
        file[n++] = 'e', file[n++] = 'q', file[n++] = (unsigned char)(level + 1);
    }
    file[n++] = '.';
    fl_error err = {0};
    fl_arena a;
    fl_weights_file w;
    fl_arena_init(&a, &err);
    CHECK_SAY(weights(&a, file, n, &w) == FL_UNREADABLE && strstr(err.message, "among more than"), "%s", err.message);
    fl_arena_free(&a);
}

TEST(io_pickle_knows_what_is_dangerous)
{
    static const struct { const char *module, *name; fl_import_class class; } list[] = {
        {"collections", "OrderedDict", FL_IMPORT_KNOWN}, {"torch._utils", "_rebuild_tensor_v2", FL_IMPORT_KNOWN},
        {"torch.nn.modules.conv", "Conv3d", FL_IMPORT_KNOWN}, {"torch.nn.modules.module", "_load", FL_IMPORT_UNKNOWN},
        {"torch.nn.modules.conv", "Conv3d.forward", FL_IMPORT_UNKNOWN},
        {"torch.nn.modulesx", "Conv3d", FL_IMPORT_UNKNOWN},
        {"builtins", "set", FL_IMPORT_KNOWN}, {"builtins", "eval", FL_IMPORT_DANGEROUS},
        {"__builtin__", "getattr", FL_IMPORT_DANGEROUS},
        {"builtins", "se", FL_IMPORT_DANGEROUS}, {"os", "system", FL_IMPORT_DANGEROUS},
        {"os.path", "join", FL_IMPORT_DANGEROUS}, {"osmosis", "system", FL_IMPORT_UNKNOWN},
        {"torch", "load", FL_IMPORT_DANGEROUS}, {"torch.storage", "_load_from_bytes", FL_IMPORT_DANGEROUS},
        {"subprocess", "Popen", FL_IMPORT_DANGEROUS},
        {"nets", "Tiny", FL_IMPORT_UNKNOWN}, {"numpy", "ndarray", FL_IMPORT_KNOWN},
        {"torch", "FloatStorage ", FL_IMPORT_UNKNOWN}, {"torch", "", FL_IMPORT_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        CHECK_SAY(fl_import_classify(list[i].module, list[i].name) == list[i].class, "%s.%s", list[i].module,
                  list[i].name);
}
