package settings

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bittrance/kitops/cmd/kitops/settings/settingstest"
)

func TestTasksThatWouldPaintOverEachOther(t *testing.T) {
	environ := []string{"KITOPS_GITHUB_APP_ID=1", "KITOPS_GITHUB_PRIVATE_KEY=" + settingstest.AppKey(t), "KITOPS_TRUST_PUSHERS=true"}
	task := func(name, git, context string) string {
		return fmt.Sprintf("  - {name: %s, git: {%s}, github: {status_context: %s}, actions: [{run: x}]}\n", name, git, context)
	}
	const shop = `url: "https://github.com/acme/shop`
	for name, c := range map[string]struct {
		first, second string
		clash         bool
	}{
		"one branch":        {task("a", shop+`", branch: main`, "ci"), task("b", shop+`.git", branch: main`, "ci"), true},
		"another case":      {task("a", shop+`", branch: main`, "ci"), task("b", `url: "https://GitHub.com/Acme/Shop", branch: main`, "ci"), true},
		"two branches":      {task("a", shop+`", branch: main`, "ci"), task("b", shop+`", branch: next`, "ci"), false},
		"two contexts":      {task("a", shop+`", branch: main`, "ci"), task("b", shop+`", branch: main`, "cd"), false},
		"two repositories":  {task("a", shop+`", branch: main`, "ci"), task("b", `url: "https://github.com/acme/api", branch: main`, "ci"), false},
		"no statuses":       {task("a", shop+`", branch: main`, "off"), task("b", shop+`", branch: main`, "off"), false},
		"default branch":    {task("a", shop+`"`, "ci"), task("b", shop+`", branch: main`, "ci"), true},
		"a pattern has it":  {task("a", shop+`", branch: "release/*"`, "ci"), task("b", shop+`", branch: release/1`, "ci"), true},
		"a pattern has not": {task("a", shop+`", branch: "release/*"`, "ci"), task("b", shop+`", branch: main`, "ci"), false},
		"excluded":          {task("a", shop+`", branches: ["**", "!main"]`, "ci"), task("b", shop+`", branch: main`, "ci"), false},
		"patterns apart":    {task("a", shop+`", branch: "release/*"`, "ci"), task("b", shop+`", branch: "feature/*"`, "ci"), false},
		"patterns together": {task("a", shop+`", branch: "release/*"`, "ci"), task("b", shop+`", branch: "rel*/1"`, "ci"), true},
		"among many":        {task("a", `url: "acme/*", branch: main`, "ci"), task("b", shop+`", branch: main`, "ci"), true},
		"not among many":    {task("a", `url: "acme/a*", branch: main`, "ci"), task("b", shop+`", branch: main`, "ci"), false},
	} {
		_, _, err := loadWith(t, environ, "--config-file", settingstest.At(t, "tasks:\n"+c.first+c.second))
		if (err != nil) != c.clash || err != nil && !strings.Contains(err.Error(), "tasks a and b report on the same repository with the same context ci") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestContextsAndBranchesThatNobodyMeans(t *testing.T) {
	for keys, want := range map[string]string{
		"branch: pull/*/head":                             "pull requests are no branches",
		"branch: tags/v1":                                 "tags are no branches",
		"branch: refs/heads/tags/v1":                      "",
		"branches: [" + strings.Repeat("a, ", 101) + "b]": "5:17: branches: 102 patterns are more than 100",
		"branch: '" + strings.Repeat("{a,b}", 20) + "'":   "5:15: branch: ",
	} {
		_, mistakes := parse(t, settingstest.File(keys, "", ""))
		if (mistakes == "") != (want == "") || !strings.Contains(mistakes, want) {
			t.Errorf("%.40s: %s", keys, mistakes)
		}
	}
	for context, want := range map[string]string{
		"OFF":      "write off, in small letters, for no commit statuses",
		"~":        "status_context has no value; write off for no commit statuses",
		"deploy 🚀": "status_context: contains 🚀 (U+1F680), which GitHub refuses in a commit status",
	} {
		_, _, err := loadWith(t, nil, "--config-file", settingstest.HubAt(t, "github: {app_id: 1, private_key_file: app.pem, status_context: "+context+"}", ""))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", context, err)
		}
	}
	for _, args := range [][]string{{"--github-status-context", "Off"}, {"--instance", "𝕏"}, {"--listen", "99999"}, {"--listen", ":99999"}} {
		if _, _, err := loadWith(t, nil, append(args, "--url=x", "--action=y", "--github-app-id=1")...); err == nil || !strings.Contains(err.Error(), args[0]+": ") {
			t.Errorf("%v: %v", args, err)
		}
	}
	many := "actions: [{run: x}]\nbranches: [" + strings.Repeat("a, ", 101) + "b]"
	if _, mistakes := (Bring{File: brought}).Parse([]byte(many), 0); len(mistakes) != 1 || !strings.Contains(mistakes[0].Error(), brought+":2:11: branches: 102 patterns are more than 100") {
		t.Error(mistakes)
	}
}
