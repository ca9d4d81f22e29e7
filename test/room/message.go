package room

import (
	"strconv"
	"strings"
	"testing"

	"sallyport/appliance/sip"
)

// Message reads a message as a test writes it: without carriage returns, and
// without the fields that every message has. It came by via.
func Message(t testing.TB, via, text string) *sip.Message {
	t.Helper()
	head, body, _ := strings.Cut(text, "\n\n")
	head = strings.TrimSpace(head)
	if body = strings.ReplaceAll(body, "\n", "\r\n"); body != "" {
		head += "\nContent-Length: " + strconv.Itoa(len(body))
	}
	for _, f := range []string{"Via: " + via, "From: <sip:alice@example.com>;tag=a",
		"To: <sip:bob@example.com>", "Call-ID: one", "CSeq: 1 INVITE", "Max-Forwards: 70"} {
		name, _, _ := strings.Cut(f, ":")
		if !strings.Contains(head, "\n"+name+":") {
			head += "\n" + f
		}
	}
	m, fault := sip.Parse([]byte(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body))
	if fault != nil {
		t.Fatalf("%v in\n%s", fault, head)
	}
	return m
}
