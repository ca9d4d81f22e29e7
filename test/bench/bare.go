package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"

	"sallyport/appliance/quick"
)

// startBare runs the floor: TLS in from many clients, one TLS link out, and
// nothing between but the bytes. It reads and writes by package quick, as edge
// does: by package net, each first system call of a process that sleeps between
// messages wakes the runtime's monitor thread, which is a third of what a paced
// relay then costs. It allocates nothing for a message.
func startBare(ctx context.Context, w *world) (*subject, error) {
	s := &subject{name: "bare relay", addr: rawOuter + ":" + sipPort, far: &farEnd{}}
	stop, err := s.far.serve(w.serverTLS(), rawFar+":"+linkPort, true)
	if err != nil {
		return nil, err
	}
	w.later(stop)
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "child", "bare", s.addr, rawFar+":"+linkPort, w.path("cert.pem"), w.path("key.pem"))
	if s.proc, err = start(w.dir, "bare", cmd); err != nil {
		return nil, err
	}
	w.later(s.proc.stop)
	return s, s.proc.await(ctx, func() bool { return listens(s.addr) })
}

// child is what this program does when it starts itself.
func child(what string, args []string) error {
	switch {
	case what == "bare" && len(args) == 4:
		return bareRelay(args[0], args[1], args[2], args[3])
	case what == "relay" && len(args) == 2:
		return relayChild(args[0], args[1])
	}
	return fmt.Errorf("no such child: %s %q", what, args)
}

// bare is the relay's state: whose chunk is whose.
type bare struct {
	link net.Conn
	out  sync.Mutex
	buf  []byte // of what is written; out guards it
	mu   sync.Mutex
	all  map[uint32]net.Conn
	ids  uint32
}

func bareRelay(addr, far, cert, key string) error {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return err
	}
	conf := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13, DynamicRecordSizingDisabled: true}
	tc, err := net.Dial("tcp", far)
	if err != nil {
		return err
	}
	link := tls.Client(quick.New(tc.(*net.TCPConn)), &tls.Config{InsecureSkipVerify: true, DynamicRecordSizingDisabled: true})
	b := &bare{link: link, all: map[uint32]net.Conn{}}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	go b.accept(l, conf) // ends with the process
	return b.outward()
}

func (b *bare) accept(l net.Listener, conf *tls.Config) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go b.inward(tls.Server(quick.New(c.(*net.TCPConn)), conf))
	}
}

// inward carries what a client says to the link.
func (b *bare) inward(c net.Conn) {
	defer c.Close()
	b.mu.Lock()
	b.ids++
	id := b.ids
	b.all[id] = c
	b.mu.Unlock()
	buf := make([]byte, 8<<10)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		b.out.Lock()
		b.buf = appendChunk(b.buf[:0], id, buf[:n])
		_, err = b.link.Write(b.buf)
		b.out.Unlock()
		if err != nil {
			return
		}
	}
}

// outward carries what the link says to the clients.
func (b *bare) outward() error {
	in := newChunks(b.link)
	for {
		id, p, err := in.next()
		if err != nil {
			return err
		}
		b.mu.Lock()
		c := b.all[id]
		b.mu.Unlock()
		if c != nil {
			_, _ = c.Write(p)
		}
	}
}
