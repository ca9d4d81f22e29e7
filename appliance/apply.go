package appliance

import (
	"context"
	"crypto/tls"
	"log/slog"
	"slices"
	"strings"
	"time"

	"sallyport/appliance/config"
	"sallyport/appliance/eventlog"
	"sallyport/appliance/sshd"
	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
)

// retryApply is how soon a snapshot is applied again that could not be made
// real in every part.
const retryApply = 10 * time.Second

// apply makes each new snapshot real until ctx ends.
func (n *Node) apply(ctx context.Context) error {
	watch := n.store.Watch()
	defer watch.Close()
	retry := time.NewTimer(retryApply)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-watch.C():
		case <-retry.C:
		}
		snap := n.store.Snapshot()
		if n.applyOnce(snap) {
			n.applied.Store(int64(snap.Rev()) + 1)
		} else {
			retry.Reset(retryApply)
		}
	}
}

// Applied reports whether the newest snapshot has been made real whole.
func (n *Node) Applied() bool { return n.applied.Load() == int64(n.store.Snapshot().Rev())+1 }

// applyOnce reports whether everything could be done; what could not is in
// the log, and alarms where they tell more.
func (n *Node) applyOnce(snap *config.Snapshot) bool {
	n.applyPolicy(snap)
	names := n.servers.apply(snap)
	n.zones.SetServers(names.servers)
	n.zones.SetDomains(names.domains)
	n.events.SetLevel(level(snap.Int(xapi.LogLevel)))
	n.events.SetSyslog(syslogTargets(snap))
	door, doorErr := sshd.PlanFrom(snap, n.cfg.Role)
	ok := true
	for _, err := range []error{doorErr, n.door.Apply(door), n.role.Apply(snap)} {
		if err != nil {
			ok = false
			n.log.Error("configuration not applied whole", "rev", snap.Rev(), "err", err)
		}
	}
	n.look()
	n.log.Debug("configuration applied", "rev", snap.Rev())
	return ok
}

// applyPolicy gives SIP over TLS the versions that are configured, and has edge
// ask HTTPS clients for the certificate of a device where those may be onboarded.
func (n *Node) applyPolicy(snap *config.Snapshot) {
	low, high := tlsVersions(snap.Enum(xapi.SIPTLSVersions))
	for _, p := range []trust.Purpose{trust.SIPOutside, trust.SIPInside} {
		pol := n.trust.Policy(p)
		if pol.MinVersion != low || pol.MaxVersion != high {
			pol.MinVersion, pol.MaxVersion = low, high
			n.trust.SetPolicy(p, pol)
		}
	}
	pol, ask := n.trust.Policy(trust.HTTPSOutside), trust.ClientCertNone
	if n.cfg.Role == xapi.Edge && snap.Bool(xapi.AllowOnboarding) {
		ask = trust.ClientCertAsk
	}
	if pol.ClientCert != ask {
		pol.ClientCert = ask
		n.trust.SetPolicy(trust.HTTPSOutside, pol)
	}
}

// tlsVersions reads "TLSv1.2:TLSv1.3".
func tlsVersions(set string) (low, high uint16) {
	known := map[string]uint16{"TLSv1": tls.VersionTLS10, "TLSv1.1": tls.VersionTLS11, "TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}
	var all []uint16
	for _, v := range strings.Split(set, ":") {
		all = append(all, known[v])
	}
	return slices.Min(all), slices.Max(all)
}

// level maps Log Level 1 to 4 (the replaced product's: 1 the least) to what
// is kept.
func level(n int) slog.Level {
	if n >= 3 {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

func syslogTargets(snap *config.Snapshot) []eventlog.SyslogTarget {
	var out []eventlog.SyslogTarget
	for _, i := range snap.Indexes(xapi.RemoteSyslogAddress.Item) {
		if host := snap.Str(xapi.RemoteSyslogAddress, i); host != "" {
			out = append(out, syslogTarget(snap, i, host))
		}
	}
	return out
}

// syslogTarget reads one receiver: Mode sets format and transport together,
// unless it leaves them to their own rows.
func syslogTarget(snap *config.Snapshot, i int, host string) eventlog.SyslogTarget {
	format, transport := snap.Enum(xapi.RemoteSyslogFormat, i), snap.Enum(xapi.RemoteSyslogTransport, i)
	switch snap.Enum(xapi.RemoteSyslogMode, i) {
	case "bsd":
		format, transport = "bsd", "udp"
	case "ietf":
		format, transport = "ietf", "tcp"
	case "ietf_secure":
		format, transport = "ietf", "tls"
	}
	t := eventlog.SyslogTarget{
		Address: host, Port: uint16(snap.Int(xapi.RemoteSyslogPort, i)), Transport: transport,
		Level: severity(snap.Enum(xapi.RemoteSyslogLevel, i)),
	}
	if format == "ietf" {
		t.Format = eventlog.IETF
	}
	return t
}

// severity maps the words of syslog to the levels that the log has.
func severity(word string) slog.Level {
	switch word {
	case "debug":
		return slog.LevelDebug
	case "informational", "notice":
		return slog.LevelInfo
	case "warning":
		return slog.LevelWarn
	}
	return slog.LevelError
}
