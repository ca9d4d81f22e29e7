package discover

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"sallyport/appliance/uc"
)

// Found is what one publisher told.
type Found struct {
	Kind      uc.NodeType
	Publisher string
	When      time.Time
	Version   string
	Verified  bool // certificates were checked while asking
	Mixed     bool // cluster security mode
	SIPOAuth  bool
	Refresh   bool // OAuth with refresh login flow
	NoCodes   bool // it tells what runs where, and device activation nowhere
	Domains   []string
	Nodes     []Node `json:"-"` // kept one by one: a cluster may have hundreds

	Presence []string // hosts of IM and Presence nodes that a Unified CM lists
	Remote   []string // of a Unified CM: publishers that its look-up service knows
	Peers    []string // of presence: clusters that it is peered with
	Unknown  []string // questions that brought no answer, in words
	Advice   []Advice // what is worth a look on the cluster itself
}

// Node is one server of a cluster.
type Node struct {
	Host      string
	Types     []uc.NodeType
	Version   string
	Publisher bool
	Addresses []string // that the name had when it was found
	Calls     bool     // call control takes SIP there
	SIP       int      // ports of call control
	SIPS      int
	OAuth     int
	Web       int // port of HTTPS
}

// Advice is one finding that an administrator can act on.
type Advice struct {
	Check string // a word that stays the same: "trust", "name", …
	Text  string // what is wrong and what to do
}

func (f *Found) advise(check, text string) {
	if len(f.Advice) < maxNotes {
		f.Advice = append(f.Advice, Advice{check, text})
	}
}

// maxNotes bounds what is noted of one cluster, and maxList each list of
// names, since a record of state has a limit.
const (
	maxNotes = 20
	maxList  = 200
)

// limit cuts lists that only a server out of its mind would send.
func (f *Found) limit() {
	for _, l := range []*[]string{&f.Domains, &f.Presence, &f.Remote, &f.Peers} {
		if len(*l) > maxList {
			*l = (*l)[:maxList]
		}
	}
}

// unknown notes a question that brought no answer. That is no failure: older
// versions lack some tables.
func (f *Found) unknown(question string, err error) {
	if len(f.Unknown) < maxNotes {
		f.Unknown = append(f.Unknown, question+": "+clean(err.Error()))
	}
}

// node finds a server by its host.
func (f *Found) node(host string) *Node {
	host = uc.Canonical(host)
	i := slices.IndexFunc(f.Nodes, func(n Node) bool { return n.Host == host })
	if i < 0 {
		return nil
	}
	return &f.Nodes[i]
}

// sort puts the publisher first, then by name.
func (f *Found) sort() {
	slices.SortFunc(f.Nodes, func(a, b Node) int {
		return cmp.Or(btoi(b.Publisher)-btoi(a.Publisher), cmp.Compare(a.Host, b.Host))
	})
}

// is tells whether something of a type runs on the node.
func (n *Node) is(t uc.NodeType) bool { return slices.Contains(n.Types, t) }

// list reads a setting that holds several names.
func list(text string) []string {
	out := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return r == ' ' || r == ',' || r == ';' || r == '\t' || r == '\n'
	})
	slices.Sort(out)
	return slices.Compact(out)
}

// yes reads a truth as servers write it.
func yes(text string) bool {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "1", "t", "true", "on", "yes", "enabled":
		return true
	}
	return false
}
