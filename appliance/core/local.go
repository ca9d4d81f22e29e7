package core

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"sallyport/appliance/flow"
	"sallyport/appliance/sip"
)

// Limits of what registers at core itself.
const (
	maxEndpoints     = 5_000
	maxEndpointsEach = 10 // of one user
)

// Credentials tell who may register at core itself, and prove it. The package
// that keeps the accounts stands behind it.
type Credentials interface {
	// Challenge is the value of a WWW-Authenticate for a realm.
	Challenge(realm string, stale bool) (string, error)

	// Check reads the credentials of a request (an Authorization value) and
	// names the user whom they prove in the realm; stale says that only the
	// nonce was at fault.
	Check(realm, method, uri, credentials string) (user string, stale, ok bool)
}

// locals are the endpoints that are registered at core itself. They outlive the
// process in state.
type locals struct {
	*flow.Bindings
	core *Core
}

// A kept endpoint is what state holds of one.
type kept struct {
	AOR, Device, Reg, Contact string
	Expires                   time.Time
}

func (c *Core) newLocals() locals {
	l := locals{core: c}
	l.Bindings = flow.NewBindings(flow.BindingsConfig{
		Total: maxEndpoints, PerUser: maxEndpointsEach, Clock: c.cfg.Clock, Rand: c.rand, OnChange: l.changed,
		Reconnect: 24 * time.Hour, // core can call them at their Contact while they are registered
	})
	l.restore()
	return l
}

// changed keeps in state what is registered, and tells of it.
func (l locals) changed(old, now *flow.Binding) {
	is := now
	if is == nil {
		is = old
	}
	key := strconv.FormatUint(uint64(is.ID), 16)
	if now == nil {
		l.core.endpoints.Delete(key)
		return
	}
	text, err := json.Marshal(kept{now.Key.AOR, now.Key.Device, now.Key.Reg, now.Contact, now.Expires})
	if err == nil {
		err = l.core.endpoints.Put(key, text, max(now.Expires.Sub(l.core.cfg.Clock()), time.Second))
	}
	if err != nil {
		l.core.log.Error("endpoint not kept", "err", err, "user", now.Key.AOR)
	}
}

// restore takes back what an earlier life of the process kept.
func (l locals) restore() {
	var all []flow.Binding
	l.core.endpoints.Range(func(key string, text []byte, _ time.Time) bool {
		var k kept
		id, err := strconv.ParseUint(key, 16, 64)
		if err == nil && json.Unmarshal(text, &k) == nil {
			all = append(all, flow.Binding{ID: flow.BindingID(id), Key: flow.Key{AOR: k.AOR, Device: k.Device, Reg: k.Reg},
				Contact: k.Contact, Confirmed: true, Expires: k.Expires})
		}
		return true
	})
	for _, b := range all {
		if err := l.Restore(b); err != nil {
			l.core.log.Error("endpoint not taken back", "err", err, "user", b.Key.AOR)
		}
	}
}

// targets lists the devices of a user, the newest registration first.
func (l locals) targets(p *Plan, uri sip.URI) (ts []target) {
	list := slices.DeleteFunc(l.ByUser(aorOf(uri)), func(b flow.Binding) bool { return !b.Confirmed })
	slices.SortStableFunc(list, func(a, b flow.Binding) int { return b.Seen.Compare(a.Seen) })
	for _, b := range list {
		na, err := sip.ParseNameAddr(b.Contact)
		if err != nil {
			continue
		}
		t := p.targetOf(na.URI)
		t.zone, t.uri = inside, na.URI.String()
		if b.Conn != nil {
			t.conn, t.network = b.Conn, b.Conn.Network()
		}
		ts = append(ts, t)
	}
	return ts
}

// aorOf is user and host of an own user's URI, as bindings are filed.
func aorOf(u sip.URI) string { return u.User + "@" + strings.ToLower(u.Host) }
