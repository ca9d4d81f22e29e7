package steward

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"sallyport/board"
	"sallyport/board/boot"
	"sallyport/board/nic"
	"sallyport/board/slot"
)

// machine is what the acts are done to.
type machine interface {
	Apply(nic.Plan) error
	Interfaces() (list []nic.Interface, counts []nic.Count, fault error)
	SetClock(time.Time) error
	SlewClock(time.Duration) error
	NoteClock(time.Time) error
	Facts() board.Facts
	Status() (boot.Status, error)
	Slots() (all []slot.Slot, running string, err error)
	Install(update io.Reader, progress func(done, all int64)) (version string, err error)
	Tell(line string) error // the first process
	Seal(key []byte) (blob []byte, err error)
	Unseal(blob []byte) (key []byte, err error)
}

// server answers at one socket.
type server struct {
	log     *slog.Logger
	machine machine
	leases  *leases
}

// How many ask at a time, and how long a question may take to come and an answer
// to go.
const (
	maxClients = 32
	askWithin  = 10 * time.Second
	stallAfter = 2 * time.Minute // without a byte of an update
)

// serve answers until ctx ends.
func (s *server) serve(ctx context.Context, l net.Listener) error {
	var work sync.WaitGroup
	defer work.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	slots := make(chan struct{}, maxClients)
	for {
		slots <- struct{}{}
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		work.Go(func() {
			defer func() { <-slots }()
			s.one(ctx, c)
		})
	}
}

// one answers one connection.
func (s *server) one(ctx context.Context, c net.Conn) {
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	c.SetReadDeadline(time.Now().Add(askWithin))
	in := bufio.NewReader(c)
	line, err := readLine(in, maxRequest)
	if err != nil {
		if !errors.Is(err, io.EOF) {
			send(c, reply{Error: err.Error(), Final: true})
		}
		return
	}
	r, err := parseRequest(line)
	if err != nil {
		s.log.Warn("refused", "err", err)
		send(c, reply{Error: err.Error(), Final: true})
		return
	}
	switch r.Do {
	case actLeases:
		s.follow(ctx, c)
	case actInstall:
		s.install(c, in)
	default:
		send(c, s.do(r))
	}
}

func send(c net.Conn, r reply) error {
	c.SetWriteDeadline(time.Now().Add(askWithin))
	return json.NewEncoder(c).Encode(r)
}

// do is one act that is done at once.
func (s *server) do(r request) (out reply) {
	var err error
	out.Final = true
	switch r.Do {
	case actNetwork:
		err = s.machine.Apply(*r.Plan)
	case actInterfaces:
		var fault error
		out.Interfaces, out.Counts, fault = s.machine.Interfaces()
		if fault != nil {
			out.Fault = fault.Error()
		}
	case actClockSet:
		err = s.machine.SetClock(r.At)
	case actClockSlew:
		err = s.machine.SlewClock(r.By)
	case actClockNote:
		err = s.machine.NoteClock(r.At)
	case actFacts:
		f := s.machine.Facts()
		out.Facts = &f
	case actStatus:
		var st boot.Status
		st, err = s.machine.Status()
		out.Status = &st
	case actSlots:
		out.Slots, out.Running, err = s.machine.Slots()
	case actSeal:
		out.Bytes, err = s.machine.Seal(r.Bytes)
	case actUnseal:
		out.Bytes, err = s.machine.Unseal(r.Bytes)
	case actName:
		err = s.machine.Tell("hostname " + r.Name)
	case actReboot:
		err = s.machine.Tell("reboot")
	case actReset:
		err = s.machine.Tell(fmt.Sprintf("reset %d", r.Level))
	}
	if err != nil {
		out.Error = err.Error()
	}
	return out
}

// follow tells of the leases, and of each change, until the node hangs up.
func (s *server) follow(ctx context.Context, c net.Conn) {
	gone := make(chan struct{})
	go func() { // ends with the connection, which one closes
		defer close(gone)
		c.SetReadDeadline(time.Time{})
		c.Read(make([]byte, 1))
	}()
	defer func() { c.Close(); <-gone }()
	for {
		list, changed := s.leases.all()
		for _, l := range list {
			if send(c, reply{Lease: &l}) != nil {
				return
			}
		}
		select {
		case <-changed:
		case <-gone:
			return
		case <-ctx.Done():
			return
		}
	}
}

// install reads an update that follows the request.
func (s *server) install(c net.Conn, in io.Reader) {
	told := int64(-1)
	version, err := s.machine.Install(patient{c, in}, func(done, all int64) {
		if part := done * 100 / max(all, 1); part > told {
			told = part
			send(c, reply{Done: done, All: all})
		}
	})
	final := reply{Version: version, Final: true}
	if err != nil {
		final.Error = err.Error()
	}
	send(c, final)
}

// patient waits for the next bytes of an update, but not for ever.
type patient struct {
	c  net.Conn
	in io.Reader
}

func (p patient) Read(b []byte) (int, error) {
	p.c.SetReadDeadline(time.Now().Add(stallAfter))
	return p.in.Read(b)
}
