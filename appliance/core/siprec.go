package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"sallyport/appliance/media"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/xapi"
)

// recordPlan is whom core records, and where.
type recordPlan struct {
	zone  string   // of the recorder; "" = nobody is recorded
	users []string // lower case, user@domain or @domain
	tone  bool
}

// chosen tells whether a call is one of a user that core records. Recording
// dialogs of a built-in bridge are not recorded again.
func (p recordPlan) chosen(call signaling.Call) bool {
	if p.zone == "" || call.Recording != signaling.NoRecording {
		return false
	}
	user := call.To
	if call.Direction == "inward" {
		user = call.From
	}
	user = strings.ToLower(user)
	domain := user[strings.LastIndexByte(user, '@')+1:]
	return slices.Contains(p.users, user) || slices.Contains(p.users, "@"+domain)
}

// A recording is one call that core records: a dialog with the recorder (RFC
// 7866's recording session) and a fork of the call's audio. It begins when the
// call is answered and ends with it.
type recording struct {
	call   signaling.Call
	callID string // of the dialog with the recorder
	tag    string // ours there
	tone   bool
	target target // the peer that was asked last

	mu     sync.Mutex // guards what follows
	fork   *media.Fork
	offer  recordOffer
	over   bool // the call has ended, or the recorder
	up     bool // the recorder took it
	to     string
	remote string // its Contact
	routes []string
	seq    uint32
}

// recordings are the calls that core records.
type recordings struct {
	mu            sync.Mutex
	byCall        map[uint64]*recording // by media session
	byID          map[string]*recording // by Call-ID of the dialog
	total, failed int
}

func (r *recordings) add(rec *recording) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byCall == nil {
		r.byCall, r.byID = map[uint64]*recording{}, map[string]*recording{}
	}
	r.byCall[rec.call.Session], r.byID[rec.callID] = rec, rec
}

// take removes a call's recording, if it has one.
func (r *recordings) take(session uint64) *recording {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := r.byCall[session]
	if rec != nil {
		delete(r.byCall, session)
		delete(r.byID, rec.callID)
	}
	return rec
}

func (r *recordings) named(callID string) *recording {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byID[callID]
}

func (r *recordings) count(taken bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if taken {
		r.total++
	} else {
		r.failed++
	}
}

func (r *recordings) report(n *xapi.Node) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n.Int("Active", len(r.byCall)).Int("Total", r.total).Int("Failed", r.failed)
}

// callChanged follows the calls of this core.
func (c *Core) callChanged(name string, call signaling.Call) {
	c.watch.Changed(name, call)
	switch plan := c.plan.Load(); {
	case name == "CallConnected" && plan.Record.chosen(call):
		rec := &recording{call: call, callID: peerKey(c.rand()) + peerKey(c.rand()), tag: peerKey(c.rand()), tone: plan.Record.tone}
		c.recordings.add(rec)
		if !c.lookups.Do(func(context.Context) { c.beginRecording(rec, plan) }) {
			c.notRecorded(rec, "too much to do")
		}
	case name == "CallDisconnected" || name == "CallFailure":
		if rec := c.recordings.take(call.Session); rec != nil {
			c.endRecording(rec)
		}
	}
}

// notRecorded gives a recording up; the call goes on.
func (c *Core) notRecorded(rec *recording, why string) {
	c.recordings.take(rec.call.Session)
	c.recordings.count(false)
	rec.stop()
	c.log.Warn("call not recorded", "event", "recording", "call", rec.call.Serial(), "why", why, "trace", rec.call.Trace)
	c.cfg.Alarms.Raise(xapi.AlarmRecorder, "", "The last call that should be recorded was not: "+why+".")
}

// stop ends the copy.
func (rec *recording) stop() (wasUp bool) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	wasUp = rec.up && !rec.over
	rec.over = true
	if rec.fork != nil {
		rec.fork.Close()
	}
	return wasUp
}

// errNoAudio says that a call has nothing that could be recorded.
var errNoAudio = errors.New("the call has no audio that core can read")

// beginRecording forks the call's audio and asks the recorder to take it.
func (c *Core) beginRecording(rec *recording, plan *Plan) {
	z := plan.Zones.Zone(plan.Record.zone)
	if z == nil {
		c.notRecorded(rec, fmt.Sprintf("there is no zone %q", plan.Record.zone))
		return
	}
	err := errNoAudio
	c.media.Look(media.SessionID(rec.call.Session), func(m *mediaCall) { err = rec.tap(m, z.Transport == "TLS") })
	if err != nil {
		c.notRecorded(rec, err.Error())
		return
	}
	b, err := c.branch(peersOf(z, ""), func(t target) (signaling.Branch, error) { return c.askRecorder(rec, t) }, nil)
	if err != nil {
		c.notRecorded(rec, err.Error())
		return
	}
	c.proxy.Originate(*b)
}

// tap finds the call's audio, binds the ports of its copies and makes the offer.
func (rec *recording) tap(m *mediaCall, secure bool) error {
	client, _ := m.Exchange.Holds(media.ClientSide)
	for i, l := range client {
		st := m.Streams[i]
		if st == nil || !l.recordable() {
			continue
		}
		fork, err := st.Fork()
		if err != nil {
			return err
		}
		rec.mu.Lock()
		defer rec.mu.Unlock()
		rec.fork = fork
		if rec.over {
			fork.Close()
			return errNoAudio
		}
		rec.offer, err = newRecordOffer(fork, l, secure, m.cfg.Rand)
		return err
	}
	return errNoAudio
}

