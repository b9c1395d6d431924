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
			if !strings.HasPrefix(n.URL, "https://github.com/") {
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
		"", "{", "payload=%7B%7D", pushJSON[:100], pushJSON + "}", "\xff", strings.Repeat("[", 20000),
		strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20000),
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
		{`"refs/heads/main"`, `"main"`},
		{`"refs/heads/main"`, `"refs/heads/a b"`},
		{`"refs/heads/main"`, `"refs/heads/\u001b[31m"`},
		{`"refs/heads/main"`, `"refs/heads/\u202emain"`},
		{`"refs/heads/main"`, `"refs/heads/../../x"`},
		{`"refs/heads/main"`, `"refs/heads/` + strings.Repeat("x", 2000) + `"`},
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
	for name, body := range map[string]string{"push": `{}`, "create": `[]`, "installation": `{"installation":{"id":1}}`, "repository": `null`} {
		if e, err := Parse(name, []byte(body)); err == nil || e.matters() {
			t.Errorf("%s %s: %v, %+v", name, body, err, e)
		}
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
