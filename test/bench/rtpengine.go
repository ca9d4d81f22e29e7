package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"
)

// rtpengine is the peer for media, in userspace (--table=-1) and with one
// thread, as the relays have one each. It speaks ng: bencoded dictionaries over
// UDP, each behind a cookie.
type rtpengine struct {
	*process
	conn  net.Conn
	count int
}

const ngPort = "22222"

func findRTPEngine() (string, error) {
	binary, err := find("rtpengine", "/usr/bin/rtpengine")
	if err != nil {
		return "", fmt.Errorf("rtpengine %w: sh scripts/setup.sh bench", err)
	}
	return binary, nil
}

func startRTPEngine(ctx context.Context, w *world, binary string) (*rtpengine, error) {
	ng := rtpengineAt + ":" + ngPort
	p, err := start(w.dir, "rtpengine", exec.Command(binary, "--config-file=none", "--table=-1", "--foreground", "--log-stderr",
		"--log-level=3", "--interface="+rtpengineAt, "--listen-ng="+ng, "--num-threads=1", "--timeout=3600", "--port-min=36000", "--port-max=59999"))
	if err != nil {
		return nil, err
	}
	w.later(p.stop)
	conn, err := net.Dial("udp", ng)
	if err != nil {
		return nil, err
	}
	e := &rtpengine{process: p, conn: conn}
	w.later(func() { conn.Close() })
	return e, p.await(ctx, func() bool {
		_, err := e.ask(map[string]any{"command": "ping"})
		return err == nil
	})
}

// ask sends one command and returns the answer's strings.
func (e *rtpengine) ask(command map[string]any) (map[string]string, error) {
	e.count++
	cookie := fmt.Sprintf("%d_%d ", os.Getpid(), e.count)
	if _, err := e.conn.Write(bencode([]byte(cookie), command)); err != nil {
		return nil, err
	}
	_ = e.conn.SetReadDeadline(time.Now().Add(time.Second))
	buf := make([]byte, 64<<10)
	for {
		n, err := e.conn.Read(buf)
		if err != nil {
			return nil, fmt.Errorf("rtpengine does not answer: %w", err)
		}
		if rest, ok := bytes.CutPrefix(buf[:n], []byte(cookie)); ok {
			return answerOf(rest)
		}
	}
}

func answerOf(b []byte) (map[string]string, error) {
	d := bdecoder{b: b}
	m, ok := d.value().(map[string]any)
	if !ok || d.bad {
		return nil, fmt.Errorf("rtpengine answers %q", b)
	}
	out := map[string]string{}
	for k, v := range m {
		if s, ok := v.(string); ok {
			out[k] = s
		}
	}
	if out["result"] != "ok" && out["result"] != "pong" {
		return nil, fmt.Errorf("rtpengine: %s %s", out["result"], out["error-reason"])
	}
	return out, nil
}

// pass has rtpengine rewrite one description.
func (e *rtpengine) pass(command, call, sdp string, more map[string]any) (string, error) {
	c := map[string]any{"command": command, "call-id": call, "from-tag": "a", "sdp": sdp,
		"replace": []any{"origin", "session-connection"}, "ICE": "remove", "rtcp-mux": []any{"demux"}}
	if command == "answer" {
		c["to-tag"] = "b"
	}
	for k, v := range more {
		c[k] = v
	}
	a, err := e.ask(c)
	return a["sdp"], err
}

// bencode appends strings, lists and dictionaries, their keys in order.
func bencode(dst []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return append(append(strconv.AppendInt(dst, int64(len(v)), 10), ':'), v...)
	case []any:
		dst = append(dst, 'l')
		for _, e := range v {
			dst = bencode(dst, e)
		}
	case map[string]any:
		dst = append(dst, 'd')
		var keys []string
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			dst = bencode(bencode(dst, k), v[k])
		}
	}
	return append(dst, 'e')
}

// bdecoder reads one bencoded value.
type bdecoder struct {
	b   []byte
	bad bool
}

func (d *bdecoder) value() any {
	if len(d.b) == 0 {
		d.bad = true
		return nil
	}
	switch c := d.b[0]; c {
	case 'd':
		d.b = d.b[1:]
		m := map[string]any{}
		for !d.closes() {
			k, _ := d.value().(string)
			m[k] = d.value()
		}
		return m
	case 'l':
		d.b = d.b[1:]
		var l []any
		for !d.closes() {
			l = append(l, d.value())
		}
		return l
	case 'i':
		return d.until('e', 1)
	}
	n, err := strconv.Atoi(d.until(':', 0))
	if err != nil || n < 0 || n > len(d.b) {
		d.bad = true
		return nil
	}
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

// closes takes the end of a list or dictionary, real or for want of bytes.
func (d *bdecoder) closes() bool {
	if d.bad || len(d.b) == 0 {
		d.bad = true
		return true
	}
	if d.b[0] == 'e' {
		d.b = d.b[1:]
		return true
	}
	return false
}

func (d *bdecoder) until(end byte, from int) string {
	i := bytes.IndexByte(d.b, end)
	if i < from {
		d.bad = true
		return ""
	}
	s := string(d.b[from:i])
	d.b = d.b[i+1:]
	return s
}
