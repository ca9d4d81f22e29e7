package story

import (
	"bytes"
	"os"
	"testing"
)

// tell runs a story file and fails the test where it does not fit. With update
// the file is rewritten instead.
func tell(t testing.TB, e *Engine, name string, update bool) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	updated, err := e.Run(t.Context(), name, text)
	if !update {
		if err != nil {
			t.Error(err)
		}
		return
	}
	if bytes.Equal(updated, text) {
		return
	}
	if err := os.WriteFile(name, updated, 0o644); err != nil {
		t.Fatal(err)
	}
}
