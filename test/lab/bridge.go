package lab

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A phone with a built-in bridge takes two more dialogs while it is in a call,
// and sends a side of the call on each: what its user says (near end) and what
// he hears (far end). This is the phone's part.
const (
	nearEnd  = "X-relay-nearend"
	farEnd   = "X-relay-farend"
	bothEnds = "" // mixed, for a supervisor who only listens
)

// bridged is the side that an INVITE asks a phone's built-in bridge for, and
// the call that it joins; nil if it is no such INVITE.
func (p *Phone) bridged(m *Message) (side string, of *Call) {
	if m.Get("Join") == "" {
		return "", nil
	}
	far, err := parseSDP(m.Body)
	if err != nil || len(far.media) == 0 {
		return "", nil
	}
	switch side = far.media[0].attr("label"); {
	case side == nearEnd, side == farEnd, side == bothEnds && far.media[0].direction == "recvonly":
		return side, p.named(m.Get("Join"))
	}
	return "", nil
}

// attr is the value of an attribute as it came.
func (m *mediaLine) attr(name string) string {
	for _, a := range m.attrs {
		if value, ok := strings.CutPrefix(a, name+":"); ok {
			return value
		}
	}
	return ""
}

// bridge answers a recording dialog: nobody is rung, and what goes out is a copy
// of one side of the call.
func (c *Call) bridge(side string, of *Call) {
	legs := of.media()
	fork, err := newLeg("audio", c.phone.cfg.Local, 0)
	if err != nil || len(legs) == 0 {
		c.Reject(500, "No media to copy")
		return
	}
	fork.copies = true
	c.update(func() { c.legs, c.label, c.recorded = []*leg{fork}, side, of })
	legs[0].copyTo(side, fork)
	if c.Answer() != nil {
		fork.close()
	}
}

// endCopies hangs up the recording dialogs of a call that is over. A phone that
// is being closed says goodbye to nobody.
func (p *Phone) endCopies(of *Call) {
	p.mu.Lock()
	var copies []*Call
	for _, c := range p.calls {
		c.mu.Lock()
		if c.recorded == of && !p.closing {
			copies = append(copies, c)
		}
		c.mu.Unlock()
	}
	p.mu.Unlock()
	for _, c := range copies {
		p.background(c.goodbye)
	}
}

// goodbye hangs up within a few seconds.
func (c *Call) goodbye() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c.Hangup(ctx)
}

// copyTo has every payload of one side of the leg sent by another one too.
func (l *leg) copyTo(side string, fork *leg) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch side {
	case nearEnd:
		l.nearCopy = fork
	case farEnd:
		l.farCopy = fork
	default:
		fork.mix = &mixer{}
		l.nearCopy, l.farCopy = fork, fork
	}
}

// carry sends another leg's payload; nil carries nothing.
func (l *leg) carry(payload []byte) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.started || l.closed || !l.sending {
		return
	}
	l.seq++
	l.ts += uint32(len(payload))
	l.writeLocked(ptMulaw, payload, false)
}

// A Recorder is what call control sends both sides of a call to: a media port
// for each, which measures what it hears.
type Recorder struct{ near, far *leg }

// NewRecorder opens a recorder at the world's address for it.
func (w *World) NewRecorder() (r *Recorder, err error) {
	r = &Recorder{}
	if r.near, err = newLeg("audio", w.host(50), 0); err != nil {
		return nil, err
	}
	if r.far, err = newLeg("audio", w.host(50), 0); err != nil {
		r.near.close()
		return nil, err
	}
	for _, l := range []*leg{r.near, r.far} {
		l.mu.Lock()
		l.startLocked()
		l.mu.Unlock()
	}
	return r, nil
}

// Heard is what was measured of each side.
func (r *Recorder) Heard() (near, far MediaStats) { return r.near.stats(), r.far.stats() }

// Await waits until each side has brought packets of its tone.
func (r *Recorder) Await(ctx context.Context, near, far float64, packets int) error {
	for _, side := range []struct {
		*leg
		hz float64
	}{{r.near, near}, {r.far, far}} {
		if s, err := awaitTone(ctx, side.stats, side.hz, packets); err != nil {
			return fmt.Errorf("lab: the recorder waits for %.0f Hz: %w (%s)", side.hz, err, s)
		}
	}
	return nil
}

