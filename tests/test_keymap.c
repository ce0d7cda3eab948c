/* test_keymap.c: names of checkpoints, and which map a file takes. */
#include "models/keymap.h"
#include "tests/model_rig.h"
#include "tests/test.h"

#include <stdlib.h>

static const struct { const fl_key_map *map; const char *theirs, *ours; } NAMES[] = {
    {&fl_keys_own, "layer1.0.conv1.0.weight", "layer1.0.conv1.0.weight"},
    {&fl_keys_i3d_hassony2, "conv3d_1a_7x7.conv3d.weight", "Conv3d_1a_7x7.conv3d.weight"},
    {&fl_keys_i3d_hassony2, "conv3d_2c_3x3.batch3d.running_var", "Conv3d_2c_3x3.bn.running_var"},
    {&fl_keys_i3d_hassony2, "mixed_3b.branch_0.conv3d.weight", "Mixed_3b.b0.conv3d.weight"},
    {&fl_keys_i3d_hassony2, "mixed_4e.branch_1.0.batch3d.bias", "Mixed_4e.b1a.bn.bias"},
    {&fl_keys_i3d_hassony2, "mixed_5c.branch_2.1.conv3d.weight", "Mixed_5c.b2b.conv3d.weight"},
    {&fl_keys_i3d_hassony2, "mixed_5c.branch_3.1.conv3d.weight", "Mixed_5c.b3b.conv3d.weight"},
    {&fl_keys_i3d_hassony2, "conv3d_0c_1x1.conv3d.bias", "logits.conv3d.bias"},
    {&fl_keys_c3d_sequential, "features.0.weight", "conv1.weight"},
    {&fl_keys_c3d_sequential, "features.18.bias", "conv5b.bias"},
    {&fl_keys_c3d_sequential, "features.8.bias", "conv3b.bias"},
    {&fl_keys_c3d_sequential, "classifier.3.weight", "fc7.weight"},
    {&fl_keys_c3d_caffe, "conv2a.weight", "conv2.weight"},
    {&fl_keys_c3d_caffe, "conv3a.weight", "conv3a.weight"},
    {&fl_keys_c3d_caffe, "fc6-1.bias", "fc6.bias"},
    {&fl_keys_resnet50_torchvision, "layer3.5.bn2.running_mean", "base_model.layer3.5.bn2.running_mean"},
    {&fl_keys_resnet50_torchvision, "fc.weight", "new_fc.weight"},
    {&fl_keys_resnet50_shifted, "conv1.weight", "base_model.conv1.weight"},
    {&fl_keys_resnet50_shifted, "layer4.2.conv1.weight", "base_model.layer4.2.conv1.net.weight"},
    {&fl_keys_resnet50_shifted, "layer4.2.conv2.weight", "base_model.layer4.2.conv2.weight"},
    {&fl_keys_resnet50_shifted, "base_model.layer1.0.conv1.weight", "base_model.layer1.0.conv1.net.weight"},
    {&fl_keys_mmaction_resnet50, "backbone.conv1.bn.weight", "base_model.bn1.weight"},
    {&fl_keys_mmaction_resnet50, "backbone.layer1.0.conv1.conv.net.weight", "base_model.layer1.0.conv1.net.weight"},
    {&fl_keys_mmaction_resnet50, "backbone.layer2.0.conv3.conv.weight", "base_model.layer2.0.conv3.weight"},
    {&fl_keys_mmaction_resnet50, "backbone.layer2.0.conv3.bn.running_var", "base_model.layer2.0.bn3.running_var"},
    {&fl_keys_mmaction_resnet50, "backbone.layer2.0.downsample.bn.weight", "base_model.layer2.0.downsample.1.weight"},
    {&fl_keys_mmaction_resnet50, "cls_head.fc_cls.bias", "new_fc.bias"},
    {&fl_keys_lstm_torch, "lstm.weight_hh_l2", "lstm.2.weight_hh"},
    {&fl_keys_lstm_torch, "resnet.4.0.conv1.weight", "cnn.layer1.0.conv1.weight"},
    {&fl_keys_lstm_torch, "cnn.layer1.0.conv1.weight", "cnn.layer1.0.conv1.weight"},
};

