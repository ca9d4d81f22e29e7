package lab

import (
	"fmt"
	"net/netip"
	"strings"
)

// A Cluster is one Unified CM cluster of the inside, as all its stubs see it:
// its publisher and subscriber, and the users who live on it. AXL, UDS, the
// file servers and the token maker of one cluster are made of the same
// Cluster. It never changes once the world is up.
type Cluster struct {
	Name      string // "home", "remote"
	Domain    string // of its users
	Nodes     []ClusterNode
	Users     []ClusterUser
	Voicemail netip.Addr // of its Unity Connection pair, invalid if it has none
}

// A ClusterNode is one server of a cluster; the first of a cluster is the
// publisher.
type ClusterNode struct {
	Host string // as System > Server spells it: a full name, a bare one or an address
	Addr netip.Addr
}

// A ClusterUser is an end user of a cluster.
type ClusterUser struct {
	Name, Password string
	Directory      bool     // the account comes from a directory, not from the cluster
	Devices        []string // names of phones, such as CSFALICE
	Number         string   // primary extension
	Presence       []string // hosts of the user's IM and Presence nodes, none if the user has no chat
}

// Publisher is the first node.
func (c *Cluster) Publisher() ClusterNode { return c.Nodes[0] }

// Subscriber is the second node.
func (c *Cluster) Subscriber() ClusterNode { return c.Nodes[1] }

// User finds a user of the cluster.
func (c *Cluster) User(name string) (ClusterUser, bool) {
	for _, u := range c.Users {
		if u.Name == name {
			return u, true
		}
	}
	return ClusterUser{}, false
}

// Clusters are the two of a world in the /24 of net: home at .21 and .22 with
// alice and bob, remote at .31 and .32 with dave. Each knows the other as by
// ILS. Nodes go by their addresses, since the lab has no name server.
func Clusters(net netip.Addr, domain string) (home, remote *Cluster) {
	at := func(n byte) netip.Addr {
		b := net.As4()
		b[3] = n
		return netip.AddrFrom4(b)
	}
	node := func(n byte) ClusterNode { return ClusterNode{Host: at(n).String(), Addr: at(n)} }
	user := func(name string, number int) ClusterUser {
		return ClusterUser{Name: name, Password: Users()[name], Number: fmt.Sprint(number),
			Devices: []string{"CSF" + strings.ToUpper(name)}, Presence: []string{at(30).String()}}
	}
	home = &Cluster{Name: "home", Domain: domain, Nodes: []ClusterNode{node(21), node(22)},
		Users: []ClusterUser{user("alice", 2001), user("bob", 2002)}, Voicemail: at(41)}
	remote = &Cluster{Name: "remote", Domain: domain, Nodes: []ClusterNode{node(31), node(32)},
		Users: []ClusterUser{user("dave", 3001)}}
	return home, remote
}
