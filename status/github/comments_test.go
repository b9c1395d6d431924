package github_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/status/github"
)

// commenting is a scene with a pull request, whose App may comment on it.
type commenting struct {
	*scene
	to   *github.Comments
	pull *apptest.Pull
	note string
}

func newCommenting(t *testing.T) *commenting {
	t.Helper()
	s := newScene(t)
	s.AddUser("mona")
	s.app.Want(map[string]string{"pull_requests": "write"})
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write", "pull_requests": "write"})
	pull := s.shop.OpenPull("mona", apptest.PullOptions{Branch: "feature", Files: map[string]string{"c": "3"}})
	return &commenting{scene: s, to: &github.Comments{Find: s.reporter.Find, Log: s.reporter.Log}, pull: pull}
}

// tell delivers a text that a run on the head has written, until it is taken.
func (c *commenting) tell(text string) {
	c.t.Helper()
	r := c.report(poller.Success)
	r.Run.Revision = git.Revision{Ref: "refs/heads/feature", SHA: c.pull.Head()}
	r.To, r.Text, r.Note = poller.CommentTo("kitops/shop"), base64.StdEncoding.EncodeToString([]byte(text)), &c.note
	for tries := 0; c.to.Report(c.t.Context(), r) != nil; tries++ {
		if r.Doubtful = true; tries > 10 {
			c.t.Fatal(c.log)
		}
	}
}

// want fails the test unless the App has exactly one comment below the pull request, which says this.
func (c *commenting) want(text string) {
	c.t.Helper()
	var own []string
	for _, one := range c.pull.Comments() {
		if one.By == "kit-ops[bot]" {
			own = append(own, one.Body)
		}
	}
	if len(own) != 1 || !strings.HasPrefix(own[0], "<!-- kitops comment ") || strings.SplitN(own[0], "\n", 2)[1] != text {
		c.t.Errorf("%q, want %q\n%s", own, text, c.log)
	}
}

// TestComment: one on each pull request, which is updated, found again, and written anew where somebody has deleted it.
func TestComment(t *testing.T) {
	c := newCommenting(t)
	c.Inject(apptest.Filter{Method: http.MethodPost, Path: "/repos/acme/shop/issues/*/comments"}, 1, apptest.Cut(0))
	c.tell("first\n@mona: **done**")
	c.want("first\n@mona: **done**")
	mark, _, _ := strings.Cut(c.pull.Comments()[0].Body, "\n")
	c.pull.Comment("mona", mark+"\nmine") // which counts for nothing
	c.note = ""                           // as of an agent without a memory
	c.tell("second")
	c.want("second")
	before := c.Count(apptest.Filter{Method: http.MethodPatch})
	c.tell("second")
	if n := c.Count(apptest.Filter{Method: http.MethodPatch}) - before; n != 0 {
		t.Errorf("the same is told %d times", n)
	}
	for _, one := range c.pull.Comments() {
		if one.By != "mona" {
			c.shop.DeleteComment(one.ID)
		}
	}
	c.tell("third")
	c.want("third")
	c.Inject(apptest.Filter{Method: http.MethodPatch, Path: "/repos/acme/shop/issues/comments/*"}, 1, apptest.Fail(http.StatusBadGateway, ""))
	c.tell("fourth")
	c.want("fourth")
	c.Inject(apptest.Filter{Method: http.MethodPatch, Path: "/repos/acme/shop/issues/comments/*"}, 1, apptest.Cut(0))
	c.tell("fifth")
	c.want("fifth")
	c.tell(mark + "\nforged")
	c.want(mark + "\nforged")
	c.pull.Close()
	c.tell("closed")
	c.want(mark + "\nforged")
	if c.log.Len() > 0 {
		t.Error(c.log)
	}
}

// TestLongComment is cut where GitHub would refuse it, at the end of a line.
func TestLongComment(t *testing.T) {
	c := newCommenting(t)
	c.tell(strings.Repeat("ä line of thirty characters 😀 .\n", 4000))
	body := []rune(c.pull.Comments()[0].Body)
	text := string(body)
	if len(body) > 65_536 || len(body) < 60_000 || !strings.HasSuffix(text, ".\n\n(cut by kitops: GitHub takes 65536 characters)") {
		t.Errorf("%d characters, at the end %q", len(body), string(body[len(body)-100:]))
	}
}

// TestCommentsNeedAPermission: without it one warning is all.
func TestCommentsNeedAPermission(t *testing.T) {
	c := newCommenting(t)
	c.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write"})
	c.tell("one")
	c.tell("two")
	c.wantLogged("no comments: the GitHub App lacks a permission", 1)
	if n := len(c.pull.Comments()); n > 0 {
		t.Errorf("%d comments", n)
	}
}