TEST(keymap_names)
{
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        char got[256];
        CHECK(fl_key_map_name(NAMES[i].map, NAMES[i].theirs, got, sizeof got));
        CHECK_SAY(strcmp(got, NAMES[i].ours) == 0, "%s: '%s' becomes '%s', wanted '%s'", NAMES[i].map->name, NAMES[i].theirs, got,
                  NAMES[i].ours);
    }
    char small[4], big[512];
    memset(big, 'a', sizeof big - 1);
    big[sizeof big - 1] = 0;
    CHECK(!fl_key_map_name(&fl_keys_own, "conv1", small, sizeof small) && !fl_key_map_name(&fl_keys_own, big, big, sizeof big));
}

/* Every name on the right of the table exists in a network that lists the map. */
TEST(keymap_targets_exist)
{
    for (size_t i = 1; i < sizeof NAMES / sizeof *NAMES; i++) {
        bool found = false;
        for (int k = 0; fl_model_table[k] && !found; k++) {
            const fl_model *m = fl_model_table[k];
            bool listed = false;
            for (int j = 0; m->keys && m->keys[j]; j++) listed |= m->keys[j] == NAMES[i].map;
            if (!listed) continue;
            rig r;
            rig_up(&r, m->name, &(fl_model_options){.lstm_layers = 3, .frames = 16, .height = 64, .width = 64});
            found = fl_graph_find(r.g, NAMES[i].ours) != FL_NONE;
            fl_arena_free(&r.arena);
        }
        CHECK_SAY(found, "no network with map %s has '%s'", NAMES[i].map->name, NAMES[i].ours);
    }
}

/* A file as tiny would write it, every name behind a prefix. */
static void wrapped(rig *r, fl_bundle *file, const char *prefix)
{
    fl_bundle own;
    fl_bundle_init(&own, &r->arena);
    fl_bundle_init(file, &r->arena);
    fl_graph_store(r->g, &own);
    for (int i = 0; i < own.count; i++) {
        char name[160];
        snprintf(name, sizeof name, "%s%s", prefix, own.entry[i].name);
        fl_bundle_add_as(file, name, &own.entry[i]);
    }
}

TEST(keymap_takes_wrappers_off_and_counts)
{
    static const char *const prefixes[] = {"", "module.", "module.module.", "model.", "module.backbone."};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        rig r;
        fl_bundle file;
        fl_match m;
        const int64_t one[1] = {1};
        const real zero[1] = {0};
        char counter[64];
        rig_up(&r, "tiny", &(fl_model_options){0});
        wrapped(&r, &file, prefixes[i]);
        snprintf(counter, sizeof counter, "%sstem_bn.num_batches_tracked", prefixes[i]);
        fl_bundle_add(&file, counter, 0, one, zero);
        fl_bundle_add(&file, "optimiser.step", 1, one, zero);
        CHECK(fl_match_weights(&r.arena, r.g, "", NULL, &file, &m) == FL_OK);
        CHECK_SAY(strcmp(m.prefix, prefixes[i]) == 0, "prefix '%s', wanted '%s'", m.prefix, prefixes[i]);
        CHECK(m.map == &fl_keys_own && m.wanted == 17 && m.matched == 17 && m.missing == 0 && m.misfits == 0 && m.reshaped == 0);
        CHECK(m.unexpected == 1 && strcmp(m.first_unexpected, "optimiser.step") == 0);
        CHECK(fl_graph_load(r.g, &m.bundle) == FL_OK);
        fl_arena_free(&r.arena);
    }
}

