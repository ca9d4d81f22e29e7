package lab

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// AXL is the administrative interface of one Unified CM or presence cluster as
// its publisher answers it: the calls that discovery makes. All settings may be
// changed while it serves.
type AXL struct {
	User, Password string

	mu       sync.Mutex // guards all below
	version  string     // "15.0.1.12900(234)"
	norole   bool
	nodes    []AXLNode
	params   map[string]string // processconfig
	tables   map[string][]AXLRow
	remote   []string
	self     map[string]string // Expressway-C: name to subject names
	override map[string]AXLAnswer
	seen     []string
}

// An AXLNode is one entry of System > Server.
type AXLNode struct {
	Host     string
	Presence bool
	Services []string // active ones
	Domain   string   // of a presence node
	SIP      [3]int   // ports of SIP, SIP over TLS, SIP by token; 0 = the usual
}

// AXLRow is one row of a table, columns in order.
type AXLRow [][2]string

// AXLAnswer takes the place of the true one.
type AXLAnswer struct {
	Status int
	Body   string
}

// NewAXL makes the interface of a Unified CM cluster: call control and files on
// every node. The account is axl / axl-secret.
func NewAXL(version string, hosts ...string) *AXL {
	a := newAXL(version)
	for _, h := range hosts {
		a.nodes = append(a.nodes, AXLNode{Host: h, Services: []string{"Cisco CallManager", "Cisco Tftp", "Cisco User Data Services", "Cisco Device Activation Service"}})
	}
	return a
}

// NewPresenceAXL makes the interface of a presence cluster.
func NewPresenceAXL(version, domain string, hosts ...string) *AXL {
	a := newAXL(version)
	for _, h := range hosts {
		a.nodes = append(a.nodes, AXLNode{Host: h, Presence: true, Domain: domain, Services: []string{"Cisco XCP Router", "Cisco XCP Connection Manager"}})
	}
	return a
}

func newAXL(version string) *AXL {
	return &AXL{
		User: "axl", Password: "axl-secret", version: version, tables: map[string][]AXLRow{}, self: map[string]string{},
		params:   map[string]string{"ClusterSecurityMode": "0", "ClusterSIPOAuthMode": "0"},
		override: map[string]AXLAnswer{},
	}
}

func (a *AXL) change(f func()) *AXL {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
	return a
}

// SetVersion makes the cluster another version.
func (a *AXL) SetVersion(v string) *AXL { return a.change(func() { a.version = v }) }

// SetRole gives the account the AXL role, or takes it.
func (a *AXL) SetRole(has bool) *AXL { return a.change(func() { a.norole = !has }) }

// SetParam sets a row of processconfig, ClusterSecurityMode and the like.
func (a *AXL) SetParam(name, value string) *AXL { return a.change(func() { a.params[name] = value }) }

// SetNodes replaces the list of servers.
func (a *AXL) SetNodes(nodes ...AXLNode) *AXL { return a.change(func() { a.nodes = nodes }) }

// Nodes lists the servers.
func (a *AXL) Nodes() []AXLNode {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.nodes)
}

// SetTable fills a table that SQL may ask for: authzkeys, certificate, tcaliases.
func (a *AXL) SetTable(name string, rows ...AXLRow) *AXL {
	return a.change(func() { a.tables[name] = rows })
}

// SetRemote says which clusters the look-up service knows.
func (a *AXL) SetRemote(publishers ...string) *AXL {
	return a.change(func() { a.remote = publishers })
}

// Override has an operation answered otherwise; status 0 heals it.
func (a *AXL) Override(op string, answer AXLAnswer) *AXL {
	return a.change(func() {
		if a.override[op] = answer; answer.Status == 0 {
			delete(a.override, op)
		}
	})
}

// Self is the table of Expressway-C: names to their subject names.
func (a *AXL) Self() map[string]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := map[string]string{}
	for k, v := range a.self {
		out[k] = v
	}
	return out
}

// Seen lists the operations that came, oldest first, with the version asked in.
func (a *AXL) Seen() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.seen)
}

type axlEnvelope struct {
	Body struct {
		Op axlCall `xml:",any"`
	} `xml:"Body"`
}

type axlCall struct {
	XMLName xml.Name
	Inner   string `xml:",innerxml"`
	Seq     string `xml:"sequence,attr"`
	SQL     string `xml:"sql"`
	Name    string `xml:"name"`
	HostIP  string `xml:"HostNameOrIP"`
	Subject string `xml:"X509SubjectNameorSubjectAlternateName"`
	Row     struct {
		HostIP  string `xml:"HostNameOrIP"`
		Subject string `xml:"X509SubjectNameorSubjectAlternateName"`
	} `xml:"expresswayCConfiguration"`
}

