package eventlog

import (
	"context"
	"log/slog"
	"slices"
	"time"
	"unicode/utf8"
)

// Bounds of one entry: a stranger's bytes may be quoted in a log line, but
// must not fill the log with it.
const (
	maxMessage = 4 << 10
	maxValue   = 2 << 10
	maxAttrs   = 48
	maxEntry   = 8 << 10 // of all these together: the ring and every queue hold whole entries
)

// handler turns slog records into masked entries. Its attrs are masked when
// they are bound, not again with each record.
type handler struct {
	log    *Log
	attrs  []Attr
	prefix string // "group." for what is bound or logged from here on
}

func (h *handler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.log.level.Level()
}

func (h *handler) Handle(_ context.Context, r slog.Record) error {
	at := r.Time
	if at.IsZero() {
		at = h.log.cfg.Clock()
	}
	e := Entry{Time: at, Level: r.Level, Node: h.log.cfg.Node, Message: Mask(clip(r.Message, maxMessage))}
	e.Attrs = slices.Grow(slices.Clone(h.attrs), r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool {
		e.Attrs = appendAttr(e.Attrs, h.prefix, a)
		return len(e.Attrs) < maxAttrs
	})
	e.Attrs = fitting(e.Attrs, maxEntry-len(e.Message))
	h.log.write(e)
	return nil
}

// fitting leaves out the attributes that no longer have room.
func fitting(attrs []Attr, room int) []Attr {
	for i, a := range attrs {
		if room -= len(a.Key) + len(a.Value); room < 0 {
			return attrs[:i:i]
		}
	}
	return attrs
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	child := *h
	child.attrs = slices.Clone(h.attrs)
	for _, a := range attrs {
		child.attrs = appendAttr(child.attrs, h.prefix, a)
	}
	return &child
}

func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	child := *h
	child.prefix = h.prefix + name + "."
	return &child
}

func appendAttr(to []Attr, prefix string, a slog.Attr) []Attr {
	a.Value = a.Value.Resolve()
	if a.Value.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, member := range a.Value.Group() {
			to = appendAttr(to, prefix, member)
		}
		return to
	}
	if a.Key == "" || len(to) >= maxAttrs {
		return to
	}
	return append(to, Attr{Key: prefix + a.Key, Value: attrText(a)})
}

func attrText(a slog.Attr) string {
	if secretAttr(a.Key) {
		return masked
	}
	switch a.Value.Kind() {
	case slog.KindTime:
		return a.Value.Time().UTC().Format(time.RFC3339Nano)
	case slog.KindInt64, slog.KindUint64, slog.KindBool, slog.KindDuration, slog.KindFloat64:
		return a.Value.String()
	}
	return Mask(clip(a.Value.String(), maxValue))
}

// clip shortens s to at most n bytes without cutting a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
