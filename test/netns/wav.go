package netns

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"sallyport/test/lab"
)

// WriteTone writes a mono 8 kHz WAV file with a sine.
func WriteTone(t testing.TB, file string, hz float64, seconds int) {
	t.Helper()
	const rate = 8000
	n := uint32(2 * rate * seconds)
	b := append([]byte("RIFF"), le32(36+n)...)
	b = append(b, "WAVEfmt "...)
	b = append(b, le32(16)...)
	b = append(b, le16(1)...)      // PCM
	b = append(b, le16(1)...)      // mono
	b = append(b, le32(rate)...)   // samples a second
	b = append(b, le32(2*rate)...) // bytes a second
	b = append(b, 2, 0, 16, 0)     // bytes and bits a sample
	b = append(append(b, "data"...), le32(n)...)
	for i := range int(n / 2) {
		b = append(b, le16(uint16(int16(8000*math.Sin(2*math.Pi*hz*float64(i)/rate))))...)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func le16(v uint16) []byte { return binary.LittleEndian.AppendUint16(nil, v) }
func le32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

// Recording is what a phone heard in one call.
type Recording struct {
	Rate    int
	Samples []int16
}

// Seconds is the recording's length.
func (r Recording) Seconds() float64 { return float64(len(r.Samples)) / float64(max(1, r.Rate)) }

// Heard is the share of half seconds in which a tone was clearly heard.
func (r Recording) Heard(hz float64) float64 {
	window := r.Rate / 2
	total, heard := 0, 0
	for at := 0; at+window <= len(r.Samples); at += window {
		total++
		if lab.DetectTone(r.Samples[at:at+window], r.Rate).Is(hz) {
			heard++
		}
	}
	return float64(heard) / float64(max(1, total))
}

// readWAV reads 16-bit PCM, of several channels the first. A file that is
// still open has no length in its header: then the rest is taken.
func readWAV(file string) (Recording, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return Recording{}, err
	}
	if len(b) < 44 || string(b[:4]) != "RIFF" {
		return Recording{}, fmt.Errorf("%s is not a WAV file", filepath.Base(file))
	}
	r, channels := Recording{}, 1
	for at := 12; at+8 <= len(b); {
		size, body := int(binary.LittleEndian.Uint32(b[at+4:])), b[at+8:]
		switch string(b[at : at+4]) {
		case "fmt ":
			channels, r.Rate = int(body[2]), int(binary.LittleEndian.Uint32(body[4:]))
		case "data":
			if size == 0 || size > len(body) {
				size = len(body)
			}
			r.Samples = firstChannel(body[:size], max(1, channels))
			return r, nil
		}
		at += 8 + size + size&1
	}
	return r, fmt.Errorf("%s has no data", filepath.Base(file))
}

func firstChannel(b []byte, channels int) []int16 {
	var samples []int16
	for at := 0; at+2 <= len(b); at += 2 * channels {
		samples = append(samples, int16(binary.LittleEndian.Uint16(b[at:])))
	}
	return samples
}
