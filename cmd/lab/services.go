package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"sallyport/test/worlds"
)

// allowListCSV takes rules and tests in from files: a file with a bad line
// changes nothing, a good one lets a page through at once and counts it.
func (r *round) allowListCSV(ctx context.Context) (string, error) {
	page := r.pair.World.Web.URL("http", "/echo/csv")
	files := map[string]string{
		"half.csv":  "Url,Deployment,HttpMethods,MatchType,Description\n" + page + ",,GET,exact,\nftp://nowhere/,,,,\n",
		"rules.csv": "Url,Deployment,HttpMethods,MatchType,Description\n" + page + ",,GET,exact,\"From a file\"\n",
		"tests.csv": "Url,ExpectedResult,Deployment,Description,HttpMethod\n" + page + ",allow,,,\n" + page + ",block,,,PUT\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(r.pair.Core.Folder(), name), []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	for _, step := range []struct{ line, says string }{
		{"xCommand HTTPAllowListRuleAdd URLFile: half.csv", "line 3: "},
		{"xCommand HTTPAllowListRulesTest Tests: tests.csv", "Failed: 1"},
		{"xCommand HTTPAllowListRuleAdd URLFile: rules.csv", "RulesAdded: 1"},
		{"xCommand HTTPAllowListRulesTest Tests: tests.csv", "Failed: 0"},
	} {
		if out, err := r.ask(ctx, r.pair.CoreAddr(), step.line); !strings.Contains(out, step.says) {
			return "", fmt.Errorf("%s does not say %q: %s (%v)", step.line, step.says, out, err)
		}
	}
	got, err := r.fetch(ctx, page)
	if err != nil {
		return "", err
	}
	status, err := r.ask(ctx, r.pair.CoreAddr(), "xStatus CollaborationEdge HTTPAllowList")
	_, mine, _ := strings.Cut(status, "From a file")
	if hits := strings.Index(mine, "Hits: 1\n"); got.Status != http.StatusOK || hits < 0 || hits > strings.Index(mine, "Hits: ") {
		return "", fmt.Errorf("status %d, and the hits are not counted: %s (%v)", got.Status, status, err)
	}
	_, err = r.ask(ctx, r.pair.CoreAddr(), "xCommand HTTPAllowListRuleDelete URLFile: rules.csv")
	return "a bad line 3 changes nothing; a good file passes 2 tests, lets the page through and counts it", err
}

// deploymentIsolation puts a staging and an isolated world beside the live one,
// live, and has users of each try all that the others have; these are asked what
// came.
func (r *round) deploymentIsolation(ctx context.Context) (_ string, err error) {
	if r.alice == nil {
		return "", fmt.Errorf("there is no phone")
	}
	if r.worlds, err = worlds.Open(ctx, r.pair); err != nil {
		return "", err
	}
	detail, err := r.worlds.Hold(ctx, r.alice)
	return detail, errors.Join(err, r.worlds.Leave(ctx))
}
