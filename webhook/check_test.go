package webhook

import (
	"strings"
	"testing"
)

func TestClicks(t *testing.T) {
	all := payloads(t)
	for file, check := range map[string]*Check{
		"check_run.rerequested.json":      {RepositoryID: 526, Suite: 5, Run: 4, SHA: "d6fde92930d4715a2b49857d24b940956b26d2d3"},
		"check_run.requested_action.json": {RepositoryID: 9384267, Suite: 1604239627, Run: 1494503112, SHA: "5bd5f196a46b8222fb7484f05faba41a73cf34bd", Button: "lgtm|26764"},
		"check_suite.rerequested.json":    {RepositoryID: 186853002, Suite: 118578147, SHA: "ec26c3e57ca3a959ca5aad62de7213c562f8c821"},
		"check_suite.requested.json":      nil,
		"check_run.completed.json":        nil,
	} {
		body := all[file]
		if body == nil {
			t.Errorf("no %s", file)
			continue
		}
		e, err := Parse(eventName(file), body)
		if err != nil || (e.Check == nil) != (check == nil) {
			t.Errorf("%s: %+v, %v", file, e.Check, err)
			continue
		}
		if check == nil {
			continue
		}
		got := *e.Check
		if got.Sender.ID == 0 || got.Sender.Login == "" || !strings.Contains(got.URL, "://github.com/") || !e.matters() {
			t.Errorf("%s: %+v", file, got)
		}
		got.URL, got.Sender, got.RepositoryID, got.Name = "", Sender{}, check.RepositoryID, ""
		want(t, file, got, *check)
	}
}

// TestClicksThatAreNone: each of them is an error, or nothing.
func TestClicksThatAreNone(t *testing.T) {
	const click = `{"action":"rerequested","check_run":{"id":4,"head_sha":"6113728f27ae82c7b1a177c8d03f9e96e0adf246","check_suite":{"id":5}},` +
		`"repository":{"id":7,"full_name":"acme/shop","clone_url":"https://github.com/acme/shop.git"},"sender":{"id":3,"login":"anna"}}`
	e, err := Parse("check_run", []byte(click))
	if err != nil || e.Check == nil {
		t.Fatalf("%+v, %v", e, err)
	}
	for _, change := range [][2]string{
		{`"id":4`, `"id":0`},
		{`"id":4`, `"id":-4`},
		{`"id":4`, `"id":"4"`},
		{`"id":5`, `"id":0`},
		{`"id":3`, `"id":0`},
		{`6113728f`, `X113728f`},
		{`"anna"`, `"../anna"`},
		{`"anna"`, `"[bot]"`},
		{`"anna"`, `"an na"`},
		{`"id":7`, `"id":0`},
		{`acme/shop"`, `acme"`},
		{`rerequested`, `requested_action`},
		{`rerequested`, `completed`},
	} {
		if e, _ := Parse("check_run", []byte(strings.Replace(click, change[0], change[1], 1))); e.Check != nil || len(e.Nudges) > 0 {
			t.Errorf("%s: %+v", change[1], e)
		}
	}
}
