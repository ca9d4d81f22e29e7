package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A process is one that the bench has started and will end.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{}
}

// start runs a command of the subjects' processor; what it says goes to a
// file in dir.
func start(dir, name string, cmd *exec.Cmd) (*process, error) {
	return startAt(dir, name, cmd, subjectCPU)
}

// startAt is start on another processor.
func startAt(dir, name string, cmd *exec.Cmd, cpu int) (*process, error) {
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	if cmd.Stdout == nil {
		cmd.Stdout = log
	}
	cmd.Stderr = log
	if cmd.Env == nil {
		cmd.Env = usual()
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := startOn(cmd, cpu); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{name: name, cmd: cmd, log: log.Name(), done: make(chan struct{})}
	go func() { // ends with the process, for which stop waits
		_ = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// usual is the environment without what this program has set for itself.
func usual() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "GOGC=") || strings.HasPrefix(v, pinned+"=")
	})
}

// await waits until the process is ready, as ready says.
func (p *process) await(ctx context.Context, ready func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for !ready() {
		select {
		case <-p.done:
			return fmt.Errorf("%s ended: %s", p.name, p.tail())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w: %s", p.name, ctx.Err(), p.tail())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// pids are the process and its descendants.
func (p *process) pids() []int { return family(p.cmd.Process.Pid) }

// listens tells whether something takes TCP at an address.
func listens(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, 200*time.Millisecond)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// tail is the end of what the process said.
func (p *process) tail() string {
	b, _ := os.ReadFile(p.log)
	if len(b) > 600 {
		b = b[len(b)-600:]
	}
	return string(b)
}

// stop ends the process and waits for it.
func (p *process) stop() {
	select {
	case <-p.done:
		return
	default:
	}
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		_ = syscall.Kill(-p.cmd.Process.Pid, sig) // its own group: nobody else's
		select {
		case <-p.done:
			return
		case <-time.After(3 * time.Second):
		}
	}
	<-p.done
}
