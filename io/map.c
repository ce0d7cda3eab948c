/* map.c: mmap of regular files, reading of everything else. */
#include "io/map.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool map_regular(const char *path, fl_mapped *m)
{
    struct stat s;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    if (fstat(file, &s) == 0 && S_ISREG(s.st_mode) && s.st_size > 0 && (uintmax_t)s.st_size <= SIZE_MAX) {
        void *p = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (p != MAP_FAILED) *m = (fl_mapped){{p, (size_t)s.st_size}, true};
    }
    close(file);
    return m->mapped;
}

fl_status fl_map_open(fl_arena *a, const char *path, fl_mapped *m)
{
    memset(m, 0, sizeof *m);
    if (strcmp(path, "-") != 0 && fl_file_is_regular(path) && map_regular(path, m)) return FL_OK;
    return fl_file_read(a, path, FL_FILE_CAP, &m->bytes);
}

void fl_map_close(fl_mapped *m)
{
    if (m->mapped) munmap((void *)m->bytes.data, m->bytes.size);
    memset(m, 0, sizeof *m);
}

void fl_map_forget(const void *bytes, size_t size)
{
    /* from the page's beginning */
    const size_t before = (size_t)((uintptr_t)bytes % (uintptr_t)sysconf(_SC_PAGESIZE));
    const unsigned char *first = (const unsigned char *)bytes - before;
    if (size) (void)madvise((void *)first, before + size, MADV_DONTNEED);        /* a wish: nothing depends on it */
}
