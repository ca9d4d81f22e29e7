package pair

import (
	"context"
	"net/netip"

	"sallyport/test/lab"
)

// Chat logs a user of the world in to chat from outside. Whoever asked for it
// closes it.
func (p *Pair) Chat(ctx context.Context, user string, change ...func(*lab.ChatConfig)) (*lab.Chat, error) {
	cfg := lab.ChatConfig{
		Server: netip.AddrPortFrom(p.Outer, 5222), ServerName: EdgeName, CA: p.CA,
		Domain: Domain, User: user, Password: lab.Users()[user],
	}
	for _, f := range change {
		f(&cfg)
	}
	return lab.DialChat(ctx, cfg)
}
