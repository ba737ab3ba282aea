#include "conf/kind.h"

#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_uri.h>

#include "base/str.h"

#define STORE_NAME_MAX 32 /* bytes */
#define ZONES          "/usr/share/zoneinfo/"

const char *kz_conf__takes(kz_conf_kind_t kind)
{
    static const char *const takes[] = {
#define KZ_KIND(kind, type, takes) takes,
#include "conf/kind.def"
#undef KZ_KIND
    };

    return takes[kind];
}

static int is_port(const char *text)
{
    apr_int64_t port = apr_atoi64(text);

    return text[strspn(text, "0123456789")] == '\0' && port > 0 && port < 65536;
}

/* Parses SCHEME://host[:port] with nothing behind it (RFC 3986, section 3.2). */
static int is_host_of(const char *scheme, const char *value, apr_pool_t *pool)
{
    apr_uri_t uri;

    return apr_uri_parse(pool, value, &uri) == APR_SUCCESS && uri.scheme &&
           strcasecmp(uri.scheme, scheme) == 0 && uri.hostname && *uri.hostname && !uri.user &&
           !uri.password && !uri.path && !uri.query && !uri.fragment &&
           (!uri.port_str || is_port(uri.port_str)) &&
           value[strcspn(value, " \t\"<>\\^`{|}")] == '\0';
}

static int is_mail_server(const char *value, apr_pool_t *pool)
{
    return strncmp(value, "dir:/", 5) == 0 || is_host_of("smtp", value, pool) ||
           is_host_of("smtps", value, pool);
}

static int is_zone_name(const char *value)
{
    return *value && *value != '/' && !strstr(value, "..");
}

int kz_conf__is_written_well(kz_conf_kind_t kind, const char *value, apr_pool_t *scratch_pool)
{
    switch (kind) {
    case KZ_CONF_TEXT:
        return *value != '\0';
    case KZ_CONF_ORIGIN: /* as browsers send it: "Origin" is compared with it byte by byte */
        return is_host_of("https", value, scratch_pool) && strncmp(value, "https://", 8) == 0;
    case KZ_CONF_UUID:
        return kz_str_is_uuid(value);
    case KZ_CONF_FOLDER:
    case KZ_CONF_FILE:
    case KZ_CONF_PROGRAM:
        return *value == '/';
    case KZ_CONF_SOCKET:
        return *value == '/' && strlen(value) < sizeof((struct sockaddr_un *)NULL)->sun_path;
    case KZ_CONF_MAIL_SERVER:
        return is_mail_server(value, scratch_pool);
    case KZ_CONF_TIME_ZONE:
        return is_zone_name(value);
    case KZ_CONF_SWITCH:
        return strcasecmp(value, "on") == 0 || strcasecmp(value, "off") == 0;
    case KZ_CONF_NUMBER:
    case KZ_CONF_BYTES:
    case KZ_CONF_TIME:
    case KZ_CONF_STORES:
        break;
    }
    return 0;
}

static int is_folder(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static int is_file(const char *path, int mode)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, mode) == 0;
}

int kz_conf__is_there(kz_conf_kind_t kind, const char *value, apr_pool_t *scratch_pool)
{
    switch (kind) {
    case KZ_CONF_FOLDER:
        return is_folder(value);
    case KZ_CONF_FILE:
        return is_file(value, R_OK);
    case KZ_CONF_PROGRAM:
        return is_file(value, X_OK);
    case KZ_CONF_MAIL_SERVER:
        return strncmp(value, "dir:", 4) != 0 || is_folder(value + 4);
    case KZ_CONF_TIME_ZONE:
        return is_file(apr_pstrcat(scratch_pool, ZONES, value, NULL), R_OK);
    default:
        return 1;
    }
}

int kz_conf__is_store(const char *name, const char *url)
{
    const char *rest = strchr(url, ':');
    size_t len = strlen(name);

    return len > 0 && len <= STORE_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len && rest && rest > url &&
           rest[1] && (strncmp(url, "dir:", 4) != 0 || rest[1] == '/');
}

int kz_conf__is_memory_there(apr_int64_t bytes, int count)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

    return pages <= 0 || size <= 0 || bytes <= (apr_int64_t)pages * size / count;
}
