package pair

import (
	"fmt"
	"os"
	"testing"
)

// place is the part of loopback that the pairs of these tests live in, one
// after the other.
var place string

func TestMain(m *testing.M) {
	var release func()
	var err error
	if place, release, err = FreeNet(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	release()
	os.Exit(code)
}
