/* Media types by bytes and name, and what people call them. */
#include "model/document/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define OOXML       "application/vnd.openxmlformats-officedocument."
#define OLE         "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#define BYTES(text) text, sizeof(text) - 1

static void test_by_bytes(void **state)
{
    static const struct {
        const char *name, *bytes;
        size_t len;
        const char *type;
    } rows[] = {
        {"a.pdf", BYTES("%PDF-1.7\n"), "application/pdf"},
        {"a", BYTES("\r\n%PDF-1.3\n"), "application/pdf"},
        {"a", BYTES("\xef\xbb\xbf%PDF-1.3\n"), "application/pdf"},
        {"a.pdf", BYTES("\x1b%-12345X@PJL\n%PDF-1.3\n"), "application/pdf"},
        {"a.txt", BYTES("siehe %PDF-1.3\n"), "text/plain"},
        {"a.pdf", BYTES("Guten Tag"), "application/octet-stream"},
        {"a", BYTES("\x89PNG\r\n\x1a\n"), "image/png"},
        {"a", BYTES("\x89PNG"), "application/octet-stream"},
        {"a.jpg", BYTES("\xff\xd8\xff\xe0"), "image/jpeg"},
        {"a.jpg", BYTES("\xff"), "application/octet-stream"},
        {"a", BYTES("RIFF\0\0\0\0WEBP"), "image/webp"},
        {"a", BYTES("XXXX\0\0\0\0WEBP"), "application/octet-stream"},
        {"IMG_1.HEIC",
         BYTES("\0\0\0\x18"
               "ftypheic\0\0\0\0"),
         "image/heic"},
        {"brief.docx", BYTES("PK\3\4"), OOXML "wordprocessingml.document"},
        {"brief.docx", BYTES(OLE), OOXML "wordprocessingml.document"},
        {"brief.docx", BYTES("Guten Tag"), "application/octet-stream"},
        {"brief.doc", BYTES(OLE), "application/msword"},
        {"brief.doc", BYTES("PK\3\4"), "application/zip"},
        {"a.zip", BYTES("PK\5\6"), "application/zip"},
        {"a.txt",
         BYTES("Gr\xc3\xbc\xc3\x9f"
               "e\n"),
         "text/plain"},
        {"a.txt", BYTES("Gr\xc3"), "text/plain"},
        {"a.txt",
         BYTES("Gr\xfc\xdf"
               "e\n"),
         "text/plain; charset=windows-1252"},
        {"a.txt",
         BYTES("Gr\x81\xdf"
               "e\n"),
         "application/octet-stream"},
        {"a.txt", BYTES("\xff\xfeG\0r\0\xfc\0"), "text/plain; charset=utf-16le"},
        {"a.txt", BYTES("\xfe\xff\0G\0r\0\xfc"), "text/plain; charset=utf-16be"},
        {"a.txt", BYTES("\xff\xfe\0\0G\0"), "application/octet-stream"},
        {"a.txt", BYTES("\0\0\0\0\0\0\0\0\0\0"), "application/octet-stream"},
        {"a.txt", BYTES("a\0b"), "application/octet-stream"},
        {"a.csv", BYTES("a;b\n"), "text/csv"},
        {"a.csv", BYTES("\0\0"), "application/octet-stream"},
        {"a.bmp", BYTES("BM\1\2\3\4\0\0\0\0"), "image/bmp"},
        {"a.bmp", BYTES("B"), "application/octet-stream"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(
            kz_document_type(rows[i].name, (const unsigned char *)rows[i].bytes, rows[i].len),
            rows[i].type);
}

/* While nothing has come, the name is all there is; a PDF or a picture it can't make. */
static void test_by_name(void **state)
{
    (void)state;
    assert_string_equal(kz_document_type("a.DOCX", NULL, 0), OOXML "wordprocessingml.document");
    assert_string_equal(kz_document_type("a.7z", NULL, 0), "application/x-7z-compressed");
    assert_string_equal(kz_document_type("a.pdf", NULL, 0), "application/octet-stream");
    assert_string_equal(kz_document_type("a.txt", NULL, 0), "text/plain");
    assert_string_equal(kz_document_type("a", NULL, 0), "application/octet-stream");
}

static void test_words(void **state)
{
    (void)state;
    assert_string_equal(kz_document_type_word("application/pdf"), "type.pdf");
    assert_string_equal(kz_document_type_word("image/heic"), "type.heic");
    assert_string_equal(kz_document_type_word("text/plain; charset=utf-16le"), "type.text");
    assert_string_equal(kz_document_type_word("text/plainer"), "type.other");
    assert_string_equal(kz_document_type_word("application/octet-stream"), "type.other");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_bytes),
        cmocka_unit_test(test_by_name),
        cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
