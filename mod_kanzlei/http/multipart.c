/* A state machine that sees each byte once. Data is handed on as it lies in the caller's buffer;
 * bytes at the end of a buffer that may begin a delimiter need not be kept: they equal the
 * delimiter. */
#include "http/multipart.h"

#include <string.h>

#include <apr_strings.h>

#include "http/multipart_header.h"

#define BOUNDARY_MAX 70 /* RFC 2046 section 5.1.1 */

typedef enum state_t {
    PREAMBLE, /* before the first delimiter: ignored */
    AFTER,    /* behind a delimiter: "--", or blanks and CRLF */
    DASH,     /* behind a delimiter and one hyphen */
    CR,       /* behind a delimiter and CR */
    HEADERS,
    DATA,
    EPILOGUE, /* behind the closing delimiter: ignored */
    BROKEN,   /* an error was returned */
} state_t;

struct kz_multipart_t {
    const kz_multipart_handler_t *handler;
    void *baton;
    kz_multipart_limits_t limits;
    const char *delimiter; /* CRLF, "--", boundary: the only CR is its first byte */
    size_t delimiter_len;
    state_t state;
    size_t matched; /* bytes of the delimiter that the data fed so far ends with */
    size_t assumed; /* how many of these were assumed, not read */
    char *header;   /* limits.header_bytes */
    size_t header_len;
    size_t line; /* where in header the current line starts */
    int parts;
    apr_pool_t *part_pool;
};

static kz_err_t *malformed(const char *what)
{
    return kz_err_create(KZ_ERR_BAD_REQUEST, "multipart: %s", what);
}

