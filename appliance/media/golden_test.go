package media_test

import (
	"errors"
	"flag"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"sallyport/appliance/core"
	"sallyport/appliance/edge"
	"sallyport/appliance/media"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestDescriptions runs each testdata/sdp file through both nodes. A file
// named in-offer, in-answer, out-offer or out-answer is what one end sends;
// the files after it are what leaves the first node and the second. A
// comment line "policy: On tls" sets what the inside hop wants.
func TestDescriptions(t *testing.T) {
	files, err := filepath.Glob("testdata/sdp/*.txtar")
	must(t, err)
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			want, err := txtar.ParseFile(name)
			must(t, err)
			got := describeAll(t, want)
			if *update {
				must(t, os.WriteFile(name, txtar.Format(got), 0o644))
				return
			}
			if d := cmp.Diff(string(txtar.Format(want)), string(txtar.Format(got))); d != "" {
				t.Errorf("run with -update and look at the difference:\n%s", d)
			}
		})
	}
}

func describeAll(t *testing.T, in *txtar.Archive) *txtar.Archive {
	e, c := fixedNodes(t, string(in.Comment))
	out := &txtar.Archive{Comment: in.Comment}
	add := func(name string, b []byte) {
		out.Files = append(out.Files, txtar.File{Name: name, Data: []byte(strings.ReplaceAll(string(b), "\r\n", "\n"))})
	}
	for _, f := range in.Files {
		kind := media.Offer
		if strings.HasSuffix(f.Name, "-answer") {
			kind = media.Answer
		}
		body := []byte(strings.ReplaceAll(string(f.Data), "\n", "\r\n"))
		first, second, link, last := e.Inward, c.Inward, "link", "inside"
		switch {
		case f.Name == "rollback":
			e.Rollback(1, 0)
			c.Rollback(1, 0)
			out.Files = append(out.Files, f)
			continue
		case strings.HasPrefix(f.Name, "out-"):
			first, second, last = c.Outward, e.Outward, "client"
		case !strings.HasPrefix(f.Name, "in-"):
			continue
		}
		out.Files = append(out.Files, f)
		mid, err := first(1, 0, kind, body, "t")
		if err != nil {
			add("refused", refusal(t, err))
			continue
		}
		add(link, mid)
		end, err := second(1, 0, kind, mid, "t")
		if err != nil {
			add("refused", refusal(t, err))
			continue
		}
		add(last, end)
	}
	return out
}

func refusal(t *testing.T, err error) []byte {
	t.Helper()
	var r *media.Refused
	if !errors.As(err, &r) {
		t.Fatalf("not refused but broken: %v", err)
	}
	return []byte(r.Error() + "\n")
}

// fixedNodes is a pair whose keys, channels, ports and clock are always the
// same. They carry no packet.
func fixedNodes(t *testing.T, comment string) (*edge.Media, *core.Media) {
	t.Helper()
	clock := func() time.Time { return time.Unix(1767225600+5, 0) }
	relay := func(seed byte, plan media.Plan) *media.Relay {
		r := media.New(media.Config{Clock: clock, Workers: 1, Rand: rand.NewChaCha8([32]byte{seed})})
		must(t, r.Apply(plan))
		return r
	}
	er := relay(1, media.Plan{Edge: true, Client: media.Addresses{V4: addr("127.10.0.1"), V6: addr("::1")}, Advertise: addr("203.0.113.7"),
		Inner: media.Addresses{V4: addr("127.58.1.1")}, PortStart: 36000, PortEnd: 36099, LinkRTP: 2776, LinkRTCP: 2777})
	cr := relay(2, media.Plan{Inner: media.Addresses{V4: addr("127.58.1.2")}, PortStart: 36000, PortEnd: 36099})
	e := edge.NewMedia(edge.MediaConfig{Relay: er, Clock: clock})
	c := core.NewMedia(core.MediaConfig{Relay: cr, Clock: clock, Rand: rand.NewChaCha8([32]byte{3}),
		EdgeMedia: func(string) (netip.AddrPort, netip.AddrPort, bool) {
			return netip.MustParseAddrPort("127.58.1.1:2776"), netip.MustParseAddrPort("127.58.1.1:2777"), true
		}})
	var policy media.Policy
	for _, line := range strings.Split(comment, "\n") {
		for _, w := range strings.Fields(strings.TrimPrefix(line, "policy:")) {
			if mode, ok := media.ParseEncryption(w); ok && strings.HasPrefix(line, "policy:") {
				policy.Inside = mode
			}
			policy.InsideTLS = policy.InsideTLS || w == "tls"
		}
	}
	e.Use(1, edge.MediaCall{Client: netip.MustParseAddrPort("198.51.100.4:5061")})
	c.Use(1, core.MediaCall{Peer: "e", Policy: policy})
	t.Cleanup(func() { stopAtOnce(er, cr) })
	return e, c
}
