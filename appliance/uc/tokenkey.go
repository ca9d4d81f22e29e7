package uc

// A TokenKey is the pair of keys that a cluster makes its access tokens with:
// the public half of the one it signs by, and the one it seals the claims by.
// Discovery reads them from the cluster, or an administrator brings them.
type TokenKey struct {
	Publisher  string // the cluster, by the host of its publisher
	Deployment int
	SigningID  string // "kid" of the outer header, "" if the cluster tells none
	Signing    []byte // RSA public key, PKIX DER
	SealingID  string // "kid" of the inner header, "" if the cluster tells none
	Sealing    []byte // 32 bytes, A128CBC-HS256
}
