package pair

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"sallyport/test/lab"
	"sallyport/test/story"
)

// strangerVerb: sprays LINE (his packets at the call's media port of edge);
// hears nothing; connect [tcp]; sends FILE [unanswered]; receives nothing;
// closed (edge has hung up).
func (s *stage) strangerVerb(ctx context.Context, sc *story.Script, args []string) (string, error) {
	if len(args) < 2 {
		return "", errors.New("stranger NAME VERB")
	}
	name, verb := args[0], args[1]
	switch verb {
	case "connect":
		return "", s.admit(ctx, name, slices.Contains(args, "tcp"))
	case "sprays":
		return "", s.spray(name, args[2])
	case "hears":
		return s.sprayed(name)
	}
	x := s.strangers[name]
	if x == nil {
		return "", fmt.Errorf("there is no stranger %s", name)
	}
	switch verb {
	case "sends":
		m, err := s.compose(sc, args[2], name)
		if err != nil {
			return "", err
		}
		if m.Get("Via") == "" {
			m.Prepend("Via", fmt.Sprintf("SIP/2.0/TLS %s;rport;branch=z9hG4bK-%d", x.Local(), time.Now().UnixNano()))
		}
		if err := x.Send(m.Bytes()); err != nil || slices.Contains(args, "unanswered") {
			return "", err
		}
		resp, err := x.Final(stepTime)
		if err != nil {
			return "", err
		}
		s.noLeak(name, resp)
		return s.plain(resp), nil
	case "receives": // nothing
		if m, err := x.Receive(300 * time.Millisecond); err == nil {
			return m.Start + "\n", errors.New("something came")
		}
		return "", nil
	}
	return "", fmt.Errorf("strangers cannot %s", verb)
}

func (s *stage) noLeak(name string, m *lab.Message) {
	for _, l := range s.leaks([]lab.Capture{{Raw: m.Bytes()}}) {
		s.Errorf("%s was told of the inside: %s", name, l)
	}
}

func (s *stage) admit(ctx context.Context, name string, tcp bool) error {
	conf, err := s.clientTLS()
	port := uint16(5061)
	if tcp {
		conf, port = nil, 5060
	}
	if err != nil {
		return err
	}
	x, err := lab.NewStranger(ctx, netip.AddrPortFrom(s.pair.Outer, port), conf, s.pair.Client(200))
	if err == nil {
		s.strangers[name] = x
	}
	return err
}

// registrarVerb: bindings USER; asks (challenges all from now on); waits USER N (voice messages); rests (every branch of
// every request is answered); saw METHOD [ROW …]: the newest such request.
func (s *stage) registrarVerb(ctx context.Context, sc *story.Script, args []string) (string, error) {
	r := s.pair.World.Registrar
	switch {
	case len(args) == 2 && args[0] == "bindings":
		var out strings.Builder
		for _, b := range r.Bindings(args[1]) {
			fmt.Fprintf(&out, "%s path %d\n", strings.ReplaceAll(b.Contact, s.pair.at(""), "net."), len(b.Path))
		}
		return out.String(), nil
	case len(args) == 1 && args[0] == "asks":
		r.AskAll()
		return "", nil
	case len(args) == 1 && args[0] == "rests":
		ctx, cancel := context.WithTimeout(ctx, stepTime)
		defer cancel()
		return "", r.Rest(ctx)
	case len(args) == 3 && args[0] == "waits":
		n, err := strconv.Atoi(args[2])
		r.SetWaiting(args[1], n)
		return "", err
	case len(args) >= 2 && args[0] == "saw":
		return s.saw(ctx, args[1], args[2:])
	}
	return "", fmt.Errorf("the registrar cannot %v", args)
}

// saw shows rows of the newest request of a method that came to the registrar.
func (s *stage) saw(ctx context.Context, method string, rows []string) (string, error) {
	for _, c := range slices.Backward(s.pair.World.Registrar.Received()) {
		m, err := lab.ParseMessage(c.Raw)
		if err != nil || !m.IsRequest() || m.Method() != method {
			continue
		}
		var out strings.Builder
		for _, name := range rows {
			for _, v := range m.All(name) {
				fmt.Fprintf(&out, "%s: %s\n", name, strings.ReplaceAll(v, s.pair.at(""), "net."))
			}
		}
		return out.String(), nil
	}
	return "", fmt.Errorf("the registrar saw no %s", method)
}

func (s *stage) nodeVerb(_ context.Context, _ *story.Script, args []string) (string, error) {
	if len(args) != 2 {
		return "", errors.New("node NAME stop|start")
	}
	if args[1] == "stop" {
		return "", s.pair.Stop(args[0])
	}
	return "", s.pair.Start(args[0])
}

func (s *stage) linkVerb(ctx context.Context, _ *story.Script, args []string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	return "", s.pair.AwaitLink(ctx)
}

// spray sends packets that look like media to where a call's phone sends its
// own.
func (s *stage) spray(name, line string) error {
	c := s.calls[line]
	if c == nil {
		return fmt.Errorf("%s has no call", line)
	}
	u, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(s.pair.Client(201), 0)))
	if err != nil {
		return err
	}
	s.sprayers[name] = u
	packet := make([]byte, 182)
	packet[0] = 0x80
	for i := range 300 {
		packet[3] = byte(i)
		if _, err := u.WriteToUDPAddrPort(packet, c.FarMedia()[0]); err != nil {
			return err
		}
	}
	return nil
}

// sprayed tells whether edge sent anything to a stranger.
func (s *stage) sprayed(name string) (string, error) {
	u := s.sprayers[name]
	u.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	n, err := u.Read(make([]byte, 2048))
	if err == nil {
		return fmt.Sprintf("%d bytes\n", n), errors.New("edge sent media to a stranger")
	}
	return "", nil
}

// browserVerb: gets PATH of the inside web server, by the port named behind it;
// signs in (asks for its edge configuration).
func (s *stage) browserVerb(ctx context.Context, _ *story.Script, args []string) (string, error) {
	if len(args) < 2 || args[0] != "gets" && args[0] != "signs" {
		return "", errors.New("browser gets PATH [PORT] | signs in")
	}
	b, err := s.pair.Browser(func(c *lab.BrowserConfig) {
		if len(args) > 2 {
			port, _ := strconv.ParseUint(args[2], 10, 16)
			c.Edge = netip.AddrPortFrom(c.Edge.Addr(), uint16(port))
		}
	})
	if err != nil {
		return "", err
	}
	defer b.Close()
	var page *lab.Page
	if args[0] == "signs" {
		page, err = b.Fetch(ctx, "GET", "/"+base64.RawStdEncoding.EncodeToString([]byte(Domain))+"/get_edge_config", nil, nil)
	} else {
		page, err = b.Get(ctx, s.pair.World.Web.URL("http", args[1]))
	}
	if err != nil {
		return "", err
	}
	for name, values := range page.Header {
		for _, l := range lab.HeaderAddressLeak(name, strings.Join(values, ", "), s.pair.InsidePrefixes()) {
			s.Errorf("the browser was told of the inside: %s", l)
		}
	}
	return fmt.Sprintln(page.Status), nil
}
