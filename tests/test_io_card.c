/* test_io_card.c: cards as JSON: every member, what is refused, and where the file is looked for. */
#include "io/card_json.h"
#include "tests/test.h"

#include <string.h>

static fl_status parse(fl_arena *a, const char *text, fl_card_json *card)
{
    return fl_card_json_parse(a, (fl_bytes){(const unsigned char *)text, strlen(text)}, "card.json", card);
}

TEST(io_card_says_what_it_says)
{
    fl_error err = {0};
    fl_arena a;
    fl_arena_init(&a, &err);
    fl_card_json c = {.input = {.frames = 3, .height = 5, .white = 1, .mean = {7, 8, 9}}};
    CHECK_SAY(parse(&a,
                    "{\"frames\": 16, \"width\": 171, \"fit\": \"short_side\", \"fit_height\": 128, \"fit_width\": 1,"
                    "\"white\": 255, \"bgr\": true, \"std\": [0.5, 1, 2e1], \"sampling\": \"dense\","
                    "\"labels\": [\"a\", \"b c\"]}",
                    &c) == FL_OK,
              "%s", err.message);
    CHECK(c.input.frames == 16 && c.input.height == 5 && c.input.width == 171 && c.input.fit == FL_FIT_SHORT_SIDE);
    CHECK(c.input.fit_height == 128 && c.input.fit_width == 1 && c.input.bgr);
    CHECK_NEAR(c.input.white, 255, 0);
    CHECK_NEAR(c.input.std[2], 20, 0);
    CHECK_NEAR(c.input.mean[2], 9, 0);
    CHECK(c.has_std && !c.has_mean && strcmp(c.input.sampling, "dense") == 0);
    CHECK(c.classes == 2 && strcmp(c.labels[0], "a") == 0 && strcmp(c.labels[1], "b c") == 0);
    fl_arena_free(&a);
}

TEST(io_card_refuses)
{
    static const struct { const char *text, *says;
    } bad[] = {{"{\"frame\": 16}", "\"frame\": expected one of frames, height"},
               {"[]", "expected an object"},
               {"{\"frames\": 0}", "whole number from 1"},
               {"{\"height\": 12.5}", "whole number from 1"},
               {"{\"width\": \"112\"}", "whole number from 1"},
               {"{\"std\": [1, 1, 0]}", "three numbers above 0"},
               {"{\"mean\": [1, 1]}", "three numbers"},
               {"{\"mean\": 1}", "three numbers"},
               {"{\"white\": -1}", "a number above 0"},
               {"{\"bgr\": 1}", "true or false"},
               {"{\"fit\": \"crop\"}", "\"stretch\" or \"short_side\""},
               {"{\"fit\": 3}", "\"stretch\" or"},
               {"{\"labels\": [1]}", "a list of texts"},
               {"{\"labels\": 4}", "a list of texts"},
               {"{\"sampling\": 4}", "a rule of sampling"},
               {"{\"frames\": 16", "byte 13"},
               {"{\"labels\": \"no_such_file.txt\"}", "no_such_file.txt"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fl_error err = {0};
        fl_arena a;
        fl_card_json c = {.classes = 0};
        fl_arena_init(&a, &err);
        CHECK_SAY(parse(&a, bad[i].text, &c) == FL_UNREADABLE, "accepted: %s", bad[i].text);
        CHECK_SAY(strstr(err.message, bad[i].says) != NULL, "%s: %s", bad[i].text, err.message);
        fl_arena_free(&a);
    }
}

static const char *in_folder(const char *name)
{
    static char path[4][512];
    static int next;
    char *to = path[next++ % 4];
    snprintf(to, sizeof path[0], "%s/%s", fl_test_folder(), name);
    return to;
}

TEST(io_card_lies_beside_its_network)
{
    fl_error err = {0};
    fl_arena a;
    fl_card_json c = {.classes = 0};
    fl_arena_init(&a, &err);
    CHECK(fl_card_json_find(&a, in_folder("net.onnx")) == NULL && err.status == FL_OK);
    fl_file_write(in_folder("card.json"), "{\"labels\": \"names.txt\"}", 23, &err);
    fl_file_write(in_folder("names.txt"), "left\r\nright\nup", 14, &err);
    const char *found = fl_card_json_find(&a, in_folder("net.onnx"));
    CHECK_SAY(found && strcmp(found, in_folder("card.json")) == 0, "%s", found ? found : "none");
    CHECK_SAY(fl_card_json_read(&a, found, &c) == FL_OK, "%s", err.message);
    CHECK(c.classes == 3 && strcmp(c.labels[0], "left") == 0 && strcmp(c.labels[1], "right") == 0 &&
          strcmp(c.labels[2], "up") == 0);
    fl_file_write(in_folder("net.card.json"), "{\"frames\": 9}", 13, &err);
    found = fl_card_json_find(&a, in_folder("net.onnx"));
    CHECK(found && strcmp(found, in_folder("net.card.json")) == 0);
    fl_arena_free(&a);
}
