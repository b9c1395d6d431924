package poller

import (
	"context"
	"encoding/json"
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
		task.URL, task.EventFile = "https://github.com/acme/shop.git", wanted
		task.Plan = func(context.Context, string, git.Revision) (Plan, error) {
			script := `echo "$KITOPS_EVENT_FILE" >` + out + `/path; test -z "$KITOPS_EVENT_FILE" || { cp "$KITOPS_EVENT_FILE" ` + out + `/event; stat -c %a "$KITOPS_EVENT_FILE" >` + out + `/mode; }`
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
	for address, name := range map[string]string{
		"git@github.com:acme/shop.git": "acme/shop", "ssh://git@host:2222/group/acme/shop": "acme/shop", "/srv/acme/shop.git": "acme/shop",
	} {
		want(t, address, pushEvent(address, Run{}).Repository.FullName, name)
	}
}
