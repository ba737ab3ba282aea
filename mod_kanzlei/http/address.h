/* Whose request it is, by its address: the connection's, or what a trusted proxy in front names. */
#ifndef KZ_HTTP_ADDRESS_H
#define KZ_HTTP_ADDRESS_H

#include <httpd.h>

/* 1 if the other end of R's connection is the reader's side itself, as far as can be seen: no
 * header names a proxy (Via, Forwarded, X-Forwarded-For, X-Real-IP) and mod_remoteip has put no
 * other address in the place of the connection's. A proxy acknowledges for the reader what it may
 * never pass on. */
int kz_address_is_direct(const request_rec *r);

/* The network by which A is counted, in bytes that can be compared: an IPv4 address alone, mapped
 * to IPv6 (RFC 4291, section 2.5.5.2); of an IPv6 one its /64, which one subscriber has whole (RFC
 * 6177). */
#define KZ_ADDRESS_NETWORK 16 /* bytes */
void kz_address_network(unsigned char network[KZ_ADDRESS_NETWORK], const apr_sockaddr_t *a);

#endif
