package steward

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/board"
	"sallyport/board/boot"
	"sallyport/board/nic"
	"sallyport/board/slot"
)

// fake notes what is done to it.
type fake struct {
	mu      sync.Mutex
	done    []string
	plan    nic.Plan
	fault   error
	install func(io.Reader, func(done, all int64)) (string, error)
}

func (f *fake) note(format string, args ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done = append(f.done, fmt.Sprintf(format, args...))
	return f.fault
}

func (f *fake) Apply(p nic.Plan) error {
	f.mu.Lock()
	f.plan = p
	f.mu.Unlock()
	return f.note("network")
}

func (f *fake) Interfaces() ([]nic.Interface, []nic.Count, error) {
	return []nic.Interface{{LAN: 1, Name: "eth0", Up: true}}, []nic.Count{{Rule: nic.Rule{Index: 3, From: netip.MustParsePrefix("10.0.0.0/8")}, Packets: 7}}, f.fault
}
func (f *fake) SetClock(t time.Time) error       { return f.note("set %d", t.Unix()) }
func (f *fake) SlewClock(by time.Duration) error { return f.note("slew %v", by) }
func (f *fake) NoteClock(t time.Time) error      { return f.note("note %d", t.Unix()) }
func (f *fake) Facts() board.Facts {
	return board.Facts{Model: "Box 9", Disks: []board.Disk{{Wear: 3}}}
}
func (f *fake) Status() (boot.Status, error) {
	return boot.Status{Slot: "b", Uptime: time.Hour}, f.fault
}
func (f *fake) Slots() ([]slot.Slot, string, error) {
	return []slot.Slot{{Name: "a", State: slot.Good}}, "a", f.fault
}
func (f *fake) Install(r io.Reader, p func(done, all int64)) (string, error) { return f.install(r, p) }
func (f *fake) Seal(b []byte) ([]byte, error)                                { return append([]byte("sealed "), b...), f.fault }
func (f *fake) Unseal(b []byte) ([]byte, error) {
	return bytes.TrimPrefix(b, []byte("sealed ")), f.fault
}
func (f *fake) Tell(line string) error { return f.note("%s", line) }

func (f *fake) seen() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.done, "|")
}

// start runs a steward for a fake at a socket until the test, or stop, ends.
func start(t *testing.T, f *fake, path string) (s *server, stop func()) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s = &server{log: slog.New(slog.DiscardHandler), machine: f, leases: newLeases()}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.serve(ctx, l) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return s, stop
}

func client(path string, onLease func(nic.Lease)) *Client {
	return NewClient(path, slog.New(slog.DiscardHandler), onLease)
}

func TestActs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	f := &fake{}
	start(t, f, path)
	c := client(path, nil)
	plan := nic.Plan{
		Links:    []nic.Link{{LAN: 1, Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24")}, MTU: 1500}},
		Gateway4: netip.MustParseAddr("192.0.2.254"), DNS: []netip.Addr{netip.MustParseAddr("2001:db8::53")},
		Firewall: []nic.Rule{{Priority: 5, From: netip.MustParsePrefix("10.0.0.0/8"), Action: nic.Drop}, {First: 22}},
	}
	at := time.Unix(1700000000, 0)
	for _, err := range []error{c.Apply(plan), c.SetClock(at), c.SlewClock(-3 * time.Millisecond), c.NoteClock(at), c.Name("edge-1.example"), c.Reboot(), c.Reset(2)} {
		if err != nil {
			t.Error(err)
		}
	}
	if got := f.seen(); got != "network|set 1700000000|slew -3ms|note 1700000000|hostname edge-1.example|reboot|reset 2" {
		t.Error(got)
	}
	if !f.plan.Equal(plan) {
		t.Errorf("the plan changed on its way:\n%+v\n%+v", f.plan, plan)
	}
	if facts := c.Facts(); !reflect.DeepEqual(facts, f.Facts()) {
		t.Errorf("%+v", facts)
	}
	if st, err := c.Status(); st.Slot != "b" || st.Uptime != time.Hour || err != nil {
		t.Error(st, err)
	}
	if all, running, err := c.Slots(); len(all) != 1 || all[0].State != slot.Good || running != "a" || err != nil {
		t.Error(all, running, err)
	}
	blob, err := c.Seal([]byte("key"))
	if key, err2 := c.Unseal(blob); string(key) != "key" || string(blob) != "sealed key" || err != nil || err2 != nil {
		t.Error(string(blob), string(key), err, err2)
	}
	list, counts, err := c.Interfaces()
	if len(list) != 1 || len(counts) != 1 || counts[0].Packets != 7 || counts[0].Rule.From.Bits() != 8 || err != nil {
		t.Error(list, counts, err)
	}
}

func TestFaultsAreTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	f := &fake{fault: errors.New("no such interface")}
	start(t, f, path)
	c := client(path, nil)
	_, _, fault := c.Interfaces()
	_, err := c.Status()
	for _, err := range []error{c.Apply(nic.Plan{}), c.Reboot(), fault, err} {
		if err == nil || err.Error() != "no such interface" {
			t.Error(err)
		}
	}
	if err := client(path+"none", nil).Reboot(); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Error(err)
	}
}

