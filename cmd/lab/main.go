// Command lab shows a whole sally port on this machine: edge, core, a stub UC
// world and two softphones on loopback, in one process and without root. It
// registers them, calls, fetches pages, and stays up for a person to look
// around, or runs the round once and says what held:
//
//	lab                     until Ctrl-C, with a live table
//	lab -listen 192.0.2.7   edge's outside on an address that other machines reach
//	lab -once [-json]       one round; exit status 0 only if every check holds
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"sallyport/test/pair"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ok, err := run(ctx, os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

type options struct {
	once, json bool
	listen     string
	log        string
	dir        string
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("lab", flag.ContinueOnError)
	flags.BoolVar(&o.once, "once", false, "run the round once, print a line for each check, and end")
	flags.BoolVar(&o.json, "json", false, "with -once: print a list of {name, ok, detail}")
	flags.StringVar(&o.listen, "listen", "", "address of this machine for edge's outside, so that other machines reach it")
	flags.StringVar(&o.log, "log", "", "file for both nodes' logs")
	flags.StringVar(&o.dir, "dir", "", "directory for the nodes' data, kept; otherwise a temporary one, removed at the end")
	return o, flags.Parse(args)
}

func run(ctx context.Context, args []string, out io.Writer) (ok bool, err error) {
	o, err := parse(args)
	if err != nil {
		return false, err
	}
	cfg, done, err := o.config()
	if err != nil {
		return false, err
	}
	defer done()
	say := func(format string, args ...any) {
		if !o.json {
			fmt.Fprintf(out, format+"\n", args...)
		}
	}
	say("Starting edge, core, call control, a web server and an inside phone …")
	begin := time.Now()
	start, cancel := context.WithTimeout(ctx, 30*time.Second)
	p, err := pair.New(start, cfg)
	cancel()
	if err != nil {
		return false, fmt.Errorf("start: %w", err)
	}
	defer p.Close()
	say("Edge and core are linked after %s.", time.Since(begin).Round(time.Millisecond))
	r := &round{pair: p}
	defer r.close()
	results := r.run(ctx, func(c check) { say("%s", c) })
	if o.json {
		if err := json.NewEncoder(out).Encode(results); err != nil {
			return false, err
		}
	}
	if !o.once {
		return true, stay(ctx, o, p, r, out)
	}
	return all(results), nil
}

// config turns the options into a pair's; done lets go of the log file.
func (o options) config() (cfg pair.Config, done func(), err error) {
	done = func() {}
	cfg.Dir, cfg.Measured = o.dir, true
	if o.listen != "" {
		if cfg.Listen, err = netip.ParseAddr(o.listen); err != nil {
			return cfg, done, fmt.Errorf("-listen %s is not an address of this machine", o.listen)
		}
	}
	if o.log != "" {
		f, err := os.OpenFile(o.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return cfg, done, err
		}
		cfg.LogOut, done = f, func() { f.Close() }
	}
	return cfg, done, nil
}

func all(results []check) bool {
	for _, c := range results {
		if !c.OK {
			return false
		}
	}
	return true
}

// stay keeps the lab up until ctx ends, with a call going and a table that
// tells how it fares.
func stay(ctx context.Context, o options, p *pair.Pair, r *round, out io.Writer) error {
	ca, err := caFile(p.CA)
	if err != nil {
		return err
	}
	defer os.Remove(ca)
	invite(out, p, ca)
	t := newTable(out, p, r)
	if err := r.keepTalking(ctx); err != nil {
		fmt.Fprintln(out, "The standing call could not be made:", err)
	}
	return t.run(ctx)
}

// caFile writes the lab's authority where a softphone can read it: a file of
// this run's own, since another lab may be up.
func caFile(pem []byte) (string, error) {
	f, err := os.CreateTemp("", "sallyport-lab-ca-*.pem")
	if err != nil {
		return "", err
	}
	_, err = f.Write(pem)
	return f.Name(), errors.Join(err, f.Chmod(0o644), f.Close())
}

// invite says how to look around.
func invite(out io.Writer, p *pair.Pair, ca string) {
	fmt.Fprintf(out, `
Shells (password %s):
  ssh -p %d admin@%s      edge     try: xStatus Zones, xStatus Calls, xConfiguration SIP ?
  ssh -p %d admin@%s      core     try: xStatus CollaborationEdge, why user alice

A softphone of your own:
  account    dave@%s, password dave-secret
  server     %s port 5061, TLS, as outbound proxy; its certificate names %s and the address
  authority  %s
  media      SRTP by SDES, mandatory; G.711
  call       carol (inside, answers with a tone), alice, bob

A page through the gate:
  curl --cacert %s --resolve %s:8443:%s %s

Ctrl-C ends the lab.

`, p.Password, pair.ShellPort, p.EdgeInner(), pair.ShellPort, p.CoreAddr(), pair.Domain, p.Outer, pair.EdgeName, ca,
		ca, pair.EdgeName, p.Outer, p.PageURL("/page/welcome"))
}
