/* Text that people type: one folding for forms, JSON, kanzleictl, passwords and names of files, so
 * that what looks the same is the same wherever it was typed. By ICU (Unicode 15 and later).
 *
 * All of it gives UTF-8 in Normalization Form C (UAX #15), in POOL; folding it once more changes
 * nothing. Invisible characters are left out rather than refused: text from a letter or a web page
 * holds soft hyphens, zero width spaces and marks of direction, and whoever pasted it could not
 * find what an error speaks of. */
#ifndef KZ_BASE_TEXT_H
#define KZ_BASE_TEXT_H

#include <stddef.h>

#include <apr_pools.h>

#define KZ_TEXT_MAX                                                                                \
    (16 * 1024) /* bytes; ordering marks takes time with the square of their number */

/* One line: a name, a title, an address. TEXT is LEN bytes of anything.
 *
 * - Runs of blanks (General_Category Zs, tabs, U+2800) become one space; no white space is left at
 *   either end.
 * - Characters that show nothing are left out (General_Category Cf, Default_Ignorable_Code_Point).
 *   Joiners (U+200C, U+200D) and variation selectors stay behind a character that is not ASCII, as
 *   they change how a Persian name or an emoji looks.
 * - The end of a line within it (line feed, U+0085, U+2028, U+2029 ...) is refused, as are other
 *   control characters, code points that are no characters (U+FFFE, U+FDD0 ...) and bytes that are
 *   not UTF-8 (RFC 3629).
 *
 * Gives NULL for what is refused and what is longer than KZ_TEXT_MAX, "" for what shows nothing. */
const char *kz_text_line(const char *text, size_t len, apr_pool_t *pool);

/* What was typed to find a part of a file's name, which kz_text_file_name() has made: NFC, and all
 * else as it stands. NULL as above, but for what is visible or not. */
const char *kz_text_file_part(const char *text, size_t len, apr_pool_t *pool);

/* As kz_text_line(), of what may have been typed in several lines: their ends are blanks. */
const char *kz_text_area(const char *text, size_t len, apr_pool_t *pool);

/* The letters and digits of TEXT in capitals, without all else: what a code is, pasted with dashes,
 * quotes, blanks or invisible characters around and in it. NULL as above, or when one of them is
 * not ASCII. */
const char *kz_text_code(const char *text, size_t len, apr_pool_t *pool);

/* As kz_text_line(), for what identifies something and is compared byte by byte: a client's number,
 * a user name, a code. No joiners and no variation selectors. */
const char *kz_text_token(const char *text, size_t len, apr_pool_t *pool);

/* A password as the profile OpaqueString of RFC 8265 section 4.2 prepares it: spaces other than
 * U+0020 (General_Category Zs) become that, then NFC; case, width and blanks at the ends stay. NULL
 * for control characters, what is no character, what is not UTF-8 and more than KZ_TEXT_MAX. A
 * departure: characters that RFC 8264 disallows because they show nothing or are not assigned yet
 * are taken; somebody may have a password with an emoji in it. */
const char *kz_text_password(const char *text, size_t len, apr_pool_t *pool);

/* How many characters (code points) UTF-8 TEXT has: what PostgreSQL's char_length() counts. */
size_t kz_text_length(const char *text);

#define KZ_TEXT_FILE_NAME_MAX 255 /* bytes of a file name, without the final NUL */

/* What is shown and stored of the NAME (LEN bytes, anything) of an uploaded file: no folder (what
 * follows the last /, and of a name with a drive or a server in front, "C:\fakepath\a.pdf", what
 * follows the last \; any other \ is a part of the name), no control characters, no bidirectional
 * controls and nothing else that can't be seen but joiners and variation selectors within the name,
 * bytes that are not UTF-8 replaced by U+FFFD, NFC, no blanks at either end, no dots at the end, at
 * most KZ_TEXT_FILE_NAME_MAX bytes, cut before the extension. Blanks within it stay as they are.
 * Never empty: "unbenannt" then. */
const char *kz_text_file_name(const char *name, size_t len, apr_pool_t *pool);

#endif
