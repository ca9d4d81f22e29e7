package turn

import "time"

// What TURN is bounded to, beside the ports that there are.
const (
	maxPorts       = 64     // that clients may come to
	maxUser        = 32     // relays of a login's user
	maxAccount     = 2000   // of a static account, which many systems may share
	maxSource      = 400    // of a source address: an office behind one NAT
	maxPermissions = 64     // peers of one relay
	maxChannels    = 128    // of one relay
	maxPeerConns   = 32     // connections with peers of one TCP relay
	maxConns       = 8000   // clients' connections
	maxConnsSource = 400    // of a source address
	maxUnproven    = 100    // requests over UDP without credentials of a source in a second
	maxWrong       = 20     // wrong passwords of a source within wrongPeriod
	maxWrongKept   = 10_000 // sources that are remembered for it
)

const (
	wrongPeriod = time.Minute
	greeting    = 30 * time.Second // for a connection to show credentials, handshake included
	silence     = 15 * time.Minute // of a connection whose client has shown some
	writeTime   = 10 * time.Second
	dialTime    = 30 * time.Second // RFC 6062 §5.2: at least that long
)
