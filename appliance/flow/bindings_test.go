package flow

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/appliance/sip"
)

func TestKeyOf(t *testing.T) {
	const zeros = `;+sip.instance="<urn:uuid:00000000-0000-0000-0000-000000000000>"`
	for _, c := range []struct{ name, contact, device, reg string }{
		{"nothing", `<sip:alice@192.0.2.9:4000;transport=tls>`, "", "alice@192.0.2.9:4000"},
		{"outbound", `<sip:alice@192.0.2.9>;+sip.instance="<urn:uuid:AB>";reg-id=1`, "<urn:uuid:ab>|", "id 1"},
		{"instance only", `<sip:6f2c1a@192.0.2.9>;+sip.instance="<urn:uuid:AB>"`, "<urn:uuid:ab>|", "6f2c1a"},
		{"zeros", `<sip:alice@192.0.2.9:4000>` + zeros + `;reg-id=1`, "", "alice@192.0.2.9:4000"},
		{"zeros and a name", `<sip:6f2c1a@192.0.2.9>` + zeros + `;+u.sip!devicename.ccm.cisco.com="CSFALICE";x-cisco-reg-id=2`, "|csfalice", "id 2"},
		{"MAC and a name", `<sip:6f2c1a@192.0.2.9>;+sip.instance="<urn:uuid:00000000-0000-0000-0000-0050568a1b2c>";+u.sip!devicename.ccm.cisco.com="SEP1"`,
			"<urn:uuid:00000000-0000-0000-0000-0050568a1b2c>|sep1", "6f2c1a"},
	} {
		na, err := sip.ParseNameAddr(c.contact)
		if err != nil {
			t.Fatal(err)
		}
		want := Key{AOR: "alice@example.com", Device: c.device, Reg: c.reg}
		if got := KeyOf("alice@example.com", na); got != want {
			t.Errorf("%s: got %q, want %q", c.name, got, want)
		}
	}
}

// diary writes changes down.
type diary struct {
	mu  sync.Mutex
	out []string
}

func (d *diary) changed(old, now *Binding) {
	d.mu.Lock()
	defer d.mu.Unlock()
	say := func(b *Binding) string {
		switch {
		case b == nil:
			return "-"
		case b.Conn == nil:
			return b.Key.Reg + " lost"
		case !b.Confirmed:
			return fmt.Sprintf("%s asks over %d", b.Key.Reg, b.Conn.id)
		}
		return fmt.Sprintf("%s over %d", b.Key.Reg, b.Conn.id)
	}
	d.out = append(d.out, say(old)+" → "+say(now))
}

func (d *diary) take() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := strings.Join(d.out, "; ")
	d.out = nil
	return s
}

// TestBindings walks a client through asking, being confirmed, moving to
// another connection, losing it, coming back, and going for good.
func TestBindings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		b := NewBindings(BindingsConfig{OnChange: d.changed, Reconnect: 2 * time.Minute})
		ctx, cancel := context.WithCancel(context.Background())
		var run sync.WaitGroup
		run.Go(func() { _ = b.Run(ctx) })
		defer run.Wait()
		defer cancel()
		check := func(want string) {
			t.Helper()
			synctest.Wait()
			if got := d.take(); got != want {
				t.Errorf("at %v: got %q, want %q", time.Now().Format("15:04:05"), got, want)
			}
		}
		one, two, stranger := &Conn{id: 1}, &Conn{id: 2}, &Conn{id: 9}
		k := Key{"alice@example.com", "csf", "r1"}

		made, err := b.Put(k, one, "<sip:a@1>")
		if err != nil || made.Confirmed || made.ID == 0 {
			t.Fatal(made, err)
		}
		check("- → r1 asks over 1")
		if _, err := b.Confirm(made.ID, one, "<sip:a@1>", time.Hour); err != nil {
			t.Fatal(err)
		}
		check("r1 asks over 1 → r1 over 1")

		// Somebody else asks to register as alice and is never confirmed.
		if got, err := b.Put(k, stranger, "<sip:evil@9>"); err != nil || got.ID != made.ID {
			t.Error(got, err)
		}
		if got, _ := b.Get(made.ID); got.Conn != one || got.Contact != "<sip:a@1>" {
			t.Errorf("the stranger changed the binding: %+v", got)
		}
		b.ConnClosed(stranger)
		check("")

		// The phone comes back over another connection before the old one is seen to die.
		time.Sleep(10 * time.Minute)
		if got, err := b.Confirm(made.ID, two, "<sip:a@2>", time.Hour); err != nil || got.ID != made.ID || got.Conn != two {
			t.Error(got, err)
		}
		check("r1 over 1 → r1 over 2")
		b.ConnClosed(one)
		check("")
		if len(b.ByConn(one)) != 0 || len(b.ByConn(two)) != 1 || len(b.ByUser(k.AOR)) != 1 {
			t.Error("wrong lists")
		}

		// It loses that one, too, and is back within the window.
		b.ConnClosed(two)
		check("r1 over 2 → r1 lost")
		time.Sleep(time.Minute)
		three := &Conn{id: 3}
		if _, err := b.Confirm(made.ID, three, "<sip:a@3>", time.Hour); err != nil {
			t.Fatal(err)
		}
		check("r1 lost → r1 over 3")
		time.Sleep(59 * time.Minute)
		check("")
		time.Sleep(time.Minute)
		check("r1 over 3 → -")
		if _, ok := b.Get(made.ID); ok || b.Len() != 0 {
			t.Error("an expired binding is still there")
		}

		// Never confirmed; lost for good; removed.
		gone, _ := b.Put(k, one, "")
		time.Sleep(time.Minute)
		check("- → r1 asks over 1; r1 asks over 1 → -")
		if _, err := b.Confirm(gone.ID, one, "", time.Hour); !errors.Is(err, ErrNoBinding) {
			t.Error(err)
		}
		again, _ := b.Put(k, one, "")
		if again.ID == gone.ID {
			t.Error("an identifier was used twice")
		}
		_, _ = b.Confirm(again.ID, one, "", time.Hour)
		b.ConnClosed(one)
		d.take()
		time.Sleep(2 * time.Minute)
		check("r1 lost → -")
		if err := b.Restore(Binding{ID: 77, Key: k, Confirmed: true, Expires: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if got, err := b.Put(k, two, ""); err != nil || got.ID != 77 {
			t.Error(got, err)
		}
		if !b.Remove(77) || b.Remove(77) {
			t.Error("a binding is removed once")
		}
		check("r1 lost → -")
		closed := &Conn{id: 4}
		closed.closed.Store(true)
		dead, _ := b.Put(k, closed, "")
		if _, err := b.Confirm(dead.ID, closed, "", time.Hour); !errors.Is(err, ErrNoSuchConn) {
			t.Error(err)
		}
	})
}

