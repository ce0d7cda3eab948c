/* test_io_report.c: the page stands alone, says what it was given, and takes every text for a text. */
#include "io/html.h"
#include "io/json.h"
#include "io/report.h"
#include "tensor/tensor.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

static fl_error error;
static fl_arena arena;

static void open_arena(void)
{
    fl_error_clear(&error);
    fl_arena_init(&arena, &error);
}

static const char *closed(fl_buffer *b)
{
    fl_buffer_add(b, "", 1);
    return b->failed ? "" : (const char *)b->data;
}

static int times(const char *text, const char *part)
{
    int n = 0;
    for (const char *p = text; (p = strstr(p, part)); p += strlen(part)) n++;
    return n;
}

typedef struct sample {
    fl_result result;
    fl_method_map method[2];
    fl_pair provenance[2], option[1];
    fl_curve curve[1];
    fl_prediction top[2];
    const char *warning[1];
} sample;

/* frames of 4 x 6; map value i of method 0 is (i % 11 - 5) / 8, of method 1 its square. All texts are one text. */
static void make_sample(sample *s, int frames, const char *text)
{
    static const double along[] = {0, 0.5, 1}, up[] = {0.75, NAN, 0.25};
    int n = frames * 24;
    unsigned char *rgb = FL_NEW(&arena, unsigned char, 3 * n);
    real *a = FL_NEW(&arena, real, n), *b = FL_NEW(&arena, real, n);
    for (int i = 0; i < n; i++) {
        a[i] = (real)(i % 11 - 5) / 8;
        b[i] = a[i] * a[i];
    }
    for (int i = 0; i < 3 * n; i++) rgb[i] = (unsigned char)(i * 7);
    memset(s, 0, sizeof *s);
    s->provenance[0] = (fl_pair){"command", text};
    s->provenance[1] = (fl_pair){text, "0"};
    s->option[0] = (fl_pair){text, text};
    s->top[0] = (fl_prediction){3, text, 1.5, 0.75};
    s->top[1] = (fl_prediction){1, NULL, NAN, 0.125};
    s->warning[0] = text;
    s->curve[0] = (fl_curve){text, text, text, 3, along, up, 0.25};
    s->method[0] = (fl_method_map){.name = "gradient", .title = text, .citation = text, .note = text, .map = a,
                                   .options = {s->option, 1}, .law = {text, text, 1, 2, 0.5, 0},
                                   .curve = s->curve, .curve_count = 1, .warnings = {s->warning, 1}};
    s->method[1] = (fl_method_map){.name = "squared", .map = b};
    s->result = (fl_result){.clip = text, .model = text, .frames = frames, .height = 4, .width = 6, .rgb = rgb,
                            .target = 3, .target_label = text, .target_logit = 1.5, .target_probability = 0.75,
                            .top = s->top, .top_count = 2,
                            .method = s->method, .method_count = 2, .look = fl_look_default(),
                            .provenance = {s->provenance, 2}, .warnings = {s->warning, 1}};
}

static const char *page_of(const fl_result *r)
{
    fl_buffer b = fl_buffer_new(&arena);
    CHECK_SAY(fl_report_html(&b, r) == FL_OK, "%s", error.message);
    return closed(&b);
}

/* The content between <script type='application/json' id='data'> and </script>, parsed. */
static const fl_json_value *data_of(const char *page)
{
    static const char head[] = "<script type='application/json' id='data'>";
    const char *from = strstr(page, head), *to = from ? strstr(from, "</script>") : NULL;
    if (!to) return NULL;
    from += strlen(head);
    return fl_json_parse(&arena, "page", from, (size_t)(to - from));
}

TEST(report_html_escapes_every_byte_that_matters)
{
    static const struct { const char *in, *out; } pair[] = {
        {"a&b<c>d\"e'f", "a&amp;b&lt;c&gt;d&quot;e&#39;f"}, {"</script>", "&lt;/script&gt;"},
        {"x\x01y\x7f", "x\xef\xbf\xbdy\xef\xbf\xbd"}, {"tab\tnew\nline", "tab new line"},
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"}, {"cut\xc3", "cut\xef\xbf\xbd"},
        {"\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd"}, {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"http://a", "http&#58;//a"}, {"a: b", "a: b"}, {"", ""},
    };
    open_arena();
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
        fl_buffer b = fl_buffer_new(&arena);
        fl_html(&b, "%s", pair[i].in);
        const char *got = closed(&b);
        CHECK_SAY(strcmp(got, pair[i].out) == 0, "%s became %s", pair[i].in, got);
    }
    fl_buffer b = fl_buffer_new(&arena);
    fl_html(&b, "<i>%d %g%% %s</i>", -3, 0.5, "&");
    CHECK(strcmp(closed(&b), "<i>-3 0.5% &amp;</i>") == 0);
    fl_arena_free(&arena);
}

