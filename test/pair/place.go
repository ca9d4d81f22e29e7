package pair

import (
	"fmt"
	"os"
)

// Main runs the tests of a package in a part of loopback of its own, which it
// writes to place: their pairs live there one after the other. It does not
// return.
func Main(tests interface{ Run() int }, place *string) {
	net, release, err := FreeNet()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	*place = net
	code := tests.Run()
	release()
	os.Exit(code)
}