// askRecorder is the INVITE to one peer of the recorder's zone.
func (c *Core) askRecorder(rec *recording, t target) (signaling.Branch, error) {
	own := c.sentBy(c.toward(t))
	uri := "sip:" + sip.URI{Host: t.host}.HostPort()
	m, err := sip.Question{Method: "INVITE", Target: uri, From: "sip:" + own, Tag: rec.tag, CallID: rec.callID,
		CSeq: 1, Hops: sip.DefaultMaxForwards, Contact: "sip:" + own + ";transport=" + lower(t.network)}.Message()
	if err != nil {
		return signaling.Branch{}, err
	}
	rec.mu.Lock()
	rec.target, rec.seq = t, 1
	offer := rec.offer
	rec.mu.Unlock()
	m.Set("Contact", "<sip:"+own+";transport="+lower(t.network)+">;+sip.src")
	m.Add("Require", "siprec")
	kind, body := offer.body(rec.call, rec.callID)
	m.SetBody(kind, body)
	return signaling.Branch{Msg: m,
		OnResponse: func(resp *sip.Message) { c.recorderSaid(rec, resp) },
		OnFinal: func(status int) {
			if status >= 300 {
				c.notRecorded(rec, fmt.Sprintf("the recorder %s answers %d", t.host, status))
			}
		}}, nil
}

// recorderSaid takes a 2xx of the recorder, and acknowledges it each time.
func (c *Core) recorderSaid(rec *recording, resp *sip.Message) {
	if resp.Status() < 200 || resp.Status() >= 300 {
		return
	}
	err := rec.accept(resp)
	c.inRecorder(rec, "ACK")
	rec.mu.Lock()
	over, fresh := rec.over, !rec.up
	rec.up = true
	rec.mu.Unlock()
	switch {
	case over: // the call ended while the recorder thought about it
		c.inRecorder(rec, "BYE")
	case err != nil:
		c.inRecorder(rec, "BYE")
		c.notRecorded(rec, err.Error())
	case fresh:
		c.recordings.count(true)
		c.cfg.Alarms.Lower(xapi.AlarmRecorder, "")
		c.log.Info("call recorded", "event", "recording", "call", rec.call.Serial(), "trace", rec.call.Trace)
	}
}

// accept learns the dialog from a 2xx and points the copies at the recorder.
func (rec *recording) accept(resp *sip.Message) error {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.remote != "" {
		return nil
	}
	rec.to, rec.remote = strings.Clone(resp.Get("To")), "sip:"+rec.target.host
	if contact, err := sip.ParseNameAddr(resp.Get("Contact")); err == nil {
		rec.remote = contact.URI.String()
	}
	rec.routes = slices.Clone(resp.Values("Record-Route"))
	slices.Reverse(rec.routes)
	near, far, err := rec.offer.answered(resp)
	if err != nil || rec.over {
		return err
	}
	return rec.fork.Start(near, far, rec.tone)
}

// inRecorder sends a request within the dialog with the recorder.
func (c *Core) inRecorder(rec *recording, method string) {
	rec.mu.Lock()
	if method != "ACK" {
		rec.seq++
	}
	t, own := rec.target, c.sentBy(c.toward(rec.target))
	m := sip.NewRequest(method, rec.remote)
	m.SetAll("Route", rec.routes)
	m.Add("From", "<sip:"+own+">;tag="+rec.tag)
	m.Add("To", rec.to)
	m.Add("Call-ID", rec.callID)
	seq := rec.seq
	if method == "ACK" {
		seq = 1
	}
	m.Add("CSeq", fmt.Sprintf("%d %s", seq, method))
	m.SetMaxForwards(sip.DefaultMaxForwards)
	m.Set("Content-Length", "0")
	rec.mu.Unlock()
	c.proxy.Originate(signaling.Branch{Msg: m, Via: own, Conn: c.opened(t),
		Dial: func(ctx context.Context) (signaling.Conn, error) { return c.dial(ctx, t) }})
}

// endRecording ends the copy with the call.
func (c *Core) endRecording(rec *recording) {
	if rec.stop() {
		c.inRecorder(rec, "BYE")
	}
}

// ofRecorder serves what the recorder asks within its dialog: it may end it, and
// it may look whether we live; a new offer is refused, the old one stands.
func (c *Core) ofRecorder(r *signaling.Request) bool {
	if r.Msg.ToTag() == "" {
		return false
	}
	rec := c.recordings.named(r.Msg.CallID())
	if rec == nil || r.Msg.ToTag() != rec.tag {
		return false
	}
	switch r.Msg.Method() {
	case "BYE":
		c.recordings.take(rec.call.Session)
		rec.stop()
		r.Reply(200, "OK")
		c.log.Info("recorder hung up", "event", "recording", "call", rec.call.Serial(), "trace", rec.call.Trace)
	case "OPTIONS", "INFO":
		r.Reply(200, "OK")
	case "ACK":
	default:
		r.Reply(488, "Not Acceptable Here")
	}
	return true
}
