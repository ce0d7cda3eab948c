/* png_out.c: stb_image_write with its memory taken from an arena.
 *
 * stb does not survive a failed allocation (it asserts, then writes to NULL), so our allocator never returns NULL:
 * it leaves the encoder with longjmp, which is safe because stb holds nothing but memory. It asks for many small
 * pieces; they are cut from a few large ones and given back together when the picture is done. Several pictures are made
 * at a time with room measured out beforehand, because an arena serves one thread. */
#include "io/png_out.h"

#include "tensor/par.h"

#include <setjmp.h>
#include <string.h>

enum {
    PIECE = 1 << 20, STEP = 16,
    TABLES = 10 << 20, COPIES = 8,           /* bytes that a picture takes: for what was seen before, and in lengths of its lines */
    MOST_SHARES = 8                          /* of the pictures made at a time, each with its own room */
};

typedef struct pool {
    fl_arena *arena;                         /* or NULL: there is no more than the piece at hand */
    unsigned char *free;
    size_t left;
    jmp_buf out_of_memory;
} pool;

static _Thread_local pool *current;      /* stb's allocator has no argument for it */

static void *take(size_t size)
{
    size_t bytes = (size + STEP - 1) / STEP * STEP;
    if (bytes > current->left) {
        if (!current->arena) longjmp(current->out_of_memory, 1);
        current->left = bytes > PIECE ? bytes : PIECE;
        current->free = FL_NEW(current->arena, unsigned char, current->left);
        if (!current->free) longjmp(current->out_of_memory, 1);
    }
    unsigned char *p = current->free;
    current->free += bytes;
    current->left -= bytes;
    return p;
}

static void *grow(const void *old, size_t old_size, size_t size)
{
    void *p = take(size);
    if (old) memcpy(p, old, old_size < size ? old_size : size);
    return p;
}

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBIW_ASSERT(condition)          fl_assert(condition)
#define STBIW_MALLOC(size)               take((size_t)(size))
#define STBIW_REALLOC_SIZED(p, old, new) grow((p), (size_t)(old), (size_t)(new))
#define STBIW_FREE(p)                    ((void)(p))
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wsign-compare"
#include <stb_image_write.h>
#pragma GCC diagnostic pop

/* The file as stb makes it, in the pool, or NULL. Apart from the caller so that no variable lives across setjmp. */
static unsigned char *encode(pool *p, const unsigned char *rgb, int width, int height, int *size)
{
    unsigned char *file = NULL;
    current = p;
    if (!setjmp(p->out_of_memory)) file = stbi_write_png_to_mem(rgb, 3 * width, width, height, 3, size);
    current = NULL;
    return file;
}

fl_status fl_png_check(int width, int height, fl_error *error)
{
    if (width >= 1 && height >= 1 && (uint64_t)width * 3 + 1 <= (1u << 28) / (uint64_t)height) return FL_OK;
    return fl_error_set(error, FL_USAGE, "PNG: a picture of %d x %d; expected sides of at least 1 and less than 2^28 "
                        "bytes; use fewer or smaller frames", width, height);
}

static size_t lines_of(int width, int height) { return ((size_t)width * 3 + 1) * (size_t)height; }

/* At worst stb stores the lines as they are: blocks of 32767 bytes with 5 bytes each, and the chunks around them. Before any mark:
 * what is allocated after it goes away with the encoder's memory. */
static bool reserve(fl_buffer *out, int width, int height)
{
    const size_t lines = lines_of(width, height);
    return fl_buffer_reserve(out, lines + lines / 32767 * 5 + 128);
}

fl_status fl_png_encode(fl_buffer *out, const unsigned char *rgb, int width, int height)
{
    if (fl_png_check(width, height, out->arena->error) != FL_OK) return FL_USAGE;
    if (!reserve(out, width, height)) return FL_FAILED;
    int size = 0;
    fl_mark mark = fl_arena_mark(out->arena);
    pool p = {.arena = out->arena};
    unsigned char *file = encode(&p, rgb, width, height, &size);
    if (file) fl_buffer_add(out, file, (size_t)size);
    else out->failed = true;
    fl_arena_release(out->arena, mark);
    return file ? FL_OK : FL_FAILED;
}

static int min(int a, int b) { return a < b ? a : b; }

fl_status fl_png_encode_each(fl_buffer *out, const unsigned char *const *rgb, int count, int width, int height)
{
    fl_arena *arena = out->arena;
    if (fl_png_check(width, height, arena->error) != FL_OK) return FL_USAGE;
    for (int i = 0; i < count; i++)
        if (!reserve(&out[i], width, height)) return FL_FAILED;
    const size_t room = TABLES + COPIES * lines_of(width, height);
    const int shares = min(min(count, fl_threads()), MOST_SHARES);
    const fl_mark mark = fl_arena_mark(arena);
    unsigned char *rooms = FL_NEW(arena, unsigned char, room * (size_t)shares);
    if (!rooms) return FL_FAILED;
    FL_PARALLEL(share, shares, 150.0 * width * height * count) {
        for (int i = (int)(count * share / shares); i < count * (share + 1) / shares; i++) {
            pool p = {.free = rooms + room * (size_t)share, .left = room};
            int size = 0;
            const unsigned char *file = encode(&p, rgb[i], width, height, &size);
            if (file) fl_buffer_add(&out[i], file, (size_t)size);
        }
    }
    fl_arena_release(arena, mark);
    for (int i = 0; i < count; i++)          /* what did not fit into its room */
        if (!out[i].size && fl_png_encode(&out[i], rgb[i], width, height) != FL_OK) return FL_FAILED;
    return FL_OK;
}

void fl_png_chunk(fl_buffer *out, const char *type, const void *content, size_t count)
{
    fl_buffer_u32(out, (uint32_t)count);
    size_t start = out->size;
    fl_buffer_add(out, type, 4);
    fl_buffer_add(out, content, count);
    if (!out->failed) fl_buffer_u32(out, fl_crc32(out->data + start, out->size - start));
}
