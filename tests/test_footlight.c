/* test_footlight.c: a program that knows footlight.h only: the steps of its first page, from a clip to a report. */
#include "io/footlight.h"
#include "tests/test.h"

#include <string.h>

enum { T = 16, SIDE = 64 };

/* A page of one map, with what the network said. */
static fl_status write_page(fl_arena *arena, const fl_network_clip *seen, const fl_map *map, const real *drawn,
                            fl_buffer *out)
{
    const fl_method_map shown = {.name = map->method->name, .map = drawn,
                                 .law = {.sum = map->sum, .wanted = map->wanted, .residual = map->residual}};
    const fl_prediction top = {map->options.target.class_index, NULL, map->logit, map->probability};
    const fl_result result = {.clip = "clip", .model = "r2plus1d_small", .rgb = seen->shown,
                              .frames = T, .height = SIDE, .width = SIDE,
                              .target = top.index, .target_logit = top.logit, .target_probability = top.probability,
                              .top = &top, .top_count = 1, .method = &shown, .method_count = 1,
                              .look = fl_look_default()};
    *out = fl_buffer_new(arena);
    return fl_report_html(out, &result);
}

TEST(footlight_h_is_all_that_a_program_needs)
{
    fl_error error = {0};
    fl_arena arena, work;
    fl_arena_init(&arena, &error);
    fl_arena_init(&work, &error);

    const fl_model *model = fl_model_find("r2plus1d_small");
    static unsigned char rgb[T * SIDE * SIDE * 3];
    fl_synth_options synthetic = fl_synth_default(1);
    fl_synth_clip(&synthetic, 0, rgb, NULL, NULL);
    const fl_clip clip = {.frames = T, .height = SIDE, .width = SIDE, .rgb = rgb};
    fl_network_clip seen;
    int frame[T];
    CHECK(fl_sample(&(fl_sample_options){.frames = T}, clip.frames, frame, &error) == FL_OK);
    CHECK(fl_preprocess(&arena, &model->input, &clip, frame, T, &seen) == FL_OK);

    fl_graph *graph = fl_graph_new(&work);
    const fl_network net = fl_model_build(graph, model, &(fl_model_options){.n = 1});
    fl_model_fill_formula(graph, 1);

    fl_map map;
    fl_explainer *explainer = fl_explainer_new(graph, net, &model->input);
    CHECK(fl_explain(explainer, fl_method_find("grad_cam"), seen.input.data,
                     &(fl_explain_options){.target = {.class_index = FL_CLASS_AUTO}}, &arena, &map) == FL_OK);
    const real *drawn = fl_map_reduce(&map, NULL, &arena);
    CHECK(drawn != NULL && map.probability > 0 && map.probability < 1);

    fl_buffer page;
    CHECK(write_page(&arena, &seen, &map, drawn, &page) == FL_OK);
    CHECK(page.size > 10000 && memcmp(page.data, "<!", 2) == 0);
    CHECK_SAY(error.status == FL_OK, "%s", error.message);
    fl_arena_free(&work);
    fl_arena_free(&arena);
}
