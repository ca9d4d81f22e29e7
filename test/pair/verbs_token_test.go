package pair

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"sallyport/test/story"
)

// tokensVerb brings the cluster's token keys to core's sftp folder, or has the
// cluster make new ones.
func (s *stage) tokensVerb(_ context.Context, _ *story.Script, args []string) (string, error) {
	issuer := s.pair.World.Tokens
	switch {
	case len(args) == 1 && args[0] == "import":
		return "", os.WriteFile(filepath.Join(s.pair.Core.Folder(), "authz.key"), issuer.KeyFile(), 0o600)
	case len(args) == 1 && args[0] == "regenerate":
		return "", issuer.Regenerate()
	}
	return "", errors.New("tokens import|regenerate")
}

// token gives a phone an access token: good [USER], or one that is bad in some
// way.
func (p *player) token(context.Context) (string, error) {
	of := p.arg(1)
	if of == "" {
		of = user(p.name)
	}
	issuer := p.pair.World.Tokens
	if p.arg(0) == "good" {
		p.phone.SetToken(issuer.Access(of, time.Hour))
		return "", nil
	}
	token, err := issuer.Bad(p.arg(0), of)
	p.phone.SetToken(token)
	return "", err
}
