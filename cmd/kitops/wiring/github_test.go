package wiring

import (
	"encoding/base64"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/settings/settingstest"
)

func TestGitHubSettings(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key.pem")
	settingstest.Write(t, key, settingstest.AppKey(t))
	one := []string{"--url=https://github.com/acme/shop", "--action=make"}
	whole := slices.Clip(append(one, "--github-app-id=4242", "--github-private-key-file="+key))
	asTasks := func(taskKeys, actionKeys string, more ...string) []string {
		return append([]string{"--config-file", settingstest.HubAt(t, taskKeys, actionKeys)}, more...)
	}
	own := "github: {app_id: Iv23liABCDEF, private_key_file: app.pem}"
	inEnvironment := []string{"KITOPS_GITHUB_PRIVATE_KEY=" + settingstest.AppKey(t)}
	tests := map[string]struct {
		environ, args []string
		id, context   string
		holds         func(settings.Task) bool // may be nil
	}{
		"no app":             {nil, one, "", "", nil},
		"flags":              {nil, whole, "4242", "kitops/shop", func(s settings.Task) bool { return !s.GitHub.Explicit && s.GitHub.KeyFile == key }},
		"instance":           {nil, append(whole, "--instance=staging"), "4242", "kitops/shop@staging", nil},
		"context":            {nil, append(whole, "--instance=staging", "--github-status-context=ci"), "4242", "ci", nil},
		"off":                {[]string{"KITOPS_GITHUB_STATUS_CONTEXT=off"}, whole, "4242", "", nil},
		"key in environment": {inEnvironment, append(one, "--github-app-id=4242"), "4242", "kitops/shop", func(s settings.Task) bool { return s.GitHub.Key.Reveal() == settingstest.AppKey(t) }},
		"key in one line":    {[]string{"KITOPS_GITHUB_PRIVATE_KEY=" + strings.ReplaceAll(settingstest.AppKey(t), "\n", `\n`)}, append(one, "--github-app-id=4242"), "4242", "kitops/shop", nil},
		"key in base64":      {[]string{"KITOPS_GITHUB_PRIVATE_KEY=" + base64.StdEncoding.EncodeToString([]byte(settingstest.AppKey(t)))}, append(one, "--github-app-id=4242"), "4242", "kitops/shop", nil},
		"another host":       {nil, append([]string{"--url=https://git.example.com/acme/shop"}, whole[1:]...), "4242", "kitops/shop", nil},
		"status url":         {nil, append(whole, "--status-url=https://ci.example.com/{task}?sha={sha}#{run}"), "4242", "kitops/shop", nil},
		"default of tasks":   {nil, asTasks("", "", whole[2:]...), "4242", "kitops/shop", nil},
		"own":                {nil, asTasks(own, ""), "Iv23liABCDEF", "kitops/shop", func(s settings.Task) bool { return s.GitHub.Explicit && !s.GitHub.Key.Given() }},
		"own before all":     {inEnvironment, asTasks(own, "", "--github-app-id=1"), "Iv23liABCDEF", "kitops/shop", func(s settings.Task) bool { return !s.GitHub.Key.Given() }},
		"number":             {nil, asTasks("github: {app_id: 4242, private_key_file: app.pem}", ""), "4242", "kitops/shop", nil},
		"own id":             {inEnvironment, asTasks("github: {app_id: 7}", ""), "7", "kitops/shop", func(s settings.Task) bool { return s.GitHub.Key.Reveal() == settingstest.AppKey(t) }},
		"own key":            {inEnvironment, asTasks("github: {private_key_file: app.pem}", "", "--github-app-id=1"), "1", "kitops/shop", func(s settings.Task) bool { return !s.GitHub.Key.Given() }},
		"half by flag":       {nil, asTasks(own, "", "--github-app-id=1"), "Iv23liABCDEF", "kitops/shop", nil},
		"other half":         {inEnvironment, asTasks(own, ""), "Iv23liABCDEF", "kitops/shop", nil},
		"own context":        {nil, asTasks("github: {status_context: deploy/eu}", "", whole[2:]...), "4242", "deploy/eu", func(s settings.Task) bool { return s.GitHub.Explicit }},
		"own off":            {nil, asTasks("github: {status_context: off}", "", whole[2:]...), "4242", "", nil},
		"empty github":       {nil, asTasks("github: {}", "", whole[2:]...), "4242", "kitops/shop", func(s settings.Task) bool { return s.GitHub.Explicit }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := checked(t, test.environ, test.args...)
			if err != nil {
				t.Fatal(err)
			}
			task := s.Tasks[0]
			if test.id == "" {
				if task.GitHub != nil {
					t.Errorf("%+v", task.GitHub)
				}
				return
			}
			if task.GitHub.AppID != test.id || s.StatusContext(task) != test.context || test.holds != nil && !test.holds(task) {
				t.Errorf("%+v, context %s", task.GitHub, s.StatusContext(task))
			}
		})
	}
}