TEST(report_reaches_for_nothing)
{
    sample s;
    open_arena();
    make_sample(&s, 3, "plain");
    const char *page = page_of(&s.result);
    CHECK(!strstr(page, "http"));
    CHECK(!strstr(page, "href") && !strstr(page, "url(") && !strstr(page, "@import"));
    CHECK(!strstr(page, "fetch(") && !strstr(page, "XMLHttpRequest") && !strstr(page, "import("));
    CHECK(times(page, "src=") == 3 && times(page, "src='data:image/png;base64,") == 3);
    CHECK(strstr(page, "default-src 'none'"));
    make_sample(&s, 3, "see https://example.org/x and http://example.org");
    page = page_of(&s.result);
    CHECK(!strstr(page, "http://") && !strstr(page, "https://"));
    CHECK(strstr(page, "https&#58;//example.org/x"));
    fl_arena_free(&arena);
}

TEST(report_hostile_texts_stay_texts)
{
    static const char evil[] = "</script></title></style><script>alert(1)</script>"
                               "<img src=x onerror=\"alert('2')\">&\"'\xff\x02";
    sample s;
    open_arena();
    make_sample(&s, 2, "harmless");
    const char *page = page_of(&s.result);
    int tags = times(page, "<"), scripts = times(page, "</script>"), quotes = times(page, "'");
    make_sample(&s, 2, evil);
    s.result.box = FL_NEW(&arena, fl_frame_box, 2);
    s.result.box_name = evil;
    page = page_of(&s.result);
    CHECK(!strstr(page, "<script>alert") && !strstr(page, "<img src=x") && !strstr(page, "alert('2')"));
    CHECK(times(page, "</script>") == scripts && scripts == 2);
    /* The box control adds one label and one input: 3 tags, 6 quotes. */
    CHECK_SAY(times(page, "<") == tags + 3, "%d tags, %d without the hostile text", times(page, "<"), tags);
    CHECK_SAY(times(page, "'") == quotes + 6, "%d quotes, then %d", quotes, times(page, "'"));
    CHECK(strstr(page, "&lt;/script&gt;&lt;/title&gt;"));
    CHECK(data_of(page) != NULL);
    fl_arena_free(&arena);
}

