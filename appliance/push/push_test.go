package push_test

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/alarm"
	"sallyport/appliance/config"
	"sallyport/appliance/push"
	"sallyport/appliance/xapi"
	"sallyport/test/lab"
)

const hexID = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0"

// open starts the services' doubles and a Server that knows them.
func open(t *testing.T, change ...func(*push.Plan)) (*push.Server, *lab.PushStub, *alarm.Book) {
	t.Helper()
	stub, err := lab.NewPushStub()
	if err != nil {
		t.Fatal(err)
	}
	own, ca, err := lab.SelfSigned([]string{"push.example.com"}, []netip.Addr{netip.MustParseAddr("127.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	if err := stub.Start(netip.MustParseAddrPort("127.0.0.1:0"), own); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stub.Close)
	alarms := alarm.NewBook(time.Now)
	s := push.New(push.Config{
		Log: slog.New(slog.DiscardHandler), Clock: time.Now, Rand: func() uint64 { return 7 }, Alarms: alarms, Backoff: time.Millisecond,
		TLS: func(host string) *tls.Config {
			conf, err := lab.ClientTLS(ca, host, nil)
			if err != nil {
				t.Error(err)
			}
			conf.NextProtos = []string{"h2", "http/1.1"}
			return conf
		},
	})
	plan := planOf(t, stub.PushLines())
	for _, f := range change {
		f(&plan)
	}
	s.Apply(plan)
	t.Cleanup(s.Close)
	return s, stub, alarms
}

func planOf(t *testing.T, lines []string) push.Plan {
	t.Helper()
	var all []string
	for _, l := range lines {
		all = append(all, strings.TrimPrefix(l, "xConfiguration "))
	}
	return push.PlanFrom(config.NewSnapshotForTest(xapi.Core, all...))
}

func devices() map[string]push.Device {
	return map[string]push.Device{
		"apns":    {Provider: "apns", ID: hexID, Param: lab.PushTeam + "." + lab.PushBundle + ".voip"},
		"fcm":     {Provider: "fcm", ID: "dQw4w9WgXcQ:APA91b", Param: lab.PushProject},
		"gateway": {Provider: "house", ID: "kitchen"},
	}
}

func raised(b *alarm.Book) (all []string) {
	for _, a := range b.List() {
		if a.Alarm == xapi.AlarmPush {
			all = append(all, a.Detail)
		}
	}
	return all
}

func TestWake(t *testing.T) {
	s, stub, alarms := open(t)
	if got := s.Providers(); !slices.Equal(got, []string{"apns", "fcm", "house"}) {
		t.Fatalf("providers %v, alarms %v", got, raised(alarms))
	}
	for service, d := range devices() {
		if err := s.Wake(t.Context(), d, push.Call, 20*time.Second); err != nil {
			t.Errorf("%s: %v (%v)", service, err, stub.Faults())
			continue
		}
		got, err := stub.Next(t.Context())
		if err != nil || got.Service != service || got.Device != d.ID || got.Why != "call" || got.Proto != "HTTP/2.0" {
			t.Errorf("%s got %+v, %v", service, got, err)
		}
	}
	quiet := push.Device{Provider: "apns", ID: hexID, Param: lab.PushTeam + "." + lab.PushBundle}
	for why, kind := range map[string]string{push.Refresh: "background", push.Message: "alert"} {
		if err := s.Wake(t.Context(), quiet, why, time.Minute); err != nil {
			t.Fatal(err, stub.Faults())
		}
		if got, _ := stub.Next(t.Context()); got.Kind != kind || got.Topic != lab.PushBundle {
			t.Errorf("%s: %+v", why, got)
		}
	}
}

// A busy service is asked again, a phone that is gone is not, and what the phone
// gave stands in no error.
func TestRefusals(t *testing.T) {
	s, stub, alarms := open(t)
	for service, d := range devices() {
		stub.Busy(2)
		if err := s.Wake(t.Context(), d, push.Call, time.Second*20); err != nil {
			t.Errorf("%s after two times busy: %v", service, err)
		}
		stub.Busy(100)
		if err := s.Wake(t.Context(), d, push.Call, time.Second*20); err == nil || !strings.Contains(err.Error(), "503") {
			t.Errorf("%s always busy: %v", service, err)
		}
		stub.Busy(0)
		stub.Revoke(true)
		err := s.Wake(t.Context(), d, push.Call, time.Second*20)
		if err == nil || errors.Is(err, push.ErrGone) || len(raised(alarms)) != 1 {
			t.Errorf("%s with credentials revoked: %v, alarms %v", service, err, raised(alarms))
		}
		stub.Revoke(false)
		stub.Uninstall(d.ID)
		if err := s.Wake(t.Context(), d, push.Call, time.Second*20); !errors.Is(err, push.ErrGone) || strings.Contains(err.Error(), d.ID) {
			t.Errorf("%s without the app: %v", service, err)
		}
		if left := raised(alarms); len(left) != 0 {
			t.Errorf("%s: alarms stay: %v", service, left)
		}
	}
	stub.Close()
	for service, d := range devices() {
		ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
		if err := s.Wake(ctx, d, push.Call, time.Second); err == nil || strings.Contains(err.Error(), d.ID) {
			t.Errorf("%s down: %v", service, err)
		}
		stop()
	}
}

func TestAccepts(t *testing.T) {
	s, _, _ := open(t)
	app := lab.PushTeam + "." + lab.PushBundle
	for _, c := range []struct {
		d    push.Device
		want error
	}{
		{push.Device{Provider: "apns", ID: hexID, Param: app}, nil},
		{push.Device{Provider: "apns", ID: hexID, Param: "OTHER." + lab.PushBundle}, push.ErrDevice},
		{push.Device{Provider: "apns", ID: hexID, Param: lab.PushTeam + ".com.example.other"}, push.ErrDevice},
		{push.Device{Provider: "apns", ID: "../../x", Param: app}, push.ErrDevice},
		{push.Device{Provider: "apns", Param: app}, push.ErrDevice},
		{push.Device{Provider: "fcm", ID: "a b", Param: lab.PushProject}, push.ErrDevice},
		{push.Device{Provider: "fcm", ID: "a", Param: "other"}, push.ErrDevice},
		{push.Device{Provider: "house", ID: strings.Repeat("a", 2000)}, push.ErrDevice},
		{push.Device{Provider: "webpush", ID: "a"}, push.ErrProvider},
		{push.Device{ID: "a"}, push.ErrProvider},
	} {
		if err := s.Accepts(c.d); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v, want %v", c.d, err, c.want)
		}
	}
}

// A provider that cannot be used is told of and offered to nobody; when it can
// be, the alarm ends.
func TestFlaw(t *testing.T) {
	var whole push.Plan
	s, _, alarms := open(t, func(p *push.Plan) {
		whole = *p
		*p = planOf(t, []string{`xConfiguration Push Provider 1 Name: "apns"`, `xConfiguration Push Mode: On`})
	})
	if got := raised(alarms); len(got) != 1 || len(s.Providers()) != 0 {
		t.Fatalf("alarms %v, providers %v", got, s.Providers())
	}
	s.Apply(whole)
	if got := raised(alarms); len(got) != 0 || len(s.Providers()) != 3 {
		t.Errorf("alarms %v, providers %v", got, s.Providers())
	}
	whole.On = false
	s.Apply(whole)
	if len(s.Providers()) != 0 {
		t.Error("push is off and offered")
	}
}
