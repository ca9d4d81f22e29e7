// Package auth tells who a remote client is.
//
// It knows three ways. A self-describing access token names its user and is
// checked by the keys of the cluster that made it. Digest credentials are
// challenged by edge and decided by core, from the password of a login or of a
// local credential; edge keeps what core decided in its digest cache. A SAML
// identity provider vouches for whoever signs in on its page.
//
// Edge and core ask here; the roles carry questions between the two ends. What
// a client may do once it is known is not decided here.
package auth
