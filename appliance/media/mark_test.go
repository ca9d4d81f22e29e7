package media_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
)

// TestMarksOnArrival has pictures and sound arrive on both sides with the marks
// of the plan, and of the next plan within the call.
func TestMarksOnArrival(t *testing.T) {
	for _, family := range []struct {
		name string
		opts []option
	}{{"IPv4", nil}, {"IPv6 outside", []option{v6}}} {
		for kind, want := range map[string]int{"audio": 46, "video": 34} {
			t.Run(family.name+" "+kind, func(t *testing.T) {
				p := newPair(t, append([]option{marked(46, 34)}, family.opts...)...)
				client, inside := newPhone(t, p.clientHost).secure(sdp.AES128SHA1_80), newPhone(t, p.insideHost)
				p.use(1)
				as := func(body string) string { return strings.Replace(body, "m=audio", "m="+kind, 1) }
				in, err := p.inward(1, media.Offer, as(client.describe()))
				must(t, err)
				inside.hear(in)
				out, err := p.outward(1, media.Answer, as(inside.describe()))
				must(t, err)
				client.hear(out)
				both := func(want int) {
					t.Helper()
					arrivesMarked(t, client, inside, want)
					arrivesMarked(t, inside, client, want)
				}
				both(want)
				p.edgePlan.Audio, p.edgePlan.Video = 10, 12
				p.corePlan.Audio, p.corePlan.Video = 10, 12
				must(t, p.edgeRelay.Apply(p.edgePlan))
				must(t, p.coreRelay.Apply(p.corePlan))
				both(map[string]int{"audio": 10, "video": 12}[kind])
			})
		}
	}
}

func marked(audio, video int) option {
	return func(p *pair, _ *media.Config) {
		p.edgePlan.Audio, p.edgePlan.Video = audio, video
		p.corePlan.Audio, p.corePlan.Video = audio, video
	}
}

// arrivesMarked sends until a packet comes with that DSCP: one under way may
// have the mark of before.
func arrivesMarked(t *testing.T, from, to *phone, want int) {
	t.Helper()
	got := -1
	for end := time.Now().Add(20 * time.Second); got != want && time.Now().Before(end); {
		from.send("x")
		if dscp, ok := readMark(t, to.rtp); ok {
			got = dscp
		}
	}
	if got != want {
		t.Errorf("packets arrive with DSCP %d, want %d", got, want)
	}
}

// readMark reads one packet's DSCP as the kernel received it.
func readMark(t *testing.T, c *net.UDPConn) (int, bool) {
	t.Helper()
	raw, err := c.SyscallConn()
	must(t, err)
	raw.Control(func(fd uintptr) {
		unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVTOS, 1)
		unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVTCLASS, 1)
	})
	b, oob := make([]byte, 2048), make([]byte, 128)
	c.SetReadDeadline(time.Now().Add(30 * time.Millisecond))
	_, n, _, _, err := c.ReadMsgUDP(b, oob)
	if err != nil {
		return 0, false
	}
	messages, err := unix.ParseSocketControlMessage(oob[:n])
	must(t, err)
	for _, m := range messages {
		if m.Header.Type == unix.IP_TOS || m.Header.Type == unix.IPV6_TCLASS {
			return int(m.Data[0]) >> 2, true
		}
	}
	return 0, false
}
