package media

import (
	"runtime/metrics"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// newTestCadence watches one socket; arrive makes a packet wait there and read
// takes it.
func newTestCadence(t *testing.T) (c *cadence, arrive, read func()) {
	t.Helper()
	set, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	socket, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	if err = watch(set, socket); err != nil {
		t.Fatal(err)
	}
	if c, err = newCadence(set); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.close()
		unix.Close(socket)
		unix.Close(set)
	})
	arrive = func() { unix.Write(socket, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }
	read = func() { unix.Read(socket, make([]byte, 8)) }
	return c, arrive, read
}

// TestCadence: a resting worker is woken by a packet or a tick, a busy one by
// its beat alone, and what came during a beat is not slept over.
func TestCadence(t *testing.T) {
	c, arrive, read := newTestCadence(t)
	if due := c.rest(time.Millisecond); !due {
		t.Error("no packet, and no tick is due")
	}
	woken := make(chan bool)
	go func() { woken <- c.rest(0) }()
	arrive()
	if <-woken {
		t.Error("a tick is due where none was wanted")
	}
	read()
	arrive()
	const period = 20 * time.Millisecond
	begun := time.Now()
	c.beat(period)
	if took := time.Since(begun); took < period {
		t.Errorf("a packet ended the beat after %v", took)
	}
	if c.rest(0) {
		t.Error("a tick is due after a beat")
	}
	if c.rest(time.Hour) {
		t.Error("a tick is due, but a packet still waits")
	}
}

// TestRestHoldsNoProcessor: a thread that waits in a system call would keep a
// processor from everything else until the runtime's monitor finds out.
func TestRestHoldsNoProcessor(t *testing.T) {
	c, arrive, _ := newTestCadence(t)
	done := make(chan struct{})
	go func() {
		c.rest(time.Hour)
		close(done)
	}()
	now := []metrics.Sample{{Name: "/sched/goroutines/not-in-go:goroutines"},
		{Name: "/sched/goroutines/runnable:goroutines"}, {Name: "/sched/goroutines/running:goroutines"}}
	count := func(i int) uint64 { return now[i].Value.Uint64() }
	for limit := time.Now().Add(10 * time.Second); ; {
		if metrics.Read(now); now[0].Value.Kind() == metrics.KindBad {
			t.Skip("this runtime does not count goroutines by state")
		}
		if count(0) == 0 && count(1) == 0 && count(2) == 1 {
			break // none but this one is up, so the other is parked
		}
		if time.Now().After(limit) {
			t.Fatalf("%d goroutines stay in system calls, %d run", count(0), count(2))
		}
	}
	arrive()
	<-done
}
