// Command faulty is a system whose first process is the real one and whose node
// has a fault, chosen when it is linked: it ends, or it hangs without ever being
// ready.
package main

import (
	"os"
	"path/filepath"
	"time"

	"sallyport/board/boot"
	"sallyport/board/disk"
	"sallyport/board/module"
)

// fault is set by the linker: crash or hang.
var fault string

func main() {
	switch {
	case os.Getpid() == 1:
		boot.Main()
	case filepath.Base(os.Args[0]) == "modprobe":
		modprobe(os.Args[1:])
	case os.Args[1] == "format":
		_ = disk.Format(os.Args[2])
	case os.Args[1] == "node" && fault == "crash":
		os.Exit(1)
	default:
		forEver()
	}
}

func modprobe(args []string) {
	if l, err := module.Open("/lib/modules"); err == nil && len(args) > 0 {
		_ = l.Load(args[len(args)-1])
	}
}

func forEver() {
	for {
		time.Sleep(time.Hour)
	}
}
