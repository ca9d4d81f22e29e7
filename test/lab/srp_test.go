package lab

import (
	"math/big"
	"testing"
)

// TestSRP: both ends agree by the right code only, in the group of RFC 5054.
func TestSRP(t *testing.T) {
	n, _ := new(big.Int).SetString(srpPrime, 16)
	if half := new(big.Int).Rsh(n, 1); n.BitLen() != 2048 || !n.ProbablyPrime(20) || !half.ProbablyPrime(20) {
		t.Fatal("the modulus is no safe prime of 2048 bits")
	}
	salt := []byte("salt")
	phone, server := newSRP(), newSRP()
	v := server.verifier(salt, "SEP1", "1234567812345678")
	server.offer(v)
	key := server.serverKey(phone.Public, v)
	if right := phone.clientKey(server.Public, salt, "SEP1", "1234567812345678"); right.Cmp(key) != 0 {
		t.Error("the ends do not agree")
	}
	for name, code := range map[string]string{"SEP1": "1234567812345679", "SEP2": "1234567812345678"} {
		if phone.clientKey(server.Public, salt, name, code).Cmp(key) == 0 {
			t.Errorf("the ends agree by %s %s", name, code)
		}
	}
	if server.serverKey(n, v) != nil {
		t.Error("an A of zero is taken")
	}
}
