package pair

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sallyport/test/lab"
	"sallyport/test/story"
)

// pushed has a phone give push parameters for a provider; each has one device
// there.
func pushed(c *lab.PhoneConfig, provider string) {
	device := map[string]string{"apns": strings.Repeat("d0e1", 16), "fcm": "dave_token:1"}[provider]
	if device == "" {
		device = "dave-kitchen"
	}
	c.Push = lab.PushParams(provider, device)
}

// pushesVerb: next (what the services took next); uninstall PROVIDER; revoke
// on|off; none (nothing more was taken).
func (s *stage) pushesVerb(ctx context.Context, _ *story.Script, args []string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	stub := s.pair.World.Pushes
	switch args[0] {
	case "next":
		p, err := stub.Next(ctx)
		return fmt.Sprintf("%s %s %s %s\n", p.Service, p.Why, p.Kind, p.Proto), err
	case "uninstall":
		var c lab.PhoneConfig
		pushed(&c, args[1])
		_, device, _ := strings.Cut(c.Push, "pn-prid=")
		device, _, _ = strings.Cut(device, ";")
		stub.Uninstall(device)
		return "", nil
	case "revoke":
		stub.Revoke(args[1] == "on")
		return "", nil
	}
	return "", errors.New("pushes next, uninstall or revoke")
}

// wakes has core wake phones.
func wakes(p *Pair) error { return tell(p, p.World.Pushes.PushLines()) }