// TestRefused has a node ask for what it may not, and sees that nothing came of
// it.
func TestRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	f := &fake{}
	start(t, f, path)
	for line, want := range map[string]string{
		`{"Do":"shell"}`:                                               "no act",
		`{"Do":"reset","Level":4}`:                                     "no level",
		`{"Do":"reset"}`:                                               "no level",
		`{"Do":"name","Name":"a b"}`:                                   "host name",
		`{"Do":"name","Name":"a\nreset 3"}`:                            "host name",
		`{"Do":"name"}`:                                                "host name",
		`{"Do":"clock-slew","By":9000000000}`:                          "set, not slewed",
		`{"Do":"clock-set","At":"1000-01-01T00:00:00Z"}`:               "no time",
		`{"Do":"seal"}`:                                                "for the TPM",
		`{"Do":"network"}`:                                             "no plan",
		`{"Do":"network","Plan":{"Links":[{"LAN":3}]}}`:                "no LAN 3",
		`{"Do":"network","Plan":{"Search":"a\nnameserver 192.0.2.9"}}`: "one line",
		`garbage`:                         "no request",
		strings.Repeat("x", maxRequest+1): "too long",
	} {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(10 * time.Second))
		go io.WriteString(c, line+"\n")
		var r reply
		if err := json.NewDecoder(c).Decode(&r); err != nil || !strings.Contains(r.Error, want) {
			t.Errorf("%.60s: %+v %v, want %q", line, r, err, want)
		}
		c.Close()
	}
	if got := f.seen(); got != "" {
		t.Errorf("it did %s", got)
	}
}

func TestInstall(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	update := bytes.Repeat([]byte("update "), 300_000)
	f := &fake{}
	start(t, f, path)
	c := client(path, nil)
	f.install = func(r io.Reader, progress func(done, all int64)) (string, error) {
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, update) {
			return "", fmt.Errorf("%d of %d bytes: %v", len(got), len(update), err)
		}
		progress(50, 100)
		progress(100, 100)
		return "1.2.3", nil
	}
	var told []int64
	version, err := c.Install(t.Context(), bytes.NewReader(update), func(done, all int64) { told = append(told, done) })
	if version != "1.2.3" || err != nil || len(told) != 2 || told[1] != 100 {
		t.Error(version, err, told)
	}
	f.install = func(r io.Reader, _ func(done, all int64)) (string, error) {
		io.ReadFull(r, make([]byte, 100))
		return "", errors.New("nobody signed this")
	}
	if _, err := c.Install(t.Context(), bytes.NewReader(update), nil); err == nil || err.Error() != "nobody signed this" {
		t.Error(err)
	}
	f.install = func(r io.Reader, _ func(done, all int64)) (string, error) {
		n, _ := io.Copy(io.Discard, r)
		return "", fmt.Errorf("cut after %d", n)
	}
	cut := io.MultiReader(strings.NewReader("abc"), broken{})
	if _, err := c.Install(t.Context(), cut, nil); err == nil || err.Error() != "cut after 3" {
		t.Error(err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the line broke") }

// TestLeases follows leases through a steward's end and its successor, who is
// told of the network again.
func TestLeases(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	f := &fake{}
	s, stop := start(t, f, path)
	s.leases.put(nic.Lease{LAN: 1, Address: netip.MustParsePrefix("192.0.2.5/24")})
	got := make(chan string, 16)
	c := client(path, func(l nic.Lease) { got <- l.Address.String() })
	if err := c.Apply(nic.Plan{Search: "example.com"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	expect(t, got, "192.0.2.5/24")
	s.leases.put(nic.Lease{LAN: 1, Address: netip.MustParsePrefix("192.0.2.6/24")})
	expect(t, got, "192.0.2.6/24")
	stop()
	next := &fake{}
	s, _ = start(t, next, path)
	s.leases.put(nic.Lease{LAN: 2, Address: netip.MustParsePrefix("192.0.2.7/24")})
	expect(t, got, "192.0.2.7/24")
	if next.seen() != "network" {
		t.Errorf("the new steward was asked for %q", next.seen())
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// expect waits for a lease; what was told before may come again.
func expect(t *testing.T, got <-chan string, want string) {
	t.Helper()
	end := time.After(20 * time.Second)
	for {
		select {
		case s := <-got:
			if s == want {
				return
			}
		case <-end:
			t.Fatalf("no lease of %s", want)
		}
	}
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"Do":"network","Plan":{"Links":[{"LAN":1,"Addresses":["192.0.2.1/24"]}]}}`))
	f.Add([]byte(`{"Do":"name","Name":"edge"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := parseRequest(line)
		if err == nil && r.Do == actName && strings.ContainsAny(r.Name, " \n") {
			t.Errorf("%q is no host name", r.Name)
		}
		if err == nil && r.Do == actNetwork && (r.Plan == nil || strings.Contains(r.Plan.Search, "\n")) {
			t.Errorf("%+v", r.Plan)
		}
	})
}
