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
	read, get, post := []string{"GET", "HEAD"}, []string{"GET"}, []string{"POST"}
	getPost, edit := []string{"GET", "POST"}, []string{"GET", "POST", "PUT"}
	all := []string{"GET", "POST", "PUT", "DELETE"}
	uds, one := []uint16{8443, 443}, []uint16{8443}
	return []Automatic{
		{"UnifiedCM", unifiedCM, "https", uds, Exact, "/cucm-uds/version", read},
		{"UnifiedCM", unifiedCM, "https", uds, Exact, "/cucm-uds/servers", read},
		{"UnifiedCM", unifiedCM, "https", uds, Prefix, "/cucm-uds/clusterUser", read},
		{"UnifiedCM", unifiedCM, "https", uds, Prefix, "/cucm-uds/options", read},
		{"UnifiedCM", unifiedCM, "https", uds, Prefix, "/cucm-uds/installedLocales", read},
		{"UnifiedCM", unifiedCM, "https", uds, Prefix, "/cucm-uds/users", get},
		{"UnifiedCM", unifiedCM, "https", uds, Prefix, "/cucm-uds/user/", all},
		{"UnifiedCM", unifiedCM, "https", one, Exact, "/cucm-uds/private/users", edit},
		{"UnifiedCM", unifiedCM, "https", one, Prefix, "/cucm-uds/private/user/", edit},
		// Signing in, but neither revoking tokens nor the servers' own settings.
		{"UnifiedCM", unifiedCM, "https", one, Prefix, "/ssosp/ws/public/", get},
		{"UnifiedCM", unifiedCM, "https", one, Prefix, "/ssosp/oauth/", getPost},
		{"UnifiedCM", unifiedCM, "https", one, Exact, "/ssosp/token", post},
		{"UnifiedCM", unifiedCM, "https", one, Prefix, "/ssosp/saml/", getPost},
		{"UnifiedCM", unifiedCM, "https", one, Prefix, "/ssosp/local/", getPost},
		{"UnifiedCM", unifiedCM, "https", one, Prefix, "/ssosp/public/", get},
		{"UnifiedCM", unifiedCM, "https", one, Prefix, "/ccmact/v1/actions/srp/", post},
		{"UnifiedCM", unifiedCM, "https", one, Prefix, "/emservice/", getPost},
		{"UnifiedCM", unifiedCM, "https", one, Prefix, "/emapp/", getPost},
		{"UnifiedCM", unifiedCM, "https", one, Prefix, "/changecredential/", getPost},
		{"UnifiedCM", unifiedCM, "https", []uint16{443, 6971, 9444}, Prefix, "/headset", edit},
		{"TFTP", tftp, "http", []uint16{6970}, Prefix, "/", read},
		{"TFTP", tftp, "https", []uint16{6971, 6972}, Prefix, "/", read},
		{"IMPresence", presence, "https", one, Prefix, "/EPASSoap/", getPost},
		{"IMPresence", presence, "https", one, Exact, "/ssosp/ws/public/singleSignOn", get},
		{"IMPresence", presence, "https", []uint16{7336}, Prefix, "/", []string{"GET", "HEAD", "POST", "PUT", "DELETE"}},
		{"UnityConnection", voicemail, "https", uds, Prefix, "/vmrest/version", read},
		{"UnityConnection", voicemail, "https", uds, Prefix, "/vmrest/mailbox", all},
		{"UnityConnection", voicemail, "https", uds, Prefix, "/vmrest/messages", all},
		{"UnityConnection", voicemail, "https", uds, Prefix, "/vmrest/users", all},
		{"UnityConnection", voicemail, "https", uds, Prefix, "/vmrest/calls", all},
		{"UnityConnection", voicemail, "https", uds, Prefix, "/vmws/", getPost},
		{"UnityConnection", voicemail, "https", uds, Exact, "/ssosp/ws/public/singleSignOn", get},
		{"UnityConnection", voicemail, "http", []uint16{7080}, Prefix, "/vmevents/", getPost},
		{"UnityConnection", voicemail, "https", []uint16{7443}, Prefix, "/vmevents/", getPost},
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
