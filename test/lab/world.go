package lab

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"
)

// WorldConfig describes the inside of the lab. Certificates come as PEM; with
// none the world makes its own.
type WorldConfig struct {
	Domain string // example.com if empty
	// Net is any address of the /24 that the world lives in; 127.10.2.0 if
	// invalid. The registrar is at .1, the inside phones from .10, web at .20,
	// chat at .30; ClusterAddrs has the rest.
	Net  netip.Addr
	Any  bool // any free ports instead of 5060, 5061, 8080, 8443
	Path PathMode

	Cert, Key []byte // of the registrar and the web server
	CA        []byte // who signs the certificates of its clients and peers
	Log       *slog.Logger

	Core netip.AddrPort // where call control's trunk leads, over TCP; invalid: there is none

	Registrar func(*RegistrarConfig) // last changes before it is made
	OAuth     bool                   // the registrar takes access tokens beside passwords
}

// World is the inside: a registrar with the accounts of Users, a web server, a
// presence node, and carol's phone, which answers every call with an 880 Hz tone.
type World struct {
	Registrar  *Registrar
	Web        *Web
	Chat       *ChatServer
	Carol      *Phone
	Tokens     *TokenIssuer // of the home cluster
	SSOSP      *SSOSP       // gives them
	KeysByREST *KeyResource // tells the home cluster's token keys
	Activation *Activation  // gives them for activation codes
	Domain     string
	CA         []byte // who signed the world's certificate

	Home, Remote *Cluster

	HomeAXL, RemoteAXL, PresenceAXL *AXL // what their publishers tell
	UDS                             *UDS
	Files                           *Files
	Voicemail                       *Voicemail
	Pushes                          *PushStub // push services

	cfg   WorldConfig
	hosts map[netip.Addr]*Host
	nodes map[string]*Registrar // of the clusters, by host
}

// CarolTone is what the inside phone speaks.
const CarolTone = 880

// Users are the accounts of a world with their passwords.
func Users() map[string]string {
	return map[string]string{"alice": "alice-secret", "bob": "bob-secret", "carol": "carol-secret", "dave": "dave-secret"}
}

