package flow

import (
	"net/netip"
	"strings"
	"time"

	"sallyport/appliance/sip"
)

// BindingID names a binding for its whole life, over lost and new connections,
// and over the node's own restarts where BindingsConfig.Named is set. Tokens
// carry it. Nobody can guess it, but it is no secret by itself.
type BindingID uint64

// Key tells bindings apart: whose line it is, on which device, and which of
// the device's registrations.
type Key struct{ AOR, Device, Reg string }

// Binding is one registration of one client as it was when it was asked for; a
// copy that nobody changes.
type Binding struct {
	ID        BindingID
	Key       Key
	Contact   string         // as the client wrote it
	Conn      *Conn          // nil while its connection is lost
	Source    netip.AddrPort // where the client was seen last
	Confirmed bool           // a registrar has accepted it
	Since     time.Time
	Seen      time.Time // last confirmed or touched
	Expires   time.Time
	Lost      time.Time // when the connection was lost; zero while there is one
	Info      any       // the role's
}

const (
	instanceParam = "+sip.instance"
	deviceParam   = "+u.sip!devicename.ccm.cisco.com"
	regParam      = "reg-id"
	ciscoRegParam = "x-cisco-reg-id"
)

// KeyOf makes the key of a Contact in a REGISTER for an address of record.
// The instance alone is never enough: some phones send zeros, others the MAC of
// a machine that carries several lines. Without anything that names the device
// the whole Contact does.
func KeyOf(aor string, contact sip.NameAddr) Key {
	instance, device := param(contact, instanceParam), param(contact, deviceParam)
	if strings.Trim(instance, "<>urn:id-0") == "" {
		instance = ""
	}
	reg := param(contact, regParam)
	if reg == "" {
		reg = param(contact, ciscoRegParam)
	}
	k := Key{AOR: strings.Clone(aor), Device: instance + "|" + device}
	switch {
	case instance == "" && device == "":
		k.Device, k.Reg = "", contact.URI.User+"@"+contact.URI.HostPort()
	case reg != "":
		k.Reg = "id " + reg
	default:
		k.Reg = contact.URI.User
	}
	k.Device, k.Reg = strings.Clone(k.Device), strings.Clone(k.Reg)
	return k
}

func param(a sip.NameAddr, name string) string {
	v, _ := a.Param(name)
	return strings.ToLower(strings.Trim(v, `"`))
}
