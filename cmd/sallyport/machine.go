package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"sallyport/appliance"
	"sallyport/appliance/xapi"
	"sallyport/board"
	"sallyport/board/boot"
	"sallyport/board/steward"
)

func roleOf(word string) (xapi.Role, error) {
	switch word {
	case "edge":
		return xapi.Edge, nil
	case "core":
		return xapi.Core, nil
	}
	return 0, fmt.Errorf("%q is no role: edge or core", word)
}

// machineSteward is the process that does for the node what takes a superuser.
func machineSteward() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return steward.Run(ctx, slog.New(slog.NewTextHandler(os.Stderr, nil)))
}

// machineNode is the node as process 1 runs it: on the data partition, as a user
// of its own. What the machine must do for it the steward does.
func machineNode(args []string) error {
	flags := flag.NewFlagSet("node", flag.ContinueOnError)
	word := flags.String("role", "", "edge or core")
	if err := flags.Parse(args); err != nil {
		return err
	}
	role, err := roleOf(*word)
	if err != nil {
		return err
	}
	release, _ := board.ReadRelease(board.ReleaseFile)
	cfg := appliance.Config{
		Role: role, Dir: boot.NodeDir, Name: *word, Version: releaseVersion(release), LogOut: os.Stderr, LogLate: true,
	}
	if cfg.First, err = firstBootLines(boot.FirstFile, role); err != nil {
		fmt.Fprintln(os.Stderr, "first boot:", err)
	}
	if err := board.ConfineNode(); err != nil {
		fmt.Fprintln(os.Stderr, "rights:", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	for {
		err := runMachine(ctx, cfg, release)
		if !errors.Is(err, appliance.ErrRestart) {
			return err
		}
	}
}

func releaseVersion(r board.Release) string {
	if r.Version == "" {
		return version
	}
	return r.Version
}

func runMachine(ctx context.Context, cfg appliance.Config, release board.Release) error {
	h := newHost(cfg.Role.String(), release)
	cfg.Host, cfg.Vault = h, stewardVault(ctx)
	n, err := newNode(&cfg)
	if err != nil {
		return err
	}
	os.Remove(boot.FirstFile)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	h.join(ctx, n)
	h.apply(n.Store().Snapshot()) // the planes find their addresses there
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	for _, f := range []func(context.Context) error{h.steward.Run, h.clock.Run, h.follow} {
		work.Go(func() {
			if err := f(ctx); err != nil {
				h.log.Error("machine", "err", err)
			}
		})
	}
	work.Go(func() { tendHeap(ctx) })
	work.Go(func() { tellHealth(ctx, appliance.Socket(cfg.Dir), n, h) })
	return n.Run(ctx)
}

// newNode opens the node; first lines that it cannot take are left out and told,
// so that a slip in the file does not keep the box from being reached.
func newNode(cfg *appliance.Config) (*appliance.Node, error) {
	for {
		n, err := appliance.New(*cfg)
		if err == nil || cfg.First == "" {
			return n, err
		}
		fmt.Fprintln(os.Stderr, "first boot: left out:", err)
		bad := new(appliance.FirstLineError)
		if !errors.As(err, &bad) {
			cfg.First = ""
			continue
		}
		cfg.First = without(cfg.First, bad.Number)
	}
}

// without takes a line, counted from 1, out of a text; one that is not there
// takes all, since nobody knows what is wrong then.
func without(text string, number int) string {
	lines := strings.SplitAfter(text, "\n")
	if number < 1 || number > len(lines) {
		return ""
	}
	return strings.Join(slices.Delete(lines, number-1, number), "")
}

// tellHealth tells process 1 that the node is ready once its shell answers, that
// it is healthy once it does what it is configured to, and again and again that
// it lives. A peer that does not answer is no fault of ours: it must not undo an
// update, so the host raises an alarm instead.
func tellHealth(ctx context.Context, socket string, n *appliance.Node, h *host) {
	const eager, every = time.Second, 5 * time.Second
	ready, healthy, told := false, false, ""
	tick := time.NewTicker(eager)
	defer tick.Stop()
	for {
		if shellAnswers(socket) {
			if !ready {
				ready = true
				notify("READY=1")
			}
			notify("WATCHDOG=1")
			if healthy {
				h.relinked(n.Unlinked())
			} else if unlinked, fault := n.Healthy(ctx); fault == nil {
				healthy = true
				h.proven(unlinked)
				notify("X_HEALTHY=1")
				tick.Reset(every)
			} else if fault.Error() != told {
				told = fault.Error()
				n.Log().Warn("not healthy yet", "event", "health", "why", told)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// shellAnswers asks the node for one status over its own shell: that needs the
// store, the role and the scheduler to work.
func shellAnswers(socket string) bool {
	c, err := net.DialTimeout("unix", socket, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(c, "xStatus SystemUnit\n")
	c.(*net.UnixConn).CloseWrite()
	b, err := io.ReadAll(io.LimitReader(c, 64<<10))
	return err == nil && strings.Contains(string(b), "*s/end")
}

// notify tells a service manager, if there is one.
func notify(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	c, err := net.Dial("unixgram", path)
	if err != nil {
		return
	}
	defer c.Close()
	io.WriteString(c, state)
}
