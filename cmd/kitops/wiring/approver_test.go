package wiring

import (
	"strings"
	"testing"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
)

// TestCommandsInComments are the whole first line, name the head, and are a person's own words, said once.
func TestCommandsInComments(t *testing.T) {
	t.Parallel()
	sha := strings.Repeat("1a2b3c4d", 5)
	on := talk{Talk: poller.Talk{Revision: git.Revision{Ref: "refs/pull/7/head", SHA: sha}, Comment: 10}, pull: app.Pull{Number: 7, Head: sha}}
	good := app.Comment{ID: 11, Number: 7, Author: app.Account{ID: 1, Login: "anna", Type: "User"}, Body: "/kitops run 1a2b3c4"}
	ask := func(change func(*app.Comment)) string {
		c := good
		change(&c)
		word, is := commandIn(c, []talk{on})
		if !is {
			return ""
		}
		return word.What
	}
	for body, want := range map[string]string{
		"/kitops run 1a2b3c4": poller.Approve, "/kitops run " + sha + "\r\nthank you": poller.Approve, "/kitops run 1A2B3C4D  ": poller.Approve,
		"/kitops again 1a2b3c4": poller.Again, "/kitops cancel": poller.Cancel, "/kitops cancel 1a2b3c4": poller.Cancel,
		"/kitops run": "", "/kitops again": "", "/kitops run 1a2b3c": "", "/kitops run 2222222": "", "/kitops run  1a2b3c4": "", " /kitops run 1a2b3c4": "",
		"> /kitops run 1a2b3c4": "", "```\n/kitops run 1a2b3c4\n```": "", "`/kitops run 1a2b3c4`": "", "On Monday anna wrote:\n> x\n/kitops run 1a2b3c4": "",
		"/kitops run 1a2b3c4 please": "", "/kitops cancel 2222222": "", "/kitopsrun 1a2b3c4": "", "/KITOPS run 1a2b3c4": "", "/kitops pin 1a2b3c4": "", "": "",
	} {
		if got := ask(func(c *app.Comment) { c.Body = body }); got != want {
			t.Errorf("%q: %q, want %q", body, got, want)
		}
	}
	for name, change := range map[string]func(*app.Comment){
		"of a bot":              func(c *app.Comment) { c.Author.Type = "Bot" },
		"of an organization":    func(c *app.Comment) { c.Author.Type = "Organization" },
		"by way of an App":      func(c *app.Comment) { c.ByApp = true },
		"edited":                func(c *app.Comment) { c.Edited = true },
		"heeded before":         func(c *app.Comment) { c.ID = 10 },
		"on another":            func(c *app.Comment) { c.Number = 8 },
		"on a head without SHA": func(c *app.Comment) { c.Body = "/kitops run 0000000" },
	} {
		if got := ask(change); got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
}
