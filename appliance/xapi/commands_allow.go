package xapi

import "slices"

// Commands of deployments.
var (
	DeploymentAdd = &Command{
		Name: "DeploymentAdd", Spaced: "Deployment Add", Role: Core, Guide: "Deployment partitions", New: true,
		Params: []Param{
			{Name: "Name", Kind: String, Min: 1, Max: 128, Required: true, Help: "Name of the deployment."},
			{Name: "DeploymentId", Kind: Integer, Min: 2, Max: 65535, Help: "Number of the deployment; the lowest free one if not given."},
		},
		Help: "Adds a deployment, which encloses no domain and no node yet.",
	}
	DeploymentDelete = &Command{
		Name: "DeploymentDelete", Spaced: "Deployment Delete", Role: Core, Guide: "Deployment partitions", New: true,
		Params: []Param{{Name: "DeploymentId", Kind: Integer, Min: 1, Max: 65535, Required: true, Help: "Number of the deployment."}},
		Help:   "Removes a deployment that nothing is in; the default deployment stays.",
	}
	DeploymentRename = &Command{
		Name: "DeploymentRename", Spaced: "Deployment Rename", Role: Core, Guide: "Deployment partitions", New: true,
		Params: []Param{
			{Name: "DeploymentId", Kind: Integer, Min: 1, Max: 65535, Required: true, Help: "Number of the deployment."},
			{Name: "Name", Kind: String, Min: 1, Max: 128, Required: true, Help: "Its new name."},
		},
		Help: "Gives a deployment another name, and takes along the rules and tests that give the old one.",
	}
)

// Commands of the HTTP allow list.
var (
	HTTPAllowListRuleAdd = &Command{
		Name: "HTTPAllowListRuleAdd", Spaced: "HTTP Allow List Rule Add", Role: Core, Guide: "HTTP allow list",
		Params: slices.Concat(allowRuleParams, []Param{
			{Name: "Authorization", Kind: Enumeration, Values: onOff, New: true, Help: "Hands the client's Authorization header to the server; Off if not given."},
			partial,
		}),
		OneOf: []string{"URL", "URLFile"},
		Help:  "Adds rules to the HTTP allow list, from a URL or from a CSV file.",
	}
	HTTPAllowListRuleDelete = &Command{
		Name: "HTTPAllowListRuleDelete", Spaced: "HTTP Allow List Rule Delete", Role: Core, Guide: "HTTP allow list",
		Params: allowRuleParams, OneOf: []string{"URL", "URLFile"},
		Help: "Removes rules from the HTTP allow list; more parameters are needed where the URL alone is not unique.",
	}
	HTTPAllowListTestAdd = &Command{
		Name: "HTTPAllowListTestAdd", Spaced: "HTTP Allow List Test Add", Role: Core, Guide: "HTTP allow list",
		Params: slices.Concat(allowTestParams, []Param{partial}), OneOf: []string{"URL", "URLFile"},
		Help: "Adds tests of the HTTP allow list, from a URL or from a CSV file.",
	}
	HTTPAllowListTestDelete = &Command{
		Name: "HTTPAllowListTestDelete", Spaced: "HTTP Allow List Test Delete", Role: Core, Guide: "HTTP allow list",
		Params: allowTestParams, OneOf: []string{"URL", "URLFile"},
		Help: "Removes tests of the HTTP allow list; more parameters are needed where the URL alone is not unique.",
	}
	HTTPAllowListRulesTest = &Command{
		Name: "HTTPAllowListRulesTest", Spaced: "HTTP Allow List Rules Test", Role: Core, Guide: "HTTP allow list",
		Params: []Param{
			{Name: "Tests", Kind: String, Min: 1, Max: 128, Help: "CSV file of tests in the sftp folder; the stored ones if not given."},
			{Name: "Rules", Kind: String, Min: 1, Max: 128, Help: "CSV file of rules in the sftp folder, tried in place of the editable ones; those if not given."},
		},
		Help: "Puts each test to the rules and tells which of them do what is expected; changes nothing.",
	}
	HTTPAllowListExport = &Command{
		Name: "HTTPAllowListExport", Spaced: "HTTP Allow List Export", Role: Core, Guide: "HTTP allow list",
		Params: allowExportParams,
		Help:   "Writes the editable rules of the HTTP allow list as CSV into the sftp folder.",
	}
	HTTPAllowListExportTest = &Command{
		Name: "HTTPAllowListExportTest", Spaced: "HTTP Allow List Export Test", Role: Core, Guide: "HTTP allow list",
		Params: allowExportParams,
		Help:   "Writes the tests of the HTTP allow list as CSV into the sftp folder.",
	}
)

// Parameters that commands share; nothing writes to them.
var (
	allowRuleParams = []Param{
		{Name: "URL", Kind: String, Min: 1, Max: 1024, Help: "What the rule permits, as protocol://host[:port][/path]."},
		{Name: "URLFile", Kind: String, Min: 1, Max: 128, Help: "CSV file in the sftp folder with one rule a line."},
		{Name: "MatchType", Kind: Enumeration, Values: []string{"exact", "starts-with", "startswith", "prefix"}, Help: "How the path is compared; exact if not given."},
		{Name: "Deployment", Kind: String, Max: 128, Help: "Deployment the rule belongs to; needed where there are several."},
		{Name: "Description", Kind: String, Max: 128, Help: "A note for other administrators."},
		{Name: "HttpMethods", Kind: Set, Values: httpMethods, Help: "Methods the rule permits; the default methods if not given."},
	}
	allowTestParams = []Param{
		{Name: "URL", Kind: String, Min: 1, Max: 1024, Help: "What the test asks for, as protocol://host[:port][/path]."},
		{Name: "URLFile", Kind: String, Min: 1, Max: 128, Help: "CSV file in the sftp folder with one test a line."},
		{Name: "ExpectedResult", Kind: Enumeration, Values: []string{"allow", "block"}, Help: "What the allow list shall say; needed with URL."},
		{Name: "Deployment", Kind: String, Max: 128, Help: "Deployment whose user asks; the default deployment if not given."},
		{Name: "Description", Kind: String, Max: 128, Help: "A note for other administrators."},
		{Name: "HttpMethod", Kind: Enumeration, Values: httpMethods, Help: "Method that the test asks with; GET if not given."},
	}
	allowExportParams = []Param{
		{Name: "File", Kind: String, Min: 1, Max: 128, Help: "File to write; allowlist.csv or allowlist-tests.csv if not given."},
		{Name: "Deployment", Kind: String, Max: 128, Help: "Only what belongs to this deployment; all if not given."},
	}
	partial = Param{
		Name: "Partial", Kind: Enumeration, Values: onOff, Flag: true, New: true,
		Help: "Takes the good lines of a file although others are bad; written as -partial.",
	}
)

func allowListCommands() []*Command {
	return []*Command{
		DeploymentAdd, DeploymentDelete, DeploymentRename,
		HTTPAllowListRuleAdd, HTTPAllowListRuleDelete, HTTPAllowListTestAdd, HTTPAllowListTestDelete,
		HTTPAllowListRulesTest, HTTPAllowListExport, HTTPAllowListExportTest,
	}
}
