package sshd

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gliderlabs/ssh"
	gossh "golang.org/x/crypto/ssh"
)

const (
	maxChannels = 8
	maxCommand  = 64 << 10        // one exec line
	partTime    = 5 * time.Second // for the client to answer our close
)

// session serves one session channel. The request loop below never waits for
// the program or for the terminal: sizes go through a one-slot mailbox that the
// newest size wins, and signals only cancel. So no number of window changes,
// signals or breaks can hold up the requests behind them.
type session struct {
	*Server
	c     *conn
	id    *identity
	ch    gossh.Channel
	shell Shell
	ctx   context.Context
	end   context.CancelFunc

	pty     bool
	started bool
	program func() int // started, not launched
	sizes   chan size
	last    atomic.Int64  // when something came or went, Unix ns
	gone    chan struct{} // closed when the request loop has ended
	work    sync.WaitGroup
}

type size struct{ width, height int }

func (s *Server) session(_ *ssh.Server, sc *gossh.ServerConn, nc gossh.NewChannel, ctx ssh.Context) {
	defer s.contain("session")
	c := connOf(ctx)
	if !c.begin() {
		nc.Reject(gossh.ResourceShortage, "too many sessions on one connection")
		return
	}
	defer c.end()
	id := c.id.Load()
	if id == nil || !s.plan.Load().stillAllows(id) {
		nc.Reject(gossh.Prohibited, "account or key is gone")
		return
	}
	ch, reqs, err := nc.Accept()
	if err != nil {
		return
	}
	x := &session{Server: s, c: c, id: id, ch: ch, sizes: make(chan size, 1), gone: make(chan struct{})}
	x.serve(ctx, reqs)
}

func (x *session) serve(parent context.Context, reqs <-chan *gossh.Request) {
	x.ctx, x.end = context.WithCancel(parent)
	defer x.end()
	x.alive()
	x.work.Go(x.idleTimer)
	x.shell = x.cfg.Shell(x.id.user, x.c.from.String())
	x.work.Go(x.followSizes)
	for req := range reqs { // closed when the channel or the connection is gone
		ok := x.request(req)
		if req.WantReply {
			req.Reply(ok, nil)
		}
		x.launch() // behind the reply: a quick program closes the channel
	}
	close(x.gone)
	x.end()
	x.work.Wait()
	x.shell.Close()
}

// request answers one channel request. What is not named is refused: env,
// agents, X11 and whatever may come.
func (x *session) request(req *gossh.Request) bool {
	switch req.Type {
	case "pty-req":
		return x.ptyRequest(req.Payload)
	case "window-change":
		var m struct{ Width, Height, PixelWidth, PixelHeight uint32 }
		return x.pty && gossh.Unmarshal(req.Payload, &m) == nil && x.resize(m.Width, m.Height)
	case "signal":
		x.shell.Interrupt()
		return true
	case "break":
		x.shell.Interrupt()
		return true
	case "shell":
		return x.start(x.runShell)
	case "exec":
		var m struct{ Line string }
		if gossh.Unmarshal(req.Payload, &m) != nil || len(m.Line) > maxCommand {
			return false
		}
		return x.start(func() int { return x.runLine(m.Line) })
	case "subsystem":
		var m struct{ Name string }
		if gossh.Unmarshal(req.Payload, &m) != nil || m.Name != "sftp" || !x.files.open() {
			return false
		}
		return x.start(x.runFiles)
	}
	return false
}

func (x *session) ptyRequest(payload []byte) bool {
	var m struct {
		Term                                   string
		Width, Height, PixelWidth, PixelHeight uint32
		Modes                                  string
	}
	if x.pty || x.started || gossh.Unmarshal(payload, &m) != nil {
		return false
	}
	x.pty = true
	return x.resize(m.Width, m.Height)
}

// resize leaves the newest size in the mailbox. Only the request loop sends,
// so after taking an old size out there is room.
func (x *session) resize(width, height uint32) bool {
	const most = 1000 // a larger one would only make the editor allocate
	s := size{int(min(width, most)), int(min(height, most))}
	select {
	case <-x.sizes:
	default:
	}
	x.sizes <- s
	return true
}

func (x *session) followSizes() {
	for {
		select {
		case s := <-x.sizes:
			x.shell.SetSize(s.width, s.height)
		case <-x.ctx.Done():
			return
		}
	}
}

// idleTimer ends the session when nothing came for the time of the plan. It
// reads the plan at each tick, so that a new time holds for old sessions too.
func (x *session) idleTimer() {
	tick := time.NewTicker(idleTick)
	defer tick.Stop()
	for {
		select {
		case <-x.ctx.Done():
			return
		case now := <-tick.C:
			quiet := now.Sub(time.Unix(0, x.last.Load()))
			if idle := x.plan.Load().Idle; idle > 0 && quiet > idle {
				x.cut()
				return
			}
		}
	}
}

func (x *session) alive() { x.last.Store(time.Now().UnixNano()) }

const idleTick = time.Second

func (x *session) cut() {
	x.log.Info("ssh session ended: idle", "user", x.id.user, "from", x.c.from)
	x.end()
	x.ch.Close()
	x.partLater()
}
