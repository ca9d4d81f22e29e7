// Command mkimage makes what a box is installed and updated with, on any
// machine that has Go: no root, no tools, the same bytes for the same commit.
//
//	mkimage -board pc-x86_64 -out sallyport.img   a disk, to be written to one or run in a VM
//	mkimage update -board pc-x86_64 -out up.tar   a signed update for a running box
//	mkimage flash -disk /dev/sdX sallyport.img    writes an image to a disk and reads it back
//	mkimage check -board pc-x86_64 sallyport.img  looks whether an image is whole
//	mkimage boards                                what can be built
//
// The ending of -out chooses the form: .img raw, .img.zst compressed, .qcow2,
// .vmdk, .ova. Everything that says "flash" is in flash.go, the disk in disk.go and
// fat.go; what lies on the disk is package rootfs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"sallyport/rootfs"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "mkimage:", err)
		stop()
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	verb := ""
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		verb, args = args[0], args[1:]
	}
	switch verb {
	case "", "image":
		return makeImage(ctx, args)
	case "update":
		return makeUpdate(ctx, args)
	case "flash":
		return flash(ctx, args, os.Stdin)
	case "check":
		return checkImage(args)
	case "boards":
		for _, b := range rootfs.Boards() {
			fmt.Printf("%-12s %s\n", b.Name, b.Title)
		}
		return nil
	}
	return fmt.Errorf("%q is none of image, update, flash, check, boards", verb)
}

// checkImage looks at a raw image, or a disk.
func checkImage(args []string) error {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	board := flags.String("board", "pc-x86_64", "which board it is for")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("which image?")
	}
	b, err := rootfs.FindBoard(*board)
	if err != nil {
		return err
	}
	f, err := os.Open(flags.Arg(0))
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Seek(0, 2)
	if err != nil {
		return err
	}
	if err := checkDisk(f, size, b, nil); err != nil {
		return err
	}
	fmt.Println(flags.Arg(0), "is whole")
	return nil
}
