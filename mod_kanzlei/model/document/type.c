/* Media types of uploaded files. Only what is shown in the page matters: PDF, raster pictures and
 * plain text must be what they claim to be; all else is downloaded. */
#include "model/document/document.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"

#define OCTETS "application/octet-stream"

static const struct {
    const char *magic;
    size_t at, len;
    const char *type;
} magics[] = {
    {"%PDF-", 0, 5, "application/pdf"},   {"\x89PNG\r\n\x1a\n", 0, 8, "image/png"},
    {"\xff\xd8\xff", 0, 3, "image/jpeg"}, {"GIF87a", 0, 6, "image/gif"},
    {"GIF89a", 0, 6, "image/gif"},        {"WEBP", 8, 4, "image/webp"},
};

static const struct {
    const char *ending, *type;
} endings[] = {
    {".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {".pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {".odt", "application/vnd.oasis.opendocument.text"},
    {".ods", "application/vnd.oasis.opendocument.spreadsheet"},
    {".doc", "application/msword"},
    {".xls", "application/vnd.ms-excel"},
    {".zip", "application/zip"},
    {".7z", "application/x-7z-compressed"},
    {".csv", "text/csv"},
    {".xml", "application/xml"},
    {".eml", "message/rfc822"},
};

static int is_text(const unsigned char *head, size_t len)
{
    size_t i;

    for (i = 0; i < len; i++) {
        if (head[i] < ' ' && !strchr("\t\n\r\f", head[i]))
            return 0;
    }
    /* the last character may be cut */
    for (i = 0; i < 4 && i <= len; i++) {
        if (kz_str_is_utf8((const char *)head, len - i))
            return 1;
    }
    return 0;
}

const char *kz_document_type(const char *name, const unsigned char *head, size_t len)
{
    const char *dot = strrchr(name, '.');
    size_t i;

    for (i = 0; i < sizeof magics / sizeof *magics; i++) {
        if (len >= magics[i].at + magics[i].len &&
            memcmp(head + magics[i].at, magics[i].magic, magics[i].len) == 0)
            return magics[i].type;
    }
    for (i = 0; dot && i < sizeof endings / sizeof *endings; i++) {
        if (strcasecmp(dot, endings[i].ending) == 0)
            return endings[i].type;
    }
    if (dot && (strcasecmp(dot, ".txt") == 0 || strcasecmp(dot, ".log") == 0 ||
                strcasecmp(dot, ".md") == 0))
        return is_text(head, len) ? "text/plain" : OCTETS;
    return OCTETS;
}
