package shell

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"sallyport/appliance/alarm"
	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// node is a small real backend: a store, some status, some commands.
type node struct {
	role   xapi.Role
	name   string
	store  *config.Store
	folder string
	quick  bool // nothing waits for Ctrl-C
	alice  bool // is registered

	mu    sync.Mutex
	feeds []chan Event
}

func clockAt() time.Time { return time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC) }

func newNode(t testing.TB, role xapi.Role) *node {
	t.Helper()
	dir := t.TempDir()
	store, err := config.Open(filepath.Join(dir, "config"), config.Options{Role: role, Clock: clockAt, SealKey: bytes.Repeat([]byte("k"), 32)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return &node{role: role, name: role.String(), store: store, folder: t.TempDir()}
}

func (n *node) session(t testing.TB) *Session {
	t.Helper()
	s := New(n, Options{Who: config.Who{User: "admin", From: "console"}, Now: clockAt})
	t.Cleanup(s.Close)
	return s
}

func (n *node) Role() xapi.Role        { return n.role }
func (n *node) NodeName() string       { return n.name }
func (n *node) Config() *config.Store  { return n.store }
func (n *node) Folder() string         { return n.folder }
func (n *node) Alarms() []alarm.Raised { return nil }
func (n *node) who() config.Who        { return config.Who{User: "admin"} }

func (n *node) Command(ctx context.Context, cmd *xapi.Command, args xapi.Args, who config.Who) (*xapi.Node, error) {
	switch cmd {
	case xapi.DomainAdd:
		return n.add(xapi.SIPDomainName.Item, "SIP Domain %d Name", args.First("Name"), "DomainId")
	case xapi.ZoneAdd:
		res, err := n.add(xapi.ZoneName.Item, "Zones Zone %d Name", args.First("ZoneName"), "ZoneId")
		return res, err
	case xapi.ZoneDelete:
		_, err := n.store.Edit(who, func(e *config.Edit) error { return e.DeleteTree("Zones Zone " + args.First("ZoneId")) })
		return nil, err
	case xapi.Restart:
		return xapi.NewNode("").Leaf("Restart", "now"), nil
	case xapi.AlarmAcknowledge:
		return nil, errors.New("alarm 1 is not raised")
	case xapi.DNSLookup:
		if n.quick {
			return nil, nil
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	r := xapi.NewNode("")
	for i := range cmd.Params {
		for _, v := range args[cmd.Params[i].Name] {
			r.Str(cmd.Params[i].Name, v)
		}
	}
	return r, nil
}

func (n *node) add(row *xapi.Item, path, name, id string) (*xapi.Node, error) {
	next := len(n.store.Snapshot().Indexes(row)) + 1
	_, err := n.store.Edit(n.who(), func(e *config.Edit) error { return e.Set(fmt.Sprintf(path, next), name) })
	return xapi.NewNode("").Int(id, next), err
}

func (n *node) Status(ctx context.Context, element string) (*xapi.Node, error) {
	switch element {
	case "Zones":
		return n.zones(), nil
	case "Registrations":
		r := xapi.NewNode(element)
		if n.alice {
			r.Nth("Registration", 1).Str("Alias", "alice@example.com")
		}
		return r, nil
	case "SystemUnit":
		return xapi.NewNode(element).Str("Product", "sallyport").Int("Uptime", 12), nil
	}
	return xapi.NewNode(element), nil
}

func (n *node) zones() *xapi.Node {
	z := xapi.NewNode("Zones")
	sn := n.store.Snapshot()
	for _, i := range sn.Indexes(xapi.ZoneName.Item) {
		c := z.Nth("Zone", i)
		c.Str("Name", sn.Str(xapi.ZoneName, i)).Leaf("Status", "Active")
		c.Add("Peer").Str("Address", "10.0.0."+strconv.Itoa(i)).Int("Port", 7001)
	}
	return z
}

func (n *node) History(ctx context.Context, element string) (*xapi.Node, error) {
	if element == "" {
		h := xapi.NewNode("History")
		h.Add("Calls")
		return h, nil
	}
	h := xapi.NewNode(element)
	if element == "Calls" {
		h.Nth("Call", 1).Str("To", "bob@example.com").Int("Duration", 12)
	}
	return h, nil
}

func (n *node) Feedback(expression string) (Feed, error) {
	c := make(chan Event, 10)
	n.mu.Lock()
	n.feeds = append(n.feeds, c)
	n.mu.Unlock()
	return func(ctx context.Context, tell func(Event)) {
		for {
			select {
			case e := <-c:
				tell(e)
			case <-ctx.Done():
				return
			}
		}
	}, nil
}

func (n *node) happen(e Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.feeds {
		c <- e
	}
}

func (n *node) Why(ctx context.Context, user string, w io.Writer) error {
	if user == "nobody" {
		return errors.New("nothing is known of nobody")
	}
	_, err := fmt.Fprintf(w, "%s: REGISTER was answered with 200\n", user)
	return err
}

func (n *node) Trace(ctx context.Context, user string, d time.Duration, w io.Writer) error {
	fmt.Fprintf(w, "tracing %s for %v\n", user, d)
	if d > time.Minute && !n.quick {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}
