package netns

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

// PhoneConfig describes a baresip phone.
type PhoneConfig struct {
	User, Domain string
	Addr         string // its own address
	Server       string // host:port that it connects to
	Transport    string // tls, tcp, udp
	Tone         float64
	SRTP         bool
	Outbound     bool   // sipnat=outbound: reg-id and instance
	RegInterval  int    // seconds; 0 means 120
	DNS          string // address of its name server
	CA           string
	Identity     Identity
}

// Phone is a running baresip.
type Phone struct {
	*Process
	space *Space
	cfg   PhoneConfig
	rec   string // folder of recordings
	conn  net.Conn

	mu     sync.Mutex // guards all below
	events []Event
	token  int
}

// Event is something that baresip told about itself.
type Event struct {
	Type  string `json:"type"` // REGISTER_OK, CALL_ESTABLISHED, CALL_CLOSED, ...
	Class string `json:"class"`
	Peer  string `json:"peeruri"`
	Param string `json:"param"`
}

const controlPort = 24441

// StartPhone runs a phone that answers every call and speaks its tone.
func (s *Space) StartPhone(cfg PhoneConfig) *Phone {
	s.net.t.Helper()
	dir := s.net.t.TempDir()
	p := &Phone{space: s, cfg: cfg, rec: filepath.Join(dir)}
	tone := filepath.Join(dir, "tone.wav")
	WriteTone(s.net.t, tone, cfg.Tone, 120)
	write(s.net.t, filepath.Join(dir, "config"), baresipConfig(cfg, tone, p.rec))
	write(s.net.t, filepath.Join(dir, "accounts"), baresipAccount(cfg))
	write(s.net.t, filepath.Join(dir, "contacts"), "")
	p.Process = s.Start("baresip", "-f", dir, "-v", "-s")
	Until(s.net.t, giveUp, "baresip of "+cfg.User+" listens for control", func() bool { return p.connect() == nil })
	s.net.t.Cleanup(func() { p.conn.Close() })
	go p.listen()
	return p
}

func baresipConfig(cfg PhoneConfig, tone, rec string) string {
	lines := []string{
		"sip_listen " + cfg.Addr + ":5060", "audio_source aufile," + tone, "audio_alert aufile,/dev/null",
		"ausrc_srate 8000", "auplay_srate 8000", "ausrc_channels 1", "auplay_channels 1", "snd_path " + rec,
		"module_path /usr/lib/baresip/modules", "module g711.so", "module aufile.so", "module sndfile.so",
		"module srtp.so", "module ctrl_tcp.so", "module_tmp uuid.so", "module_tmp account.so",
		"module_app contact.so", "module_app debug_cmd.so", "module_app menu.so",
		fmt.Sprintf("ctrl_tcp_listen 127.0.0.1:%d", controlPort), "rtp_stats yes",
	}
	if cfg.DNS != "" {
		lines = append(lines, "dns_server "+cfg.DNS+":53")
	}
	if cfg.Transport == "tls" {
		lines = append(lines, "sip_certificate "+cfg.Identity.Both, "sip_cafile "+cfg.CA)
	}
	return strings.Join(lines, "\n") + "\n"
}

func (cfg PhoneConfig) interval() int {
	if cfg.RegInterval == 0 {
		return 120
	}
	return cfg.RegInterval
}

func baresipAccount(cfg PhoneConfig) string {
	a := fmt.Sprintf(`<sip:%s@%s;transport=%s>;auth_pass=%s;outbound="sip:%s;transport=%s";regint=%d;audio_codecs=pcmu/8000/1;answermode=auto`,
		cfg.User, cfg.Domain, cfg.Transport, Password, cfg.Server, cfg.Transport, cfg.interval())
	if cfg.SRTP {
		a += ";mediaenc=srtp-mand"
	}
	if cfg.Outbound {
		a += ";sipnat=outbound"
	}
	return a + "\n"
}

func (p *Phone) connect() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	c, err := p.space.Dial(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", controlPort))
	p.conn = c
	return err
}

// listen takes events until the phone ends. They come as netstrings.
func (p *Phone) listen() {
	r := bufio.NewReader(p.conn)
	for {
		size, err := r.ReadString(':')
		if err != nil {
			return
		}
		n, err := strconv.Atoi(strings.TrimSuffix(size, ":"))
		if err != nil || n < 0 || n > 1<<20 {
			return
		}
		b := make([]byte, n+1) // and a comma
		if _, err := io.ReadFull(r, b); err != nil {
			return
		}
		var e Event
		if json.Unmarshal(b[:n], &e) == nil && e.Type != "" {
			p.mu.Lock()
			p.events = append(p.events, e)
			p.mu.Unlock()
		}
	}
}

// Events is what the phone told so far.
func (p *Phone) Events() []Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Event(nil), p.events...)
}

// Count counts the events of a type.
func (p *Phone) Count(kind string) int {
	n := 0
	for _, e := range p.Events() {
		if e.Type == kind {
			n++
		}
	}
	return n
}

// Await waits until a type of event was told n times.
func (p *Phone) Await(kind string, n int, within time.Duration) {
	p.space.net.t.Helper()
	Until(p.space.net.t, within, fmt.Sprintf("%s of %s, %d times (so far %v)", kind, p.cfg.User, n, p.Events()),
		func() bool { return p.Count(kind) >= n })
}

// AwaitRegistered waits for the first registration, which may be told before
// anyone can listen: so it is read from what the phone prints.
func (p *Phone) AwaitRegistered() {
	p.space.net.t.Helper()
	Until(p.space.net.t, giveUp, p.cfg.User+" registers", func() bool {
		return strings.Contains(p.Output(), "200 OK") && strings.Contains(p.Output(), "binding")
	})
}

// AwaitReturn waits until the phone has registered again; before was its count
// of REGISTER_OK. Nobody tells baresip that its connection is gone: its refresh
// runs into Timer F (32 s), and the next try comes 30 to 60 s later (RFC 5626
// 4.5).
func (p *Phone) AwaitReturn(before int) {
	p.space.net.t.Helper()
	p.Await("REGISTER_OK", before+1, 150*time.Second)
}

// Command gives an order: dial, hangup, and so on.
func (p *Phone) Command(command, params string) {
	p.space.net.t.Helper()
	p.mu.Lock()
	p.token++
	b, _ := json.Marshal(map[string]string{"command": command, "params": params, "token": strconv.Itoa(p.token)})
	p.mu.Unlock()
	if _, err := fmt.Fprintf(p.conn, "%d:%s,", len(b), b); err != nil {
		p.space.net.t.Fatalf("%s of %s: %v", command, p.cfg.User, err)
	}
}

// Dial calls a user of the phone's domain.
func (p *Phone) Dial(user string) { p.Command("dial", "sip:"+user+"@"+p.cfg.Domain) }

// Hangup ends the call.
func (p *Phone) Hangup() { p.Command("hangup", "") }

// Heard lists what the phone recorded of the far end, oldest first.
func (p *Phone) Heard() []Recording {
	p.space.net.t.Helper()
	files, _ := filepath.Glob(filepath.Join(p.rec, "*-dec.wav"))
	sort.Strings(files)
	var all []Recording
	for _, f := range files {
		if r, err := readWAV(f); err == nil {
			all = append(all, r)
		}
	}
	return all
}
