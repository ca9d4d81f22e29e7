package xmpp

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// relay is a stream whose client has logged in: stanzas inward one by one, and
// outward whatever comes.
type relay struct {
	limits   Limits
	client   *Splitter
	from     net.Conn // the client, or what leads to it
	server   *Splitter
	to       net.Conn // the node, or what leads to it
	toClient *outlet
	ping     bool // spaces for a quiet client
	count    *traffic
	leaving  atomic.Bool // the client has ended its stream
	deaf     atomic.Bool // the node takes nothing more; it may have said why
	gone     atomic.Bool // the node has
}

// traffic counts what passes.
type traffic struct {
	Stanzas, BytesIn, BytesOut atomic.Int64
}

// run returns when both ways are done: errEnded, a *Fault that the client has
// still to be told, or what broke.
func (r *relay) run() error {
	_ = r.from.SetDeadline(time.Time{}) // a closed one shows at the first use
	_ = r.to.SetDeadline(time.Time{})
	r.client.max = r.limits.StanzaBytes
	r.client.begun = func() { r.listen(time.Now().Add(r.limits.Stanza)) }
	r.client.ended = func() { r.listen(time.Time{}) }
	var wait sync.WaitGroup
	var outward error
	wait.Go(func() {
		outward = r.outward()
		r.toClient.fail(told(outward))
		r.gone.Store(true)
		r.listen(time.Time{}) // no longer: frees inward
	})
	inward := r.inward()
	switch f := asFault(inward); {
	case errors.Is(inward, errEnded):
		r.leaving.Store(true)
		r.hear()
	case f != nil && f.Condition == condRemoteFailed:
		r.deaf.Store(true) // outward passes on its last words, or says that it is gone
		r.hear()
	case f != nil:
		r.toClient.fail(f)
		r.to.Close()
	default:
		r.to.Close()
	}
	wait.Wait()
	if r.leaving.Load() || r.toClient.ended() {
		return errEnded
	}
	if errors.Is(inward, os.ErrDeadlineExceeded) && outward != nil && !errors.Is(outward, net.ErrClosed) {
		return outward // inward was freed by it
	}
	return inward
}

// listen says how long the client may take. Both ways call it; whichever comes
// last, a client whose node is gone is not waited for.
func (r *relay) listen(until time.Time) {
	_ = r.from.SetReadDeadline(until)
	if r.gone.Load() {
		_ = r.from.SetReadDeadline(time.Unix(1, 0))
	}
}

// hear says how long the node may be quiet, in the same way.
func (r *relay) hear() {
	if r.ping {
		_ = r.to.SetReadDeadline(time.Now().Add(r.limits.Ping))
	}
	if r.leaving.Load() || r.deaf.Load() {
		_ = r.to.SetReadDeadline(time.Now().Add(r.limits.Farewell))
	}
}

// told is what a client hears when its node went away without a word.
func told(err error) *Fault {
	if f := asFault(err); f != nil {
		return f
	}
	return &Fault{Condition: condRemoteFailed, Err: err}
}

func (r *relay) inward() error {
	to := timed{r.to, r.limits.Write}
	for {
		p, err := r.client.Next()
		if err != nil {
			return err
		}
		if p.Is(nsTLS, "starttls") || p.Is(nsZip, "compress") || p.Is(nsSASL2, "authenticate") {
			return fault(condPolicy, "<%s/> is not for a stream after its login", p.Name.Local)
		}
		if _, err := to.Write(p.Raw); err != nil {
			return lostServer(err)
		}
		r.count.BytesIn.Add(int64(len(p.Raw)))
		switch p.Kind {
		case Stanza:
			r.count.Stanzas.Add(1)
		case End:
			return errEnded
		}
	}
}

func (r *relay) outward() error {
	b := r.server.Rest()
	if len(b) > 0 {
		if _, err := r.toClient.Write(b); err != nil {
			return err
		}
	}
	b = make([]byte, 4<<10)
	for {
		r.hear()
		n, err := r.to.Read(b)
		if n > 0 {
			r.count.BytesOut.Add(int64(n))
			if _, err := r.toClient.Write(b[:n]); err != nil {
				return err
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded) && r.deaf.Load():
			return net.ErrClosed
		case errors.Is(err, os.ErrDeadlineExceeded) && !r.leaving.Load():
			if err := r.toClient.ping(); err != nil {
				return err
			}
		default:
			return err
		}
	}
}
