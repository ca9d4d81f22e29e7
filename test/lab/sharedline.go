package lab

import (
	"fmt"
	"strings"
	"sync"
)

// lineStates tells whoever subscribes to the dialog package of a user which
// calls are on his line, as call controls do for shared lines and lamp fields
// (RFC 4235, with the name spaces that are seen in the field).
type lineStates struct {
	mu      sync.Mutex
	version map[string]int
	calls   map[string]map[string]lineCall // by user and Call-ID
}

type lineCall struct{ local, remote, state, other string }

// noteCall looks at what the proxy relays for users of its own: an INVITE's
// answers begin a call on a line, BYE ends it.
func (r *Registrar) noteCall(req, resp *Message) {
	status := resp.Status()
	switch {
	case req.Method() == "INVITE" && paramOf(req.Get("To"), "tag") == "" && status > 100 && status < 300:
		state := "early"
		if status >= 200 {
			state = "confirmed"
		}
		from, to := r.ownUser(req.Get("From")), r.ownUser(req.Get("To"))
		local, remote := paramOf(req.Get("From"), "tag"), paramOf(resp.Get("To"), "tag")
		r.lineState(from, req.Get("Call-ID"), lineCall{local, remote, state, to})
		r.lineState(to, req.Get("Call-ID"), lineCall{remote, local, state, from})
	case req.Method() == "BYE":
		for _, name := range []string{"From", "To"} {
			r.lineState(r.ownUser(req.Get(name)), req.Get("Call-ID"), lineCall{state: "terminated"})
		}
	}
}

func (r *Registrar) ownUser(value string) string {
	user, host, _ := splitURI(uriOf(value))
	if _, known := r.cfg.Accounts[user]; !known || !strings.EqualFold(host, r.cfg.Domain) {
		return ""
	}
	return user
}

func (r *Registrar) lineState(user, callID string, c lineCall) {
	if user == "" {
		return
	}
	l := &r.lines
	l.mu.Lock()
	if l.calls == nil {
		l.calls, l.version = map[string]map[string]lineCall{}, map[string]int{}
	}
	if l.calls[user] == nil {
		l.calls[user] = map[string]lineCall{}
	}
	before, known := l.calls[user][callID]
	if before == c || !known && (c.state == "terminated" || len(l.calls[user]) >= maxWatchers) {
		l.mu.Unlock()
		return
	}
	if c.state == "terminated" {
		before.state = c.state
		c = before
		delete(l.calls[user], callID)
	} else {
		l.calls[user][callID] = c
	}
	l.version[user]++
	body := fmt.Sprintf(`<?xml version="1.0"?>
<dialog-info xmlns="urn:ietf:parmams:xml:ns:dialog-info" xmlns:call="urn:x-cisco:parmams:xml:ns:dialog-info:dialog:callinfo-dialog" version="%d" state="partial" entity="sip:%s@%s">
<dialog id="%s" call-id="%s" local-tag="%s" remote-tag="%s"><state>%s</state><call:gci>1-%d</call:gci></dialog></dialog-info>
`, l.version[user], user, r.cfg.Domain, callID, callID, c.local, c.remote, c.state, 2000+l.version[user])
	l.mu.Unlock()
	r.setState("dialog", user, published{"application/dialog-info+xml", body})
}
