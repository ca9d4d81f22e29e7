package traversal

import (
	"context"
	"encoding/json"
	"time"
)

// ping is argument and answer of the link's own method: it tells how far the
// clocks are apart.
type ping struct {
	Time time.Time `json:"time"`
}

func (l *Links) answerPing(_ context.Context, p Peer, in []byte) ([]byte, error) {
	var q ping
	if err := json.Unmarshal(in, &q); err != nil {
		return nil, errRPC
	}
	now := l.cfg.Clock()
	if k := l.pick(p.Zone, p.ID, ""); k != nil {
		k.noteSkew(now.Sub(q.Time), 0)
	}
	return json.Marshal(ping{now})
}

// compareClocks asks the edge for its time now and then.
func (c *control) compareClocks(ctx context.Context) {
	for {
		if !wait(ctx, pingEvery) {
			return
		}
		before, began := c.link.l.cfg.Clock(), time.Now()
		in, err := json.Marshal(ping{before})
		if err != nil {
			return
		}
		asking, stop := context.WithTimeout(ctx, callTimeout)
		out, err := c.call(asking, methodPing, in)
		stop()
		var a ping
		if err != nil || json.Unmarshal(out, &a) != nil {
			continue
		}
		took := time.Since(began)
		c.link.noteSkew(before.Add(took/2).Sub(a.Time), took)
	}
}

// noteSkew keeps how far our clock is ahead of the peer's.
func (k *link) noteSkew(skew, rtt time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.skew = skew
	if rtt > 0 {
		k.rtt = rtt
	}
}
