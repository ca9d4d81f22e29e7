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

// Client is the node's end. Its calls wait for the steward's answer.
type Client struct {
	socket  string
	log     *slog.Logger
	onLease func(nic.Lease)

	mu   sync.Mutex
	plan *nic.Plan // the newest that was asked for
}

// NewClient makes the end of a node. onLease is called in Run for each lease
// that the steward tells of, some more than once.
func NewClient(socket string, log *slog.Logger, onLease func(nic.Lease)) *Client {
	return &Client{socket: socket, log: log, onLease: onLease}
}

// answerWithin bounds how long an act may take: a network whose interfaces come
// up slowly, a boot partition that another process has mounted.
const answerWithin = 2 * time.Minute

// startWithin is how long a steward may take to begin.
const startWithin = 15 * time.Second

// redial is how soon a steward that went away is asked again.
const redial = time.Second

// maxReply bounds what a node reads of one reply.
const maxReply = 4 << 20

// Await waits until the steward answers; the two are started at the same time.
func (c *Client) Await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	for {
		conn, err := c.dial(ctx, request{Do: actStatus})
		if err == nil {
			return conn.Close()
		}
		pause(ctx, redial/10)
		if ctx.Err() != nil {
			return err
		}
	}
}

func (c *Client) ask(r request) (reply, error) {
	conn, err := c.dial(context.Background(), r)
	if err != nil {
		return reply{}, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(answerWithin))
	out, err := readReply(bufio.NewReader(conn))
	if err != nil {
		return reply{}, err
	}
	return out, out.err()
}

func (c *Client) dial(ctx context.Context, r request) (*net.UnixConn, error) {
	line, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", c.socket)
	if err != nil {
		return nil, fmt.Errorf("the machine's steward does not answer: %w", err)
	}
	conn.SetWriteDeadline(time.Now().Add(askWithin))
	if _, err := conn.Write(append(line, '\n')); err != nil {
		conn.Close()
		return nil, err
	}
	conn.SetWriteDeadline(time.Time{})
	return conn.(*net.UnixConn), nil
}

func readReply(in *bufio.Reader) (r reply, err error) {
	line, err := readLine(in, maxReply)
	if err != nil {
		return r, fmt.Errorf("the machine's steward broke off: %w", err)
	}
	return r, json.Unmarshal(line, &r)
}

// Apply asks for a network. The newest plan is asked for again if the steward
// starts anew.
func (c *Client) Apply(p nic.Plan) error {
	c.mu.Lock()
	c.plan = &p
	c.mu.Unlock()
	_, err := c.ask(request{Do: actNetwork, Plan: &p})
	return err
}

// Run follows the leases, and the steward's own comings and goings, until ctx
// ends.
func (c *Client) Run(ctx context.Context) error {
	for first := true; ctx.Err() == nil; first = false {
		if err := c.follow(ctx, first); err != nil && ctx.Err() == nil {
			c.log.Warn("steward", "err", err)
		}
		pause(ctx, redial)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// again asks a steward that may be new for what the old one had been asked.
func (c *Client) again() {
	c.mu.Lock()
	p := c.plan
	c.mu.Unlock()
	if p != nil {
		c.ask(request{Do: actNetwork, Plan: p}) // what fails is told by Interfaces
	}
}

func (c *Client) follow(ctx context.Context, first bool) error {
	conn, err := c.dial(ctx, request{Do: actLeases})
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if !first {
		c.again()
	}
	in := bufio.NewReader(conn)
	for {
		r, err := readReply(in)
		if err != nil {
			return err
		}
		if r.Lease != nil {
			c.onLease(*r.Lease)
		}
	}
}

// Interfaces is what the network is: its hardware, what the firewall counted,
// and in fault what of the plan could not be made real.
func (c *Client) Interfaces() (list []nic.Interface, counts []nic.Count, fault error) {
	r, err := c.ask(request{Do: actInterfaces})
	if err == nil && r.Fault != "" {
		err = errors.New(r.Fault)
	}
	return r.Interfaces, r.Counts, err
}

// SetClock steps the machine's clock.
func (c *Client) SetClock(t time.Time) error { return c.act(request{Do: actClockSet, At: t}) }

// SlewClock moves it by up to a second without a jump.
func (c *Client) SlewClock(by time.Duration) error { return c.act(request{Do: actClockSlew, By: by}) }

// NoteClock notes the time for the next start.
func (c *Client) NoteClock(t time.Time) error { return c.act(request{Do: actClockNote, At: t}) }

// Name calls the machine by a name.
func (c *Client) Name(name string) error { return c.act(request{Do: actName, Name: name}) }

// Reboot restarts the machine soon after it returns.
func (c *Client) Reboot() error { return c.act(request{Do: actReboot}) }

// Reset forgets what the level says, once the node has ended, and restarts.
func (c *Client) Reset(level int) error { return c.act(request{Do: actReset, Level: level}) }

func (c *Client) act(r request) error {
	_, err := c.ask(r)
	return err
}

// Seal has the TPM make of a key what only it can open.
func (c *Client) Seal(key []byte) ([]byte, error) {
	r, err := c.ask(request{Do: actSeal, Bytes: key})
	return r.Bytes, err
}

// Unseal has it opened.
func (c *Client) Unseal(blob []byte) ([]byte, error) {
	r, err := c.ask(request{Do: actUnseal, Bytes: blob})
	return r.Bytes, err
}

// Facts is what the machine says of itself; nothing if nobody tells.
func (c *Client) Facts() (f board.Facts) {
	if r, err := c.ask(request{Do: actFacts}); err == nil && r.Facts != nil {
		f = *r.Facts
	}
	return f
}

// Status is what the first process says.
func (c *Client) Status() (s boot.Status, err error) {
	r, err := c.ask(request{Do: actStatus})
	if err == nil && r.Status != nil {
		s = *r.Status
	}
	return s, err
}

// Slots are those of the boot partition, and which of them runs.
func (c *Client) Slots() (all []slot.Slot, running string, err error) {
	r, err := c.ask(request{Do: actSlots})
	return r.Slots, r.Running, err
}

// Install hands an update over as it comes and returns its version. It reads
// until the update ends or the steward refuses it.
func (c *Client) Install(ctx context.Context, update io.Reader, progress func(done, all int64)) (string, error) {
	conn, err := c.dial(ctx, request{Do: actInstall})
	if err != nil {
		return "", err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	type end struct {
		version string
		err     error
	}
	ended := make(chan end, 1)
	go func() {
		version, err := untilFinal(bufio.NewReader(conn), progress)
		ended <- end{version, err}
		conn.Close() // whatever still comes of the update meets a closed door
	}()
	io.Copy(conn, update) // one that breaks off is cut: the steward says what that means
	conn.CloseWrite()
	e := <-ended
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	return e.version, e.err
}

// untilFinal reads the steward's replies.
func untilFinal(in *bufio.Reader, progress func(done, all int64)) (string, error) {
	for {
		r, err := readReply(in)
		switch {
		case err != nil:
			return "", err
		case r.Final:
			return r.Version, r.err()
		case progress != nil:
			progress(r.Done, r.All)
		}
	}
}