static int digit(char c)
{
    static const char letter[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *p = c ? strchr(letter, c) : NULL;
    return p ? (int)(p - letter) : 0;
}

/* The 16-bit number at place i of a base64 text, as the page's script reads it. */
static int number_at(const char *base64, int i)
{
    int byte[2];
    for (int k = 0; k < 2; k++) {
        int place = 2 * i + k, group = place / 3 * 4;
        int bits = digit(base64[group]) << 18 | digit(base64[group + 1]) << 12 | digit(base64[group + 2]) << 6 |
                   digit(base64[group + 3]);
        byte[k] = bits >> (16 - place % 3 * 8) & 255;
    }
    int v = byte[0] | byte[1] << 8;
    return v < 32768 ? v : v - 65536;
}

static double at(const fl_json_value *list, int i)
{
    const fl_json_value *v = list ? list->first : NULL;
    while (v && i-- > 0) v = v->next;
    return v ? v->number : NAN;
}

TEST(report_holds_the_values_of_the_maps)
{
    sample s;
    open_arena();
    make_sample(&s, 5, "plain");
    const fl_json_value *data = data_of(page_of(&s.result));
    const fl_json_value *method = fl_json_get(data, "methods");
    CHECK(method && method->count == 2);
    method = method ? method->first : NULL;
    for (int k = 0; k < 2 && method; k++, method = method->next) {
        const fl_json_value *map = fl_json_get(method, "map"), *scale = fl_json_get(method, "scale");
        CHECK(map && scale && scale->count == 5 && strlen(map->string) == (2 * 120 + 2) / 3 * 4);
        for (int t = 0; t < 5 && map; t++) {
            double largest = 0, sum = 0;
            for (int i = 0; i < 24; i++) largest = fmax(largest, fabs((double)s.method[k].map[t * 24 + i]));
            for (int i = 0; i < 24; i++) {
                double want = (double)s.method[k].map[t * 24 + i];
                CHECK_NEAR(number_at(map->string, t * 24 + i) * at(scale, t), want, largest / 65534 + 1e-8);
                sum += fabs(want);
            }
            CHECK_NEAR(at(fl_json_get(method, "importance"), t), sum, 1e-7);
        }
    }
    fl_arena_free(&arena);
}

TEST(report_says_what_it_was_given)
{
    static const real given[3] = {R(0.5), R(-2.0), R(1.0)};
    static const int index[3] = {10, 25, 40};
    static const fl_frame_box box[3] = {{1, 1, 3, 2}, {5, 0, 2, 3}, {-4, -4, 99, 99}};
    sample s;
    open_arena();
    make_sample(&s, 3, "plain");
    s.method[0].per_frame = given;
    s.result.frame_index = index;
    s.result.box = box;
    const char *page = page_of(&s.result);
    const fl_json_value *data = data_of(page), *first = fl_json_get(data, "methods")->first;
    CHECK(at(fl_json_get(first, "importance"), 1) == -2 && fl_json_get(first, "given")->number == 1);
    CHECK(fl_json_get(data, "start")->number == 2);                        /* the frame of highest importance */
    CHECK(at(fl_json_get(data, "index"), 1) == 25);
    const fl_json_value *b = fl_json_get(data, "boxes");
    CHECK(b && b->count == 3 && at(b->first, 0) == 1 && at(b->first, 3) == 2);
    CHECK(b && b->first->next->kind == FL_JSON_NULL);                       /* x1 < x0: no box */
    CHECK(b && at(b->first->next->next, 0) == 0 && at(b->first->next->next, 2) == 5);
    CHECK(strstr(page, "aria-label='frame 40'") && strstr(page, "class 1"));
    CHECK(strstr(page, "75&#8239;%") && strstr(page, "logit 1.5") && !strstr(page, "logit n/a"));
    CHECK(strstr(page, "<dt>residual</dt><dd>0.5</dd>"));
    CHECK(strstr(page, "<path class='line' d='M44 12M344 112'/>"));          /* a gap at the NAN */
    CHECK(strstr(page, "area 0.25"));
    CHECK(strstr(page, "name='show' value='both' checked") && strstr(page, "<option value='99.9' selected>"));
    fl_arena_free(&arena);
}

/* "nan" or "inf" where a number should stand: in the data block after ':' ',' or '[', elsewhere as a whole word. */
static bool has_bad_number(const char *page)
{
    static const char *const bad[] = {":nan", ",nan", "[nan", ":inf", ",inf", "[inf", ":-inf", ",-inf", ":n/a",
                                      ",n/a", "[n/a", ">nan", ">inf", ">-nan", ">-inf", "Mnan", "Lnan", "Mn/a", "Ln/a",
                                      " nan"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (strstr(page, bad[i])) return true;
    return false;
}

TEST(report_of_odd_clips_is_whole)
{
    static const int frames[] = {1, 2, 17, 40};
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        sample s;
        open_arena();
        make_sample(&s, frames[i], "plain");
        int n = frames[i] * 24;
        real *odd = FL_NEW(&arena, real, n), *flat = FL_NEW(&arena, real, n);
        odd[0] = NAN;
        odd[n - 1] = INFINITY;
        odd[1] = 2;
        s.method[0].map = odd;
        s.method[1].map = flat;
        s.result.target_probability = s.result.target_logit = s.top[0].probability = s.method[0].law.residual = NAN;
        const char *page = page_of(&s.result);
        CHECK(!has_bad_number(page));
        CHECK(times(page, "data:image/png") == frames[i] + 0 && data_of(page) != NULL);
        CHECK(strstr(page, "2 values of the map are not finite") && strstr(page, "value 0 everywhere"));
        fl_arena_free(&arena);
    }
}

TEST(report_same_input_gives_the_same_bytes)
{
    uint64_t hash[2];
    for (int k = 0; k < 2; k++) {
        sample s;
        open_arena();
        make_sample(&s, 3, "plain");
        const char *page = page_of(&s.result);
        hash[k] = fl_hash(page, strlen(page));
        fl_arena_free(&arena);
    }
    CHECK(hash[0] == hash[1]);
}

TEST(report_bad_results_are_refused)
{
    sample s;
    open_arena();
    make_sample(&s, 3, "plain");
    fl_buffer b = fl_buffer_new(&arena);
    s.result.method_count = 0;
    CHECK(fl_report_html(&b, &s.result) == FL_USAGE && error.message[0]);
    fl_error_clear(&error);
    s.result.method_count = 2;
    s.result.look.percentile = -1;
    CHECK(fl_report_html(&b, &s.result) == FL_USAGE && error.message[0]);
    fl_arena_free(&arena);
}

TEST(report_survives_every_failed_allocation)
{
    long k = 1;
    fl_status status = FL_FAILED;
    for (; status != FL_OK && k < 1000; k++) {
        sample s;
        open_arena();
        make_sample(&s, 2, "plain");
        fl_arena_fail_at(k);
        fl_buffer b = fl_buffer_new(&arena);
        status = fl_report_html(&b, &s.result);
        fl_arena_fail_at(0);
        if (status != FL_OK) CHECK_SAY(status == FL_FAILED && error.status == FL_FAILED, "allocation %ld", k);
        fl_arena_free(&arena);
    }
    CHECK_SAY(k > 10 && k < 1000, "%ld allocations", k);
}
