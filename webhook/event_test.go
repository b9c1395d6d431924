package webhook

import (
	"errors"
	"strings"
	"testing"
)

func TestEveryPayloadIsTaken(t *testing.T) {
	for file, body := range payloads(t) {
		e, err := Parse(eventName(file), body)
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		for _, n := range e.Nudges {
			if !strings.HasPrefix(strings.Replace(n.URL, "http:", "https:", 1), "https://github.com/") {
				t.Errorf("%s: %+v", file, n)
			}
		}
	}
}

func TestWhatPayloadsSay(t *testing.T) {
	const hello = "https://github.com/Codertocat/Hello-World"
	all := payloads(t)
	for file, nudges := range map[string][]Nudge{
		"push.1.json":         {{hello, 186853002, "refs/tags/simple-tag", "6113728f27ae82c7b1a177c8d03f9e96e0adf246"}},
		"push.2.json":         {{hello, 186853002, "refs/tags/simple-tag", ""}},
		"create.1.json":       {{hello, 186853002, "refs/tags/simple-tag", ""}},
		"delete.1.json":       {{hello, 186853002, "refs/tags/simple-tag", ""}},
		"repository.1.json":   {{hello, 186853002, "", ""}},
		"pull_request.2.json": nil, // assigned
		"check_run.1.json":    nil,
		"ping.1.json":         nil,
		"pull_request.1.json": {
			{hello, 186853002, "refs/pull/2/head", "ec26c3e57ca3a959ca5aad62de7213c562f8c821"},
			{hello, 186853002, "refs/heads/changes", "ec26c3e57ca3a959ca5aad62de7213c562f8c821"},
		},
		"installation.1.json":              {{"https://github.com/octocat", 0, "", ""}},
		"installation_repositories.1.json": {{"https://github.com/Codertocat", 0, "", ""}},
	} {
		e, err := Parse(eventName(file), all[file])
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		want(t, file, e.Nudges, nudges)
		want(t, file+" about an installation", e.Installation != nil, strings.HasPrefix(file, "installation"))
	}
}

