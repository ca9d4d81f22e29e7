package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// errMissing says that a peer is not installed.
var errMissing = errors.New("not installed")

// kamailioConfig makes Kamailio do what edge does: TLS from many clients, one
// TLS link out, transactions, Path and Record-Route. One worker, since eight of
// them cost twice as much and die in bursts of TLS connects (5.6.3).
const kamailioConfig = `#!KAMAILIO
debug=0
log_stderror=yes
fork=yes
children=1
tcp_children=1
enable_tls=yes
listen=tls:OUTER:5061
auto_aliases=no
dns=no
rev_dns=no
use_dns_cache=no
tcp_connection_lifetime=3600
tcp_max_connections=16384
tls_max_connections=16384
server_signature=no

loadmodule "tls.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "path.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"

modparam("tls", "config", "DIR/tls.cfg")
modparam("rr", "enable_full_lr", 1)

request_route {
	if (!mf_process_maxfwd_header("70")) { sl_send_reply("483", "Too Many Hops"); exit; }
	if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
	if (has_totag()) {
		if (loose_route()) { $du = "sip:FAR:7001;transport=tls"; t_relay(); exit; }
		if (is_method("ACK")) { if (t_check_trans()) t_relay(); exit; }
		sl_send_reply("404", "Not here");
		exit;
	}
	if (is_method("REGISTER")) { add_path_received(); } else { record_route(); }
	$du = "sip:FAR:7001;transport=tls";
	if (!t_relay()) sl_reply_error();
}
`

const kamailioTLS = `[server:default]
method = TLSv1.2+
verify_certificate = no
require_certificate = no
private_key = DIR/key.pem
certificate = DIR/cert.pem

[client:default]
method = TLSv1.2+
verify_certificate = no
require_certificate = no
`

func startKamailio(ctx context.Context, w *world) (*subject, error) {
	binary, err := find("kamailio", "/usr/sbin/kamailio")
	if err != nil {
		return nil, fmt.Errorf("kamailio %w: apt-get install kamailio kamailio-tls-modules", err)
	}
	if found, _ := filepath.Glob("/usr/lib/*/kamailio/modules/tls.so"); len(found) == 0 {
		return nil, fmt.Errorf("kamailio's tls module %w: apt-get install kamailio-tls-modules", errMissing)
	}
	s := &subject{name: "Kamailio", addr: kamOuter + ":" + sipPort, far: &farEnd{}}
	stop, err := s.far.serve(w.serverTLS(), kamFar+":"+linkPort, false)
	if err != nil {
		return nil, err
	}
	w.later(stop)
	fill := strings.NewReplacer("OUTER", kamOuter, "FAR", kamFar, "DIR", w.dir)
	for name, text := range map[string]string{"kamailio.cfg": kamailioConfig, "tls.cfg": kamailioTLS} {
		if err := os.WriteFile(w.path(name), []byte(fill.Replace(text)), 0o600); err != nil {
			return nil, err
		}
	}
	s.proc, err = start(w.dir, "kamailio", exec.Command(binary, "-f", w.path("kamailio.cfg"),
		"-x", "tlsf", "-m", "2048", "-M", "32", "-DD", "-E", "-w", w.dir, "-Y", w.dir))
	if err != nil {
		return nil, err
	}
	w.later(s.proc.stop)
	return s, s.proc.await(ctx, func() bool { return listens(s.addr) })
}

// find looks for a program by name, then where Debian puts it.
func find(name, path string) (string, error) {
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	return "", errMissing
}

// version is the first line of what a program says of itself.
func version(name, path, flag string) string {
	binary, err := find(name, path)
	if err != nil {
		return name + " not installed"
	}
	out, _ := exec.Command(binary, flag).CombinedOutput()
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}
