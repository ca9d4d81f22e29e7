package lab

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/netip"
	"strings"
)

// NewSRS starts a recorder that is called by SIPREC (RFC 7866): over TCP, RTP,
// answering by itself unless it is busy. Its incoming calls are recordings, with
// a media line for each side. Who asked for it closes it.
func (w *World) NewSRS(ctx context.Context, change ...func(*PhoneConfig)) (*Phone, netip.AddrPort, error) {
	cfg := PhoneConfig{User: "recorder", Domain: w.Domain, Transport: "TCP", Listen: true, AutoAnswer: true,
		Server: w.Registrar.Addr("TCP"), Local: w.host(51), Log: w.cfg.Log, Tapes: true}
	for _, f := range change {
		f(&cfg)
	}
	p, err := NewPhone(cfg)
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	if err := p.Start(ctx); err != nil {
		p.Close()
		return nil, netip.AddrPort{}, err
	}
	return p, p.local, nil
}

// unpack takes the description out of a multipart body, and the metadata of a
// recording with it.
func unpack(m *Message) (metadata string, err error) {
	kind, params, err := mime.ParseMediaType(m.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		return "", nil
	}
	parts := multipart.NewReader(bytes.NewReader(m.Body), params["boundary"])
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			return metadata, nil
		}
		if err != nil {
			return "", fmt.Errorf("lab: multipart: %w", err)
		}
		body, err := io.ReadAll(part)
		if err != nil {
			return "", fmt.Errorf("lab: multipart: %w", err)
		}
		switch part.Header.Get("Content-Type") {
		case "application/sdp":
			m.Body = body
		case "application/rs-metadata+xml":
			metadata = string(body)
		}
	}
}

// Metadata is what came with the INVITE of a recording.
func (c *Call) Metadata() string { return c.metadata }

// maxTape is a minute.
const maxTape = 60 * 8000

// WAV is what the n-th media line has heard, as a file: 16 bit, 8 kHz.
func (c *Call) WAV(n int) []byte {
	legs := c.media()
	if n >= len(legs) {
		return nil
	}
	legs[n].mu.Lock()
	tape := append([]int16(nil), legs[n].tape...)
	legs[n].mu.Unlock()
	var b bytes.Buffer
	size := uint32(2 * len(tape))
	b.WriteString("RIFF")
	binary.Write(&b, binary.LittleEndian, 36+size)
	b.WriteString("WAVEfmt ")
	binary.Write(&b, binary.LittleEndian, struct {
		Size              uint32
		PCM, Channels     uint16
		Rate, BytesPerSec uint32
		Align, Bits       uint16
	}{16, 1, 1, 8000, 16000, 2, 16})
	b.WriteString("data")
	binary.Write(&b, binary.LittleEndian, size)
	binary.Write(&b, binary.LittleEndian, tape)
	return b.Bytes()
}

// WAVTone is the tone in the last half second of a file that WAV wrote.
func WAVTone(file []byte) (Tone, error) {
	const header = 44
	if len(file) < header || string(file[:4]) != "RIFF" || string(file[8:16]) != "WAVEfmt " {
		return Tone{}, fmt.Errorf("lab: not a WAV file")
	}
	samples := make([]int16, (len(file)-header)/2)
	if err := binary.Read(bytes.NewReader(file[header:]), binary.LittleEndian, samples); err != nil {
		return Tone{}, fmt.Errorf("lab: WAV: %w", err)
	}
	return DetectTone(samples[max(0, len(samples)-4000):], 8000), nil
}

// record keeps what a packet says.
func (l *leg) record(payload []byte) {
	for _, b := range payload {
		if len(l.tape) < maxTape {
			l.tape = append(l.tape, decodeMulaw(b))
		}
	}
}

// AwaitLine waits until a media line has brought packets more.
func (c *Call) AwaitLine(ctx context.Context, line, packets int) error {
	s, err := awaitTone(ctx, func() MediaStats { return c.Stats(line) }, 0, packets)
	if err != nil {
		return fmt.Errorf("lab: line %d: %w (%s)", line, err, s)
	}
	return nil
}
