package appliance

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/allow"
	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
	"sallyport/test/story"
)

// TestServiceTranscripts holds what an administrator types and reads about
// deployments and the allow list.
func TestServiceTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/services/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts: ", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			core := node(t, xapi.Core, "xConfiguration IP DNS Domain Name: example.com")
			for name, text := range serviceFiles() {
				write(t, core, name, text)
			}
			e := &story.Engine{Nodes: map[string]story.Execer{"core": seen{core, t}}, Within: time.Second, Every: 10 * time.Millisecond}
			e.File(t, file, *update)
		})
	}
}

// serviceFiles lie in the sftp folder of the transcripts' node.
func serviceFiles() map[string]string {
	const rules, tests = "Url,Deployment,HttpMethods,MatchType,Description\n", "Url,ExpectedResult,Deployment,Description,HttpMethod\n"
	return map[string]string{
		"rules.csv": rules + "https://photos.example.com/,,GET,,\"Photos, small\"\nhttp://prt.example.com:8080/report,,\"POST,PUT\",exact,\n" +
			"https://myserver1:8443/mypath1,,GET,,,\"Six columns\"\n",
		"half.csv": rules + "https://good.example.com/,,,,\nftp://bad.example.com/,,,,\nhttps://worse.example.com/,Nowhere,,,\nhttps://good.example.com/,,,,\n",
		"tests.csv": tests + "https://photos.example.com/alice.jpg,allow,,,\nhttps://photos.example.com/alice.jpg,block,,,PUT\n" +
			"http://prt.example.com:8080/report/x,allow,,\"Is exact\",POST\nhttps://10.0.0.20:8443/cucm-uds/version,allow,,,\n",
		"badtests.csv": tests + "https://photos.example.com/,perhaps,,,\nhttps://photos.example.com/,,,,\n",
		"none.csv":     "Url,Wrong\n",
	}
}

// TestManyRules fills the table from one file, and exports it again unchanged.
func TestManyRules(t *testing.T) {
	n := node(t, xapi.Core)
	var text strings.Builder
	text.WriteString("Url,Deployment,HttpMethods,MatchType,Description\n")
	for i := range maxAllowRows {
		fmt.Fprintf(&text, "https://web.example.com:8443/service-%d/,,GET,prefix,Number %d\n", i, i)
	}
	write(t, n, "many.csv", text.String())
	args := xapi.Args{"URLFile": {"many.csv"}}
	who := config.Who{User: "test"}
	if _, err := allowRuleAdd(n, t.Context(), args, who); err != nil {
		t.Fatal(err)
	}
	if _, err := allowRuleAdd(n, t.Context(), xapi.Args{"URL": {"https://one.more/"}}, who); err == nil || !strings.Contains(err.Error(), "all 10000") {
		t.Errorf("one rule too many: %v", err)
	}
	if _, err := allowExport(n, t.Context(), xapi.Args{"File": {"out.csv"}}, who); err != nil {
		t.Fatal(err)
	}
	out, err := n.file("out.csv")
	if err != nil {
		t.Fatal(err)
	}
	if file := allow.ParseRules(out); file.Err() != nil || len(file.Lines) != maxAllowRows || string(out) != text.String() {
		t.Errorf("the export has %d lines, %v", len(file.Lines), file.Err())
	}
	if _, err := allowRuleDelete(n, t.Context(), args, who); err != nil {
		t.Fatal(err)
	}
	if left := n.store.Snapshot().Indexes(xapi.AllowListRuleURL.Item); len(left) > 0 {
		t.Errorf("%d rules are left", len(left))
	}
}
