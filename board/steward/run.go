package steward

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"sallyport/board"
	"sallyport/board/boot"
	"sallyport/board/clock"
	"sallyport/board/nic"
	"sallyport/board/slot"
	"sallyport/board/tpm"
)

// rights are those that the acts need of a superuser's: network, firewall and
// raw sockets for DHCP, its low port, the clock, mounting the boot partition for
// an update, and asking drives of their health.
func rights() []int {
	return []int{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_NET_BIND_SERVICE, unix.CAP_SYS_TIME, unix.CAP_SYS_ADMIN, unix.CAP_SYS_RAWIO}
}

// Run is the steward of this machine until ctx ends.
func Run(ctx context.Context, log *slog.Logger) error {
	l, err := listen(boot.StewardSocket, board.NodeUser)
	if err != nil {
		return err
	}
	defer l.Close()
	if err := board.Confine(rights()...); err != nil {
		log.Error("rights", "err", err)
	}
	s := &server{log: log, leases: newLeases()}
	network := nic.New(nic.Config{Log: log, Resolv: "/etc/resolv.conf", OnLease: s.leases.put})
	s.machine = &box{network: network}
	var work sync.WaitGroup
	defer work.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	work.Go(func() {
		if err := network.Run(ctx); err != nil {
			log.Error("network", "err", err)
		}
	})
	return s.serve(ctx, l)
}

// listen opens the socket for one user beside the superuser.
func listen(path string, user int) (net.Listener, error) {
	os.Remove(path)
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.Chmod(path, 0o600), os.Chown(path, user, user)); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// box is the machine itself.
type box struct {
	network   *nic.Network
	upgrading sync.Mutex
	drives    board.Drives
}

func (b *box) Apply(p nic.Plan) error { return b.network.Apply(p) }

func (b *box) Interfaces() ([]nic.Interface, []nic.Count, error) {
	return b.network.Interfaces(), b.network.Counts(), b.network.Fault()
}

func (b *box) SetClock(t time.Time) error       { return clock.Set(t) }
func (b *box) SlewClock(by time.Duration) error { return clock.Slew(by) }
func (b *box) NoteClock(t time.Time) error      { return clock.Remember(boot.ClockFile, t) }

func (b *box) Facts() board.Facts {
	f := board.Detect("/sys", "/proc")
	f.TPM = tpm.Present()
	b.drives.Ask("/sys", "/dev", f.Disks, time.Now())
	return f
}

func (b *box) Status() (boot.Status, error) { return boot.AskStatus() }

func (b *box) Tell(line string) error {
	_, err := boot.Ask(line)
	return err
}

func (b *box) Slots() ([]slot.Slot, string, error) {
	slots, err := boot.OwnSlots()
	if err != nil {
		return nil, "", err
	}
	all, err := slots.List()
	return all, slots.Running, err
}

// Seal waits until the system that runs is known to be good: the one before it
// may not know how to open what was sealed.
func (b *box) Seal(key []byte) ([]byte, error) {
	all, running, err := b.Slots()
	for _, s := range all {
		if err == nil && s.Name == running && s.State != slot.Good {
			return nil, errors.New("the running system is on trial")
		}
	}
	return tpm.TPM{}.Seal(key)
}

func (b *box) Unseal(blob []byte) ([]byte, error) { return tpm.TPM{}.Unseal(blob) }

func (b *box) Install(update io.Reader, progress func(done, all int64)) (string, error) {
	if !b.upgrading.TryLock() {
		return "", errors.New("another update is being installed")
	}
	defer b.upgrading.Unlock()
	slots, err := boot.OwnSlots()
	if err != nil {
		return "", err
	}
	m, err := slots.Install(update, slot.Options{Progress: progress})
	return m.Version, err
}
