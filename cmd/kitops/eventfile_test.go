//go:build unix

package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

const eventTask = `tasks:
  - name: tell
    git: {url: "${GITHUB}/acme/shop.git", branches: [main], tags: ["v*"], dot_git: true}
    on_new: run
    pull_requests: {on: merge}
    actions:
      - run: cp -f "${DOLLAR}KITOPS_EVENT_FILE" ${PLACE}/${DOLLAR}KITOPS_EVENT_NAME-${DOLLAR}(basename ${DOLLAR}KITOPS_REF_NAME)
`

// told is the payload of the last run of an event on a ref, by the dotted names of its values.
func (s *scene) told(event, ref string) map[string]any {
	s.t.Helper()
	var told any
	if err := json.Unmarshal([]byte(s.read(event+"-"+ref)), &told); err != nil {
		s.t.Fatal(err)
	}
	flat := map[string]any{}
	flatten("", told, flat)
	return flat
}

func flatten(at string, value any, into map[string]any) {
	into[strings.TrimPrefix(at, ".")] = value
	if object, ok := value.(map[string]any); ok {
		for name, inner := range object {
			flatten(at+"."+name, inner, into)
		}
	}
}

// wantTypes holds a payload to what GitHub has sent: testdata/payloads has the names that workflows read, with the
// types in recorded deliveries, null where these were null.
func wantTypes(t *testing.T, event string, told map[string]any) {
	t.Helper()
	list, err := os.ReadFile("testdata/payloads/" + event + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(list)) {
		name, want, _ := strings.Cut(strings.TrimSpace(line), " ")
		value, there := told[name]
		got := map[bool]string{true: "null", false: "missing"}[there]
		switch value.(type) {
		case string:
			got = "string"
		case float64:
			got = "number"
		case bool:
			got = "boolean"
		case []any:
			got = "array"
		case map[string]any:
			got = "object"
		}
		if !there || got != want && want != "null" {
			t.Errorf("%s: %s is %s, GitHub has %s", event, name, got, want)
		}
	}
}

func wantTold(t *testing.T, told, want map[string]any) {
	t.Helper()
	for name, value := range want {
		if told[name] != value {
			t.Errorf("%s is %v, want %v", name, told[name], value)
		}
	}
}

// TestEventFileIsWhatGitHubSends: of a first run, a push, a forced one, tags, and a pull request as it is opened and
// pushed to. No token is in it.
func TestEventFileIsWhatGitHubSends(t *testing.T) {
	s := pullScene(t)
	zeros := strings.Repeat("0", 40)
	args := s.tasks(eventTask)
	s.once(0, args...)
	wantTold(t, s.told("push", "main"), map[string]any{"before": zeros, "after": s.first, "created": true, "forced": false, "deleted": false})
	second := s.shop.Push("main", map[string]string{"b": "2"})
	s.once(0, args...)
	push := s.told("push", "main")
	wantTypes(t, "push", push)
	wantTold(t, push, map[string]any{
		"ref": "refs/heads/main", "before": s.first, "after": second, "created": false, "forced": false, "deleted": false,
		"head_commit.id": second, "repository.full_name": "acme/shop", "repository.default_branch": "main", "repository.private": true,
		"compare": s.URL + "/acme/shop/compare/" + s.first + "..." + second,
	})
	if commits := push["commits"].([]any); len(commits) != 1 {
		t.Error(commits)
	}
	s.shop.SetHead("main", s.first)
	third := s.shop.Push("main", map[string]string{"c": "3"})
	s.once(0, args...)
	wantTold(t, s.told("push", "main"), map[string]any{"before": second, "after": third, "created": false, "forced": true})

	s.shop.Tag("v1", second)
	s.once(0, args...)
	tag := s.told("push", "v1")
	wantTypes(t, "push", tag)
	wantTold(t, tag, map[string]any{"ref": "refs/tags/v1", "before": zeros, "after": second, "created": true, "forced": false, "head_commit.id": second})
	s.shop.Tag("v1", third)
	s.once(0, args...)
	wantTold(t, s.told("push", "v1"), map[string]any{"before": second, "after": third, "created": false, "forced": true})

	open := s.shop.OpenPull("writer", apptest.PullOptions{Branch: "feature", Files: map[string]string{"a": "1"}})
	opened := open.Head()
	merge := open.MakeMerge()
	s.once(0, args...)
	pull := s.told("pull_request", "head")
	wantTold(t, pull, map[string]any{"action": "opened", "number": 1.0, "pull_request.head.sha": opened, "pull_request.merge_commit_sha": merge})
	head := open.Push(map[string]string{"a": "2"})
	open.MakeMerge()
	s.once(0, args...)
	pull = s.told("pull_request", "head")
	wantTypes(t, "pull_request", pull)
	wantTold(t, pull, map[string]any{
		"action": "synchronize", "number": 1.0, "before": opened, "after": head, "pull_request.number": 1.0,
		"pull_request.head.sha": head, "pull_request.head.ref": "feature", "pull_request.head.repo.full_name": "acme/shop",
		"pull_request.base.sha": third, "pull_request.base.ref": "main", "pull_request.base.repo.full_name": "acme/shop",
		"repository.full_name": "acme/shop", "sender.login": "writer", "pull_request.user.login": "writer",
	})
	for name := range pull {
		if strings.HasSuffix(name, "token") || strings.HasSuffix(name, "permissions") {
			t.Errorf("%s is the App's", name)
		}
	}
}
