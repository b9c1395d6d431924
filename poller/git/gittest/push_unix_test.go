//go:build unix

package gittest

import (
	"strings"
	"testing"
)

// TestPush holds pushes of what git made to those by git.
func TestPush(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"sha1", "sha256"} {
		if testing.Short() && format == "sha256" {
			continue // TestCommit pushes one
		}
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			pushed := func(push, pushTags func(*Repo)) *Repo {
				r := New(t, "--object-format="+format)
				step := func(change ...string) {
					r.Write(map[string]string{"dir/" + change[0]: change[0]})
					r.Git("add", "--all")
					r.Git("commit", "--quiet", "--message", change[0])
					for _, args := range change[1:] {
						r.Git(strings.Fields(args)...)
					}
					push(r)
					pushTags(r)
				}
				step("first", "tag light", "tag --annotate --message=x heavy")
				step("second", "tag --annotate --message=x outer heavy", "tag tree HEAD^{tree}", "tag blob HEAD:dir/first", "tag --force light")
				step("third", "branch side HEAD~1", "merge --quiet --no-ff --message=merge side")
				step("fourth", "reset --quiet --hard HEAD~2", "tag dir/back")
				step("fifth", "switch --quiet --create other", "gc --quiet --prune=now")
				return r
			}
			want := pushed(func(r *Repo) { r.Git("push", "--quiet", "--force", "origin", "HEAD") }, func(r *Repo) { r.Git("push", "--quiet", "--force", "--tags") })
			mustBeSame(t, pushed((*Repo).Push, (*Repo).PushTags), want)
		})
	}
}
