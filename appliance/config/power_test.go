package config

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/xapi"
)

const powerEnv = "SALLYPORT_TEST_POWER_FILE"

// powerRows is how many rows each revision sets, so that a mix would show.
const powerRows = 40

// powerChild commits until it is killed, if this process is the child of
// TestPowerLoss. It prints the number of each revision once Edit has returned.
func powerChild() bool {
	path := os.Getenv(powerEnv)
	if path == "" {
		return false
	}
	s, err := Open(path, testOptions(newHand()))
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	for n := s.Snapshot().Rev() + 1; ; n++ {
		if _, err := s.Edit(alice, func(e *Edit) error { return powerRevision(e, n) }); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		fmt.Println(n)
	}
}

// powerRevision writes n into every row, and unsets one that moves along.
func powerRevision(e *Edit, n int) error {
	for i := 1; i <= powerRows; i++ {
		if err := e.Set(fmt.Sprintf("Zones Zone %d HopCount", i), strconv.Itoa(n%200+1)); err != nil {
			return err
		}
	}
	if err := e.Set("Test Upstream 1 Node 1 Name", strconv.Itoa(n)); err != nil {
		return err
	}
	return e.Unset(fmt.Sprintf("Zones Zone %d HopCount", n%powerRows+1))
}

// TestPowerLoss kills a committing process at random points. What is found
// afterwards must be exactly the last revision that was acknowledged, or the one
// after it, which was on disk but not yet told.
func TestPowerLoss(t *testing.T) {
	kills := 40
	if testing.Short() {
		kills = 5
	}
	path := filepath.Join(t.TempDir(), "config.db")
	acked := 0
	for range kills {
		acked = max(acked, runAndKill(t, path))
		acked = found(t, path, acked)
	}
	t.Logf("%d kills, %d revisions", kills, acked)
}

func runAndKill(t *testing.T, path string) (acked int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), powerEnv+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killer := time.AfterFunc(time.Duration(rand.IntN(80))*time.Millisecond, func() { cmd.Process.Kill() })
	defer killer.Stop()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "error") {
			t.Fatal(lines.Text())
		}
		acked, _ = strconv.Atoi(lines.Text())
	}
	cmd.Wait()
	return acked
}

func found(t *testing.T, path string, acked int) int {
	t.Helper()
	s := openAt(t, path, testOptions(newHand()))
	defer s.Close()
	sn := s.Snapshot()
	rev := sn.Rev()
	if rev != acked && rev != acked+1 {
		t.Fatalf("revision %d was acknowledged, %d is there", acked, rev)
	}
	if rev == 0 {
		return rev
	}
	if got := sn.Str(testBelow, 1, 1); got != strconv.Itoa(rev) {
		t.Fatalf("revision %d holds values of %s", rev, got)
	}
	for i := 1; i <= powerRows; i++ {
		want := rev%200 + 1
		if i == rev%powerRows+1 {
			want = 15
		}
		if got := sn.Int(xapi.ZoneHopCount, i); got != want {
			t.Fatalf("revision %d: row %d holds %d, want %d", rev, i, got, want)
		}
	}
	entries, err := s.Journal(1)
	if err != nil || entries[0].Rev != rev {
		t.Fatalf("revision %d, journal ends at %v, %v", rev, entries, err)
	}
	if _, err := s.Diff(rev-1, rev); err != nil {
		t.Fatal(err)
	}
	return rev
}
