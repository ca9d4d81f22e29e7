package xapi

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite reference.md from the tables")

func TestReferenceIsFresh(t *testing.T) {
	var page bytes.Buffer
	WriteReference(&page)
	if *update {
		if err := os.WriteFile("reference.md", page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile("reference.md")
	if err != nil || !bytes.Equal(have, page.Bytes()) {
		t.Errorf("reference.md is stale (%v): go test ./appliance/xapi -update", err)
	}
}
