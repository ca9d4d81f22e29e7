package xmpp

import (
	"encoding/json"
	"errors"
	"io"
)

// preamble is the line that edge begins a link stream with. What follows is the
// client's stream as it came, from its header after STARTTLS on.
type preamble struct {
	Domain string `json:"domain"`
	Trace  string `json:"trace"`
	Client string `json:"client"`
}

const maxPreamble = 1 << 10

func (p preamble) line() []byte {
	b, err := json.Marshal(p)
	if err != nil {
		panic("xmpp: preamble: " + err.Error())
	}
	return append(b, '\n')
}

// readPreamble reads byte by byte, so that nothing behind the line is lost.
func readPreamble(r io.Reader) (p preamble, err error) {
	var line []byte
	for b := make([]byte, 1); ; {
		if _, err := io.ReadFull(r, b); err != nil {
			return p, err
		}
		if b[0] == '\n' {
			return p, json.Unmarshal(line, &p)
		}
		if line = append(line, b[0]); len(line) > maxPreamble {
			return p, errors.New("the preamble has no end")
		}
	}
}
