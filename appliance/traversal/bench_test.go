package traversal

import (
	"sync"
	"testing"

	"sallyport/appliance/sip"
)

// BenchmarkMessages sends SIP from edge to core, both in this process, from
// many goroutines as clients' readers do.
func BenchmarkMessages(b *testing.B) {
	var wg sync.WaitGroup
	edge, _ := pair(b, nil, func(c *Config) {
		c.OnMessage = func(*Conn, *sip.Message, string) { wg.Done() }
	})
	msg := message("call", 1)
	b.ReportAllocs()
	b.SetBytes(int64(len(msg)))
	wg.Add(b.N)
	b.SetParallelism(64)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c, err := edge.Conn(zone, 0, "call")
			if err == nil {
				err = c.Send(msg)
			}
			if err != nil {
				b.Error(err)
				wg.Done()
			}
		}
	})
	wg.Wait()
}

// BenchmarkStream pushes bytes through one stream.
func BenchmarkStream(b *testing.B) {
	edge, _ := pair(b, nil, func(c *Config) { c.OnStream = echo })
	s, err := edge.OpenStream(b.Context(), zone, "http")
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	out, in := make([]byte, 32<<10), make([]byte, 32<<10)
	b.SetBytes(int64(len(out)))
	for b.Loop() {
		go s.Write(out)
		for n := 0; n < len(in); {
			k, err := s.Read(in)
			if err != nil {
				b.Fatal(err)
			}
			n += k
		}
	}
}

// BenchmarkExchange opens a stream, asks and answers, as a small GET does.
func BenchmarkExchange(b *testing.B) {
	edge, _ := pair(b, nil, func(c *Config) { c.OnStream = echo })
	b.ReportAllocs()
	for b.Loop() {
		s, err := edge.OpenStream(b.Context(), zone, "http")
		if err != nil {
			b.Fatal(err)
		}
		s.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
		s.Read(make([]byte, 100))
		s.Close()
	}
}