// NewWorld starts the inside; ctx bounds the start only.
func NewWorld(ctx context.Context, cfg WorldConfig) (*World, error) {
	setDefault(&cfg.Domain, "example.com")
	if !cfg.Net.IsValid() {
		cfg.Net = netip.MustParseAddr("127.10.2.0")
	}
	w := &World{cfg: cfg, Domain: cfg.Domain}
	if err := w.start(ctx); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

func (w *World) start(ctx context.Context) error {
	server, client, err := w.identity()
	if err != nil {
		return err
	}
	if w.Tokens, err = NewTokenIssuer(); err != nil {
		return err
	}
	if err := w.startRegistrar(server, client); err != nil {
		return err
	}
	web := w.host(20)
	w.Web = NewWeb(WebConfig{HTTP: netip.AddrPortFrom(web, w.port(8080)), HTTPS: netip.AddrPortFrom(web, w.port(8443)), TLS: server})
	if err := w.Web.Start(); err != nil {
		return err
	}
	w.Chat = &ChatServer{Domain: w.Domain, Accounts: Users(), TLS: server}
	if err := w.Chat.Start(netip.AddrPortFrom(w.host(30), w.port(5222))); err != nil {
		return err
	}
	if err := w.startHosts(server); err != nil {
		return err
	}
	if err := w.startServices(); err != nil {
		return err
	}
	if w.Pushes, err = NewPushStub(); err != nil {
		return err
	}
	if err := w.Pushes.Start(netip.AddrPortFrom(web, 0), server); err != nil {
		return err
	}
	if err := w.startPublishers(server, client); err != nil {
		return err
	}
	return w.startCarol(ctx)
}

// identity is the world's certificate, its own making if none was given.
func (w *World) identity() (server, client *tls.Config, err error) {
	if w.cfg.Cert == nil {
		w.cfg.Cert, w.cfg.Key, err = selfSigned([]string{w.Domain, "ucm1." + w.Domain}, append([]netip.Addr{w.host(1), w.host(20), w.host(30)}, ClusterAddrs(w.cfg.Net)...))
		if err != nil {
			return nil, nil, err
		}
		w.cfg.CA = append(slices.Clone(w.cfg.CA), w.cfg.Cert...)
	}
	w.CA = w.cfg.CA
	if server, err = ServerTLS(w.cfg.Cert, w.cfg.Key); err != nil {
		return nil, nil, err
	}
	client, err = ClientTLS(w.cfg.CA, "", server)
	return server, client, err
}

func (w *World) startRegistrar(server, client *tls.Config) error {
	at := func(port uint16) netip.AddrPort { return netip.AddrPortFrom(w.host(1), w.port(port)) }
	cfg := RegistrarConfig{Domain: w.Domain, Accounts: Users(), UDP: at(5060), TCP: at(5060), TLS: at(5061),
		ServerTLS: server, ClientTLS: client, Path: w.cfg.Path, Log: w.cfg.Log,
		Hosts: map[string]netip.Addr{"ucm1." + w.Domain: w.host(1)}}
	if w.cfg.OAuth {
		cfg.Bearer = w.Tokens.Owner
	}
	if w.cfg.Core.IsValid() {
		cfg.Trunk, cfg.Trunks = at(5070), map[string]netip.AddrPort{RoomDomain: w.cfg.Core, PartnerDomain: w.cfg.Core}
	}
	if w.cfg.Registrar != nil {
		w.cfg.Registrar(&cfg)
	}
	w.Registrar = NewRegistrar(cfg)
	return w.Registrar.Start()
}

func (w *World) startCarol(ctx context.Context) (err error) {
	w.Carol, err = w.InsidePhone("carol", CarolTone)
	if err != nil {
		return err
	}
	if err := w.Carol.Start(ctx); err != nil {
		return err
	}
	return w.Carol.Register(ctx)
}

// InsidePhone makes another inside phone: UDP, plain RTP, answering by itself.
// It is not started, and who asked for it closes it.
func (w *World) InsidePhone(user string, tone float64, change ...func(*PhoneConfig)) (*Phone, error) {
	cfg := PhoneConfig{User: user, Password: Users()[user], Domain: w.Domain, Transport: "UDP", Listen: true,
		Server: w.Registrar.Addr("UDP"), Local: w.host(10), Tone: tone, AutoAnswer: true, Expires: time.Hour, Log: w.cfg.Log}
	for _, f := range change {
		f(&cfg)
	}
	return NewPhone(cfg)
}

// OutsidePhone describes the softphone of alice (440 Hz), bob (660 Hz) or dave
// (1200 Hz) outside, to be completed with Server, CA and Local: TLS, SRTP with
// every suite, outbound.
func (w *World) OutsidePhone(user string) PhoneConfig {
	tone := map[string]float64{"alice": 440, "bob": 660, "dave": 1200}[user]
	return PhoneConfig{User: user, Password: Users()[user], Domain: w.Domain, Suites: AllSuites(), Tone: tone,
		Outbound: true, Keepalive: CRLFKeepalive, Log: w.cfg.Log}
}

// Prefix is the beginning of every address of the world, for leak checks.
func (w *World) Prefix() string {
	b := w.cfg.Net.As4()
	return fmt.Sprintf("%d.%d.%d.", b[0], b[1], b[2])
}

func (w *World) host(n byte) netip.Addr {
	b := w.cfg.Net.As4()
	b[3] = n
	return netip.AddrFrom4(b)
}

func (w *World) port(usual uint16) uint16 {
	if w.cfg.Any {
		return 0
	}
	return usual
}

// Close ends the world and waits for all of it.
func (w *World) Close() {
	if w.Carol != nil {
		w.Carol.Close()
	}
	for _, h := range w.hosts {
		h.Stop()
	}
	for _, r := range w.nodes {
		r.Close()
	}
	if w.Pushes != nil {
		w.Pushes.Close()
	}
	if w.Chat != nil {
		w.Chat.Close()
	}
	if w.Web != nil {
		w.Web.Close()
	}
	if w.Registrar != nil {
		w.Registrar.Close()
	}
}
