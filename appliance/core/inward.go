package core

import (
	"strings"

	"sallyport/appliance/call"
	"sallyport/appliance/sip"
)

// What edge and core say to each other on the link and to nobody else.
const (
	privatePrefix = call.PrivatePrefix
	headerTrace   = "X-Sallyport-Trace"
	headerBinding = "X-Sallyport-Binding"
	headerPersist = "X-Sallyport-Persist" // a client that roams, as its Path names it
	headerUser    = "X-Sallyport-User"    // who was identified: by edge and core in a request, by core in its answer
)

// inward is a copy of a message of the link that inside systems may see. What
// edge takes out of a client's message is taken out once more: call control
// believes core, and core need not believe edge.
func (c *Core) inward(m *sip.Message) *sip.Message {
	out := m.Clone()
	call.Strip(out, bareFrom(m), "")
	return out
}

// bare is user and host of a URI, as search rules match it.
func bare(u sip.URI) string {
	if u.User == "" {
		return strings.ToLower(u.Host)
	}
	return u.User + "@" + strings.ToLower(u.Host)
}