// ServeHTTP answers POST /axl/.
func (a *AXL) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	user, password, _ := r.BasicAuth()
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var e axlEnvelope
	switch {
	case user != a.User || password != a.Password:
		w.Header().Set("WWW-Authenticate", `Basic realm="Cisco Web Services Realm"`)
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
		return
	case a.norole:
		http.Error(w, "Forbidden", http.StatusForbidden)
		return
	case err != nil || xml.Unmarshal(body, &e) != nil:
		a.fault(w, "5000", "the request cannot be read")
		return
	}
	call := e.Body.Op
	op, version := call.XMLName.Local, strings.TrimPrefix(call.XMLName.Space, "http://www.cisco.com/AXL/API/")
	if len(a.seen) < maxCaptures {
		a.seen = append(a.seen, version+" "+op)
	}
	if o, ok := a.override[op]; ok {
		w.WriteHeader(o.Status)
		io.WriteString(w, o.Body)
		return
	}
	if !a.takes(version) {
		w.WriteHeader(599)
		return
	}
	rows, fault := a.answer(op, call)
	if fault != "" {
		a.fault(w, "5007", fault)
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	fmt.Fprintf(w, `<?xml version='1.0' encoding='UTF-8'?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>`+
		`<ns:%sResponse xmlns:ns="http://www.cisco.com/AXL/API/%s" sequence="%s"><return>%s</return></ns:%sResponse></soapenv:Body></soapenv:Envelope>`,
		op, version, call.Seq, rows, op)
}

// takes tells whether the server knows a version of the interface: its own and
// five years of older ones.
func (a *AXL) takes(version string) bool {
	own, asked := majorMinor(a.version), majorMinor(version)
	return asked > 0 && asked <= own && asked >= own-6
}

func majorMinor(v string) float64 {
	words := strings.SplitN(v, ".", 3)
	if len(words) < 2 {
		return 0
	}
	f, _ := strconv.ParseFloat(words[0]+"."+words[1], 64)
	return f
}

func (a *AXL) fault(w http.ResponseWriter, code, text string) {
	w.WriteHeader(http.StatusInternalServerError)
	fmt.Fprintf(w, `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><soapenv:Fault><faultcode>soapenv:Server</faultcode>`+
		`<faultstring>%s</faultstring><detail><axlError><axlcode>%s</axlcode><axlmessage>%s</axlmessage></axlError></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>`,
		escaped(text), code, escaped(text))
}

func escaped(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s))
	return b.String()
}

// xmlRow writes an element with text children.
func xmlRow(name string, columns ...[2]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<%s>", name)
	for _, c := range columns {
		fmt.Fprintf(&b, "<%s>%s</%s>", c[0], escaped(c[1]), c[0])
	}
	fmt.Fprintf(&b, "</%s>", name)
	return b.String()
}

func (a *AXL) answer(op string, call axlCall) (rows, fault string) {
	switch op {
	case "getCCMVersion":
		return xmlRow("componentVersion", [2]string{"version", a.version}), ""
	case "listProcessNode":
		return a.listNodes(), ""
	case "getProcessNode":
		return a.getNode(call.Name)
	case "listProcessNodeService":
		return a.listServices(), ""
	case "listCallManager", "getCallManager":
		return a.callManagers(op == "getCallManager", call.Name)
	case "listRemoteCluster":
		for i, host := range a.remote {
			rows += xmlRow("remoteCluster", [2]string{"clusterId", fmt.Sprintf("Cluster%d", i+2)}, [2]string{"fullyQualifiedName", host})
		}
		return rows, ""
	case "executeSQLQuery":
		return a.sql(strings.ToLower(call.SQL))
	case "listExpresswayCConfiguration":
		for name, subject := range a.self {
			rows += xmlRow("expresswayCConfiguration", [2]string{"HostNameOrIP", name}, [2]string{"X509SubjectNameorSubjectAlternateName", subject})
		}
		return rows, ""
	case "addExpresswayCConfiguration":
		a.self[call.Row.HostIP] = call.Row.Subject
		return "{11111111-2222-3333-4444-555555555555}", ""
	case "updateExpresswayCConfiguration":
		a.self[call.HostIP] = call.Subject
		return "{11111111-2222-3333-4444-555555555555}", ""
	}
	return "", "Unknown operation " + op
}

