package poller

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/git"
)

// TestEventFile tells actions of the push as GitHub does, as long as the run lasts.
func TestEventFile(t *testing.T) {
	r := newRemote("main a")
	for _, wanted := range []bool{true, false} {
		out := t.TempDir()
		task := r.task("deploy", "main")
		task.URL = "https://github.com/acme/shop.git"
		if wanted {
			task.Told = func(context.Context, Run) (Told, error) { return Told{}, errors.New("nobody answers") }
		}
		task.Plan = func(context.Context, string, git.Revision) (Plan, error) {
			script := `echo "$KITOPS_EVENT_FILE" >` + out + `/path; test -z "$KITOPS_EVENT_FILE" || { cp "$KITOPS_EVENT_FILE" ` + out + `/event; stat -c %a "$KITOPS_EVENT_FILE" >` + out + `/mode; echo $KITOPS_EVENT_NAME >` + out + `/name; }`
			return Plan{Actions: []actions.Action{{Name: "act", Entrypoint: "/bin/sh", Args: []string{"-c", script}}}}, nil
		}
		b := newBench(t, task)
		b.RepoDir, b.Environ = t.TempDir(), os.Environ()
		if err := b.Once(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		read := func(name string) string {
			text, _ := os.ReadFile(filepath.Join(out, name))
			return strings.TrimSpace(string(text))
		}
		if !wanted {
			want(t, "unasked", read("path"), "")
			continue
		}
		want(t, "event", read("name"), "push")
		want(t, "mode", read("mode"), "400")
		if _, err := os.Lstat(read("path")); err == nil {
			t.Errorf("%s is left", read("path"))
		}
		var event struct {
			Ref, Before, After string
			Created, Deleted   bool
			Repository         struct {
				FullName string `json:"full_name"`
			}
		}
		if err := json.Unmarshal([]byte(read("event")), &event); err != nil {
			t.Fatal(err)
		}
		want(t, "ref", event.Ref, "refs/heads/main")
		want(t, "after", event.After, sha("a"))
		want(t, "before", event.Before, strings.Repeat("0", 40))
		want(t, "repository", event.Repository.FullName, "acme/shop")
		want(t, "created", event.Created, true)
	}
}

func TestEventNamesItsRepository(t *testing.T) {
	for address, told := range map[string][2]string{
		"git@github.com:acme/shop.git":        {"acme/shop", "https://github.com/acme/shop"},
		"ssh://git@host:2222/group/acme/shop": {"acme/shop", "https://host/group/acme/shop"},
		"https://host:8443/acme/shop.git/":    {"acme/shop", "https://host:8443/acme/shop"},
		"/srv/acme/shop.git":                  {"acme/shop", "file:///srv/acme/shop"},
	} {
		p := pushPayload(address, Run{}, Told{DefaultBranch: "trunk"}).Repository
		want(t, address, p["full_name"], any(told[0]))
		want(t, address, p["html_url"], any(told[1]))
		want(t, address, p["default_branch"], any("trunk"))
	}
}

// TestPinnedPullRequestHasAPayload: where nobody was asked, it says what the ref tells.
func TestPinnedPullRequestHasAPayload(t *testing.T) {
	p := pullPayload("https://github.com/acme/shop", Run{Revision: git.Revision{Ref: "refs/pull/7/head", SHA: sha("a")}, Before: sha("b")}, Told{})
	want(t, "number", p.Number, 7)
	want(t, "action", p.Action, "synchronize")
	want(t, "head", p.PullRequest["head"].(map[string]any)["sha"], any(sha("a")))
	want(t, "repository", p.Repository["full_name"], any("acme/shop"))
}
