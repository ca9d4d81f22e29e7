// Command init is the least thing that a kernel can start: it says which slot
// it was started from and ends, so that the kernel panics and the boot loader
// counts a failed try. Asked to stay (word "boottest.stay" on the kernel's
// command line), it waits for ever instead.
package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	_ = unix.Mount("proc", "/proc", "proc", 0, "")
	line, _ := os.ReadFile("/proc/cmdline")
	release, _ := os.ReadFile("/etc/sallyport-release")
	slot := "?"
	for _, w := range strings.Fields(string(line)) {
		if s, ok := strings.CutPrefix(w, "sallyport.slot="); ok {
			slot = s
		}
	}
	fmt.Printf("test init in slot %s\n%s", slot, release)
	if strings.Contains(string(line), "boottest.stay") {
		for {
			time.Sleep(time.Hour)
		}
	}
}