func TestGitHubMistakes(t *testing.T) {
	own := "github: {app_id: 4242, private_key_file: app.pem}"
	inEnvironment := []string{"KITOPS_GITHUB_PRIVATE_KEY=" + settingstest.AppKey(t)}
	tests := map[string]struct {
		environ              []string
		taskKeys, actionKeys string
		args                 []string
		want                 string
	}{
		"id alone":           {nil, "", "", []string{"--github-app-id=1"}, "--github-app-id without --github-private-key-file: a GitHub App needs both"},
		"key alone":          {inEnvironment, "", "", nil, "KITOPS_GITHUB_PRIVATE_KEY without --github-app-id: a GitHub App needs both"},
		"own id alone":       {nil, "github: {app_id: 4242}", "", nil, ":6:13: github has no private_key_file, and --github-private-key-file is not set"},
		"own key alone":      {nil, "github: {private_key_file: app.pem}", "", nil, ":6:13: github has no app_id, and --github-app-id is not set"},
		"nothing":            {nil, "github: {}", "", nil, ":6:13: github has no app_id, and --github-app-id is not set"},
		"no value":           {nil, "github:", "", nil, "github has no value"},
		"unknown":            {nil, "github: {appid: 4242}", "", nil, `unknown key "appid" in github; did you mean "app_id"?`},
		"bad id":             {nil, "github: {app_id: my-app, private_key_file: app.pem}", "", nil, `app_id: "my-app" is neither an App ID`},
		"no such key":        {nil, "github: {app_id: 1, private_key_file: nowhere.pem}", "", nil, "private_key_file: stat "},
		"no key":             {nil, "github: {app_id: 1, private_key_file: tasks.yaml}", "", nil, "this is no private key in PEM"},
		"context is false":   {nil, "github: {app_id: 1, private_key_file: app.pem, status_context: false}", "", nil, "status_context must be text, not a boolean"},
		"context of 4 bytes": {nil, "github: {app_id: 1, private_key_file: app.pem, status_context: \"a😀\"}", "", nil, "status_context: contains 😀 (U+1F600)"},
		"context":            {nil, "github: {app_id: 1, private_key_file: app.pem, status_context: \"a\\tb\"}", "", nil, "status_context: contains the unprintable character U+0009"},
		"both keys":          {inEnvironment, own, "", []string{"--github-private-key-file=app.pem"}, "--github-private-key-file and KITOPS_GITHUB_PRIVATE_KEY exclude each other"},
		"another host":       {nil, own, "", []string{"--github-api-url=https://github.example.com/api/v3"}, "task shop: github: https://github.com/acme/shop is not on the host that belongs to https://github.example.com/api/v3"},
		"not the API":        {nil, own, "", []string{"--github-api-url=https://github.com"}, "write https://api.github.com"},
		"token without app":  {nil, "", "github_token: true", nil, "task shop: github_token needs a GitHub App for https://github.com/acme/shop"},
		"token elsewhere":    {inEnvironment, "", "github_token: true", []string{"--github-app-id=1", "--github-api-url=https://github.example.com/api/v3"}, "task shop: github_token needs a GitHub App"},
		"token is text":      {nil, own, "github_token: please", nil, "github_token must be true, false or a mapping such as {contents: read}, not text"},
		"token level":        {nil, own, "github_token: {contents: admin}", nil, `github_token: a permission is read or write, not "admin"`},
		"token without any":  {nil, own, "github_token: {}", nil, "github_token names no permission"},
		"token twice":        {nil, own, "github_token: {contents: read, contents: write}", nil, `duplicate key "contents" in github_token`},
		"token level number": {nil, own, "github_token: {contents: 1}", nil, "github_token must be text, not a number"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := settingstest.HubAt(t, test.taskKeys, test.actionKeys)
			t.Chdir(filepath.Dir(path))
			_, err := checked(t, test.environ, append([]string{"--config-file", path}, test.args...)...)
			var mistakes *settings.Error
			if !errors.As(err, &mistakes) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "PRIVATE KEY-----") {
				t.Errorf("the mistake shows the key: %v", err)
			}
		})
	}
}

func TestPlainHTTPIsNoAddressForAnApp(t *testing.T) {
	for _, keys := range []string{"github: {app_id: 4242, private_key_file: app.pem}", ""} {
		path := settingstest.HubAt(t, keys, "")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		settingstest.Write(t, path, strings.Replace(string(text), "https://", "http://", 1))
		_, err = checked(t, nil, "--config-file", path, "--github-app-id", "4242", "--github-private-key-file", filepath.Join(filepath.Dir(path), "app.pem"))
		var mistakes *settings.Error
		if !errors.As(err, &mistakes) || !strings.Contains(err.Error(), "task shop: github: http://github.com/acme/shop is not https, and the App's tokens travel there: write https://github.com/acme/shop") {
			t.Errorf("%q: %v", keys, err)
		}
	}
}

func TestGitHubToken(t *testing.T) {
	for text, want := range map[string]map[string]string{
		"github_token: true": {"contents": "read"},
		"github_token: {contents: write, pull_requests: read}": {"contents": "write", "pull_requests": "read"},
		"github_token: false": nil,
		"name: none":          nil,
	} {
		s, err := checked(t, nil, "--config-file", settingstest.HubAt(t, "github: {app_id: 4242, private_key_file: app.pem}", text))
		if err != nil {
			t.Fatal(err)
		}
		got := s.Tasks[0].Actions[0].Token
		if !maps.Equal(got, want) || (got == nil) != (want == nil) {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// Without statuses the App is asked for no permission to post them.
