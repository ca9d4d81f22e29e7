package allow

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

const testHeader = "Url,ExpectedResult,Deployment,Description,HttpMethod\n"

func TestParseTests(t *testing.T) {
	file := ParseTests([]byte(testHeader +
		"https://cucm1.example.com:8443/cucm-uds/version,allow,,,\n" +
		"https://cucm1.example.com:8443/cucm-uds/users?name=al,BLOCK,Lab,\"Not, there\",post\n" +
		"https://cucm1.example.com:8443/x,maybe,,,\n" +
		"https://cucm1.example.com:8443/x,,,,\n" +
		"ftp://a/,allow,,,\n" +
		"http://a/,allow,,,TRACE\n" +
		"http://a/,allow,,,GET,more\n"))
	want := []CSVTest{
		{URL: "https://cucm1.example.com:8443/cucm-uds/version", Expected: "allow", Method: "GET"},
		{URL: "https://cucm1.example.com:8443/cucm-uds/users?name=al", Expected: "block", Deployment: "Lab", Description: "Not, there", Method: "POST"},
	}
	if got := values(file); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	var numbers []int
	for _, f := range file.Faults {
		numbers = append(numbers, f.Number)
	}
	if !reflect.DeepEqual(numbers, []int{4, 5, 6, 7, 8}) {
		t.Errorf("faults %v", file.Err())
	}
	if broken := ParseTests([]byte(header + "http://a/,,,,\n")); broken.Broken == nil || broken.Lines != nil {
		t.Error("a file of rules is taken for one of tests")
	}
}

func TestTestsAskTheList(t *testing.T) {
	l := Compile([]Rule{rule(t, "https://a.example.com/x/", Prefix)}, []string{"GET"})
	for _, c := range []struct {
		url, method string
		allow       bool
	}{
		{"https://A.example.com:443/x/y?z=1", "GET", true},
		{"https://a.example.com/x/y", "POST", false},
		{"http://a.example.com/x/y", "GET", false},
	} {
		q, err := CSVTest{URL: c.url, Expected: "allow", Method: c.method}.Test()
		if err != nil {
			t.Fatal(err)
		}
		if d := l.Ask(q.Method, q.Target, ""); (d.Rule != nil) != c.allow || d.Rule == nil && d.Why == "" {
			t.Errorf("%s %s: %+v", c.method, c.url, d)
		}
	}
	l.Range(func(r *Rule, _ []string, hits uint64) {
		if hits != 0 {
			t.Error("a test counts as a hit")
		}
	})
}

func FuzzParseTests(f *testing.F) {
	f.Add([]byte(testHeader + "https://a:8443/x,allow,lab,\"First, test\",PUT\nhttp://b,block,,,\n"))
	f.Add([]byte(testHeader + "a\"b,c\n\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		tests := values(ParseTests(text))
		var b bytes.Buffer
		if err := WriteTests(&b, tests); err != nil {
			t.Fatal(err)
		}
		back := ParseTests(b.Bytes())
		if again := values(back); back.Err() != nil || !reflect.DeepEqual(again, tests) {
			t.Fatalf("%q: %+v comes back as %+v, %v", text, tests, again, back.Err())
		}
	})
}

func TestAutomaticRules(t *testing.T) {
	var rules []Rule
	for _, a := range AutomaticRules() {
		rules = append(rules, a.For("Cucm1.example.com", "1")...)
		if a.For("not a host", "1") != nil {
			t.Error("rules for what is no host")
		}
	}
	l := Compile(rules, nil)
	for request, want := range map[string]string{
		"GET https://cucm1.example.com:8443/cucm-uds/version":            unifiedCM,
		"GET https://cucm1.example.com/cucm-uds/users":                   unifiedCM,
		"PUT https://cucm1.example.com:8443/cucm-uds/user/alice/devices": unifiedCM,
		"POST https://cucm1.example.com:8443/cucm-uds/version":           "",
		"GET https://cucm1.example.com:8443/cucm-uds/version/x":          "",
		"GET https://cucm1.example.com:8443/ccmadmin/":                   "",
		"GET http://cucm1.example.com:6970/jabber-config.xml":            tftp,
		"POST http://cucm1.example.com:6970/jabber-config.xml":           "",
		"POST https://cucm1.example.com:8443/EPASSoap/service/v80":       presence,
		"DELETE https://cucm1.example.com/vmrest/messages/1":             voicemail,
		"POST http://cucm1.example.com:7080/vmevents/cometd":             voicemail,
		"POST https://cucm1.example.com/vmrest/mailbox":                  voicemail,
		"GET https://cucm1.example.com/vmrest/cluster":                   "",
		"GET https://cucm1.example.com/vmrest/authz/server/":             "",
		"GET https://cucm1.example.com:8443/ssosp/token/revoke":          "",
		"GET https://cucm1.example.com:8443/ssosp/ws/config/metadata/sp": "",
		"GET https://cucm1.example.com:8443/ssosp/oauth/authorize":       unifiedCM,
		"POST https://cucm1.example.com:8443/cucm-uds/private/users":     unifiedCM,
		"GET https://cucm1.example.com/headset/config/user/alice":        unifiedCM,
		"GET https://cucm1.example.com:8443/axl/":                        "",
		"GET https://cucm2.example.com:8443/cucm-uds/version":            "",
	} {
		method, url, _ := strings.Cut(request, " ")
		q, err := CSVTest{URL: url, Expected: "allow", Method: method}.Test()
		if err != nil {
			t.Fatal(err)
		}
		d := l.Ask(q.Method, q.Target, "1")
		if got := d.Rule; (got == nil) != (want == "") || got != nil && got.Type != want {
			t.Errorf("%s: %+v, want %q", request, d, want)
		}
		if l.Allows(q.Method, q.Target, "2") {
			t.Errorf("%s is let through in another deployment", request)
		}
	}
}
