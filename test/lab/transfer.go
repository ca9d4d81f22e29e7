package lab

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Refer asks the far end to call target instead (RFC 3515), taking the place
// of another call of ours if replaces is not nil (RFC 3891), and waits for the
// outcome that it reports.
func (c *Call) Refer(ctx context.Context, target string, replaces *Call) error {
	m := c.withContact(c.request("REFER", 0))
	m.Add("Refer-To", "<"+c.phone.uri(target)+replacesParam(replaces)+">").Add("Referred-By", "<"+c.phone.AOR()+">")
	if _, err := c.phone.inDialog(ctx, c.dialog, m); err != nil {
		return err
	}
	for {
		select {
		case status := <-c.refer:
			if status >= 300 {
				return &StatusError{status, "Transfer failed"}
			}
			if status >= 200 {
				return nil
			}
		case <-ctx.Done():
			return fmt.Errorf("lab: transfer: %w", ctx.Err())
		}
	}
}

func replacesParam(c *Call) string {
	if c == nil {
		return ""
	}
	local, remote := c.tags()
	return "?Replaces=" + url.QueryEscape(fmt.Sprintf("%s;to-tag=%s;from-tag=%s", c.callID, remote, local))
}

// Transfers are the calls that this phone made because the far end of this
// call asked for them.
func (c *Call) Transfers() []*Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*Call(nil), c.transfers...)
}

// onRefer accepts the order and carries it out.
func (c *Call) onRefer(t *serverTx) {
	uri, headers, _ := strings.Cut(uriOf(t.req.Get("Refer-To")), "?")
	values, err := url.ParseQuery(headers)
	if uri == "" || err != nil {
		t.reply(400, "Bad Refer-To", "")
		return
	}
	t.reply(202, "Accepted", "", func(m *Message) { m.Add("Contact", c.phone.contact(false)) })
	opts := []CallOption{WithHeader("Referred-By", t.req.Get("Referred-By"))}
	if v := values.Get("Replaces"); v != "" {
		opts = append(opts, WithHeader("Replaces", v))
	}
	c.phone.background(func() { c.obey(uri, opts) })
}

// obey makes the call that was asked for and reports how it went.
func (c *Call) obey(uri string, opts []CallOption) {
	c.report("100 Trying", "active;expires=60")
	ctx, cancel := context.WithTimeout(context.Background(), transferTime)
	defer cancel()
	made, err := c.phone.Call(ctx, uri, opts...)
	if err != nil {
		c.report("503 Service Unavailable", "terminated;reason=noresource")
		return
	}
	c.update(func() { c.transfers = append(c.transfers, made) })
	c.report("200 OK", "terminated;reason=noresource")
}

func (c *Call) report(status, state string) {
	m := c.withContact(c.request("NOTIFY", 0))
	m.Add("Event", "refer").Add("Subscription-State", state).Add("Content-Type", "message/sipfrag;version=2.0")
	m.Body = []byte("SIP/2.0 " + status + "\r\n")
	c.quickly(m)
}

// onReferNotify takes a report about our REFER.
func (c *Call) onReferNotify(m *Message) {
	f := strings.Fields(string(m.Body))
	if len(f) < 2 {
		return
	}
	status, _ := strconv.Atoi(f[1])
	select {
	case c.refer <- status:
	default:
	}
}
