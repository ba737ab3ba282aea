/* Media types of uploaded files. What is shown in the page must be what it claims to be: PDF,
 * raster pictures and plain text; all else is downloaded. */
#include "model/document/document.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"

#define OCTETS     "application/octet-stream"
#define PDF        "application/pdf"
#define TEXT       "text/plain"
#define OOXML      "application/vnd.openxmlformats-officedocument."
#define ODF        "application/vnd.oasis.opendocument."
#define PDF_WITHIN 1024 /* bytes: where readers look for the header (ISO 32000-1, H.3, note 13) */

#define MAGIC(bytes, at, type)                                                                     \
    {                                                                                              \
        bytes, at, sizeof(bytes) - 1, type                                                         \
    }

typedef struct head_t {
    const unsigned char *bytes;
    size_t len;
} head_t;

static int has(const head_t *head, size_t at, const char *bytes, size_t len)
{
    return head->len >= at + len && memcmp(head->bytes + at, bytes, len) == 0;
}

/* Each is at least three bytes long; the files of ISO 14496-12 are told apart by their brand. */
static const struct {
    const char *bytes;
    size_t at, len;
    const char *type;
} magics[] = {
    MAGIC("\x89PNG\r\n\x1a\n", 0, "image/png"),
    MAGIC("\xff\xd8\xff", 0, "image/jpeg"),
    MAGIC("GIF87a", 0, "image/gif"),
    MAGIC("GIF89a", 0, "image/gif"),
    MAGIC("II*\0", 0, "image/tiff"),
    MAGIC("MM\0*", 0, "image/tiff"),
    MAGIC("ftypheic", 4, "image/heic"),
    MAGIC("ftypheix", 4, "image/heic"),
    MAGIC("ftypmif1", 4, "image/heic"),
    MAGIC("ftypavif", 4, "image/avif"),
    MAGIC("ftypisom", 4, "video/mp4"),
    MAGIC("ftypmp4", 4, "video/mp4"),
    MAGIC("ftypqt  ", 4, "video/quicktime"),
    MAGIC("{\\rtf", 0, "application/rtf"),
    MAGIC("7z\xbc\xaf\x27\x1c", 0, "application/x-7z-compressed"),
    MAGIC("Rar!\x1a\x07", 0, "application/vnd.rar"),
    MAGIC("\x1f\x8b\x08", 0, "application/gzip"),
};

static int is_zip(const head_t *head)
{
    return has(head, 0, "PK\3\4", 4) || has(head, 0, "PK\5\6", 4);
}

static int is_ole(const head_t *head) /* [MS-CFB] 2.2 */
{
    return has(head, 0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8);
}

static int is_bmp(const head_t *head) /* the sixth to ninth byte are reserved, 0 */
{
    return has(head, 0, "BM", 2) && has(head, 6, "\0\0\0\0", 4);
}

