/* test_io_file.c: whole files in and out, through files and pipes; SHA-256 against the values of FIPS 180-4. */
#include "io/file.h"
#include "io/sha256.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *scratch(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", fl_test_folder(), name);
    return path;
}

TEST(io_file_comes_back_as_written)
{
    fl_error err = {0};
    fl_arena a;
    fl_bytes b;
    fl_arena_init(&a, &err);
    const char text[] = "some\0bytes\n";
    CHECK(fl_file_write(scratch("bytes"), text, sizeof text, &err) == FL_OK);
    CHECK(fl_file_read(&a, scratch("bytes"), 100, &b) == FL_OK);
    CHECK(b.size == sizeof text && memcmp(b.data, text, sizeof text) == 0);
    CHECK(fl_file_read(&a, scratch("bytes"), sizeof text, &b) == FL_OK);
    CHECK(fl_file_read(&a, scratch("bytes"), sizeof text - 1, &b) == FL_UNREADABLE);
    CHECK(strstr(err.message, "more than 11 bytes") != NULL);
    fl_error_clear(&err);
    CHECK(fl_file_read(&a, scratch("nowhere"), 100, &b) == FL_UNREADABLE);
    CHECK(strstr(err.message, "nowhere") && strstr(err.message, "No such file"));
    fl_error_clear(&err);
    CHECK(fl_file_read(&a, fl_test_folder(), 100, &b) == FL_UNREADABLE && strstr(err.message, "folder"));
    fl_arena_free(&a);
}

/* A pipe has no size: the reader must put pieces together, here more than one. */
TEST(io_file_reads_a_pipe)
{
    fl_error err = {0};
    fl_arena a;
    fl_bytes b;
    fl_arena_init(&a, &err);
    FILE *pipe = popen("for i in 1 2 3; do head -c 100000 /dev/zero | tr '\\0' $i; done", "r");
    CHECK(fl_stream_read(&a, pipe, "pipe", 1 << 20, &b) == FL_OK);
    CHECK(b.size == 300000 && b.data[0] == '1' && b.data[99999] == '1');
    CHECK(b.size == 300000 && b.data[100000] == '2' && b.data[299999] == '3');
    pclose(pipe);
    pipe = popen("head -c 100000 /dev/zero", "r");
    CHECK(fl_stream_read(&a, pipe, "pipe", 99999, &b) == FL_UNREADABLE);
    pclose(pipe);
    fl_arena_free(&a);
}

TEST(io_file_appears_whole_or_not_at_all)
{
    fl_error err = {0};
    fl_writer w;
    char count[64];
    fl_file_write(scratch("kept"), "old", 3, &err);
    CHECK(fl_write_begin(&w, scratch("kept"), &err) == FL_OK);
    fprintf(w.stream, "half of the n");
    fl_write_end(&w, false);
    fl_test_shell(count, sizeof count, "cat %s; ls %s | grep -c tmp", scratch("kept"), fl_test_folder());
    CHECK_SAY(strcmp(count, "old0\n") == 0, "after giving up: '%s'", count);
    CHECK(fl_write_begin(&w, scratch("kept"), &err) == FL_OK);
    fprintf(w.stream, "new");
    w.to_disk = true;
    CHECK(fl_write_end(&w, true) == FL_OK);
    fl_test_shell(count, sizeof count, "cat %s; ls %s | grep -c tmp", scratch("kept"), fl_test_folder());
    CHECK_SAY(strcmp(count, "new0\n") == 0, "after keeping: '%s'", count);
    CHECK(fl_write_begin(&w, scratch("no/such/folder"), &err) == FL_FAILED && err.status == FL_FAILED);
    CHECK(fl_write_end(&w, true) == FL_FAILED);
}

/* /dev/full takes no byte: the failure shows only when the buffer is flushed. Nor may a file replace it. */
TEST(io_file_notices_a_full_disk)
{
    fl_error err = {0};
    if (!fl_file_exists("/dev/full")) SKIP("no /dev/full here");
    CHECK(fl_file_write("/dev/full", "x", 1, &err) == FL_FAILED);
    CHECK(strstr(err.message, "No space left") != NULL);
    CHECK(access("/dev/full", F_OK) == 0 && !fl_file_exists("/dev/full.tmp"));
}

TEST(io_file_makes_folders)
{
    fl_error err = {0};
    char path[600];
    snprintf(path, sizeof path, "%s//a/b/c/", fl_test_folder());
    CHECK(fl_folder_make(path, &err) == FL_OK && fl_folder_exists(path));
    CHECK(fl_folder_make(path, &err) == FL_OK);
    fl_file_write(scratch("a/file"), "", 0, &err);
    CHECK(fl_folder_make(scratch("a/file/d"), &err) == FL_FAILED && strstr(err.message, "a/file"));
}

TEST(io_file_survives_every_failed_allocation)
{
    fl_error err = {0};
    fl_arena a;
    fl_bytes b;
    long k = 1;
    for (fl_status status = FL_FAILED; status != FL_OK && k < 100; k++) {
        fl_error_clear(&err);
        fl_arena_init(&a, &err);
        FILE *pipe = popen("head -c 100000 /dev/zero", "r");
        fl_arena_fail_at(k);
        status = fl_stream_read(&a, pipe, "pipe", 1 << 20, &b);
        fl_arena_fail_at(0);
        CHECK(status == err.status);
        pclose(pipe);
        fl_arena_free(&a);
    }
    CHECK_SAY(k == 5, "two pieces and the whole make 3 allocations, got %ld", k - 2);
}

TEST(io_sha256_of_the_standard)
{
    fl_sha256_text hex;
    fl_sha256_bytes("", 0, hex);
    CHECK(strcmp(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") == 0);
    fl_sha256_bytes("abc", 3, hex);
    CHECK(strcmp(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") == 0);
    fl_sha256_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, hex);
    CHECK(strcmp(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1") == 0);
    fl_sha256 s;                                 /* a million times "a", in uneven pieces */
    static char a[1000];
    memset(a, 'a', sizeof a);
    fl_sha256_begin(&s);
    for (size_t done = 0, n; done < 1000000; done += n) {
        n = 1 + done % 997;
        if (n > 1000000 - done) n = 1000000 - done;
        fl_sha256_add(&s, a, n);
    }
    fl_sha256_end(&s, hex);
    CHECK(strcmp(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0") == 0);
}

TEST(io_sha256_of_a_file)
{
    fl_error err = {0};
    fl_sha256_text hex, want;
    static unsigned char data[50000];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (unsigned char)(i * i >> 7);
    fl_file_write(scratch("hashed"), data, sizeof data, &err);
    fl_sha256_bytes(data, sizeof data, want);
    CHECK(fl_sha256_file(scratch("hashed"), hex, &err) == FL_OK && strcmp(hex, want) == 0);
    CHECK(fl_sha256_file(scratch("missing"), hex, &err) == FL_UNREADABLE && hex[0] == 0);
}
