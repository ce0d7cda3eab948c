/* test_io_json.c: JSON written as expected to the byte; read strictly; written and read back. */
#include "io/file.h"
#include "io/json.h"
#include "tests/test.h"

#include <string.h>

static void write_sample(fl_json *j)
{
    const real two[] = {R(0.5), R(-0.25)};
    const int three[] = {1, 2, 3};
    fl_json_object(j, NULL);
    fl_json_string(j, "text", "a\"\\\n\t\x01</b>\xc3\xa9\xff");
    fl_json_number(j, "tenth", (double)R(0.5));
    fl_json_number(j, "nan", NAN);
    fl_json_int(j, "big", 1234567890123456789);
    fl_json_bool(j, "yes", true);
    fl_json_null(j, "none");
    fl_json_format(j, "say", "%d of %d", 3, 4);
    fl_json_numbers(j, "numbers", two, 2);
    fl_json_array(j, "list");
    fl_json_object(j, NULL);
    fl_json_close(j);
    fl_json_ints(j, NULL, three, 3);
    fl_json_close(j);
    fl_json_close(j);
}

TEST(io_json_writes_both_layouts)
{
    fl_error err = {0};
    fl_arena a;
    fl_json j;
    fl_arena_init(&a, &err);
    fl_json_to_text(&j, &a, false);
    write_sample(&j);
    const char *got = fl_json_end(&j);
    const char *want = "{\"text\":\"a\\\"\\\\\\n\\t\\u0001\\u003c/b>\xc3\xa9\\ufffd\",\"tenth\":0.5,\"nan\":null,"
        "\"big\":1234567890123456789,\"yes\":true,\"none\":null,\"say\":\"3 of 4\",\"numbers\":[0.5,-0.25],"
        "\"list\":[{},[1,2,3]]}\n";
    CHECK_SAY(got && strcmp(got, want) == 0, "got %s", got ? got : "nothing");
    fl_json_to_text(&j, &a, true);
    write_sample(&j);
    got = fl_json_end(&j);
    want = "{\n  \"text\": \"a\\\"\\\\\\n\\t\\u0001\\u003c/b>\xc3\xa9\\ufffd\",\n  \"tenth\": 0.5,\n"
        "  \"nan\": null,\n  \"big\": 1234567890123456789,\n  \"yes\": true,\n  \"none\": null,\n"
        "  \"say\": \"3 of 4\",\n"
        "  \"numbers\": [0.5, -0.25],\n  \"list\": [\n    {},\n    [1, 2, 3]\n  ]\n}\n";
    CHECK_SAY(got && strcmp(got, want) == 0, "got %s", got ? got : "nothing");
    fl_arena_free(&a);
}

TEST(io_json_numbers_come_back)
{
    fl_error err = {0};
    fl_arena a;
    fl_json j;
    fl_arena_init(&a, &err);
    const real value[] = {R(0.1), R(1.0) / 3, R(3.4e38), R(1.2e-38), R(-7.0), R(16777217.0), 0};
    enum { N = sizeof value / sizeof value[0] };
    fl_json_to_text(&j, &a, true);
    fl_json_numbers(&j, NULL, value, N);
    const char *text = fl_json_end(&j);
    const fl_json_value *v = text ? fl_json_parse(&a, "numbers", text, strlen(text)) : NULL;
    CHECK(v && v->count == N);
    const fl_json_value *e = v ? v->first : NULL;
    for (int i = 0; i < N && e; i++, e = e->next)
        CHECK_SAY((real)e->number == value[i], "number %d is %.17g", i, e->number);
    fl_arena_free(&a);
}

TEST(io_json_stream_equals_text)
{
    fl_error err = {0};
    fl_arena a;
    fl_json j;
    char path[512];
    fl_arena_init(&a, &err);
    fl_json_to_text(&j, &a, true);
    write_sample(&j);
    const char *text = fl_json_end(&j);
    snprintf(path, sizeof path, "%s/sample.json", fl_test_folder());
    FILE *f = fopen(path, "wb");
    fl_json_to_stream(&j, f, true);
    write_sample(&j);
    CHECK(fl_json_end(&j) != NULL);
    fclose(f);
    fl_bytes b;
    CHECK(fl_file_read(&a, path, 1 << 20, &b) == FL_OK && text && strcmp((const char *)b.data, text) == 0);
    fl_buffer buffer = fl_buffer_new(&a);
    fl_buffer_text(&buffer, "x=");
    fl_json_to_buffer(&j, &buffer, true);
    write_sample(&j);
    CHECK(fl_json_end(&j) != NULL);
    CHECK(buffer.size == b.size + 2 && memcmp(buffer.data + 2, b.data, b.size) == 0);
    fl_arena_free(&a);
}

