/* reasons.c: what the result says of itself, beside what holds now. */
#include "io/cli/reasons.h"

#include "tensor/kernels.h"

#include <string.h>

static fl_status add(const fl_recalled *r, fl_reasons *to, const char *text)
{
    if (!text) return r->cli.error->status;
    if (to->count < FL_MAX_REASONS) to->text[to->count++] = text;
    return FL_OK;
}

fl_status fl_reasons_of_build(const fl_recalled *r, fl_reasons *to)
{
    const char *precision = fl_recall_text(r->result, "precision"), *version = fl_recall_text(r->result, "version");
    const fl_json_value *fused = fl_json_get(r->result, "fused_multiply_add");
    const bool fuses = strcmp(fl_isa_name(), "base") != 0;
    if (precision && strcmp(precision, FL_REAL_NAME) != 0 &&
        add(r, to, fl_arena_text(r->cli.arena, "it was made in %s, and this build computes in %s", precision, FL_REAL_NAME)) != FL_OK)
        return r->cli.error->status;
    if (fused && fused->kind == FL_JSON_BOOL && (fused->number != 0) != fuses &&
        add(r, to, fuses ? "it was made without fused multiply-adds, as --isa base computes"
                         : "it was made with fused multiply-adds, which --isa base has not") != FL_OK)
        return r->cli.error->status;
    if (!version || strcmp(version, FL_VERSION) == 0) return FL_OK;
    return add(r, to, fl_arena_text(r->cli.arena, "footlight %s made it, and this is %s", version, FL_VERSION));
}

/* ---- after the run ---- */

static bool same_frames(const fl_json_value *then, const fl_input *in)
{
    int t = 0;
    if (!then || !in->frame) return true;
    for (const fl_json_value *v = then->first; v; v = v->next, t++)
        if (t >= in->shape.t || !v->is_integer || v->integer != in->frame[t]) return false;
    return t == in->shape.t;
}

static const fl_json_value *recorded_map(const fl_recalled *r, const char *method)
{
    const fl_json_value *maps = fl_json_get(r->result, "maps");
    for (const fl_json_value *v = maps ? maps->first : NULL; v; v = v->next) {
        const char *name = fl_recall_text(v, "method");
        if (name && strcmp(name, method) == 0) return v;
    }
    return NULL;
}

static fl_status add_setting(const fl_recalled *r, fl_reasons *to, const char *method, const char *key, const char *then, const char *now)
{
    return add(r, to, fl_arena_text(r->cli.arena, "%s: %s was %s, and is %s", method, key,
                                    then ? then : "not there", now ? now : "not there"));
}

/* Presets may have changed. */
static fl_status compare_settings(const fl_recalled *r, const fl_explained *e, fl_reasons *to)
{
    const char *method = e->map.method->name;
    const fl_json_value *map = recorded_map(r, method), *then = fl_json_get(map, "settings"), *partial = fl_json_get(map, "partial");
    if (partial && partial->kind == FL_JSON_BOOL && partial->number != 0 &&
        add(r, to, fl_arena_text(r->cli.arena, "%s: --time had stopped it, and now it ran to its end", method)) != FL_OK)
        return r->cli.error->status;
    if (!then || then->kind != FL_JSON_OBJECT) return FL_OK;
    for (int i = 0; i < e->settings.count; i++) {
        const fl_pair now = e->settings.item[i];
        const char *was = fl_recall_text(then, now.key);
        if ((!was || strcmp(was, now.value) != 0) && add_setting(r, to, method, now.key, was, now.value) != FL_OK)
            return r->cli.error->status;
    }
    for (const fl_json_value *v = then->first; v; v = v->next) {
        bool there = false;
        for (int i = 0; i < e->settings.count; i++) there |= strcmp(e->settings.item[i].key, v->key) == 0;
        if (!there && add_setting(r, to, method, v->key, v->string, NULL) != FL_OK) return r->cli.error->status;
    }
    return FL_OK;
}

fl_status fl_reasons_of_run(const fl_recalled *r, const fl_explanation *x, fl_reasons *to)
{
    const fl_json_value *input = fl_json_get(r->result, "input"), *target = fl_json_get(fl_json_get(r->result, "target"), "index");
    const int class_index = x->done[0].map.options.target.class_index;
    if (!same_frames(fl_json_get(input, "frames"), &x->session->input) && add(r, to, "other frames of the clip were taken") != FL_OK)
        return r->cli.error->status;
    if (target && target->is_integer && target->integer != class_index &&
        add(r, to, fl_arena_text(r->cli.arena, "class %lld was explained, and now %d", (long long)target->integer, class_index)) != FL_OK)
        return r->cli.error->status;
    for (int i = 0; i < x->methods.count; i++)
        if (compare_settings(r, &x->done[i], to) != FL_OK) return r->cli.error->status;
    return FL_OK;
}
