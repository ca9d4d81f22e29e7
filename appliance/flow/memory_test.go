package flow

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/appliance/sip"
	"sallyport/appliance/trust"
)

const idleAddr = "FLOW_TEST_IDLE_ADDR"

// TestMain is also the client process of the memory benchmark, so that only
// the server's memory is measured.
func TestMain(m *testing.M) {
	if addr := os.Getenv(idleAddr); addr != "" {
		holdIdle(addr)
		return
	}
	os.Exit(m.Run())
}

const idleConns = 2000

// holdIdle opens the connections, sends one request on each, and holds them
// until standard input ends.
func holdIdle(addr string) {
	conf := &tls.Config{InsecureSkipVerify: true, ClientSessionCache: nil}
	held := make([]net.Conn, 0, idleConns) // or the collector closes them
	for n := range idleConns {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			fmt.Println("error", err)
			return
		}
		c := tls.Client(nc, conf)
		if _, err := io.WriteString(c, message(n, 500)); err != nil {
			fmt.Println("error", err)
			return
		}
		held = append(held, c)
	}
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
	runtime.KeepAlive(held)
}

// BenchmarkIdleTLS measures the resident memory of an idle TLS connection that
// has carried one request: go test -run '^$' -bench IdleTLS -benchtime 1x
func BenchmarkIdleTLS(b *testing.B) {
	ca, err := trust.NewCA("test", time.Now)
	if err != nil {
		b.Fatal(err)
	}
	cert, key, err := ca.Issue(trust.IssueOptions{Names: []string{"edge.example.com"}, Server: true})
	if err != nil {
		b.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		b.Fatal(err)
	}
	conf := &tls.Config{Certificates: []tls.Certificate{pair}}
	var seen sync.WaitGroup
	f := New(Config{TLS: func(Listener) *tls.Config { return conf }, OnMessage: func(c *Conn, m *sip.Message) {
		c.SetAuthenticated(true)
		_ = c.Send(m.Reply(200, "OK").Bytes())
		seen.Done()
	}})
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() { _ = f.Run(ctx) })
	defer run.Wait()
	defer cancel()
	l := tlsOpen
	if err := f.Apply(Plan{Listeners: []Listener{l}, Limits: Limits{SourceConnections: 1 << 20, SourceRate: 1 << 20, SourceBurst: 1 << 20}}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		before, heap := resident(b)
		seen.Add(idleConns)
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), idleAddr+"="+f.Listeners()[0].Bound.String())
		in, _ := cmd.StdinPipe()
		out, _ := cmd.StdoutPipe()
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		line := make([]byte, 100)
		if n, _ := out.Read(line); !strings.HasPrefix(string(line[:n]), "held") {
			b.Fatal(string(line[:n]))
		}
		seen.Wait()
		after, heapAfter := resident(b)
		b.ReportMetric(float64(after-before)/idleConns, "rss-B/conn")
		b.ReportMetric(float64(heapAfter-heap)/idleConns, "heap-B/conn")
		in.Close()
		_ = cmd.Wait()
	}
}

// resident is the process's resident memory and heap after a collection.
func resident(b *testing.B) (rss, heap int64) {
	runtime.GC()
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Skip(err)
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return pages * int64(os.Getpagesize()), int64(m.HeapAlloc)
}