func TestBindingLimits(t *testing.T) {
	b := NewBindings(BindingsConfig{Total: 6, PerUser: 2, PerConn: 3})
	c := &Conn{id: 1}
	put := func(user, reg string, c *Conn) error {
		_, err := b.Put(Key{user, "d", reg}, c, "")
		return err
	}
	for _, s := range []struct {
		user, reg string
		c         *Conn
		want      error
	}{
		{"a", "1", c, nil}, {"a", "2", c, nil}, {"a", "3", c, ErrPerUser}, {"a", "1", c, nil},
		{"b", "1", c, nil}, {"b", "2", c, ErrPerConn}, {"b", "2", &Conn{id: 2}, nil},
		{"c", "1", &Conn{id: 3}, nil}, {"d", "1", &Conn{id: 3}, nil}, {"e", "1", &Conn{id: 4}, ErrTooMany},
	} {
		if err := put(s.user, s.reg, s.c); err != s.want {
			t.Errorf("%s %s: got %v, want %v", s.user, s.reg, err, s.want)
		}
	}
}

// TestBindingsModel does random things and looks whether the lists agree.
func TestBindingsModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBindings(BindingsConfig{Total: 40, PerUser: 8, PerConn: 8})
		ctx, cancel := context.WithCancel(context.Background())
		var run sync.WaitGroup
		run.Go(func() { _ = b.Run(ctx) })
		r := rand.New(rand.NewPCG(1, 2))
		conns := make([]*Conn, 10)
		for i := range conns {
			conns[i] = &Conn{id: uint64(i)}
		}
		var ids []BindingID
		for range 5000 {
			c := conns[r.IntN(len(conns))]
			switch r.IntN(6) {
			case 0, 1:
				if made, err := b.Put(Key{fmt.Sprint(r.IntN(10)), "d", fmt.Sprint(r.IntN(10))}, c, ""); err == nil {
					ids = append(ids, made.ID)
				}
			case 2, 3:
				if len(ids) > 0 {
					_, _ = b.Confirm(ids[r.IntN(len(ids))], c, "", time.Duration(r.IntN(600))*time.Second)
				}
			case 4:
				b.ConnClosed(c)
			case 5:
				time.Sleep(time.Duration(r.IntN(20)) * time.Second)
			}
			synctest.Wait() // what is due goes
			agree(t, b, conns)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if b.Len() != 0 {
			t.Errorf("%d bindings never expire", b.Len())
		}
		cancel()
		run.Wait()
	})
}

func agree(t *testing.T, b *Bindings, conns []*Conn) {
	t.Helper()
	total, byConn := 0, 0
	b.Range(func(is Binding) bool {
		total++
		if is.Conn != nil {
			byConn++
		}
		if (is.Conn == nil) == is.Lost.IsZero() {
			t.Fatalf("lost %v with connection %v", is.Lost, is.Conn)
		}
		return true
	})
	lists := 0
	for _, c := range conns {
		for _, is := range b.ByConn(c) {
			lists++
			if is.Conn != c {
				t.Fatal("a binding in the list of another connection")
			}
		}
	}
	users := 0
	for n := range 10 {
		users += len(b.ByUser(fmt.Sprint(n)))
	}
	b.mu.Lock()
	heap := len(b.heap)
	b.mu.Unlock()
	if total != b.Len() || total != users || byConn != lists || total != heap {
		t.Fatalf("%d bindings, %d by user, %d of %d by connection, %d in the heap", total, users, lists, byConn, heap)
	}
}
