package lab

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Ports of voicemail; the bare ones carry notifications.
const (
	notifyPort          = 7080
	secureNotifyPort    = 7443
	voicemailAdmin      = "vmadmin"
	voicemailAdminWord  = "vmadmin-secret"
	longestNotification = time.Minute
)

// Voicemail is the Unity Connection pair of a cluster: version and cluster,
// mailboxes of its users, and notifications by long polls.
type Voicemail struct {
	c *Cluster

	mu   sync.Mutex // guards all below
	subs map[string]chan voicemailEvent
}

type voicemailEvent struct {
	User string
	Type string // NEW_MESSAGE and the like
}

// VoicemailAdmin is the account that may read the cluster.
func VoicemailAdmin() (user, password string) { return voicemailAdmin, voicemailAdminWord }

func newVoicemail(w *World, c *Cluster) (*Voicemail, error) {
	v := &Voicemail{c: c, subs: map[string]chan voicemailEvent{}}
	for _, a := range []netip.Addr{c.Voicemail, c.Voicemail.Next()} {
		h := w.Host(a)
		if _, err := h.Listen(true, w.port(secureNotifyPort)); err != nil {
			return nil, err
		}
		if _, err := h.Listen(false, w.port(notifyPort)); err != nil {
			return nil, err
		}
		h.Handle("/vmrest/version", http.HandlerFunc(v.version))
		h.Handle("/vmrest/version/product/", http.HandlerFunc(v.version))
		h.Handle("/vmrest/cluster", http.HandlerFunc(v.cluster))
		h.Handle("/vmrest/mailbox", v.owned(v.mailbox))
		h.Handle("/vmevents/cometd", v.owned(v.cometd))
	}
	return v, nil
}

func (v *Voicemail) version(w http.ResponseWriter, r *http.Request) {
	name := "vmrest"
	if strings.Contains(r.URL.Path, "product") {
		name = "Cisco Unity Connection Version"
	}
	w.Header().Set("Content-Type", "application/xml")
	fmt.Fprintf(w, "<VersionInformation><name>%s</name><version>15.0.1.10000-1</version></VersionInformation>", name)
}

// cluster lists the pair, for its administrator.
func (v *Voicemail) cluster(w http.ResponseWriter, r *http.Request) {
	if user, password, _ := r.BasicAuth(); user != voicemailAdmin || password != voicemailAdminWord {
		denied(w)
		return
	}
	var b strings.Builder
	for i, a := range []netip.Addr{v.c.Voicemail, v.c.Voicemail.Next()} {
		fmt.Fprintf(&b, "<VmsServer><ServerName>cuc%d</ServerName><IpAddress>%s</IpAddress><HostName>%s</HostName><ClusterMemberId>%d</ClusterMemberId>"+
			"<ServerState>1</ServerState><ServerDisplayState>%d</ServerDisplayState></VmsServer>", i+1, a, a, i, 3+i)
	}
	w.Header().Set("Content-Type", "application/xml")
	fmt.Fprintf(w, `<VmsServers total="2">%s</VmsServers>`, b.String())
}

func denied(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Basic realm="Unity Connection"`)
	http.Error(w, "not you", http.StatusUnauthorized)
}

// owned lets users of the cluster in, by password.
func (v *Voicemail) owned(f func(http.ResponseWriter, *http.Request, string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if u, ok := v.c.User(user); !ok || u.Password != password {
			denied(w)
			return
		}
		f(w, r, user)
	})
}

// mailbox answers with the mailbox, or with a subscription to what happens in
// it.
func (v *Voicemail) mailbox(w http.ResponseWriter, r *http.Request, user string) {
	if r.URL.Query().Get("method") != "requestnotification" {
		w.Header().Set("Content-Type", "application/xml")
		fmt.Fprintf(w, "<Mailbox><DisplayName>%s</DisplayName><CurrentSizeInBytes>0</CurrentSizeInBytes></Mailbox>", user)
		return
	}
	if r.Method != http.MethodPost {
		http.Error(w, "post it", http.StatusMethodNotAllowed)
		return
	}
	id := randomHex(8)
	v.mu.Lock()
	if len(v.subs) < maxSeen {
		v.subs[user+" "+id] = make(chan voicemailEvent, 16)
	}
	v.mu.Unlock()
	w.Header().Set("Content-Type", "application/xml")
	fmt.Fprintf(w, "<Subscription><SubscriptionId>%s</SubscriptionId></Subscription>", id)
}

// cometd waits for the next event of a subscription, as a Bayeux long poll.
func (v *Voicemail) cometd(w http.ResponseWriter, r *http.Request, user string) {
	id := r.URL.Query().Get("subscription")
	v.mu.Lock()
	events := v.subs[user+" "+id]
	v.mu.Unlock()
	if events == nil {
		http.Error(w, "no such subscription", http.StatusNotFound)
		return
	}
	late := time.NewTimer(longestNotification)
	defer late.Stop()
	var out []map[string]any
	select {
	case e := <-events:
		out = append(out, map[string]any{"channel": "/vmrest/mailbox/" + id, "data": map[string]string{
			"SubscriptionId": id, "EventType": e.Type, "DisplayName": e.User,
		}})
	case <-late.C:
	case <-r.Context().Done():
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(append(out, map[string]any{"channel": "/meta/connect", "successful": true}))
}

// Notify tells everybody who subscribed to a user's mailbox.
func (v *Voicemail) Notify(user, kind string) (told int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for key, events := range v.subs {
		if whose, _, _ := strings.Cut(key, " "); whose != user {
			continue
		}
		select {
		case events <- voicemailEvent{user, kind}:
			told++
		default: // nobody polls it
		}
	}
	return told
}