TEST(io_json_reads)
{
    fl_error err = {0};
    fl_arena a;
    fl_arena_init(&a, &err);
    const char *text = " {\"a\" : [1, -2.5e3, true, false, null], "
        "\"b\":{\"c\":\"\\u00e9\\ud83d\\ude00\\/\\n\"},\"\":0 } ";
    const fl_json_value *v = fl_json_parse(&a, "text", text, strlen(text));
    CHECK_SAY(v && v->kind == FL_JSON_OBJECT && v->count == 3, "%s", err.message);
    const fl_json_value *list = fl_json_get(v, "a");
    CHECK(list && list->kind == FL_JSON_ARRAY && list->count == 5);
    const fl_json_value *e = list ? list->first : NULL;
    CHECK(e && e->is_integer && e->integer == 1 && e->number == 1);
    e = e ? e->next : NULL;
    CHECK(e && !e->is_integer && e->number == -2500);
    e = e ? e->next : NULL;
    CHECK(e && e->kind == FL_JSON_BOOL && e->number == 1);
    const fl_json_value *c = fl_json_get(fl_json_get(v, "b"), "c");
    CHECK(c && c->kind == FL_JSON_STRING && strcmp(c->string, "\xc3\xa9\xf0\x9f\x98\x80/\n") == 0);
    CHECK(fl_json_get(v, "") != NULL && fl_json_get(v, "d") == NULL && fl_json_get(NULL, "d") == NULL);
    fl_arena_free(&a);
}

TEST(io_json_refuses_what_is_not_json)
{
    static const char *const bad[] = {
        "", " ", "{", "[1", "[1,]", "{\"a\":}", "{\"a\"}", "{a:1}", "{\"a\":1,\"a\":2}",
        "01", "+1", "1.", ".5", "-", "1e", "1e+", "0x10", "nul", "truex", "NaN",
        "\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"\\u0000\"", "\"\n\"", "\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"",
        "[1 2]", "[] []", "'a'",
        "[1}", "{\"a\":1]", "1111111111222222222233333333334444444444555555555566666666661",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        fl_error err = {0};
        fl_arena a;
        fl_arena_init(&a, &err);
        CHECK_SAY(!fl_json_parse(&a, "bad", bad[i], strlen(bad[i])), "accepted: %s", bad[i]);
        CHECK_SAY(err.status == FL_UNREADABLE && strstr(err.message, "JSON, byte "), "%s: %s", bad[i], err.message);
        fl_arena_free(&a);
    }
}

TEST(io_json_bounds_its_depth)
{
    fl_error err = {0};
    fl_arena a;
    char text[2 * FL_JSON_DEPTH + 3];
    fl_arena_init(&a, &err);
    memset(text, '[', FL_JSON_DEPTH + 1);
    memset(text + FL_JSON_DEPTH + 1, ']', FL_JSON_DEPTH + 1);
    CHECK(fl_json_parse(&a, "deep", text + 1, 2 * FL_JSON_DEPTH) != NULL);
    CHECK(fl_json_parse(&a, "deep", text, 2 * FL_JSON_DEPTH + 2) == NULL && strstr(err.message, "64 levels"));
    fl_arena_free(&a);
}

TEST(io_json_survives_every_failed_allocation)
{
    bool done = false;
    for (long k = 1; !done && k < 100; k++) {
        fl_error err = {0};
        fl_arena a;
        fl_json j;
        fl_arena_init(&a, &err);
        fl_arena_fail_at(k);
        fl_json_to_text(&j, &a, true);
        for (int i = 0; i < 200; i++) {
            if (i == 0) fl_json_array(&j, NULL);
            fl_json_string(&j, NULL, "a text that makes the buffer grow");
        }
        fl_json_close(&j);
        const char *text = fl_json_end(&j);
        const fl_json_value *v = text ? fl_json_parse(&a, "text", text, strlen(text)) : NULL;
        done = v != NULL;
        CHECK(done == (err.status == FL_OK));
        CHECK(!done || v->count == 200);
        fl_arena_fail_at(0);
        fl_arena_free(&a);
    }
    CHECK(done);
}