/* A character that plain text may have; neither NUL nor another control character. */
static int is_plain(unsigned c)
{
    return c >= ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static int is_plain_bytes(const head_t *head)
{
    for (size_t i = 0; i < head->len; i++) {
        if (!is_plain(head->bytes[i]))
            return 0;
    }
    return 1;
}

/* The last character may be cut. */
static int is_utf8(const head_t *head)
{
    for (size_t i = 0; i < 4 && i <= head->len; i++) {
        if (kz_str_is_utf8((const char *)head->bytes, head->len - i))
            return 1;
    }
    return 0;
}

/* The bytes that Windows-1252 leaves free are in no text of it. */
static int is_windows_1252(const head_t *head)
{
    for (size_t i = 0; i < head->len; i++) {
        if (head->bytes[i] == 0x7f || memchr("\x81\x8d\x8f\x90\x9d", head->bytes[i], 5))
            return 0;
    }
    return 1;
}

/* Text with a byte order mark, HIGH telling which byte of two is the higher one. */
static int is_utf16(const head_t *head, size_t high)
{
    for (size_t i = 2; i + 1 < head->len; i += 2) {
        unsigned c = (unsigned)head->bytes[i + high] << 8 | head->bytes[i + 1 - high];

        if (!is_plain(c) || c == 0xffff)
            return 0;
    }
    return 1;
}

/* Text as browsers recode it (WHATWG Encoding); NULL: it is no text. */
static const char *text_type(const head_t *head)
{
    if (has(head, 0, "\xff\xfe", 2))
        return is_utf16(head, 1) ? TEXT "; charset=utf-16le" : NULL;
    if (has(head, 0, "\xfe\xff", 2))
        return is_utf16(head, 0) ? TEXT "; charset=utf-16be" : NULL;
    if (!is_plain_bytes(head))
        return NULL;
    if (is_utf8(head))
        return TEXT;
    return is_windows_1252(head) ? TEXT "; charset=windows-1252" : NULL;
}

static int is_text(const head_t *head)
{
    return text_type(head) != NULL;
}

static const struct {
    const char *ending, *type;
    int (*is)(const head_t *head); /* what it must be by its bytes */
} endings[] = {
    {".docx", OOXML "wordprocessingml.document", is_zip},
    {".xlsx", OOXML "spreadsheetml.sheet", is_zip},
    {".pptx", OOXML "presentationml.presentation", is_zip},
    {".odt", ODF "text", is_zip},
    {".ods", ODF "spreadsheet", is_zip},
    {".odp", ODF "presentation", is_zip},
    {".zip", "application/zip", is_zip},
    {".doc", "application/msword", is_ole},
    {".xls", "application/vnd.ms-excel", is_ole},
    {".ppt", "application/vnd.ms-powerpoint", is_ole},
    {".msg", "application/vnd.ms-outlook", is_ole},
    {".docx", OOXML "wordprocessingml.document", is_ole}, /* encrypted */
    {".xlsx", OOXML "spreadsheetml.sheet", is_ole},
    {".pptx", OOXML "presentationml.presentation", is_ole},
    {".bmp", "image/bmp", is_bmp},
    {".csv", "text/csv", is_text},
    {".xml", "application/xml", is_text},
    {".eml", "message/rfc822", is_text},
    {".7z", "application/x-7z-compressed", NULL},
};

/* The header of a PDF may stand behind blanks; in a file that is named so, behind anything. */
static int is_pdf(const head_t *head, int named)
{
    size_t at = has(head, 0, "\xef\xbb\xbf", 3) ? 3 : 0;
    size_t len = head->len < PDF_WITHIN ? head->len : PDF_WITHIN;

    if (named && len && memmem(head->bytes, len, "%PDF-", 5))
        return 1;
    while (at < len && strchr(" \t\r\n\f", head->bytes[at]) && head->bytes[at])
        at++;
    return has(head, at, "%PDF-", 5);
}

static const char *by_bytes(const head_t *head)
{
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        if (has(head, magics[i].at, magics[i].bytes, magics[i].len))
            return magics[i].type;
    }
    return has(head, 0, "RIFF", 4) && has(head, 8, "WEBP", 4) ? "image/webp" : NULL;
}

const char *kz_document_type(const char *name, const unsigned char *bytes, size_t len)
{
    const char *dot = strrchr(name, '.'), *type;
    head_t head = {bytes, len};

    if (is_pdf(&head, dot && strcasecmp(dot, ".pdf") == 0))
        return PDF;
    type = by_bytes(&head);
    for (size_t i = 0; !type && dot && i < sizeof endings / sizeof *endings; i++) {
        if (strcasecmp(dot, endings[i].ending) == 0 &&
            (len == 0 || (endings[i].is && endings[i].is(&head))))
            type = endings[i].type;
    }
    if (!type && is_zip(&head))
        type = "application/zip";
    if (!type && dot &&
        (strcasecmp(dot, ".txt") == 0 || strcasecmp(dot, ".log") == 0 ||
         strcasecmp(dot, ".md") == 0))
        type = text_type(&head);
    return type ? type : OCTETS;
}

const char *kz_document_type_word(const char *type)
{
    static const struct {
        const char *type, *word;
    } words[] = {
#define KZ_TYPE(word, type) {type, "type." #word},
#include "model/document/types.def"
#undef KZ_TYPE
    };
    size_t len = strcspn(type, ";");

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i].type) == len && memcmp(words[i].type, type, len) == 0)
            return words[i].word;
    }
    return "type.other";
}
