// Command sallyport is the one static binary of the product. Here it runs as
// an ordinary daemon:
//
//	sallyport run -role edge|core -data DIR [-first FILE]
//	sallyport shell -data DIR [line]
//	sallyport version
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"sallyport/appliance"
	"sallyport/appliance/xapi"
)

// version is set by the linker.
var version = "development"

func main() {
	ours, err := machineMode(os.Args)
	if !ours {
		err = command(os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sallyport:", err)
		os.Exit(1)
	}
}

func command(args []string) error {
	if len(args) == 0 {
		args = []string{"help"}
	}
	switch args[0] {
	case "run":
		return runNode(args[1:])
	case "shell":
		return openShell(args[1:])
	case "version":
		fmt.Println("sallyport", version)
		return nil
	case "help", "-h", "--help":
		fmt.Print(usage)
		return nil
	}
	return fmt.Errorf("%s is not a command\n%s", args[0], usage)
}

const usage = `usage:
  sallyport run -role edge|core -data DIR [-first FILE] [-name NAME]
        serves until SIGTERM; FILE holds xConfiguration lines for an empty DIR
  sallyport shell -data DIR [line]
        the administrator's shell of the node that runs on DIR
  sallyport version
`

// runNode serves one node until a signal, anew after each restart that an
// administrator asks for.
func runNode(args []string) error {
	cfg, err := nodeConfig(args)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	paced := make(chan struct{})
	go func() { tendHeap(ctx); close(paced) }()
	defer func() { stop(); <-paced }()
	for {
		n, err := appliance.New(cfg)
		if err != nil {
			return err
		}
		err = n.Run(ctx)
		if !errors.Is(err, appliance.ErrRestart) {
			return err
		}
	}
}

func nodeConfig(args []string) (appliance.Config, error) {
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	role := flags.String("role", "", "edge or core")
	data := flags.String("data", "", "directory for everything that the node keeps")
	first := flags.String("first", "", "file of xConfiguration lines for an empty store; DIR/config.txt if it is there")
	name := flags.String("name", "", "what the node is called until SystemUnit Name is set")
	if err := flags.Parse(args); err != nil {
		return appliance.Config{}, err
	}
	cfg := appliance.Config{Dir: *data, Name: *name, Version: version, LogOut: os.Stderr, LogLate: true}
	switch *role {
	case "edge":
		cfg.Role = xapi.Edge
	case "core":
		cfg.Role = xapi.Core
	default:
		return cfg, fmt.Errorf("-role must be edge or core, not %q", *role)
	}
	if *data == "" {
		return cfg, errors.New("-data names no directory")
	}
	if cfg.Name == "" {
		cfg.Name = *role
	}
	lines, err := firstLines(*data, *first)
	cfg.First = lines
	return cfg, err
}

// firstLines reads the lines of a first boot; without a name they may lie in
// the data directory.
func firstLines(data, name string) (string, error) {
	if name == "" {
		b, err := os.ReadFile(filepath.Join(data, "config.txt"))
		if errors.Is(err, os.ErrNotExist) {
			return "", nil
		}
		return string(b), err
	}
	b, err := os.ReadFile(name)
	return string(b), err
}

// openShell connects standard input and output to the node's local shell.
func openShell(args []string) error {
	flags := flag.NewFlagSet("shell", flag.ContinueOnError)
	data := flags.String("data", "", "data directory of the running node")
	if err := flags.Parse(args); err != nil {
		return err
	}
	exit, err := appliance.Attach(appliance.Socket(*data), terminal{os.Stdin, os.Stdout}, strings.Join(flags.Args(), " "))
	if err != nil {
		return err
	}
	if exit != 0 {
		os.Exit(exit)
	}
	return nil
}

type terminal struct {
	io.Reader
	io.Writer
}