static int is_boundary(const char *boundary)
{
    static const char chars[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "'()+_,-./:=? ";
    size_t len = strlen(boundary);

    return len > 0 && len <= BOUNDARY_MAX && strspn(boundary, chars) == len &&
           boundary[len - 1] != ' ';
}

/* RFC 2046 section 5.1.1 counts the line end before a delimiter as its first part. There is none at
 * the start of a body, nor behind the headers of a part without a body. */
static void assume_line_end(kz_multipart_t *parser)
{
    parser->matched = parser->assumed = 2;
}

kz_err_t *kz_multipart_create(kz_multipart_t **parser, const char *content_type,
                              const kz_multipart_limits_t *limits,
                              const kz_multipart_handler_t *handler, void *baton, apr_pool_t *pool)
{
    const char *boundary;

    if (!content_type || !kz_multipart__is(content_type, "multipart/form-data"))
        return kz_err_create(KZ_ERR_MEDIA_TYPE, "not multipart/form-data");
    KZ_TRY(kz_multipart__parameter(&boundary, content_type, "boundary", pool));
    if (!boundary || !is_boundary(boundary))
        return malformed("no boundary, or not one of RFC 2046");
    *parser = apr_pcalloc(pool, sizeof **parser);
    (*parser)->handler = handler;
    (*parser)->baton = baton;
    (*parser)->limits = *limits;
    (*parser)->delimiter = apr_pstrcat(pool, "\r\n--", boundary, NULL);
    (*parser)->delimiter_len = strlen((*parser)->delimiter);
    (*parser)->header = apr_palloc(pool, limits->header_bytes ? limits->header_bytes : 1);
    (*parser)->state = PREAMBLE;
    apr_pool_create(&(*parser)->part_pool, pool);
    assume_line_end(*parser);
    return NULL;
}

static kz_err_t *begin_headers(kz_multipart_t *parser)
{
    if (parser->parts == parser->limits.parts)
        return kz_err_create(KZ_ERR_TOO_LARGE, "multipart: more than %d parts",
                             parser->limits.parts);
    parser->parts++;
    parser->header_len = parser->line = 0;
    parser->state = HEADERS;
    return NULL;
}

/* The byte behind a delimiter. */
static kz_err_t *feed_after(kz_multipart_t *parser, char c)
{
    if (parser->state == CR)
        return c == '\n' ? begin_headers(parser) : malformed("a CR without LF behind a boundary");
    if (parser->state == DASH) {
        if (c != '-')
            return malformed("a boundary ends with one hyphen");
        parser->state = EPILOGUE;
    } else if (c == '\r') {
        parser->state = CR;
    } else if (c == '-' && parser->header_len == 0) {
        parser->state = DASH;
    } else if (c != ' ' && c != '\t') {
        return malformed("other bytes behind a boundary");
    } else if (++parser->header_len > parser->limits.header_bytes) {
        return kz_err_create(KZ_ERR_TOO_LARGE, "multipart: too many blanks behind a boundary");
    }
    return NULL;
}

static kz_err_t *begin_part(kz_multipart_t *parser)
{
    kz_multipart__part_t part;

    apr_pool_clear(parser->part_pool);
    KZ_TRY(kz_multipart__headers(&part, parser->header, parser->header_len, parser->part_pool));
    parser->state = DATA;
    assume_line_end(parser);
    return parser->handler->begin(parser->baton, part.name, part.filename, part.type);
}

/* Takes one header line, or the piece of it that is there. */
static kz_err_t *feed_header(size_t *taken, kz_multipart_t *parser, const char *data, size_t len)
{
    const char *newline = memchr(data, '\n', len);

    *taken = newline ? (size_t)(newline + 1 - data) : len;
    if (*taken > parser->limits.header_bytes - parser->header_len)
        return kz_err_create(KZ_ERR_TOO_LARGE, "multipart: the headers of a part exceed %zu bytes",
                             parser->limits.header_bytes);
    memcpy(parser->header + parser->header_len, data, *taken);
    parser->header_len += *taken;
    if (!newline)
        return NULL;
    if (parser->header_len - parser->line == 2 && parser->header[parser->line] == '\r') {
        parser->header_len = parser->line; /* an empty line ends the headers */
        return begin_part(parser);
    }
    parser->line = parser->header_len;
    return NULL;
}

static kz_err_t *hand_on(const kz_multipart_t *parser, const char *data, size_t len)
{
    if (len == 0 || parser->state == PREAMBLE)
        return NULL;
    return parser->handler->data(parser->baton, data, len);
}

static kz_err_t *end_data(kz_multipart_t *parser)
{
    int in_part = parser->state == DATA;

    parser->matched = parser->assumed = 0;
    parser->header_len = 0;
    parser->state = AFTER;
    return in_part ? parser->handler->end(parser->baton) : NULL;
}

/* Continues a delimiter that began in earlier bytes. */
static kz_err_t *feed_match(size_t *taken, kz_multipart_t *parser, const char *data, size_t len)
{
    size_t rest = parser->delimiter_len - parser->matched, most = len < rest ? len : rest;
    size_t seen = parser->matched - parser->assumed, assumed = parser->assumed;

    *taken = 0;
    if (memcmp(data, parser->delimiter + parser->matched, most) == 0) {
        *taken = most;
        parser->matched += most;
        return parser->matched == parser->delimiter_len ? end_data(parser) : NULL;
    }
    /* The bytes that had matched are data. No other match can start within it: it has no second CR.
     */
    parser->matched = parser->assumed = 0;
    return hand_on(parser, parser->delimiter + assumed, seen);
}

static kz_err_t *feed_data(size_t *taken, kz_multipart_t *parser, const char *data, size_t len)
{
    const char *found, *start;
    size_t tail;

    *taken = len;
    if (parser->matched)
        return feed_match(taken, parser, data, len);
    found = memmem(data, len, parser->delimiter, parser->delimiter_len);
    if (found) {
        *taken = (size_t)(found - data) + parser->delimiter_len;
        KZ_TRY(hand_on(parser, data, (size_t)(found - data)));
        return end_data(parser);
    }
    tail = len < parser->delimiter_len - 1 ? len : parser->delimiter_len - 1;
    start = memrchr(data + len - tail, '\r', tail);
    if (start && memcmp(start, parser->delimiter, (size_t)(data + len - start)) == 0) {
        parser->matched = (size_t)(data + len - start);
        return hand_on(parser, data, (size_t)(start - data));
    }
    return hand_on(parser, data, len);
}

static kz_err_t *feed_some(size_t *taken, kz_multipart_t *parser, const char *data, size_t len)
{
    *taken = 1;
    switch (parser->state) {
    case PREAMBLE:
    case DATA:
        return feed_data(taken, parser, data, len);
    case AFTER:
    case DASH:
    case CR:
        return feed_after(parser, *data);
    case HEADERS:
        return feed_header(taken, parser, data, len);
    case EPILOGUE:
        *taken = len;
        return NULL;
    case BROKEN:
        break;
    }
    return malformed("goes on after an error");
}

kz_err_t *kz_multipart_feed(kz_multipart_t *parser, const char *data, size_t len)
{
    size_t taken;

    while (len > 0) {
        kz_err_t *err = feed_some(&taken, parser, data, len);

        if (err) {
            parser->state = BROKEN;
            return err;
        }
        data += taken;
        len -= taken;
    }
    return NULL;
}

kz_err_t *kz_multipart_finish(kz_multipart_t *parser)
{
    return parser->state == EPILOGUE ? NULL : malformed("ends before its last boundary");
}
