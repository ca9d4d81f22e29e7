package sip

// Sealed tokens travel as the user part of a URI: "e1." and the token for one
// that edge minted, "c1." for one of core's. The digit is the form's version.

const maxToken = 180 // a token URI must stay under 200 bytes

// TokenUser is the user part that carries tok; owner is 'e' or 'c'.
func TokenUser(owner byte, tok string) string { return string(owner) + "1." + tok }

// ParseTokenUser takes a user part apart; ok is false if it carries no token.
// Whether the token is genuine, only its keyring knows.
func ParseTokenUser(user string) (owner byte, tok string, ok bool) {
	if len(user) < 4 || len(user) > maxToken || user[0] != 'e' && user[0] != 'c' || user[1:3] != "1." {
		return 0, "", false
	}
	for i := 3; i < len(user); i++ {
		if c := user[i]; !isAlpha(c) && !isDigit(c) && c != '-' && c != '_' {
			return 0, "", false
		}
	}
	return user[0], user[3:], true
}
