package core

import (
	"crypto/sha256"

	"sallyport/appliance/sip"
)

// When SIP Path headers are switched while phones are registered, each moves at
// its next refresh, and the registrar may keep the binding of the other kind
// beside the new one until that expires. A phone must not ring twice then: core
// remembers by edge's Path, which names the phone's binding in both kinds, which
// of the two it uses now.
//
//	Path on ─▶ off: what still comes by Path for a phone that moved is not known here
//	Path off ─▶ on: the Contact token of a phone that moved stands for nothing any more

// movedKey files a phone's move to Contact; "" if edge's Path cannot be read.
func movedKey(path []string) string {
	if len(path) == 0 {
		return ""
	}
	na, err := sip.ParseNameAddr(path[0])
	if err != nil {
		return ""
	}
	sum := sha256.Sum256([]byte("moved\x00" + na.URI.User))
	return string(sum[:16])
}

// movedToContact notes that a phone is registered by a Contact of core's.
func (c *Core) movedToContact(req, resp *sip.Message, asked string) {
	key := movedKey(req.Values("Path"))
	if key == "" || resp.Status() < 200 || resp.Status() >= 300 {
		return
	}
	for _, d := range grants(resp, asked) {
		if d > 0 {
			_ = c.contacts.Put(key, []byte{1}, min(d+contactSlack, contactTTL)) // a full table costs a second ring, no call
			return
		}
	}
	c.contacts.Delete(key)
}

// movedToPath notes that a phone is registered by Path.
func (c *Core) movedToPath(req, resp *sip.Message) {
	if resp.Status() < 200 || resp.Status() >= 300 {
		return
	}
	if key := movedKey(req.Values("Path")); key != "" {
		c.contacts.Delete(key)
	}
	sum := sha256.Sum256([]byte(req.Get(headerBinding)))
	h := handle(sum[:])
	c.contacts.Delete(string(h[:]))
}

// left tells whether the phone that a Path leads to is registered by Contact
// meanwhile; path are the routes behind core's own.
func (c *Core) left(path []string) bool {
	key := movedKey(path)
	if key == "" {
		return false
	}
	_, moved := c.contacts.Get(key)
	return moved
}
