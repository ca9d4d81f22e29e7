package xmpp

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDialogues plays what testdata/dialogues tells, line by line:
//
//	C> and N>   client or node sends, and the other one gets these very bytes
//	C! and N!   client or node sends …
//	N= and C=   … and the node or the client gets this; * is any one word
//	C. and N.   client or node sees its connection end
//
// A line of \n stands for a line break in what is sent, and # begins a remark.
func TestDialogues(t *testing.T) {
	files, _ := filepath.Glob("testdata/dialogues/*.txt")
	if len(files) == 0 {
		t.Fatal("no dialogues")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			w := build(t, Limits{})
			n := w.node(true)
			client := w.secure()
			client.send(clientHead)
			inside := n.accept()
			inside.expect(clientHead)
			for line := range strings.Lines(string(text)) {
				line = strings.TrimSuffix(line, "\n")
				if line == "" || strings.HasPrefix(line, "#") {
					continue
				}
				who, words := line[:2], strings.ReplaceAll(strings.TrimPrefix(line[2:], " "), `\n`, "\n")
				words = strings.NewReplacer("{head}", clientHead, "{nodehead}", nodeHead).Replace(words)
				switch who {
				case "C>":
					client.send(words)
					inside.expect(words)
				case "N>":
					inside.send(words)
					client.expect(words)
				case "C!":
					client.send(words)
				case "N!":
					inside.send(words)
				case "C=":
					client.expect(words)
				case "N=":
					inside.expect(words)
				case "C.":
					if got := client.end(); got != "" {
						t.Errorf("client gets %q at the end", got)
					}
				case "N.":
					if got := inside.end(); got != "" {
						t.Errorf("node gets %q at the end", got)
					}
				default:
					t.Fatalf("line %q", line)
				}
			}
		})
	}
}
