package pair

import (
	"testing"
)

// place is the part of loopback that the pairs of these tests live in, one
// after the other.
var place string

func TestMain(m *testing.M) { Main(m, &place) }
