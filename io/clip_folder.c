/* clip_folder.c: a folder with one image per frame, ordered by name as people count: frame2 before frame10.
 *
 * PPM, PGM, PAM and PNG files are read here. JPEG files are handed to ffmpeg, all in one stream. */
#include "io/clip_formats.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool ends_with(const char *name, const char *const endings[])
{
    const char *dot = strrchr(name, '.');
    for (int i = 0; dot && name[0] != '.' && endings[i]; i++)
        if (strcasecmp(dot + 1, endings[i]) == 0) return true;
    return false;
}

/* Runs of digits compare as numbers, everything else as bytes; equal so far, the plain order decides. */
static int by_natural_order(const void *a, const void *b)
{
    const char *first = *(const char *const *)a, *second = *(const char *const *)b;
    const char *p = first, *q = second;
    while (*p && *q) {
        if (isdigit((unsigned char)*p) && isdigit((unsigned char)*q)) {
            while (*p == '0') p++;
            while (*q == '0') q++;
            size_t m = strspn(p, "0123456789"), n = strspn(q, "0123456789");
            int order = m != n ? (m < n ? -1 : 1) : strncmp(p, q, n);
            if (order) return order;
            p += m;
            q += n;
        } else {
            if (*p != *q) return (unsigned char)*p - (unsigned char)*q;
            p++;
            q++;
        }
    }
    return *p || *q ? (*p != 0) - (*q != 0) : strcmp(first, second);
}

/* The paths of the files with one of these endings, sorted. Counts first, since the arena gives lists of fixed
 * length. */
static fl_status list_files(fl_arena *a, const char *folder, const char *const endings[], char ***list, int *count)
{
    DIR *d = opendir(folder);
    if (!d)
        return fl_error_set(a->error, FL_UNREADABLE, "%s: the folder cannot be read: %s", folder, strerror(errno));
    int room = 0;
    for (struct dirent *e; (e = readdir(d));) room += ends_with(e->d_name, endings);
    *list = FL_NEW(a, char *, room);
    *count = 0;
    rewinddir(d);
    for (struct dirent *e; *list && *count < room && (e = readdir(d));) {
        if (!ends_with(e->d_name, endings)) continue;
        char *path = fl_arena_text(a, "%s/%s", folder, e->d_name);
        if (!path) *list = NULL;
        else (*list)[(*count)++] = path;
    }
    closedir(d);
    if (!*list) return fl_error_set(a->error, FL_FAILED, "%s: memory ran out", folder);
    qsort(*list, (size_t)*count, sizeof **list, by_natural_order);
    return FL_OK;
}

/* One file into its place; the first one decides the size. */
static fl_status read_frame(const fl_source *s, fl_arena *scratch, const char *path, int index, int count,
                            fl_clip *clip, fl_sha256 *hash)
{
    fl_bytes bytes;
    fl_clip one;
    fl_status status = fl_file_read(scratch, path, FL_CLIP_BYTES, &bytes);
    if (status == FL_OK) status = fl_clip_decode(scratch, bytes, path, NULL, &one);
    if (status != FL_OK) return status;
    if (one.frames != 1)
        return fl_error_set(scratch->error, FL_UNREADABLE, "%s: one image per file expected in a folder, got %d",
                            path, one.frames);
    if (index == 0 && !fl_clip_frames(s, clip, count, one.height, one.width)) return fl_source_status(s);
    if (one.height != clip->height || one.width != clip->width)
        return fl_error_set(scratch->error, FL_UNREADABLE, "%s: a size of %d x %d as before expected, got %d x %d",
                            path, clip->width, clip->height, one.width, one.height);
    size_t frame = (size_t)one.height * (size_t)one.width * 3;
    memcpy((unsigned char *)(uintptr_t)clip->rgb + (size_t)index * frame, one.rgb, frame);
    if (one.note[0]) fl_clip_note(clip, one.note);
    fl_sha256_add(hash, bytes.data, bytes.size);
    return FL_OK;
}

static fl_status read_frames(const fl_source *s, fl_arena *scratch, char **list, int count, fl_clip *clip)
{
    fl_sha256 hash;
    fl_status status = FL_OK;
    fl_sha256_begin(&hash);
    for (int i = 0; i < count && status == FL_OK; i++) {
        fl_mark mark = fl_arena_mark(scratch);
        status = read_frame(s, scratch, list[i], i, count, clip, &hash);
        fl_arena_release(scratch, mark);
    }
    fl_sha256_end(&hash, clip->sha256);
    return status;
}

static fl_status read_jpegs(fl_arena *a, fl_arena *scratch, const char *folder, char **list, int count, fl_clip *clip)
{
    fl_spool spool;
    fl_sha256 hash;
    fl_sha256_begin(&hash);
    fl_status status = fl_spool_begin(&spool, a->error);
    for (int i = 0; i < count && status == FL_OK; i++) {
        fl_bytes bytes;
        fl_mark mark = fl_arena_mark(scratch);
        status = fl_file_read(scratch, list[i], FL_CLIP_BYTES, &bytes);
        if (status == FL_OK) status = fl_spool_add(&spool, bytes);
        if (status == FL_OK) fl_sha256_add(&hash, bytes.data, bytes.size);
        fl_arena_release(scratch, mark);
    }
    if (status == FL_OK) status = fl_clip_ffmpeg(a, spool.path, folder, clip);
    fl_spool_end(&spool);
    fl_sha256_end(&hash, clip->sha256);
    if (status == FL_OK && clip->frames != count)
        status = fl_error_set(a->error, FL_UNREADABLE, "%s: ffmpeg made %d frames of %d JPEG files; convert them "
                              "to PNG", folder, clip->frames, count);
    return status;
}

fl_status fl_clip_folder(fl_arena *a, const char *path, fl_clip *clip)
{
    static const char *const ours[] = {"ppm", "pgm", "pam", "pnm", "png", NULL};
    static const char *const jpeg[] = {"jpg", "jpeg", NULL};
    const fl_source s = {a, {0}, path};
    fl_arena scratch;
    char **list = NULL, **jpegs = NULL;
    int count = 0, jpeg_count = 0;
    fl_arena_init(&scratch, a->error);
    fl_status status = list_files(&scratch, path, ours, &list, &count);
    if (status == FL_OK) status = list_files(&scratch, path, jpeg, &jpegs, &jpeg_count);
    snprintf(clip->format, sizeof clip->format, count ? "folder" : "folder by ffmpeg");
    if (status == FL_OK && count > 0 && jpeg_count > 0)
        status = fl_error_set(a->error, FL_UNREADABLE, "%s: holds %d PPM or PNG and %d JPEG files; which are the "
                              "frames? keep only those", path, count, jpeg_count);
    else if (status == FL_OK && count + jpeg_count == 0)
        status = fl_error_set(a->error, FL_UNREADABLE, "%s: no frames in this folder: *.ppm, *.pgm, *.pam, *.png "
                              "(or *.jpg, with ffmpeg) expected", path);
    else if (status == FL_OK && count > 0)
        status = read_frames(&s, &scratch, list, count, clip);
    else if (status == FL_OK)
        status = read_jpegs(a, &scratch, path, jpegs, jpeg_count, clip);
    fl_arena_free(&scratch);
    return status;
}
