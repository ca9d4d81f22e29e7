package netns

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"sallyport/test/lab"
)

// A player is one of the lab's own elements as a process inside a space: where
// baresip cannot move to another address in a call, or Kamailio cannot take a
// call over. It is this test's binary, told what to be by its environment, and
// obeys lines on its standard input.
type player struct {
	*Process
	t    testing.TB
	name string
	to   io.Writer
	from *bufio.Scanner
}

// role is what a player is; one of the two.
type role struct {
	Phone     *lab.PhoneConfig `json:",omitempty"`
	Registrar *registrar       `json:",omitempty"`
}

// registrar is call control of the lab, which can take a call over.
type registrar struct {
	Addr     string
	Accounts []string
}

// order is one line to a player, outcome one from it.
type order struct{ Args []string }

type outcome struct{ Text, Error string }

const (
	playerEnv = "SALLYPORT_NETNS_PLAYER"
	orderTime = giveUp
)

// TestMain is a player's beginning, too.
func TestMain(m *testing.M) {
	text := os.Getenv(playerEnv)
	if text == "" {
		os.Exit(m.Run())
	}
	if err := play(text); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// StartPlayer runs a player in a space.
func (s *Space) StartPlayer(r role) *player {
	s.net.t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		s.net.t.Fatal(err)
	}
	c := exec.Command("ip", "netns", "exec", s.name, os.Args[0])
	c.Env = append(os.Environ(), playerEnv+"="+string(text))
	to, err := c.StdinPipe()
	if err != nil {
		s.net.t.Fatal(err)
	}
	from, out, err := os.Pipe()
	if err != nil {
		s.net.t.Fatal(err)
	}
	c.Stdout = out
	p := &player{s.launch(c, "player"), s.net.t, s.Name, to, bufio.NewScanner(from)}
	out.Close()
	s.net.t.Cleanup(func() { from.Close() })
	p.do("ready")
	return p
}

// try gives an order and returns what came of it.
func (p *player) try(args ...string) (string, error) {
	b, _ := json.Marshal(order{args})
	if _, err := fmt.Fprintf(p.to, "%s\n", b); err != nil {
		return "", err
	}
	if !p.from.Scan() {
		return "", errors.New("the player has gone")
	}
	var a outcome
	if err := json.Unmarshal(p.from.Bytes(), &a); err != nil {
		return "", err
	}
	if a.Error != "" {
		return a.Text, errors.New(a.Error)
	}
	return a.Text, nil
}

// do is try for what must succeed.
func (p *player) do(args ...string) string {
	p.t.Helper()
	text, err := p.try(args...)
	if err != nil {
		p.t.Fatalf("%s: %s: %v %s", p.name, strings.Join(args, " "), err, text)
	}
	return text
}

// play is the player's own side.
func play(text string) error {
	var r role
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return err
	}
	obey, quit, err := r.begin()
	if err != nil {
		return err
	}
	defer quit()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var o order
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(context.Background(), orderTime)
		said, err := obey(ctx, o.Args)
		cancel()
		a := outcome{Text: said}
		if err != nil {
			a.Error = err.Error()
		}
		b, _ := json.Marshal(a)
		fmt.Printf("%s\n", b)
	}
	return lines.Err()
}

type obey func(ctx context.Context, args []string) (string, error)

func (r role) begin() (obey, func(), error) {
	if r.Registrar != nil {
		reg, err := r.Registrar.start()
		return registrarOrders(reg), reg.Close, err
	}
	p, err := lab.NewPhone(*r.Phone)
	if err != nil {
		return nil, nil, err
	}
	s := &softphone{phone: p}
	return s.obey, p.Close, nil
}

func (r *registrar) start() (*lab.Registrar, error) {
	cfg := lab.RegistrarConfig{Domain: Domain, Accounts: map[string]string{}, Path: lab.PathLazy, Persist: true}
	for _, user := range r.Accounts {
		cfg.Accounts[user] = Password
	}
	addr, err := netip.ParseAddr(r.Addr)
	cfg.UDP = netip.AddrPortFrom(addr, 5060)
	cfg.TCP = cfg.UDP
	reg := lab.NewRegistrar(cfg)
	return reg, errors.Join(err, reg.Start())
}

