#include "http/accept.h"

#include <string.h>
#include <strings.h>

#define KZ_ACCEPT_MOST 1000
#define DIGITS         "0123456789"

typedef struct item_t {
    const char *name; /* of a range: "text/html", "de-AT" */
    size_t len;
    int weight; /* thousandths */
} item_t;

/* Bytes of TEXT before one of STOPS that stands outside of quotes. */
static size_t span_unquoted(const char *text, const char *stops)
{
    size_t n;
    int quoted = 0;

    for (n = 0; text[n] && (quoted || !strchr(stops, text[n])); n++) {
        if (text[n] == '"')
            quoted = !quoted;
        else if (quoted && text[n] == '\\' && text[n + 1])
            n++;
    }
    return n;
}

/* Reads a weight (RFC 9110 section 12.4.2) such as "1" or "0.125". Text that is no number counts as
 * 0, and more than 1 as 1. */
static int read_weight(const char *text)
{
    size_t whole = strspn(text, DIGITS), places;
    int sum = strspn(text, "0") < whole ? KZ_ACCEPT_MOST : 0, unit = KZ_ACCEPT_MOST;

    if (text[whole] == '.') {
        text += whole + 1;
        for (places = strspn(text, DIGITS); places > 0 && unit > 1; places--, text++)
            sum += (*text - '0') * (unit /= 10);
    }
    return sum < KZ_ACCEPT_MOST ? sum : KZ_ACCEPT_MOST;
}

/* Reads the item of a list at *AT and moves *AT behind it. Returns 0 at the end. */
static int next_item(item_t *item, const char **at)
{
    int weighed = 0;

    *at += strspn(*at, ", \t");
    if (!**at)
        return 0;
    item->name = *at;
    item->len = strcspn(*at, ",; \t");
    item->weight = KZ_ACCEPT_MOST;
    *at += span_unquoted(*at, ",;");
    while (**at == ';') {
        *at += 1 + strspn(*at + 1, " \t");
        if (strncasecmp(*at, "q=", 2) == 0 && !weighed++)
            item->weight = read_weight(*at + 2);
        *at += span_unquoted(*at, ",;");
    }
    return 1;
}

/* How specific a range is that covers TYPE; -1 if it doesn't. */
static int rank_of(const item_t *item, const char *type)
{
    size_t major = strcspn(type, "/") + 1; /* with its slash */

    if (item->len == strlen(type) && strncasecmp(item->name, type, item->len) == 0)
        return 2;
    if (item->len == major + 1 && strncasecmp(item->name, type, major) == 0 &&
        item->name[major] == '*')
        return 1;
    return item->len == 3 && memcmp(item->name, "*/*", 3) == 0 ? 0 : -1;
}

int kz_accept_type(const char *accept, const char *type)
{
    int best = -1, weight = 0;
    item_t item;

    while (next_item(&item, &accept)) {
        int rank = rank_of(&item, type);

        if (rank > best) {
            best = rank;
            weight = item.weight;
        }
    }
    return weight;
}

int kz_accept_language(const char *accept, const char *const *languages, int count)
{
    int most = 0, chosen = -1;
    item_t item;

    while (next_item(&item, &accept)) {
        const char *hyphen = memchr(item.name, '-', item.len);
        size_t len = hyphen ? (size_t)(hyphen - item.name) : item.len;

        for (int i = 0; i < count; i++) {
            if (item.weight > most && len == strlen(languages[i]) &&
                strncasecmp(item.name, languages[i], len) == 0) {
                most = item.weight;
                chosen = i;
            }
        }
    }
    return chosen;
}
