package netns

import (
	"fmt"
	"path/filepath"
	"strings"
)

// PathMode is how Kamailio treats Path and outbound.
type PathMode string

// The modes that a registrar in the field may have.
const (
	PathOff      PathMode = "off"
	PathLazy     PathMode = "lazy"
	PathStrict   PathMode = "strict"
	PathOutbound PathMode = "outbound"

	// PathStub is no Kamailio but the lab's call control, which takes Path.
	PathStub PathMode = "stub"
)

// Kamailio is a registrar in a space: UDP and TCP on 5060, TLS on 5061, digest
// with one password for everybody.
type Kamailio struct {
	*Process
	space *Space
	addr  string
}

// Password is everybody's at the registrar.
const Password = "secret"

// StartKamailio runs a registrar for a domain on an address of the space.
func (s *Space) StartKamailio(addr, domain string, mode PathMode, id Identity) *Kamailio {
	s.net.t.Helper()
	for _, module := range []string{"tls.so", "outbound.so"} {
		if found, _ := filepath.Glob("/usr/lib/*/kamailio/modules/" + module); len(found) == 0 {
			s.net.t.Skipf("needs kamailio's %s: run scripts/setup.sh", module)
		}
	}
	dir := s.net.t.TempDir()
	write(s.net.t, filepath.Join(dir, "tls.cfg"), kamailioTLS(id))
	write(s.net.t, filepath.Join(dir, "kamailio.cfg"), kamailioConfig(addr, domain, mode, dir))
	p := s.Start("kamailio", "-f", filepath.Join(dir, "kamailio.cfg"), "-m", "64", "-M", "8", "-DD", "-E", "-w", dir, "-Y", dir)
	k := &Kamailio{p, s, addr}
	Until(s.net.t, giveUp, "kamailio listens", func() bool {
		return strings.Contains(s.Run("ss", "-Hltn"), addr+":5061")
	})
	return k
}

// SawPath tells whether a user's newest registration came with a Path.
func (k *Kamailio) SawPath(user string) bool {
	log := k.Output()
	at := strings.LastIndex(log, "REGISTER sip:"+user+"@")
	if at < 0 {
		return false
	}
	line, _, _ := strings.Cut(log[at:], "\n")
	return strings.Contains(line, " path <sip:")
}

func kamailioTLS(id Identity) string {
	side := fmt.Sprintf("method = TLSv1.2+\nverify_certificate = no\nrequire_certificate = no\nprivate_key = %s\ncertificate = %s\n", id.Key, id.Cert)
	return "[server:default]\n" + side + "\n[client:default]\n" + side
}

// pathParams are the registrar parameters of each mode.
func pathParams(mode PathMode) string {
	switch mode {
	case PathOff:
		return `modparam("registrar", "use_path", 0)`
	case PathLazy:
		return "modparam(\"registrar\", \"use_path\", 1)\nmodparam(\"registrar\", \"path_mode\", 1)"
	case PathOutbound:
		return "modparam(\"registrar\", \"use_path\", 1)\nmodparam(\"registrar\", \"path_mode\", 2)\nmodparam(\"registrar\", \"outbound_mode\", 1)"
	}
	return "modparam(\"registrar\", \"use_path\", 1)\nmodparam(\"registrar\", \"path_mode\", 2)"
}

func kamailioConfig(addr, domain string, mode PathMode, dir string) string {
	outbound := ""
	if mode == PathOutbound {
		outbound = "loadmodule \"outbound.so\""
	}
	return strings.NewReplacer("ADDR", addr, "DOMAIN", domain, "PATHPARAMS", pathParams(mode),
		"OUTBOUND", outbound, "DIR", dir, "PASSWORD", Password).Replace(kamailioTemplate)
}

// kamailioTemplate is a registrar and record-routing proxy. gruu_enabled stays
// off: with it a phone's GRUU Contact makes its ACK and BYE unroutable.
const kamailioTemplate = `
debug=2
log_stderror=yes
fork=yes
children=2
tcp_children=2
enable_tls=yes
listen=udp:ADDR:5060
listen=tcp:ADDR:5060
listen=tls:ADDR:5061
alias="DOMAIN"
auto_aliases=no
dns=no
rev_dns=no
tcp_connection_lifetime=3600
tcp_accept_no_cl=no

OUTBOUND
loadmodule "tls.so"
loadmodule "kex.so"
loadmodule "corex.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
loadmodule "auth.so"

modparam("tls", "config", "DIR/tls.cfg")
modparam("usrloc", "db_mode", 0)
modparam("registrar", "gruu_enabled", 0)
modparam("registrar", "max_expires", 3600)
modparam("registrar", "min_expires", 5)
PATHPARAMS

request_route {
	if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
	if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
	if (has_totag()) {
		if (loose_route()) { t_relay(); exit; }
		if (is_method("ACK")) { if (t_check_trans()) t_relay(); exit; }
		sl_send_reply("404", "Not here");
		exit;
	}
	if (is_method("INVITE|SUBSCRIBE")) record_route();
	if (is_method("REGISTER")) {
		if (!pv_www_authenticate("DOMAIN", "PASSWORD", "0")) { www_challenge("DOMAIN", "1"); exit; }
		xlog("L_NOTICE", "REGISTER $tu contact $hdr(Contact) path $hdr(Path)\n");
		if (is_present_hf("Supported") && search_hf("Supported", "X-cisco-sessionpersist", "a")) append_to_reply("Supported: X-cisco-sessionpersist\r\n");
		save("location");
		exit;
	}
	if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
	xlog("L_NOTICE", "$rm to $ru via $du\n");
	t_relay();
}
`