func registrarOrders(r *lab.Registrar) obey {
	return func(_ context.Context, args []string) (string, error) {
		switch args[0] {
		case "ready":
			return "", nil
		case "waiting": // USER N: voice messages
			n, err := strconv.Atoi(args[2])
			r.SetWaiting(args[1], n)
			return "", err
		case "bindings": // USER
			return fmt.Sprint(len(r.Bindings(args[1]))), nil
		}
		return "", fmt.Errorf("registrars cannot %s", args[0])
	}
}

// softphone is a phone with at most one call and one subscription at a time.
type softphone struct {
	phone *lab.Phone
	call  *lab.Call
	sub   *lab.Subscription
}

func (s *softphone) obey(ctx context.Context, args []string) (string, error) {
	arg := func(n int) string {
		if n < len(args) {
			return args[n]
		}
		return ""
	}
	var err error
	switch args[0] {
	case "ready":
	case "start":
		err = errors.Join(s.phone.Start(ctx), s.phone.Register(ctx))
	case "leave": // [silently]
		s.mute(true) // nothing is sent by the old address
		err = s.phone.Leave(ctx, arg(1) == "silently")
	case "arrive": // SERVER TRANSPORT LOCAL [same]
		err = s.arrive(ctx, arg(1), arg(2), arg(3), arg(4) == "same")
	case "call":
		s.call, err = s.phone.Call(ctx, arg(1))
	case "rings":
		select {
		case s.call = <-s.phone.Incoming():
			err = s.call.Await(ctx, lab.CallAnswered)
		case <-ctx.Done():
			err = errors.New("nobody calls")
		}
	case "subscribe":
		s.sub, err = s.phone.Subscribe(ctx, arg(1), arg(2))
	case "refresh":
		err = s.sub.Refresh(ctx)
	case "notify": // STATE for whoever watches this phone
		err = s.phone.Notify(ctx, arg(1))
	case "notified":
		return s.notified(ctx)
	case "heard": // since UNIX NANOSECONDS
		return s.heard(ctx, arg(1))
	default:
		return s.inCall(ctx, arg)
	}
	return "", err
}

// inCall is what needs a call.
func (s *softphone) inCall(ctx context.Context, arg func(int) string) (string, error) {
	if s.call == nil {
		return "", errors.New("there is no call to " + arg(0))
	}
	switch arg(0) {
	case "hold":
		return "", s.call.Hold(ctx)
	case "resume":
		return "", s.call.Resume(ctx)
	case "reoffer":
		return "", s.call.Renegotiate(ctx, "INVITE", "")
	case "held":
		return fmt.Sprint(s.call.OnHold()), nil
	case "hears": // HZ
		hz, err := strconv.ParseFloat(arg(1), 64)
		if err != nil {
			return "", err
		}
		st, err := s.call.AwaitMedia(ctx, hz, 50)
		return st.String(), err
	case "sources":
		return fmt.Sprint(s.call.Stats().Sources), nil
	case "hangup":
		return "", s.call.Hangup(ctx)
	case "ended":
		return "", s.call.Await(ctx, lab.CallEnded)
	}
	return "", errors.New("phones cannot " + arg(0))
}

func (s *softphone) arrive(ctx context.Context, server, transport, local string, same bool) error {
	to := lab.Place{Transport: transport, Same: same}
	var err error
	if to.Server, err = netip.ParseAddrPort(server); err != nil {
		return err
	}
	if to.Local, err = netip.ParseAddr(local); err != nil {
		return err
	}
	if transport == "TLS" {
		to.ServerName, to.Suites = "edge."+Domain, lab.AllSuites()
	}
	defer s.mute(false)
	return s.phone.Arrive(ctx, to)
}

func (s *softphone) mute(on bool) {
	if s.call != nil {
		s.call.Mute(on)
	}
}

func (s *softphone) notified(ctx context.Context) (string, error) {
	if s.sub == nil {
		return "", errors.New("nothing is subscribed to")
	}
	select {
	case n := <-s.sub.Notes():
		return n.Body, nil
	case <-ctx.Done():
		return "", errors.New("no NOTIFY")
	}
}

// heard waits for the first packet after a moment and tells how long after it
// came.
func (s *softphone) heard(ctx context.Context, since string) (string, error) {
	n, err := strconv.ParseInt(since, 10, 64)
	if err != nil || s.call == nil {
		return "", errors.Join(err, errors.New("no call"))
	}
	for begin := time.Unix(0, n); ; {
		if last := s.call.Stats().LastPacket; last.After(begin) {
			return last.Sub(begin).Round(time.Millisecond).String(), nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return "", errors.New("nothing is heard")
		}
	}
}