func (a *AXL) listNodes() (rows string) {
	rows = xmlRow("processNode", [2]string{"name", "EnterpriseWideData"}, [2]string{"nodeUsage", "Publisher"}, [2]string{"processNodeRole", "CUCM Voice/Video"})
	var voice, presence bool
	for _, n := range a.nodes {
		first := &voice
		if n.Presence {
			first = &presence
		}
		rows += n.row(!*first)
		*first = true
	}
	return rows
}

func (n AXLNode) row(publisher bool, more ...[2]string) string {
	usage, role := "Subscriber", "CUCM Voice/Video"
	if publisher {
		usage = "Publisher"
	}
	if n.Presence {
		role = "CUCM IM and Presence"
	}
	return xmlRow("processNode", append([][2]string{{"name", n.Host}, {"description", ""}, {"nodeUsage", usage}, {"processNodeRole", role}}, more...)...)
}

func (a *AXL) getNode(name string) (row, fault string) {
	for i, n := range a.nodes {
		if strings.EqualFold(n.Host, name) {
			return n.row(i == 0, [2]string{"cupDomain", n.Domain}), ""
		}
	}
	return "", "Item not valid: " + name
}

func (a *AXL) listServices() (rows string) {
	for _, n := range a.nodes {
		for _, s := range n.Services {
			rows += xmlRow("processNodeService", [2]string{"processNodeName", n.Host}, [2]string{"service", s}, [2]string{"isActive", "true"})
		}
	}
	return rows
}

func (a *AXL) callManagers(one bool, name string) (rows, fault string) {
	for _, n := range a.nodes {
		if n.Presence || !slices.Contains(n.Services, "Cisco CallManager") {
			continue
		}
		if !one {
			rows += xmlRow("callManager", [2]string{"name", "CM_" + n.Host}, [2]string{"processNodeName", n.Host})
		} else if name == "CM_"+n.Host {
			return n.callManager(), ""
		}
	}
	if one {
		return "", "Item not valid: " + name
	}
	return rows, ""
}

func (n AXLNode) callManager() string {
	ports := [3]int{5060, 5061, 5091}
	for i, p := range n.SIP {
		if p != 0 {
			ports[i] = p
		}
	}
	return fmt.Sprintf("<callManager><name>CM_%s</name><ports><ethernetPhonePort>2000</ethernetPhonePort><sipPorts><sipPhonePort>%d</sipPhonePort>"+
		"<sipPhoneSecurePort>%d</sipPhoneSecurePort><sipOAuthPort>5090</sipOAuthPort><sipOAuthMRAPort>%d</sipOAuthMRAPort></sipPorts></ports><processNodeName>%s</processNodeName></callManager>",
		escaped(n.Host), ports[0], ports[1], ports[2], escaped(n.Host))
}

// sql knows the statements that discovery sends by the table they ask.
func (a *AXL) sql(query string) (rows, fault string) {
	_, from, _ := strings.Cut(query, " from ")
	table, _, _ := strings.Cut(strings.TrimSpace(from), " ")
	if table == "processconfig" {
		return a.processConfig(query), ""
	}
	for _, r := range a.tables[table] {
		rows += xmlRow("row", r...)
	}
	switch table {
	case "authzkeys", "certificate", "tcaliases", "processnode", "expresswaycconfiguration":
		return rows, ""
	}
	return "", "The specified table (" + table + ") is not in the database."
}

func (a *AXL) processConfig(query string) (rows string) {
	_, where, _ := strings.Cut(query, "paramname")
	_, where, _ = strings.Cut(where, "paramname") // the second one is the condition's
	if i := strings.LastIndex(query, "where paramname"); i >= 0 {
		where = query[i+len("where paramname"):]
	}
	like := strings.Contains(where, "like")
	want := strings.Trim(where[strings.IndexByte(where, '\'')+1:], "'%")
	for name, value := range a.params {
		if l := strings.ToLower(name); l == want || like && strings.Contains(l, want) {
			rows += xmlRow("row", [2]string{"paramname", name}, [2]string{"paramvalue", value})
		}
	}
	return rows
}

// KeyRow is a row of authzkeys in one of the forms that it may have: PEM and
// base64.
func KeyRow(signingPEM []byte, sealing []byte, kids ...string) AXLRow {
	row := AXLRow{{"pkid", "c7a1f0de-0000-4000-8000-000000000001"}, {"signingkey", string(signingPEM)}, {"encryptionkey", base64.StdEncoding.EncodeToString(sealing)}}
	for i, k := range kids {
		row = append(row, [2]string{[]string{"signingkid", "encryptionkid"}[i%2], k})
	}
	return row
}
