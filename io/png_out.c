/* png_out.c: stb_image_write with its memory taken from an arena.
 *
 * stb does not survive a failed allocation (it asserts, then writes to NULL), so our allocator never returns NULL:
 * it leaves the encoder with longjmp, which is safe because stb holds nothing but memory. It asks for many small
 * pieces; they are cut from a few large ones and given back together when the picture is done. */
#include "io/png_out.h"

#include <setjmp.h>
#include <string.h>

enum { PIECE = 1 << 20, STEP = 16 };

typedef struct pool {
    fl_arena *arena;
    unsigned char *free;
    size_t left;
    jmp_buf out_of_memory;
} pool;

static _Thread_local pool *current;      /* stb's allocator has no argument for it */

static void *take(size_t size)
{
    size_t bytes = (size + STEP - 1) / STEP * STEP;
    if (bytes > current->left) {
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

fl_status fl_png_encode(fl_buffer *out, const unsigned char *rgb, int width, int height)
{
    if (fl_png_check(width, height, out->arena->error) != FL_OK) return FL_USAGE;
    /* At worst stb stores the lines as they are: blocks of 32767 bytes with 5 bytes each, and the chunks around them.
     * Reserved first, because what is allocated after the mark goes away with the encoder's memory. */
    size_t lines = ((size_t)width * 3 + 1) * (size_t)height;
    if (!fl_buffer_reserve(out, lines + lines / 32767 * 5 + 128)) return FL_FAILED;
    int size = 0;
    fl_mark mark = fl_arena_mark(out->arena);
    pool p = {.arena = out->arena};
    unsigned char *file = encode(&p, rgb, width, height, &size);
    if (file) fl_buffer_add(out, file, (size_t)size);
    else out->failed = true;
    fl_arena_release(out->arena, mark);
    return file ? FL_OK : FL_FAILED;
}

void fl_png_chunk(fl_buffer *out, const char *type, const void *content, size_t count)
{
    fl_buffer_u32(out, (uint32_t)count);
    size_t start = out->size;
    fl_buffer_add(out, type, 4);
    fl_buffer_add(out, content, count);
    if (!out->failed) fl_buffer_u32(out, fl_crc32(out->data + start, out->size - start));
}
