#include "http/multipart_header.h"

#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#include "http/multipart.h"

/* token of RFC 9110 section 5.6.2 */
#define TOKEN_CHARS "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static kz_err_t *malformed(const char *what)
{
    return kz_err_create(KZ_ERR_BAD_REQUEST, "multipart: %s", what);
}

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

int kz_multipart__is(const char *value, const char *token)
{
    size_t len = strlen(token);

    if (strncasecmp(value, token, len) != 0)
        return 0;
    value = skip_blanks(value + len);
    return *value == '\0' || *value == ';';
}

/* Reads a quoted-string behind its first quotation mark. A backslash escapes a quotation mark and
 * itself alone: browsers send the others as they are in the file's name. */
static kz_err_t *read_quoted(const char **value, const char **at, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, strlen(*at) + 1), *to = text;
    const char *from = *at;

    while (*from && *from != '"') {
        if (from[0] == '\\' && (from[1] == '"' || from[1] == '\\'))
            from++;
        *to++ = *from++;
    }
    if (!*from)
        return malformed("a quoted string has no end");
    *to = '\0';
    *value = text;
    *at = from + 1;
    return NULL;
}

/* Reads "name=value" at *AT and moves behind it. */
static kz_err_t *read_parameter(const char **name, const char **value, const char **at,
                                apr_pool_t *pool)
{
    size_t len = strspn(*at, TOKEN_CHARS);

    *name = apr_pstrndup(pool, *at, len);
    *at = skip_blanks(*at + len);
    if (len == 0 || **at != '=')
        return malformed("a parameter without a name or value");
    *at = skip_blanks(*at + 1);
    if (**at == '"') {
        (*at)++;
        return read_quoted(value, at, pool);
    }
    len = strcspn(*at, "; \t\"");
    *value = apr_pstrndup(pool, *at, len);
    *at += len;
    return NULL;
}

kz_err_t *kz_multipart__parameter(const char **parameter, const char *value, const char *name,
                                  apr_pool_t *pool)
{
    const char *at = value + strcspn(value, ";"), *this_name = NULL, *this_value = NULL;

    *parameter = NULL;
    while (*at == ';') {
        at = skip_blanks(at + 1);
        if (!*at)
            break;
        KZ_TRY(read_parameter(&this_name, &this_value, &at, pool));
        at = skip_blanks(at);
        if (*at && *at != ';')
            return malformed("bytes between parameters");
        if (strcasecmp(this_name, name) != 0)
            continue;
        if (*parameter)
            return malformed("a parameter is there twice");
        *parameter = this_value;
    }
    return NULL;
}

/* The escapes that browsers write for a quotation mark and line ends (WHATWG HTML,
 * "multipart/form-data encoding algorithm"). */
static const char *unescape(const char *sent, apr_pool_t *pool)
{
    static const struct {
        const char *sent;
        char meant;
    } escapes[] = {{"%22", '"'}, {"%0D", '\r'}, {"%0A", '\n'}};
    char *text = apr_pstrdup(pool, sent), *to = text;

    while (*sent) {
        char c = *sent++;

        for (size_t i = 0; c == '%' && i < sizeof escapes / sizeof *escapes; i++) {
            if (strncasecmp(sent, escapes[i].sent + 1, 2) == 0) {
                c = escapes[i].meant;
                sent += 2;
            }
        }
        *to++ = c;
    }
    *to = '\0';
    return text;
}

static kz_err_t *read_disposition(kz_multipart__part_t *part, const char *value, apr_pool_t *pool)
{
    const char *name, *filename;

    if (part->name)
        return malformed("two Content-Disposition headers");
    if (!kz_multipart__is(value, "form-data"))
        return malformed("a part that is no form-data");
    KZ_TRY(kz_multipart__parameter(&name, value, "name", pool));
    KZ_TRY(kz_multipart__parameter(&filename, value, "filename", pool));
    if (!name || !*name)
        return malformed("a part without a name");
    if (strlen(name) > KZ_MULTIPART_NAME_MAX)
        return malformed("a part's name is too long");
    part->name = unescape(name, pool);
    part->filename = filename ? unescape(filename, pool) : NULL;
    return NULL;
}

/* LINE is a header without its CRLF. */
static kz_err_t *read_header(kz_multipart__part_t *part, char *line, apr_pool_t *pool)
{
    size_t name_len = strspn(line, TOKEN_CHARS), len;
    char *value;

    if (name_len == 0 || line[name_len] != ':')
        return malformed("a line that is no header");
    line[name_len] = '\0';
    value = line + name_len + 1;
    value += strspn(value, " \t");
    for (len = strlen(value); len > 0 && strchr(" \t", value[len - 1]); len--)
        value[len - 1] = '\0';
    if (strcasecmp(line, "Content-Disposition") == 0)
        return read_disposition(part, value, pool);
    if (strcasecmp(line, "Content-Type") == 0 && *value)
        part->type = value;
    /* RFC 7578 section 4.7: nobody may send anything else. */
    if (strcasecmp(line, "Content-Transfer-Encoding") == 0 && strcasecmp(value, "binary") != 0 &&
        strcasecmp(value, "8bit") != 0 && strcasecmp(value, "7bit") != 0)
        return malformed("an encoded part");
    return NULL;
}

kz_err_t *kz_multipart__headers(kz_multipart__part_t *part, char *block, size_t len,
                                apr_pool_t *pool)
{
    char *end = block + len, *next;

    *part = (kz_multipart__part_t){.type = "text/plain"};
    if (memchr(block, '\0', len))
        return malformed("a NUL in a header");
    for (char *line = block; line < end; line = next) {
        char *newline = memchr(line, '\n', (size_t)(end - line));

        if (!newline || newline == line || newline[-1] != '\r')
            return malformed("a header line does not end with CRLF");
        newline[-1] = '\0';
        next = newline + 1;
        if (strchr(line, '\r'))
            return malformed("a CR within a header");
        KZ_TRY(read_header(part, line, pool));
    }
    return part->name ? NULL : malformed("a part without Content-Disposition");
}
