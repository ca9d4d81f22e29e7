package call

import (
	"fmt"
	"strconv"

	"sallyport/appliance/xapi"
)

// A Load is what a planner is asked about: so many calls of remote phones at
// the busiest time, so many in a hundred of them recorded by the phones'
// built-in bridges.
type Load struct {
	Calls    int
	Recorded int    // per cent
	Codec    string // one of Codecs
	V6       bool
}

// Cost is what a load takes of a node.
type Cost struct {
	Recordings int // recorded calls
	Dialogs    int // calls that it counts for: one each, and two more for each that is recorded
	Packet     int // bytes of one packet on the wire, without the link's framing
	Call       int // kbit/s of one call, one way
	In, Out    int // kbit/s on either side of the node: from the client, and to it
	Ports      int // pairs of media ports
	Most       int // calls of such a share that fit into the node
}

// Fits reports whether the node can carry the load.
func (c Cost) Fits(l Load) bool { return l.Calls <= c.Most }

// payloads is the bytes that a codec puts into 20 ms.
var payloads = [...]struct {
	codec string
	bytes int
}{{"G711", 160}, {"G722", 160}, {"G729", 20}, {"Opus", 80}}

// What stands around the payload: IP, UDP, RTP, and the tag of SRTP (RFC 3711's
// 80 bits, and RFC 7714's 128: the larger counts).
const (
	ipv4Header, ipv6Header = 20, 40
	udpHeader, rtpHeader   = 8, 12
	srtpTag                = 16
	packetsPerSecond       = 50
)

// Estimate reckons a load on a node that has room for most calls and for as many
// streams as it has pairs of media ports. Every recorded call sends two one-way
// streams more from the client, so one side's bandwidth triples; nothing more
// goes to the client.
func Estimate(l Load, most, pairs int) (Cost, error) {
	payload := 0
	for _, p := range payloads {
		if p.codec == l.Codec {
			payload = p.bytes
		}
	}
	if payload == 0 || l.Calls < 0 || l.Recorded < 0 || l.Recorded > 100 {
		return Cost{}, fmt.Errorf("no estimate for %d calls of %s, %d%% recorded", l.Calls, l.Codec, l.Recorded)
	}
	header := ipv4Header
	if l.V6 {
		header = ipv6Header
	}
	c := Cost{Recordings: ceil(l.Calls*l.Recorded, 100), Packet: header + udpHeader + rtpHeader + payload + srtpTag}
	c.Dialogs = l.Calls + 2*c.Recordings
	bits := c.Packet * 8 * packetsPerSecond
	c.Call = ceil(bits, 1000)
	c.Out = ceil(l.Calls*bits, 1000)
	c.In = ceil(c.Dialogs*bits, 1000)
	c.Ports = c.Dialogs
	c.Most = min(most, pairs) * 100 / (100 + 2*l.Recorded)
	return c, nil
}

func ceil(a, b int) int { return (a + b - 1) / b }

// Plan answers xCommand RecordingPlan for this node.
func (w *Watch) Plan(args xapi.Args) (*xapi.Node, error) {
	l := Load{Recorded: 100, Codec: "G711", V6: args.First("IPVersion") == "6"}
	if v := args.First("Codec"); v != "" {
		l.Codec = v
	}
	var err error
	if l.Calls, err = strconv.Atoi(args.First("Calls")); err != nil {
		return nil, fmt.Errorf("parameter Calls: %w", err)
	}
	if v := args.First("Recorded"); v != "" {
		if l.Recorded, err = strconv.Atoi(v); err != nil {
			return nil, fmt.Errorf("parameter Recorded: %w", err)
		}
	}
	ports := w.Relay.Plan()
	c, err := Estimate(l, w.Most, (ports.PortEnd-ports.PortStart+1)/2)
	if err != nil {
		return nil, err
	}
	n := xapi.NewNode("Result")
	n.Int("RecordedCalls", c.Recordings).Int("CountedCalls", c.Dialogs).Int("MediaPortPairs", c.Ports)
	n.Int("PacketBytes", c.Packet).Int("KbitPerCallEachWay", c.Call)
	n.Int("KbitFromClients", c.In).Int("KbitToClients", c.Out)
	n.Int("NodeCallsWithoutRecording", min(w.Most, (ports.PortEnd-ports.PortStart+1)/2)).Int("NodeCallsAtThisShare", c.Most)
	n.Leaf("Fits", map[bool]string{true: "Yes", false: "No"}[c.Fits(l)])
	return n, nil
}
