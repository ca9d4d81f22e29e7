package httpproxy

import (
	"context"
	"net"
	"slices"
	"strings"
	"time"

	"sallyport/appliance/uc"
)

// maxServices bounds one question.
const maxServices = 16

// What files are served by, without TLS.
const tftpPort = 6970

// service answers for one service name as a look-up inside would: from what is
// known of the nodes, else by inside DNS, of which only nodes of the user's
// deployment are told.
func (s *Server) service(ctx context.Context, l *live, v Visitor, in *login, name string) service {
	out := service{Name: printableName(name)}
	serving := func(kind uc.NodeType, port int) {
		for _, n := range s.ailing.answering(ofType(l.Topology, v.Deployment, kind)) {
			out.Servers = append(out.Servers, srvServer{1, 1, port, n.Host})
		}
	}
	switch name {
	case "tftpServer":
		for _, n := range s.fileServers(l, v.Deployment, in) {
			out.Addresses = append(out.Addresses, n.Host)
		}
		return out
	case "_cisco-uds":
		for _, n := range in.nodes {
			out.Servers = append(out.Servers, srvServer{1, 1, udsPort, n.Host})
		}
	case "_cuplogin":
		serving(uc.IMPresence, udsPort)
	case "_cisco-phone-tftp":
		for _, n := range s.fileServers(l, v.Deployment, in) {
			out.Servers = append(out.Servers, srvServer{1, 1, tftpPort, n.Host})
		}
	default:
		out.Servers = s.lookUp(ctx, l, v, name)
	}
	if len(out.Servers) == 0 {
		out.Error = "NameError"
	}
	return out
}

// fileServers are those of the home cluster, else of the deployment.
func (s *Server) fileServers(l *live, deployment int, in *login) []uc.Node {
	files := s.ailing.answering(ofType(l.Topology, deployment, uc.TFTP))
	own := slices.DeleteFunc(slices.Clone(files), func(n uc.Node) bool {
		return !slices.ContainsFunc(in.nodes, func(h uc.Node) bool { return h.Host == n.Host })
	})
	if len(own) > 0 {
		return own
	}
	return files
}

// lookUp asks inside DNS for a service of the domain.
func (s *Server) lookUp(ctx context.Context, l *live, v Visitor, name string) (out []srvServer) {
	if s.cfg.LookupSRV == nil || !serviceName(name) {
		return nil
	}
	_, records, err := s.cfg.LookupSRV(ctx, "", "", name+"._tcp."+v.Domain)
	if err != nil {
		return nil
	}
	for _, r := range records {
		n, known := l.Topology.Node(r.Target)
		if known && n.Deployment == v.Deployment && n.Up() && len(out) < maxServices {
			out = append(out, srvServer{int(r.Priority), int(r.Weight), int(r.Port), n.Host})
		}
	}
	return out
}

// lookUpWait is for all look-ups of one answer.
const lookUpWait = 3 * time.Second

// SRVLookup is net.Resolver's LookupSRV.
type SRVLookup func(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)

// serviceName tells whether a text is one label of a service.
func serviceName(name string) bool {
	return len(name) > 1 && len(name) <= 63 && name[0] == '_' && strings.Trim(name[1:], "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// printableName is a service's name as it may stand in an answer.
func printableName(name string) string {
	if name == "tftpServer" || serviceName(name) {
		return name
	}
	return "_unknown"
}
