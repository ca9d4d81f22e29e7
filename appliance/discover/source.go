package discover

import (
	"fmt"

	"sallyport/appliance/uc"
)

// A Source is one publisher that is configured.
type Source struct {
	Kind       uc.NodeType // UnifiedCM, IMPresence or UnityConnection
	Publisher  string      // canonical host
	User       string
	Password   string
	Verify     bool // its certificate and those of its nodes are checked
	Deployment int
	Refresh    string // "Auto", or what is known better than asked: "On", "Off"
	Keys       string // path of a REST resource with the token keys; "" = they are in a table
}

// key is how a source is called in state and among what was found.
func (s Source) key() string { return string(s.Kind) + " " + s.Publisher }

// String is what an administrator calls it.
func (s Source) String() string { return fmt.Sprintf("%s publisher %s", words(s.Kind), s.Publisher) }

func words(k uc.NodeType) string {
	switch k {
	case uc.UnifiedCM:
		return "Unified CM"
	case uc.IMPresence:
		return "IM and Presence"
	case uc.UnityConnection:
		return "Unity Connection"
	}
	return string(k)
}
