package signaling

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/sip"
)

// TestAnsweredIsBounded holds that the oldest goes where there would be too
// many, and that none outlives its time.
func TestAnsweredIsBounded(t *testing.T) {
	var table answeredTable
	table.init(nil, 3)
	over, back := &fakeConn{}, &fakeConn{}
	key := func(i int) serverKey { return serverKey{conn: 1, branch: fmt.Sprint("k", i), method: "INVITE"} }
	for i := range 5 {
		at := time.Duration(i) * time.Second
		table.add(&answered{far: far{over: over}, back: back, until: at + timeout}, fmt.Sprint("b", i), key(i), at)
	}
	for i := range 5 {
		want := i >= 2
		if got := table.find(fmt.Sprint("b", i)) != nil; got != want || table.knows(key(i)) != want {
			t.Errorf("entry %d: held %v, its INVITE known %v, want %v", i, got, table.knows(key(i)), want)
		}
	}
	if next := table.expire(3*time.Second + timeout); next != 4*time.Second+timeout || len(table.held) != 1 {
		t.Errorf("after 35 s: next %v, %d held", next, len(table.held))
	}
	if next := table.expire(time.Hour); next != 0 || len(table.held)+len(table.requests) != 0 || len(table.pages)+len(table.conns.at) != 0 {
		t.Errorf("after an hour: next %v, %d held", next, len(table.held))
	}
}

// TestAnsweredRemembers holds that every record comes back as it went in, over
// many pages, and that connections are let go with the last that names them.
func TestAnsweredRemembers(t *testing.T) {
	var table answeredTable
	table.init(nil, 5000)
	conns := make([]*fakeConn, 7)
	for i := range conns {
		conns[i] = &fakeConn{}
	}
	edited := 0
	record := func(i int) answered {
		a := answered{far: far{over: conns[i%3], via: fmt.Sprint("via", i%5), cseq: uint32(i) << 12, recorded: i % 4}, back: conns[3+i%4], port: uint16(i), trace: fmt.Sprint("trace", i), until: time.Duration(i)*time.Millisecond + timeout}
		switch i % 3 {
		case 0:
			a.kept = []byte(strings.Repeat("k", i%700+1))
		case 1:
			a.response = func(*sip.Message) { edited = i }
		}
		if i%2 == 0 {
			a.vias = "SIP/2.0/TCP a\nSIP/2.0/UDP b"
		}
		return a
	}
	for i := range 6000 {
		a := record(i)
		table.add(&a, fmt.Sprint("b", i), serverKey{branch: fmt.Sprint("k", i)}, time.Duration(i)*time.Millisecond)
	}
	if n := len(table.pages); n < 5 {
		t.Fatalf("%d pages", n)
	}
	for i := 1000; i < 6000; i++ {
		want := record(i)
		got := table.find(fmt.Sprint("b", i))
		if got == nil || (got.response == nil) != (want.response == nil) {
			t.Fatalf("entry %d: %+v", i, got)
		}
		if got.response != nil {
			if got.response(nil); edited != i {
				t.Fatalf("entry %d has the edit of %d", i, edited)
			}
		}
		got.response, want.response = nil, nil
		if !reflect.DeepEqual(*got, want) {
			t.Fatalf("entry %d: got %+v, want %+v", i, *got, want)
		}
	}
	if table.expire(time.Hour); len(table.edits)+len(table.conns.at) != 0 || len(table.conns.free) != len(conns) {
		t.Errorf("after an hour: %d edits, %d connections held", len(table.edits), len(table.conns.at))
	}
}