// TestWhatIsSaidOfPullRequests has them be looked at, and nothing that is said of issues.
func TestWhatIsSaidOfPullRequests(t *testing.T) {
	const repo = `,"repository":{"id":7,"full_name":"acme/shop","clone_url":"https://github.com/acme/shop.git"}}`
	for body, said := range map[string]bool{
		`issue_comment {"action":"created","issue":{"number":3,"pull_request":{"url":"https://api.github.com/x"}}` + repo: true,
		`issue_comment {"action":"created","issue":{"number":3}` + repo:                                                   false,
		`issue_comment {"action":"edited","issue":{"number":3,"pull_request":{"url":"https://api.github.com/x"}}` + repo:  false,
		`pull_request_review {"action":"submitted","pull_request":{"number":3,"url":"https://api.github.com/x"}` + repo:   true,
		`pull_request_review {"action":"edited","pull_request":{"number":3,"url":"https://api.github.com/x"}` + repo:      false,
	} {
		name, text, _ := strings.Cut(body, " ")
		e, err := Parse(name, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		var nudges []Nudge
		if said {
			nudges = []Nudge{{shopURL, 7, "refs/pull/3/head", ""}}
		}
		want(t, body, e.Nudges, nudges)
	}
}

func TestRenamesAndMerges(t *testing.T) {
	const repo = `"repository":{"id":7,"full_name":"acme/shop","clone_url":"https://github.com/acme/shop.git"}`
	for body, nudges := range map[string][]Nudge{
		`{"action":"renamed",` + repo + `,"changes":{"repository":{"name":{"from":"store"}}}}`: {
			{"https://github.com/acme/store", 7, "", ""}, {shopURL, 7, "", ""},
		},
		`{"action":"transferred",` + repo + `,"changes":{"owner":{"from":{"organization":{"login":"old"}}}}}`: {
			{"https://github.com/old/shop", 7, "", ""}, {shopURL, 7, "", ""},
		},
		`{"action":"transferred",` + repo + `,"changes":{"owner":{"from":{"user":{"login":"mona"}}}}}`: {
			{"https://github.com/mona/shop", 7, "", ""}, {shopURL, 7, "", ""},
		},
	} {
		e, err := Parse("repository", []byte(body))
		want(t, body, err, nil)
		want(t, body, e.Nudges, nudges)
	}
	sha := strings.Repeat("b", 40)
	e, err := Parse("pull_request", []byte(`{"action":"closed","number":3,`+repo+`,"pull_request":{"merged":true,`+
		`"head":{"ref":"topic","sha":"`+sha+`","repo":null},"base":{"ref":"main"}}}`))
	want(t, "merge of a deleted fork", err, nil)
	want(t, "merge of a deleted fork", e.Nudges, []Nudge{{shopURL, 7, "refs/pull/3/head", sha}, {shopURL, 7, "refs/heads/main", ""}})
}

func TestMalformedPayloads(t *testing.T) {
	for _, body := range []string{
		"", "payload=%7B%7D", "[]", "null", "\xff", strings.Repeat("[", 20000),
	} {
		for _, name := range []string{"push", "check_run", "", "ping"} {
			if _, err := Parse(name, []byte(body)); !errors.Is(err, ErrNotJSON) {
				t.Errorf("%s %.40q: %v", name, body, err)
			}
		}
	}
	for _, change := range [][2]string{
		{"https://github.com/", "ftp://github.com/"},
		{"https://github.com/", "https://user:password@/"},
		{"https://github.com/", "https://git hub.com/"},
		{"https://github.com/", "https://git\u202ehub.com/"},
		{`"acme/shop"`, `"acme"`},
		{`"acme/shop"`, `"acme/shop/deep"`},
		{`"acme/shop"`, `"../shop\u001b"`},
		{`"acme/shop"`, `"../shop"`},
		{`"refs/heads/main"`, `"main"`},
		{`"refs/heads/main"`, `"refs/heads/a b"`},
		{`"refs/heads/main"`, `"refs/heads/\u001b[31m"`},
		{`"refs/heads/main"`, `"refs/heads/../../x"`},
		{`"refs/heads/main"`, `"refs/heads/` + strings.Repeat("x", 5000) + `"`},
		{`"refs/heads/main"`, `7`},
		{`"6113728f`, `"X113728f`},
		{`"6113728f`, `"`},
		{`"id":7`, `"id":1e400`},
	} {
		body := strings.Replace(pushJSON, change[0], change[1], 1)
		e, err := Parse("push", []byte(body))
		if err == nil || errors.Is(err, ErrNotJSON) || e.matters() {
			t.Errorf("%s: %v, %+v", body, err, e)
		}
	}
	for name, body := range map[string]string{"push": `{}`, "create": `{"ref":null}`, "installation": `{"installation":{"id":1}}`, "repository": `{"repository":"shop"}`} {
		if e, err := Parse(name, []byte(body)); err == nil || e.matters() {
			t.Errorf("%s %s: %v, %+v", name, body, err, e)
		}
	}
}

// The first of two fields counts, and one that is wrong is told; but what is no JSON is none from the first byte to the last.
func TestPayloadsAreReadToTheirEnd(t *testing.T) {
	whole, err := Parse("push", []byte(pushJSON))
	want(t, "error", err, nil)
	open := strings.TrimSuffix(pushJSON, "}")
	for _, rest := range []string{"}", " } \n", `,"repository":null,"ref":7}`, `,"x":[{"y":"}"}]}`} {
		e, err := Parse("push", []byte(open+rest))
		want(t, "error with "+rest, err, nil)
		want(t, "event with "+rest, e, whole)
	}
	notJSON := func(name, body string) {
		t.Helper()
		if e, err := Parse(name, []byte(body)); !errors.Is(err, ErrNotJSON) || e.matters() {
			t.Errorf("%s %.60q … %q: %v, %+v", name, body, body[max(0, len(body)-20):], err, e)
		}
	}
	for _, name := range []string{"push", "ping", "check_run"} { // nothing in the latter matters
		for cut := range len(pushJSON) {
			notJSON(name, pushJSON[:cut])
		}
		for _, rest := range []string{"", "]", "}}", "}x", "}{}", "}\xff", `,"x":}`, `,"x":tru}`} {
			notJSON(name, open+rest)
		}
		for _, before := range []string{`"x":`, `"x":[1,}`, `"x":"\x01"`, `"x":tru`, `"x":"\xff"`, `x:1`, `"ref":7,"x":`, strings.Repeat(`"x":{`, 20000)} {
			notJSON(name, "{"+before+","+pushJSON[1:])
		}
	}
}

func TestRenamedOwnersAreNudgedByBothNames(t *testing.T) {
	const body = `{"action":"renamed","account":{"id":5,"login":"acme2","html_url":"https://github.com/acme2"},` +
		`"changes":{"login":{"from":"acme"}},"installation":{"id":3},"target_type":"Organization"}`
	e, err := Parse("installation_target", []byte(body))
	want(t, "error", err, nil)
	want(t, "installation", *e.Installation, Installation{3, "acme2", "acme"})
	want(t, "nudges", e.Nudges, []Nudge{{URL: "https://github.com/acme2"}, {URL: "https://github.com/acme"}})
	for _, change := range [][2]string{{`"from":"acme"`, `"from":"../x"`}, {`"from":"acme"`, `"from":"acme/shop"`}, {`"acme2"`, `"a b"`}} {
		if e, err := Parse("installation_target", []byte(strings.ReplaceAll(body, change[0], change[1]))); err == nil || e.matters() {
			t.Errorf("%v: %+v", change, e)
		}
	}
	e, err = Parse("installation_target", []byte(`{"action":"other"}`))
	want(t, "another action", err, nil)
	want(t, "another action", e.matters(), false)
}

func TestWhatIsNewsOfARepository(t *testing.T) {
	const repo = `"repository":{"id":7,"full_name":"acme/shop","clone_url":"https://github.com/acme/shop.git","default_branch":"trunk"}`
	for body, r := range map[string]Repository{
		`{"action":"edited",` + repo + `,"changes":{"default_branch":{"from":"main"}}}`: {7, shopURL, "trunk", false},
		`{"action":"deleted",` + repo + `}`:                                             {7, shopURL, "trunk", true},
		`{"action":"edited",` + strings.Replace(repo, "trunk", "a b", 1) + `}`:          {7, shopURL, "", false},
	} {
		e, err := Parse("repository", []byte(body))
		want(t, body, err, nil)
		want(t, body, *e.Repository, r)
	}
}

// Git takes them, and so do servers: https://git-scm.com/docs/git-check-ref-format
func TestNamesOfRefs(t *testing.T) {
	for ref, ok := range map[string]bool{
		"": true, "refs/heads/main": true, "refs/heads/a\u200db": true, "refs/heads/a\u00adb": true, "refs/heads/\u202emain": true,
		"refs/heads/שלום": true, "refs/heads/👩\u200d💻": true, "refs/heads/a@b": true, "refs/heads/@": true, "refs/heads/a{b": true,
		"refs/heads/" + strings.Repeat("x", 4000): true, "refs/pull/1/head": true,
		"main": false, "refs/heads/a b": false, "refs/heads/a\tb": false, "refs/heads/a\x7f": false, "refs/heads/..": false, "refs/heads/a..b": false,
		"refs/heads/.a": false, "refs/heads/a.": false, "refs/heads/a.lock": false, "refs/heads/a.lock/b": false, "refs/heads//b": false,
		"refs/heads/": false, "refs/heads/a@{1}": false, "refs/heads/a~1": false, "refs/heads/a^": false, "refs/heads/a:b": false,
		"refs/heads/a?": false, "refs/heads/a*": false, "refs/heads/[a": false, `refs/heads/a\b`: false, "refs/heads/a\x1b[31m": false,
	} {
		want(t, ref, checkRef(ref) == nil, ok)
	}
}

func TestNamesOfHostsAndRepositories(t *testing.T) {
	for host, ok := range map[string]bool{
		"github.com": true, "github.com:8443": true, "127.0.0.1:1": true, "[::1]": true, "[::1]:65535": true, "[2001:db8::1.2.3.4]": true,
		"": false, ":80": false, "github.com:": false, "github.com:x": false, "github.com:123456": false, "[::1": false, "[::1]x": false,
		"[]": false, "[::g]": false, "a b": false, "a\u202e": false, "[::1]:": false, strings.Repeat("x", 254): false,
	} {
		want(t, host, isHost(host), ok)
	}
	for name, ok := range map[string]bool{
		"acme": true, "acme/shop": true, "a.b/c_d-e": true, "acme/.github": true,
		"": false, "/": false, "acme/": false, "/shop": false, "a/b/c": false, "a b": false, "acme/..": false, "./shop": false,
		"acme/" + strings.Repeat("x", 101): false,
	} {
		want(t, name, isName(name), ok)
	}
	for sha, ok := range map[string]bool{
		strings.Repeat("a", 40): true, strings.Repeat("0", 64): true, strings.Repeat("a", 41): false, strings.Repeat("A", 40): false, "": false,
	} {
		want(t, sha, isSHA(sha), ok)
	}
}

func FuzzParse(f *testing.F) {
	for file, body := range payloads(f) {
		f.Add(eventName(file), body)
	}
	f.Add("push", []byte(pushJSON))
	f.Fuzz(func(t *testing.T, name string, body []byte) {
		e, err := Parse(name, body)
		if err != nil && e.matters() {
			t.Errorf("%v, but %+v", err, e)
		}
		for _, n := range e.Nudges {
			if strings.ContainsFunc(n.URL+n.Ref+n.SHA, func(r rune) bool { return r <= ' ' || r == 0x7f }) || checkRef(n.Ref) != nil {
				t.Errorf("%+v", n)
			}
		}
	})
}