TEST(keymap_says_what_is_missing_misshapen_and_reshaped)
{
    rig r;
    fl_bundle file, some;
    fl_match m;
    const int64_t flat[2] = {8, 81}, wrong[2] = {5, 9};
    const real values[648] = {0};
    rig_up(&r, "tiny", &(fl_model_options){0});
    wrapped(&r, &file, "");
    fl_bundle_init(&some, &r.arena);
    for (int i = 0; i < file.count; i++) {
        const char *name = file.entry[i].name;
        if (strcmp(name, "stem.weight") == 0) fl_bundle_add(&some, name, 2, flat, values);
        else if (strcmp(name, "fc.weight") == 0) fl_bundle_add(&some, name, 2, wrong, values);
        else if (strcmp(name, "fc.bias") != 0) fl_bundle_add_as(&some, name, &file.entry[i]);
    }
    CHECK(fl_match_weights(&r.arena, r.g, "", NULL, &some, &m) == FL_OK);
    CHECK(m.matched == 15 && m.reshaped == 1 && m.misfits == 1 && m.missing == 1);
    CHECK(strcmp(m.first_missing, "fc.bias") == 0 && strcmp(m.first_misfit, "fc.weight") == 0);
    CHECK(fl_graph_load(r.g, &m.bundle) == FL_MISFIT && strstr(r.error.message, "fc.bias"));
    r.error.status = FL_OK;
    CHECK(fl_graph_load_found(r.g, &m.bundle) == FL_MISFIT && strstr(r.error.message, "fc.weight") && strstr(r.error.message, "5,9"));
    fl_arena_free(&r.arena);
}

/* A kernel as a matrix holds the same values in the same order. */
TEST(keymap_reshaped_weights_are_the_same_weights)
{
    rig a, b;
    fl_bundle file, flat;
    fl_match m;
    rig_up(&a, "tiny", &(fl_model_options){0});
    rig_up(&b, "tiny", &(fl_model_options){0});
    fl_model_fill_random(a.g, 3);
    fl_bundle_init(&file, &a.arena);
    fl_bundle_init(&flat, &a.arena);
    fl_graph_store(a.g, &file);
    for (int i = 0; i < file.count; i++) {
        const fl_entry *e = &file.entry[i];
        const int64_t matrix[2] = {e->size[0], fl_entry_count(e) / e->size[0]};
        if (e->axes == 5) fl_bundle_add(&flat, e->name, 2, matrix, e->data);
        else fl_bundle_add_as(&flat, e->name, e);
    }
    CHECK(fl_match_weights(&a.arena, b.g, "", NULL, &flat, &m) == FL_OK && m.matched == m.wanted && m.reshaped == 3);
    CHECK(fl_graph_load(b.g, &m.bundle) == FL_OK);
    for (fl_id i = 0; i < a.g->count; i++)
        if (a.g->node[i].role == FL_PARAM)
            CHECK(memcmp(a.g->node[i].value, b.g->node[i].value, (size_t)fl_shape_count(a.g->node[i].shape) * sizeof(real)) == 0);
    fl_arena_free(&a.arena);
    fl_arena_free(&b.arena);
}

TEST(keymap_suggests_the_network)
{
    static const char *const list[] = {"tiny", "c3d_small", "convlstm_small"};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        rig r;
        fl_bundle file;
        int found = 0, wanted = 0;
        rig_up(&r, list[i], &(fl_model_options){0});
        wrapped(&r, &file, "module.");
        const fl_model *m = fl_model_of_weights(&r.arena, &file, &found, &wanted);
        CHECK_SAY(m && strcmp(m->name, list[i]) == 0 && found == wanted && found > 10, "%s looks like %s", list[i],
                  m ? m->name : "nothing");
        fl_arena_free(&r.arena);
    }
    rig r;
    fl_bundle file;
    int found, wanted;
    const int64_t one[1] = {1};
    const real zero[1] = {0};
    rig_up(&r, "tiny", &(fl_model_options){0});
    fl_bundle_init(&file, &r.arena);
    fl_bundle_add(&file, "encoder.wte.weight", 1, one, zero);
    CHECK(fl_model_of_weights(&r.arena, &file, &found, &wanted) == NULL);
    fl_arena_free(&r.arena);
}
