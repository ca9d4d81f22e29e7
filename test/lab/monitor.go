package lab

import (
	"context"
	"fmt"
	"time"
)

// Silent monitoring: a supervisor listens to both sides of a call by the bridge
// built into a phone that takes part in it, and nobody hears the supervisor.
// Call control asks the phone by an INVITE that joins the call and takes in
// only; the phone rings nobody and sends what its user says and hears, mixed.

// mixTime is after how long of silence of its user a phone passes on what he
// hears by itself.
const mixTime = 3 * packetTime

// mixer makes one stream of a call's two; its leg's lock guards it.
type mixer struct {
	far  []byte    // heard, and not sent yet
	near time.Time // when the user was last heard
}

// carryNear and carryFar send a payload of the user or of his far end, alone or
// mixed with the other's; nil carries nothing.
func (l *leg) carryNear(payload []byte) {
	if l == nil {
		return
	}
	l.mu.Lock()
	if l.mix != nil {
		payload, l.mix.far, l.mix.near = mixed(payload, l.mix.far), nil, time.Now()
	}
	l.mu.Unlock()
	l.carry(payload)
}

func (l *leg) carryFar(payload []byte) {
	if l == nil {
		return
	}
	l.mu.Lock()
	waits := l.mix != nil && time.Since(l.mix.near) < mixTime
	if waits {
		l.mix.far = append([]byte(nil), payload...)
	}
	l.mu.Unlock()
	if !waits {
		l.carry(payload)
	}
}

// mixed adds two payloads of G.711.
func mixed(a, b []byte) []byte {
	if len(a) != len(b) {
		return a
	}
	out := make([]byte, len(a))
	for i := range a {
		out[i] = encodeMulaw(int16((int(decodeMulaw(a[i])) + int(decodeMulaw(b[i]))) / 2))
	}
	return out
}

// Monitor has a supervisor listen to a user's confirmed call, as call control
// does: with the ear of a recorder, whose near side hears the mix.
func (r *Registrar) Monitor(ctx context.Context, user, supervisor string, ear *Recorder) (*Recording, error) {
	callID, call, err := r.callOf(user)
	if err != nil {
		return nil, err
	}
	d := &ownDialog{dialog: newDialog("<sip:"+supervisor+"@"+r.cfg.Domain+">", "<sip:"+user+"@"+r.cfg.Domain+">")}
	if all := r.Bindings(user); len(all) > 0 {
		d.target, d.routes = all[len(all)-1].Contact, all[len(all)-1].Path
	}
	r.own.add(d)
	line := mediaLine{kind: "audio", port: ear.near.port(), proto: "RTP/AVP", formats: []string{"0"}, direction: "recvonly",
		rtcpPort: ear.near.port() + 1, attrs: []string{"rtpmap:0 PCMU/8000"}}
	answer, err := r.invite(ctx, d, (&session{addr: ear.near.addr().Addr().String(), media: []mediaLine{line}}).bytes(1),
		Field{"Join", fmt.Sprintf("%s;from-tag=%s;to-tag=%s", callID, call.remote, call.local)},
		Field{"Call-Info", "<urn:x-cisco-remotecc:callinfo>; isVoip"})
	if err != nil {
		return nil, fmt.Errorf("lab: monitor %s: %w", user, err)
	}
	r.confirm(d, answer, nil)
	return &Recording{r: r, sides: []*ownDialog{d}}, nil
}

// AwaitNear waits until the near side, or the mix, brings packets of a tone.
func (r *Recorder) AwaitNear(ctx context.Context, hz float64, packets int) error {
	if s, err := awaitTone(ctx, r.near.stats, hz, packets); err != nil {
		return fmt.Errorf("lab: the supervisor waits for %.0f Hz: %w (%s)", hz, err, s)
	}
	return nil
}
