package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"sallyport/appliance/sip"
	"sallyport/appliance/trust"
)

// The whole pair, edge and core as two processes on the subjects' processor, a
// registrar behind it: what a REGISTER costs both, with fast path registration
// and without.
//
//	phones ──▶ edge ──▶ core ──▶ registrar in this process

const pairClients = 200 // each has an entry among core's credentials

func pairScenarios() []string {
	return []string{"REGISTER pair passthrough", "REGISTER pair delegated"}
}

func pairs(ctx context.Context, w *world, opt options, b *book) error {
	for i, name := range pairScenarios() {
		if !opt.only.MatchString(name) {
			continue
		}
		if err := onePair(ctx, w, opt, b, name, i); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// onePair measures both variants of one way of signing in, in turns.
func onePair(ctx context.Context, w *world, opt options, b *book, name string, n int) error {
	delegated := strings.HasSuffix(name, "delegated")
	var all []*subject
	defer func() {
		for _, s := range all {
			if s.fleet != nil {
				s.fleet.close()
			}
			for _, p := range append(s.more, s.proc) {
				p.stop()
			}
		}
	}()
	for i, variant := range []string{"searched", "fast path"} {
		s, err := startWhole(ctx, w, 2*n+i, variant, delegated)
		if err != nil {
			return err
		}
		all = append(all, s)
		if s.fleet, err = connect(ctx, s.addr, pairClients, w.clientTLS()); err != nil {
			return fmt.Errorf("%s: %w: %s", variant, err, s.proc.tail())
		}
	}
	sc := scenario{name: name, job: register, rate: 400}
	for round := range opt.rounds {
		for _, s := range turn(all, round) {
			r := s.run(ctx, sc, opt)
			b.add(name, s.name, r)
			fmt.Printf("round %d  %-26s %-11s %s\n", round+1, name, s.name, r)
		}
	}
	return ctx.Err()
}

// pids are all processes of a subject.
func (s *subject) pids() []int {
	all := s.proc.pids()
	for _, p := range s.more {
		all = append(all, p.pids()...)
	}
	return all
}

// place is where the n-th pair lives.
func place(n int, what int) string { return fmt.Sprintf("127.20.%d.%d", 10+n, what) }

func startWhole(ctx context.Context, w *world, n int, variant string, delegated bool, ofCore ...string) (*subject, error) {
	outer, inner, core, far := place(n, 1), place(n, 2), place(n, 3), place(n, 4)
	if err := farRegistrar(w, far, delegated); err != nil {
		return nil, err
	}
	common := []string{
		`IP DNS Domain Name: "example.com"`, `SIP Domain 1 Name: "` + domain + `"`, `SIP Domain 1 Edge: On`, `CollaborationEdge Enabled: On`,
		`SIP Authentication Digest Nonce Maximum Use Count: 1024`, `SIP Authentication Digest Nonce ExpireDelta: 3600`,
		`SIP Authentication Challenge: 401`, `SIP Authentication Digest Algorithms: "MD5"`,
	}
	if delegated {
		common = append(common, `SIP Domain 1 Authentication: Delegated`)
	}
	if variant == "fast path" {
		common = append(common, `SIP PreRoutedRouteHeader: REGISTER`,
			`Authentication Remote Digest Cache Lifetime: 7200`, `Authentication Remote Digest Cache ExpireCheckInterval: 7200`)
	}
	edge, err := startNode(w, "edge", n, []string{edgeName}, []string{outer, inner}, append([]string{
		`SystemUnit Name: "edge"`, `IP DNS Hostname: "edge"`, `Ethernet 1 IP V4 Address: "` + outer + `"`,
		`Ethernet 2 IP V4 Address: "` + inner + `"`, `IP External Interface: LAN1`, `Administration SSH Port: 2022`,
		`Zones Zone 1 Name: "Core"`, `Zones Zone 1 Type: TraversalServer`, `Zones Zone 1 TraversalServer Collaboration Edge: On`,
		`Zones Zone 1 TraversalServer SIP TLS Verify Subject Name: "` + coreName + `"`,
	}, common...))
	if err != nil {
		return nil, err
	}
	lines := append([]string{
		`SystemUnit Name: "core"`, `IP DNS Hostname: "core"`, `Ethernet 1 IP V4 Address: "` + core + `"`, `Administration SSH Port: 2022`,
		`SIP TCP Mode: On`, `CollaborationEdge RFC3327Enabled: On`,
		`Zones Zone 1 Name: "Edge"`, `Zones Zone 1 Type: TraversalClient`, `Zones Zone 1 TraversalClient Peer 1 Address: "` + inner + `"`,
		`Zones Zone 2 Name: "Call control"`, `Zones Zone 2 Type: Neighbor`, `Zones Zone 2 Neighbor Peer 1 Address: "` + far + `"`,
		`Zones Zone 2 Neighbor SIP Port: 5060`, `Zones Zone 2 Neighbor SIP Transport: TCP`, `Zones Zone 2 Neighbor Monitor: No`,
	}, common...)
	lines = append(append(lines, ruleLines()...), ofCore...)
	for i := range pairClients {
		lines = append(lines, fmt.Sprintf(`Authentication Credential %d Name: "%s@%s"`, i+1, userOf(i), domain),
			fmt.Sprintf(`Authentication Credential %d Password: "%s"`, i+1, password))
	}
	coreProc, err := startNode(w, "core", n, []string{coreName}, []string{core}, lines)
	if err != nil {
		edge.stop()
		return nil, err
	}
	s := &subject{name: variant, addr: outer + ":" + sipPort, proc: edge, more: []*process{coreProc}, far: &farEnd{}}
	if err := edge.await(ctx, func() bool { return listens(s.addr) }); err != nil {
		return nil, err
	}
	pause(ctx, 3*time.Second) // the link comes up; phones that are too early try again
	return s, nil
}

// ruleLines are a plain house's rules: a few for other purposes before the one
// that leads to call control.
func ruleLines() (lines []string) {
	for i, pattern := range []string{`\+\d+@.*`, `00\d+@.*`, `(room|desk)-\d+@.*`, `.*@partner\d*\.example\.org`} {
		lines = append(lines, fmt.Sprintf(`Zones Policy SearchRules Rule %d Name: "Other %d"`, i+1, i+1),
			fmt.Sprintf(`Zones Policy SearchRules Rule %d Mode: AliasPatternMatch`, i+1),
			fmt.Sprintf(`Zones Policy SearchRules Rule %d Pattern Type: Regex`, i+1),
			fmt.Sprintf(`Zones Policy SearchRules Rule %d Pattern String: "%s"`, i+1, strings.ReplaceAll(pattern, `\`, `\\`)),
			fmt.Sprintf(`Zones Policy SearchRules Rule %d Target Name: "Call control"`, i+1))
	}
	return append(lines, `Zones Policy SearchRules Rule 9 Name: "Users"`, `Zones Policy SearchRules Rule 9 Mode: AnyAlias`,
		`Zones Policy SearchRules Rule 9 Target Name: "Call control"`)
}

func startNode(w *world, role string, n int, names, ips []string, lines []string) (*process, error) {
	dir := w.path(fmt.Sprintf("pair%d-%s", n, role))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	cert, key, err := w.ca.Issue(trust.IssueOptions{Names: names, IPs: ips, Server: true, Client: true})
	if err != nil {
		return nil, err
	}
	t, err := trust.Open(filepath.Join(dir, "trust"), time.Now)
	if err != nil {
		return nil, err
	}
	if err := t.InstallServer(cert, key); err != nil {
		return nil, err
	}
	if err := t.InstallCA(w.ca.PEM()); err != nil {
		return nil, err
	}
	text := "xConfiguration " + strings.Join(lines, "\nxConfiguration ") + "\n"
	if err := os.WriteFile(filepath.Join(dir, "config.txt"), []byte(text), 0o600); err != nil {
		return nil, err
	}
	p, err := start(w.dir, fmt.Sprintf("pair%d-%s", n, role), exec.Command(w.binary, "run", "-role", role, "-data", dir))
	if err == nil {
		w.later(p.stop)
	}
	return p, err
}

// farRegistrar takes registrations over TCP, with any credentials, or with none
// where core has checked them, and calls.
func farRegistrar(w *world, at string, open bool) error {
	l, err := net.Listen("tcp", at+":5060")
	if err != nil {
		return err
	}
	w.later(func() { l.Close() })
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serveRegistrar(c, open, &farEnd{contact: "<sip:2001@" + at + ":5060;transport=tcp>"}) // ends with the core that dialled
		}
	}()
	return nil
}

func serveRegistrar(c net.Conn, open bool, calls *farEnd) {
	defer c.Close()
	in := bufio.NewReaderSize(c, 64<<10)
	var held []byte
	for {
		chunk := make([]byte, 16<<10)
		n, err := in.Read(chunk)
		if err != nil {
			return
		}
		held = append(held, chunk[:n]...)
		for size := whole(held); size > 0; size = whole(held) {
			m, fault := sip.Parse(held[:size:size])
			held = held[size:]
			switch {
			case fault != nil || !m.Request():
			case m.Method() == "REGISTER":
				c.Write(registrarAnswer(m, open))
			default:
				calls.answer(m, func(b []byte) { c.Write(b) })
			}
		}
	}
}

func registrarAnswer(m *sip.Message, open bool) []byte {
	if open {
		m = m.Clone()
		m.Set("Authorization", "Digest")
	}
	return registered(m)
}
