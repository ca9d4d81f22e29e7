package eventlog

import (
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// An Entry is one line of the log, its secrets already masked.
type Entry struct {
	Time    time.Time
	Level   slog.Level
	Node    string
	Message string
	Attrs   []Attr // in the order they were given; groups are joined by dots
}

// An Attr is one key and its value as text.
type Attr struct{ Key, Value string }

// Get returns the value of key, "" if the entry does not have it.
func (e Entry) Get(key string) string {
	for _, a := range e.Attrs {
		if a.Key == key {
			return a.Value
		}
	}
	return ""
}

// AppendLine appends the entry's text form with its final newline:
//
//	2026-11-22T16:46:00.123Z edge1 INFO "request denied" trace=5f2c rule="" why="no rule"
func (e Entry) AppendLine(b []byte) []byte {
	b = e.Time.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	b = append(b, ' ')
	if e.Node != "" {
		b = append(appendWord(b, e.Node), ' ')
	}
	b = append(b, e.Level.String()...)
	b = append(b, ' ')
	b = strconv.AppendQuote(b, e.Message)
	for _, a := range e.Attrs {
		b = append(b, ' ')
		b = appendWord(b, a.Key)
		b = append(b, '=')
		b = appendWord(b, a.Value)
	}
	return append(b, '\n')
}

// appendWord quotes what would not be read back as one word, so that a value
// can never forge a second key or a second line.
func appendWord(b []byte, s string) []byte {
	if plainWord(s) {
		return append(b, s...)
	}
	return strconv.AppendQuote(b, s)
}

func plainWord(s string) bool {
	for i := 0; ; i++ {
		if i == len(s) {
			return s != ""
		}
		if c := s[i]; c <= ' ' || c == '"' || c == '=' || c == 0x7f {
			return false
		} else if c >= utf8.RuneSelf {
			break // seldom
		}
	}
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return r == '"' || r == '=' || unicode.IsSpace(r) || !unicode.IsPrint(r)
	})
}

// A ring keeps the newest entries. It grows to max and then overwrites.
type ring struct {
	mu      sync.Mutex
	entries []Entry
	next    int // the oldest, once full
	max     int
}

func (r *ring) add(e Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.entries) < r.max {
		r.entries = append(r.entries, e)
		return
	}
	r.entries[r.next] = e
	r.next = (r.next + 1) % r.max
}

func (r *ring) recent(n int) []Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]Entry, 0, len(r.entries))
	all = append(append(all, r.entries[r.next:]...), r.entries[:r.next]...)
	if n > 0 && n < len(all) {
		all = all[len(all)-n:]
	}
	return all
}
