// Command bench measures the product beside the servers that its users would
// otherwise run, on the machine where it is started: signalling at edge
// against Kamailio and against a bare TLS relay, media against rtpengine. All
// alternatives take turns in one run, so that ratios mean something where
// absolute figures do not. `make bench` starts it; it stops by itself, keeps
// its traffic on loopback and writes what it found to test/bench/RESULTS.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

// options is what may be asked for on the command line.
type options struct {
	rounds  int
	warm    time.Duration
	window  time.Duration
	clients int
	only    *regexp.Regexp
	among   *regexp.Regexp
	long    bool
	out     string
	keep    bool
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == "child" {
		exit(child(os.Args[2], os.Args[3:]))
	}
	opt, err := parseOptions()
	if err != nil {
		exit(err)
	}
	if err := moveOver(); err != nil {
		exit(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit(bench(ctx, opt))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func parseOptions() (options, error) {
	var o options
	only, among := "", ""
	flag.IntVar(&o.rounds, "rounds", 3, "rounds in which all alternatives take turns")
	flag.DurationVar(&o.warm, "warm", 500*time.Millisecond, "load before each measurement")
	flag.DurationVar(&o.window, "window", 2*time.Second, "length of each measurement")
	flag.IntVar(&o.clients, "clients", 500, "TLS clients that share the load")
	flag.StringVar(&only, "only", "", "run only scenarios whose name matches; RESULTS.md is then left alone")
	flag.StringVar(&among, "among", "", "start only subjects of signalling whose name matches; RESULTS.md is then left alone")
	flag.BoolVar(&o.long, "long", false, "also hold 10,000 connections, and measure for longer")
	flag.StringVar(&o.out, "o", "", "where the results go; empty means test/bench/RESULTS.md, and nowhere with -only or -among")
	flag.BoolVar(&o.keep, "keep", false, "keep the working directory with the peers' logs")
	flag.Parse()
	if o.out == "" && only == "" && among == "" {
		o.out = "test/bench/RESULTS.md"
	}
	if o.long {
		o.rounds, o.window = max(o.rounds, 5), max(o.window, 4*time.Second)
	}
	var err error
	if o.only, err = regexp.Compile(only); err != nil {
		return o, err
	}
	o.among, err = regexp.Compile(among)
	return o, err
}

// bench runs what can be run here, prints it and writes it down.
func bench(ctx context.Context, opt options) error {
	if _, err := os.Stat("cmd/sallyport"); err != nil {
		return fmt.Errorf("start it at the top of the repository, as make bench does: %w", err)
	}
	dir, err := os.MkdirTemp("", "sallyport-bench")
	if err != nil {
		return err
	}
	if opt.keep {
		fmt.Println("working directory:", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	if opt.long {
		maxFiles() // before the subjects start, which need as many
	}
	w, err := newWorld(ctx, dir)
	if err != nil {
		return err
	}
	defer w.close()
	book := newBook(opt)
	if err := signalling(ctx, w, opt, book); err != nil {
		return err
	}
	if err := pairs(ctx, w, opt, book); err != nil {
		return err
	}
	if err := allowLists(ctx, w, opt, book); err != nil {
		return err
	}
	if err := atRest(ctx, w, opt, book); err != nil {
		return err
	}
	if err := mediaBench(ctx, w, opt, book); err != nil {
		return err
	}
	if err := mediaGaps(ctx, opt, book); err != nil {
		return err
	}
	report := book.report()
	fmt.Print("\n", report)
	if opt.out == "" {
		return nil
	}
	return os.WriteFile(filepath.FromSlash(opt.out), []byte(report), 0o644)
}
