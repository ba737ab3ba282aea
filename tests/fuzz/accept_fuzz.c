/* Accept and Accept-Language. A first byte that is odd makes a header of known meaning of the rest;
 * an even one takes the rest as the header, and checks what must be true of any. */
#include "http/accept.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITEMS 12
#define ROOM  64 /* bytes that one item takes */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const languages[] = {"de", "en"};

/* Ranges, and how specific they are for text/html; -1: they don't cover it. */
static const struct {
    const char *name;
    int rank;
} ranges[] = {{"text/html", 2}, {"Text/HTML", 2},   {"text/*", 1},
              {"*/*", 0},       {"text/htm", -1},   {"application/json", -1},
              {"image/*", -1},  {"text/html2", -1}, {"texthtml*", -1},
              {"*", -1}};
static const char *const tags[] = {"de", "DE-at", "en", "en-GB", "fr", "den", "*", "d-e"};
/* What may stand before a weight and changes nothing. */
static const char *const parameters[] = {"", ";level=1", "; a=\",q=0;b\"", ";x=\"\\\"\""};

static void must(int truth)
{
    if (!truth)
        abort();
}

static void known(const uint8_t *data, size_t size)
{
    char types[ITEMS * ROOM] = "", names[ITEMS * ROOM] = "", tail[ROOM];
    int best = -1, weight = 0, most = 0, chosen = -1;

    for (size_t i = 0; i + 3 <= size && i < 3 * ITEMS; i += 3) {
        size_t range = data[i] % (sizeof ranges / sizeof *ranges);
        size_t tag = data[i] % (sizeof tags / sizeof *tags);
        int q = (data[i + 1] | (data[i + 2] & 3) << 8) % 1001;
        int language = tag < 2 ? 0 : tag < 4 ? 1 : -1;

        snprintf(tail, sizeof tail, "%s;%sq=%d.%03d,%s", parameters[data[i + 2] >> 2 & 3],
                 data[i + 2] & 16 ? " " : "", q / 1000, q % 1000, data[i + 2] & 32 ? " " : "");
        snprintf(types + strlen(types), ROOM, "%s%s", ranges[range].name, tail);
        snprintf(names + strlen(names), ROOM, "%s%s", tags[tag], tail);
        if (ranges[range].rank > best) {
            best = ranges[range].rank;
            weight = q;
        }
        if (language >= 0 && q > most) {
            most = q;
            chosen = language;
        }
    }
    must(kz_accept_type(types, "text/html") == weight);
    must(kz_accept_language(names, languages, 2) == chosen);
}

static void any(const char *header, size_t len)
{
    char *more = malloc(len + 40);
    int weight = kz_accept_type(header, "text/html");
    int chosen = kz_accept_language(header, languages, 2);

    must(more != NULL && weight >= 0 && weight <= 1000 && chosen >= -1 && chosen < 2);
    sprintf(more, "text/html;q=0.5 , %s", header); /* the first of the most specific decides */
    must(kz_accept_type(more, "text/html") == 500);
    sprintf(more, ",,en;q=1,%s", header); /* no language has a greater weight */
    must(kz_accept_language(more, languages, 2) == 1);
    for (size_t i = 0; i < len; i++)
        more[i] = (char)toupper((unsigned char)header[i]);
    more[len] = '\0';
    must(kz_accept_type(more, "text/html") == weight);
    must(kz_accept_language(more, languages, 2) == chosen);
    free(more);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *header;

    if (size == 0)
        return 0;
    header = strndup((const char *)data + 1, size - 1);
    if (!header)
        abort();
    if (data[0] % 2)
        known(data + 1, size - 1);
    else
        any(header, strlen(header));
    free(header);
    return 0;
}
