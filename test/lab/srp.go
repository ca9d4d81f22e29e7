package lab

import (
	"crypto/rand"
	"crypto/sha256"
	"math/big"
)

// srpPrime is the modulus of the 2048-bit group of RFC 5054, whose generator
// is 2.
const srpPrime = "AC6BDB41324A9A9BF166DE5E1389582FAF72B6651987EE07FC3192943DB56050" +
	"A37329CBB4A099ED8193E0757767A13DD52312AB4B03310DCD7F48A9DA04FD50" +
	"E8083969EDB767B0CF6095179A163AB3661A05FBD5FAAAE82918A9962F0B93B8" +
	"55F97993EC975EEAA80D740ADBF4FF747359D041D5C33EA71D281E446B14773B" +
	"CA97B43A23FB801676BD207A436C6481F1D2B9078717461A5B9D32E688F87748" +
	"544523B524B0D57D5EA77A2775D2ECFA032CFBDBF52FB3786160279004E57AE6" +
	"AF874E7303CE53299CCC041C7BC308D82A5698F3A8D0C38271AE35F8E9DBFBB6" +
	"94B5C803D89F7AE435DE236D525F54759B65E372FCD68EF20FA7111F9E4AFF73"

// srp is one end of an SRP-6a exchange (RFC 5054 2.5) with SHA-256: both ends
// come to the same proof only if both know the code, which neither sends.
type srp struct {
	n, g, k *big.Int
	secret  *big.Int // a or b
	Public  *big.Int // A or B
}

func newSRP() *srp {
	n, _ := new(big.Int).SetString(srpPrime, 16)
	g := big.NewInt(2)
	secret, _ := rand.Int(rand.Reader, n) // the reader does not fail
	s := &srp{n: n, g: g, k: digest(pad(n), pad(g)), secret: secret}
	s.Public = new(big.Int).Exp(g, secret, n)
	return s
}

func digest(parts ...[]byte) *big.Int {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return new(big.Int).SetBytes(h.Sum(nil))
}

func pad(x *big.Int) []byte { return x.FillBytes(make([]byte, len(srpPrime)/2)) }

func codeHash(salt []byte, name, code string) *big.Int {
	return digest(salt, digest([]byte(name+":"+code)).Bytes())
}

// verifier is what the server keeps of a code.
func (s *srp) verifier(salt []byte, name, code string) *big.Int {
	return new(big.Int).Exp(s.g, codeHash(salt, name, code), s.n)
}

// offer turns the server's own value into B, which hides the verifier.
func (s *srp) offer(v *big.Int) {
	s.Public.Add(s.Public, new(big.Int).Mul(s.k, v)).Mod(s.Public, s.n)
}

// serverKey is what the server comes to; nil for an A that would give it away.
func (s *srp) serverKey(a, v *big.Int) *big.Int {
	if new(big.Int).Mod(a, s.n).Sign() == 0 {
		return nil
	}
	u := digest(pad(a), pad(s.Public))
	base := new(big.Int).Exp(v, u, s.n)
	base.Mul(base, a).Mod(base, s.n)
	return digest(pad(new(big.Int).Exp(base, s.secret, s.n)))
}

// clientKey is what the phone comes to.
func (s *srp) clientKey(b *big.Int, salt []byte, name, code string) *big.Int {
	x, u := codeHash(salt, name, code), digest(pad(s.Public), pad(b))
	base := new(big.Int).Exp(s.g, x, s.n)
	base.Mul(base, s.k).Sub(b, base).Mod(base, s.n)
	exp := new(big.Int).Mul(u, x)
	return digest(pad(base.Exp(base, exp.Add(exp, s.secret), s.n)))
}

// proof is what one end shows of its key; who tells the ends apart.
func srpProof(who string, a, b, key *big.Int) string {
	return digest([]byte(who), pad(a), pad(b), key.Bytes()).Text(16)
}