// Close ends the recorder.
func (r *Recorder) Close() {
	r.near.close()
	r.far.close()
}

// A Recording is call control's part: its two dialogs with the phone.
type Recording struct {
	r     *Registrar
	sides []*ownDialog
}

// Record has a user's confirmed call recorded, as call control does: an INVITE
// of each side to the phone's built-in bridge with a=inactive, and when both are
// taken, one more with the recorder's address. extra goes into the INVITEs.
func (r *Registrar) Record(ctx context.Context, user string, to *Recorder, extra ...Field) (*Recording, error) {
	callID, call, err := r.callOf(user)
	if err != nil {
		return nil, err
	}
	rec := &Recording{r: r}
	join := fmt.Sprintf("%s;from-tag=%s;to-tag=%s", callID, call.remote, call.local)
	own := r.addrs["TCP"].Addr().String()
	for _, side := range []string{nearEnd, farEnd} {
		d := r.bridgeTo(user, side, call.other)
		if err := r.copy(ctx, d, side, own, 4000, "inactive", append([]Field{{"Join", join}}, extra...)); err != nil {
			return nil, errors.Join(fmt.Errorf("lab: %s: %w", side, err), rec.Stop(ctx))
		}
		rec.sides = append(rec.sides, d)
	}
	for i, l := range []*leg{to.near, to.far} {
		if err := r.copy(ctx, rec.sides[i], [...]string{nearEnd, farEnd}[i], l.addr().Addr().String(), l.port(), "recvonly", nil); err != nil {
			return nil, errors.Join(fmt.Errorf("lab: %s to the recorder: %w", [...]string{nearEnd, farEnd}[i], err), rec.Stop(ctx))
		}
	}
	return rec, nil
}

// callOf is the confirmed call on a user's line.
func (r *Registrar) callOf(user string) (callID string, call lineCall, err error) {
	r.lines.mu.Lock()
	defer r.lines.mu.Unlock()
	for id, c := range r.lines.calls[user] {
		if c.state == "confirmed" {
			return id, c, nil
		}
	}
	return "", lineCall{}, fmt.Errorf("lab: %s is in no call", user)
}

// bridgeTo is a dialog that is about to begin with a user's newest binding.
func (r *Registrar) bridgeTo(user, side, other string) *ownDialog {
	flag := strings.TrimPrefix(side, "X-relay-")
	from := fmt.Sprintf("<sip:%s@%s;x-%s;x-refci=27482991;x-nearenddevice=SEP001122334455;x-farendrefci=27482990;x-farenddevice=CSFCAROL;x-farendaddr=%s>",
		user, r.addrs["TCP"].Addr(), flag, other)
	d := &ownDialog{dialog: newDialog(from, "<sip:"+user+"@"+r.cfg.Domain+">")}
	if all := r.Bindings(user); len(all) > 0 {
		d.target, d.routes = all[len(all)-1].Contact, all[len(all)-1].Path
	}
	r.own.add(d)
	return d
}

// copy sends an INVITE or re-INVITE of a recording dialog.
func (r *Registrar) copy(ctx context.Context, d *ownDialog, side, host string, port int, dir string, extra []Field) error {
	line := mediaLine{kind: "audio", port: port, proto: "RTP/AVP", formats: []string{"0"}, direction: dir, rtcpPort: port + 1,
		attrs: []string{"rtpmap:0 PCMU/8000", "label:" + side}}
	extra = append([]Field{{"Call-Info", "<urn:x-cisco-remotecc:callinfo>; isVoip; record-invoker=auto"}}, extra...)
	answer, err := r.invite(ctx, d, (&session{addr: host, media: []mediaLine{line}}).bytes(1), extra...)
	if err == nil {
		r.confirm(d, answer, nil)
	}
	return err
}

// Stop ends the recording.
func (rec *Recording) Stop(ctx context.Context) error {
	var errs []error
	for _, d := range rec.sides {
		errs = append(errs, rec.r.bye(ctx, d))
	}
	return errors.Join(errs...)
}

// CallIDs are those of the two dialogs, the near end's first.
func (rec *Recording) CallIDs() (ids []string) {
	for _, d := range rec.sides {
		ids = append(ids, d.callID)
	}
	return ids
}
