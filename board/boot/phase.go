package boot

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// phases prints what the machine does, each line with the time since the
// kernel started, and keeps the lines for who asks later. It may be used from
// any goroutine.
type phases struct {
	mu    sync.Mutex
	out   io.Writer
	quiet bool // consoles have begun: only keep
	log   *ring
}

func (p *phases) say(format string, args ...any) {
	line := fmt.Sprintf("[%8.3f] sallyport: %s\n", uptime().Seconds(), fmt.Sprintf(format, args...))
	p.log.Write([]byte(line))
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.quiet {
		io.WriteString(p.out, line)
	}
}

// hush leaves the screen to the consoles; loud takes it back.
func (p *phases) hush(quiet bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.quiet = quiet
}

// step runs one phase and tells how it went.
func (p *phases) step(name string, f func() (string, error)) error {
	begin := time.Now()
	detail, err := f()
	took := time.Since(begin).Round(time.Millisecond)
	switch {
	case err != nil:
		p.say("%s: FAILED after %v: %v", name, took, err)
	case detail != "":
		p.say("%s: %s (%v)", name, detail, took)
	default:
		p.say("%s (%v)", name, took)
	}
	return err
}

func uptime() time.Duration {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	return time.Duration(ts.Nano())
}

// ring keeps the newest bytes written to it, cut at line ends.
type ring struct {
	mu   sync.Mutex
	max  int
	text []byte
}

func (r *ring) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text = append(r.text, b...)
	if over := len(r.text) - r.max; over > r.max/4 {
		r.text = append(r.text[:0], r.text[over:]...)
	}
	return len(b), nil
}

// Tail is what the ring keeps of the newest n bytes.
func (r *ring) Tail(n int) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.text[max(0, len(r.text)-n):])
}

// openConsole makes sure that the first process has somewhere to speak.
func openConsole() {
	f, err := os.OpenFile("/dev/console", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return
	}
	for fd := range 3 {
		unix.Dup3(int(f.Fd()), fd, 0)
	}
	if f.Fd() > 2 {
		f.Close()
	}
}
