/* Who asks, for the shares of what is scarce (base/slots.h): a browser that has signed in before,
 * or the network of an address. */
#ifndef KZ_HTTP_CALLER_H
#define KZ_HTTP_CALLER_H

#include <httpd.h>

#include "base/slots.h"
#include "model/portal.h"

#define KZ_CALLER_LIFE (400 * 24 * 3600) /* seconds; browsers keep none for longer */

/* Tells callers apart by KNOWN, the value of the cookie KZ_COOKIE_KNOWN (NULL: none), if this
 * installation has made it; else by R's address: all of an IPv4 one, the /64 of an IPv6 one, which
 * one customer has whole. Behind a proxy mod_remoteip must name the reader's. */
void kz_caller_see(kz_slots_who_t *who, const request_rec *r, const kz_portal_t *portal,
                   const char *known);

#endif
