/* Remembers which bytes of whom could not be scanned within the bounds: whoever sends them again,
 * and again, takes no scanner's time. In this process, for a while; nothing else than "kept back"
 * comes of it, and nothing at all for others, who may send the same form on a calmer day. */
#include "model/upload/internal.h"

#include <pthread.h>
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/str.h"

#define KNOWN 256                          /* the oldest makes room */
#define LIFE  (15 * 60 * APR_USEC_PER_SEC) /* then the scanner may try again */

typedef struct known_t {
    apr_uint64_t size; /* bytes; of an empty place 0 */
    unsigned char sha256[KZ_SEAL_SHA256];
    char account[KZ_STR_UUID_SIZE];
    const char *what; /* a literal */
    apr_time_t until; /* by kz_clock_now() */
} known_t;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static known_t known[KNOWN];
static int next;

/* The literal that WHAT is, if it is remembered at all. */
static const char *literal_of(const char *what)
{
    static const char *const kept[] = {"limits", "timeout"};
    size_t i;

    for (i = 0; i < sizeof kept / sizeof *kept; i++) {
        if (strcmp(what, kept[i]) == 0)
            return kept[i];
    }
    return NULL;
}

void kz_upload__verdict_note(const kz_upload__content_t *content, const char *account,
                             const kz_scan_verdict_t *verdict)
{
    const char *what = verdict->result == KZ_SCAN_UNSCANNABLE ? literal_of(verdict->what) : NULL;
    known_t *place;

    if (!what || content->size == 0)
        return;
    pthread_mutex_lock(&mutex);
    place = &known[next];
    next = (next + 1) % KNOWN;
    place->size = content->size;
    memcpy(place->sha256, content->sha256, KZ_SEAL_SHA256);
    apr_cpystrn(place->account, account, sizeof place->account);
    place->what = what;
    place->until = kz_clock_now() + LIFE;
    pthread_mutex_unlock(&mutex);
}

/* The one of CONTENT, with the same SHA-256 too if WHOLE; the mutex is held. */
static const known_t *find(const kz_upload__content_t *content, const char *account, int whole)
{
    apr_time_t now = kz_clock_now();
    int i;

    for (i = 0; i < KNOWN; i++) {
        if (known[i].size && known[i].size == content->size && known[i].until > now &&
            strcmp(known[i].account, account) == 0 &&
            (!whole || memcmp(known[i].sha256, content->sha256, KZ_SEAL_SHA256) == 0))
            return &known[i];
    }
    return NULL;
}

int kz_upload__verdict_may_be(const kz_upload__content_t *content, const char *account)
{
    int found;

    pthread_mutex_lock(&mutex);
    found = find(content, account, 0) != NULL;
    pthread_mutex_unlock(&mutex);
    return found;
}

const char *kz_upload__verdict_find(const kz_upload__content_t *content, const char *account)
{
    const known_t *found;
    const char *what;

    pthread_mutex_lock(&mutex);
    found = find(content, account, 1);
    what = found ? found->what : NULL;
    pthread_mutex_unlock(&mutex);
    return what;
}
