/* clip_folder.c: a folder with one image per frame, ordered by name as people count: frame2 before frame10.
 *
 * PPM, PGM, PAM and PNG files are read here. JPEG files are handed to ffmpeg, all in one stream. */
#include "io/clip_formats.h"
#include "io/folder.h"

#include <string.h>
#include <strings.h>

typedef struct names { const char *prefix, *const *endings; } names;

static bool is_named(const char *path, const void *user)
{
    const names *n = user;
    const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (strncmp(name, n->prefix, strlen(n->prefix)) != 0) return false;
    for (const char *const *ending = n->endings; dot && *ending; ending++)
        if (strcasecmp(dot + 1, *ending) == 0) return true;
    return false;
}

/* One file into its place; the first one decides the size. */
static fl_status read_image(const fl_source *s, fl_arena *scratch, const char *path, int index, int count,
                            fl_clip *clip, unsigned char **rgb, fl_sha256 *hash)
{
    fl_bytes bytes;
    fl_clip one;
    fl_status status = fl_file_read(scratch, path, FL_CLIP_BYTES, &bytes);
    if (status == FL_OK) status = fl_clip_decode(scratch, bytes, path, NULL, &one);
    if (status != FL_OK) return status;
    if (one.frames != 1)
        return fl_error_set(scratch->error, FL_UNREADABLE, "%s: one image per file expected in a folder, got %d",
                            path, one.frames);
    if (index == 0) *rgb = fl_clip_frames(s, clip, count, one.height, one.width);
    if (!*rgb) return fl_source_status(s);
    if (one.height != clip->height || one.width != clip->width)
        return fl_error_set(scratch->error, FL_UNREADABLE, "%s: a size of %d x %d as before expected, got %d x %d",
                            path, clip->width, clip->height, one.width, one.height);
    size_t frame = (size_t)one.height * (size_t)one.width * 3;
    memcpy(*rgb + (size_t)index * frame, one.rgb, frame);
    if (one.note[0]) fl_clip_note(clip, one.note);
    fl_sha256_add(hash, bytes.data, bytes.size);
    return FL_OK;
}

static fl_status read_images(const fl_source *s, fl_arena *scratch, const fl_listing *f, fl_clip *clip)
{
    fl_sha256 hash;
    unsigned char *rgb = NULL;
    fl_status status = FL_OK;
    fl_sha256_begin(&hash);
    for (int i = 0; i < f->count && status == FL_OK; i++) {
        fl_mark mark = fl_arena_mark(scratch);
        status = read_image(s, scratch, f->path[i], i, f->count, clip, &rgb, &hash);
        fl_arena_release(scratch, mark);
    }
    fl_sha256_end(&hash, clip->sha256);
    return status;
}

static fl_status read_jpegs(const fl_source *s, fl_arena *scratch, const fl_listing *f, fl_clip *clip)
{
    fl_spool spool;
    fl_sha256 hash;
    fl_sha256_begin(&hash);
    fl_status status = fl_spool_begin(&spool, s->arena->error);
    for (int i = 0; i < f->count && status == FL_OK; i++) {
        fl_bytes bytes;
        fl_mark mark = fl_arena_mark(scratch);
        status = fl_file_read(scratch, f->path[i], FL_CLIP_BYTES, &bytes);
        if (status == FL_OK) status = fl_spool_add(&spool, bytes);
        if (status == FL_OK) fl_sha256_add(&hash, bytes.data, bytes.size);
        fl_arena_release(scratch, mark);
    }
    if (status == FL_OK) status = fl_clip_ffmpeg(s->arena, spool.path, s->name, clip);
    fl_spool_end(&spool);
    fl_sha256_end(&hash, clip->sha256);
    if (status == FL_OK && clip->frames != f->count)
        status = fl_error_set(s->arena->error, FL_UNREADABLE, "%s: ffmpeg made %d frames of %d JPEG files; convert "
                              "them to PNG", s->name, clip->frames, f->count);
    return status;
}

static fl_status read_found(const fl_source *s, const char *prefix, fl_arena *scratch, const fl_listing *images,
                            const fl_listing *jpegs, fl_clip *clip)
{
    if (images->count > 0 && jpegs->count > 0)
        return fl_error_set(s->arena->error, FL_UNREADABLE, "%s: holds %d PPM or PNG and %d JPEG files; which are "
                            "the frames? keep only those", s->name, images->count, jpegs->count);
    if (images->count + jpegs->count == 0)
        return fl_error_set(s->arena->error, FL_UNREADABLE, "%s: no frames in this folder: %s*.ppm, *.pgm, *.pam, "
                            "*.png (or *.jpg, with ffmpeg) expected", s->name, prefix);
    snprintf(clip->format, sizeof clip->format, images->count ? "folder" : "folder by ffmpeg");
    return images->count ? read_images(s, scratch, images, clip) : read_jpegs(s, scratch, jpegs, clip);
}

fl_status fl_clip_folder(fl_arena *a, const char *path, const char *prefix, fl_clip *clip)
{
    static const char *const image_endings[] = {"ppm", "pgm", "pam", "pnm", "png", NULL};
    static const char *const jpeg_endings[] = {"jpg", "jpeg", NULL};
    const names image = {prefix, image_endings}, jpeg = {prefix, jpeg_endings};
    const fl_source s = {a, {0}, path};
    fl_arena scratch;
    fl_listing images, jpegs;
    fl_arena_init_beside(&scratch, a);
    fl_status status = fl_folder_list(&scratch, path, is_named, &image, &images);
    if (status == FL_OK) status = fl_folder_list(&scratch, path, is_named, &jpeg, &jpegs);
    if (status == FL_OK) status = read_found(&s, prefix, &scratch, &images, &jpegs, clip);
    fl_arena_free(&scratch);
    return status;
}
