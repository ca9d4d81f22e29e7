package allow

import "slices"

// Automatic is a rule that every node of a type brings along, in the table
// form that administrators see. Nobody can edit it.
type Automatic struct {
	NodeType string // as package uc spells it
	Type     string // in words
	Scheme   string
	Ports    []uint16
	Match    Match
	Path     string
	Methods  []string
}

// What the rules of each type are called.
const (
	unifiedCM = "Unified CM servers"
	tftp      = "TFTP"
	presence  = "IM and Presence Service nodes"
	voicemail = "Unity Connection servers"
)

// AutomaticRules is the table of automatic inbound rules: what clients ask of
// each type of node.
func AutomaticRules() []Automatic {
	get, getPost := []string{"GET"}, []string{"GET", "POST"}
	all := []string{"GET", "POST", "PUT", "DELETE"}
	uds := []uint16{8443, 443}
	return []Automatic{
		{"UnifiedCM", unifiedCM, "https", uds, Exact, "/cucm-uds/version", get},
		{"UnifiedCM", unifiedCM, "https", uds, Exact, "/cucm-uds/servers", get},
		{"UnifiedCM", unifiedCM, "https", uds, Prefix, "/cucm-uds/clusterUser", get},
		{"UnifiedCM", unifiedCM, "https", uds, Prefix, "/cucm-uds/users", get},
		{"UnifiedCM", unifiedCM, "https", uds, Prefix, "/cucm-uds/user/", all},
		{"UnifiedCM", unifiedCM, "https", []uint16{8443}, Prefix, "/ssosp/", getPost},
		{"UnifiedCM", unifiedCM, "https", []uint16{9444}, Prefix, "/headset", []string{"POST"}},
		{"TFTP", tftp, "http", []uint16{6970}, Prefix, "/", []string{"GET", "HEAD"}},
		{"TFTP", tftp, "https", []uint16{6971, 6972}, Prefix, "/", []string{"GET", "HEAD"}},
		{"IMPresence", presence, "https", []uint16{8443}, Prefix, "/EPASSoap/", getPost},
		{"IMPresence", presence, "https", []uint16{7336}, Prefix, "/", []string{"GET", "POST", "PUT"}},
		{"UnityConnection", voicemail, "https", []uint16{443, 8443}, Prefix, "/vmrest/", all},
		{"UnityConnection", voicemail, "https", []uint16{443, 8443}, Prefix, "/vmws/", all},
		{"UnityConnection", voicemail, "http", []uint16{7080}, Prefix, "/unity-messagestore", getPost},
		{"UnityConnection", voicemail, "https", []uint16{7443}, Prefix, "/unity-messagestore", getPost},
		{"UnityConnection", voicemail, "http", []uint16{7080}, Prefix, "/cometd", getPost},
		{"UnityConnection", voicemail, "https", []uint16{7443}, Prefix, "/cometd", getPost},
	}
}

// For gives the rules of one node of the type, a port each. A host that is
// none has no rules.
func (a Automatic) For(host, deployment string) []Rule {
	host, err := canonicalHost(host)
	if err != nil {
		return nil
	}
	var out []Rule
	for _, port := range a.Ports {
		out = append(out, Rule{
			Name: "automatic", Type: a.Type, Scheme: a.Scheme, Host: host, Port: port, Path: a.Path,
			Match: a.Match, Methods: slices.Clone(a.Methods), Deployment: deployment,
		})
	}
	return out
}
