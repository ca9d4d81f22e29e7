package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jedisct1/go-minisign"

	"sallyport/board"
	"sallyport/rootfs"
)

// order is what the command line asks for.
type order struct {
	board   rootfs.Board
	out     string
	inputs  string
	binary  string // instead of building one
	first   string // answers for the first boot
	append  string // more words for the kernel
	key     string // release keys that sign, comma separated
	extra   string // further public keys, comma separated
	only    string // the public keys to trust, instead of those that sign
	keyDir  string
	counter uint64
	version string
}

func parseOrder(verb string, args []string) (order, error) {
	var o order
	flags := flag.NewFlagSet(verb, flag.ContinueOnError)
	name := flags.String("board", "pc-x86_64", "kind of machine; `mkimage boards` lists them")
	flags.StringVar(&o.out, "out", "", "file to write")
	flags.StringVar(&o.inputs, "inputs", "", "folder of the pinned packages; the user's cache unless given")
	flags.StringVar(&o.binary, "binary", "", "use this binary instead of building one")
	flags.StringVar(&o.first, "first", "", "file of shell lines for the first boot, put on the boot partition")
	flags.StringVar(&o.append, "append", "", "more words for the kernel's command line")
	flags.StringVar(&o.key, "key", "", "minisign secret key of the release, two separated by a comma to change keys; without it the image is a development image")
	flags.StringVar(&o.extra, "also", "", "up to two more public keys that may sign updates, separated by commas")
	flags.StringVar(&o.only, "trust", "", "the one to three public keys that may sign updates from then on, separated by commas; those of -key and -also unless given")
	flags.StringVar(&o.keyDir, "keydir", "", "folder of the development key; the user's configuration folder unless given")
	flags.Uint64Var(&o.counter, "counter", 0, "counter of the release; the commit's time unless given")
	flags.StringVar(&o.version, "version", "", "version for people; from version control unless given")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q is not understood", flags.Arg(0))
	}
	var err error
	if o.board, err = rootfs.FindBoard(*name); err != nil {
		return o, err
	}
	if o.inputs == "" {
		if o.inputs, err = rootfs.InputsDir(); err != nil {
			return o, err
		}
	}
	return o, nil
}

// product is a slot with what it says of itself.
type product struct {
	slot    rootfs.Slot
	release board.Release
	keys    []minisign.PrivateKey
	when    time.Time
}

// build makes the slot that image and update both carry.
func (o order) build(ctx context.Context, say *progress) (product, error) {
	var p product
	src, err := readSource(ctx)
	if err != nil {
		return p, err
	}
	p.when = src.when
	if p.release, p.keys, err = o.describe(src); err != nil {
		return p, err
	}
	say.line("version", "%s, counter %d%s", p.release.Version, p.release.Counter, development(p.release))
	binary, err := o.readBinary(ctx, src, p.release.Version)
	if err != nil {
		return p, err
	}
	say.size("binary", len(binary))
	if o.board.Pi != nil {
		return p, o.buildPi(ctx, &p, binary, say)
	}
	kernel, err := rootfs.LoadKernel(o.inputs, o.board)
	if err != nil {
		return p, err
	}
	say.line("kernel", "%s, %s", kernel.Version, mib(len(kernel.Image)))
	modules, err := kernel.Choose(o.board.Arch)
	if err != nil {
		return p, err
	}
	say.line("modules", "%d", len(modules.Files))
	initrd, err := rootfs.Initramfs(binary, modules, p.release, p.when)
	say.size("initramfs", len(initrd))
	p.slot = rootfs.Slot{Linux: kernel.Image, Initrd: initrd}
	return p, err
}

func (o order) readBinary(ctx context.Context, src source, version string) ([]byte, error) {
	if o.binary != "" {
		return os.ReadFile(o.binary)
	}
	return src.binary(ctx, o.board.Arch, version)
}

func development(r board.Release) string {
	if r.Development {
		return ", DEVELOPMENT: signed by a key of this machine"
	}
	return ""
}

func makeImage(ctx context.Context, args []string) error {
	o, err := parseOrder("mkimage", args)
	if err != nil {
		return err
	}
	say := newProgress(os.Stderr, time.Now)
	p, err := o.build(ctx, say)
	if err != nil {
		return err
	}
	var first []byte
	if o.first != "" {
		if first, err = os.ReadFile(o.first); err != nil {
			return err
		}
	}
	files, err := o.files(ctx, p, first)
	if err != nil {
		return err
	}
	if o.out == "" {
		o.out = "sallyport-" + o.board.Name + ".img"
	}
	return say.produce(o.out, func(f *os.File) error { return o.image(f, p.when, files, say) })
}

// files is the boot partition.
func (o order) files(ctx context.Context, p product, first []byte) (map[string][]byte, error) {
	if o.board.Pi != nil {
		return o.piFiles(ctx, p, first)
	}
	loader, err := rootfs.LoadLoader(o.inputs, o.board)
	return rootfs.Contents(o.board, p.slot, loader, p.release.Counter, p.release.Version, o.append, first), err
}

// image makes the raw disk, looks at it, and gives it the form that the name of
// the output asks for.
func (o order) image(out *os.File, when time.Time, files map[string][]byte, say *progress) error {
	raw := out
	if form := formOf(o.out); form != nil {
		var err error
		if raw, err = os.CreateTemp(filepath.Dir(o.out), ".mkimage-"); err != nil {
			return err
		}
		defer os.Remove(raw.Name())
		defer raw.Close()
	}
	write := writeDisk
	if o.board.Pi != nil {
		write = writeCard
	}
	if err := write(raw, when, files); err != nil {
		return err
	}
	size, err := raw.Seek(0, 2)
	if err != nil {
		return err
	}
	if err := checkDisk(raw, size, o.board, files); err != nil {
		return fmt.Errorf("the image does not read back right: %w", err)
	}
	say.line("checked", "both partition tables, boot partition, entries, kernel")
	if form := formOf(o.out); form != nil {
		return form(out, raw, size)
	}
	return nil
}

func makeUpdate(ctx context.Context, args []string) error {
	o, err := parseOrder("mkimage update", args)
	if err != nil {
		return err
	}
	say := newProgress(os.Stderr, time.Now)
	p, err := o.build(ctx, say)
	if err != nil {
		return err
	}
	if o.out == "" {
		o.out = "sallyport-" + o.board.Name + "-" + p.release.Version + ".update"
	}
	return say.produce(o.out, func(f *os.File) error {
		return rootfs.WriteUpdate(f, p.slot, p.release, p.when, p.keys...)
	})
}

// describe says what the release file of the image will say, and finds the keys
// that sign its updates.
func (o order) describe(src source) (board.Release, []minisign.PrivateKey, error) {
	r := board.Release{
		Version: src.version, Commit: src.commit, Board: o.board.Name, Arch: o.board.Arch,
		Counter: uint64(src.when.Unix()), Development: o.key == "",
	}
	if o.version != "" {
		r.Version = o.version
	}
	if o.counter != 0 {
		r.Counter = o.counter
	}
	keys, err := o.signingKeys()
	if err != nil {
		return r, nil, err
	}
	r.Keys, err = o.publicKeys(keys)
	return r, keys, err
}
