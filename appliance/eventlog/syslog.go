package eventlog

import (
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"
)

// A Format is how a syslog message is written.
type Format uint8

const (
	BSD  Format = iota // RFC 3164
	IETF               // RFC 5424
)

// A SyslogTarget is one remote receiver. Targets are compared by value.
type SyslogTarget struct {
	Address   string // host name or IP
	Port      uint16 // 0 means 514, or 6514 with TLS
	Transport string // "udp", "tcp" or "tls"
	Format    Format
	Level     slog.Level // what is below it is not sent
	PeerName  string     // name in the receiver's certificate; "" means Address
}

// String gives "tls://logs.example.com:6514" for log lines and alarms.
func (t SyslogTarget) String() string {
	return fmt.Sprintf("%s://%s", t.Transport, t.hostport())
}

const (
	facility       = 16 // local0, as appliances use
	appName        = "sallyport"
	maxMessage5424 = 8 << 10
	// RFC 5424 §6.1: what every UDP receiver must take is 480 octets, what it
	// should take is 2048.
	maxDatagram = 2048
)

// severity maps slog's levels to RFC 5424 §6.2.1.
func severity(level slog.Level) int {
	switch {
	case level >= slog.LevelError+4:
		return 2 // critical
	case level >= slog.LevelError:
		return 3
	case level >= slog.LevelWarn:
		return 4
	case level >= slog.LevelInfo+2:
		return 5 // notice
	case level >= slog.LevelInfo:
		return 6
	}
	return 7
}

// appendSyslog appends e in the given format, without framing.
func appendSyslog(b []byte, f Format, e Entry, limit int) []byte {
	start := len(b)
	b = append(b, '<')
	b = strconv.AppendInt(b, int64(facility*8+severity(e.Level)), 10)
	b = append(b, '>')
	if f == IETF {
		b = append(b, "1 "...)
		b = e.Time.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
		b = fmt.Appendf(b, " %s %s %d - - ", headerWord(e.Node, 255), appName, os.Getpid())
	} else {
		b = e.Time.UTC().AppendFormat(b, time.Stamp)
		b = fmt.Appendf(b, " %s %s[%d]: ", headerWord(e.Node, 64), appName, os.Getpid())
	}
	b = appendBody(b, e)
	if len(b)-start > limit {
		b = append(b[:start], clip(string(b[start:]), limit-len("…"))...)
	}
	return b
}

// appendBody appends message and attributes on one line: a line end inside
// would be a new message to a receiver that frames by lines.
func appendBody(b []byte, e Entry) []byte {
	b = append(b, strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, e.Message)...)
	for _, a := range e.Attrs {
		b = append(b, ' ')
		b = appendWord(b, a.Key)
		b = append(b, '=')
		b = appendWord(b, a.Value)
	}
	return b
}

// headerWord makes s fit a header field: printable ASCII without spaces.
func headerWord(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f {
			return '-'
		}
		return r
	}, s)
	if s == "" {
		return "-"
	}
	return s[:min(len(s), limit)]
}
