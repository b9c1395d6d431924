package poller

import (
	"cmp"
	"maps"
	"path"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// pushed is a push in GitHub's words: https://docs.github.com/en/webhooks/webhook-events-and-payloads#push.
type pushed struct {
	Ref        string         `json:"ref"`
	Before     string         `json:"before"`
	After      string         `json:"after"`
	BaseRef    *string        `json:"base_ref"`
	Created    bool           `json:"created"`
	Deleted    bool           `json:"deleted"`
	Forced     bool           `json:"forced"`
	Compare    string         `json:"compare"`
	Commits    []pushedCommit `json:"commits"`
	HeadCommit pushedCommit   `json:"head_commit"`
	Repository map[string]any `json:"repository"`
	Pusher     pushedBy       `json:"pusher"`
	Sender     map[string]any `json:"sender"`
}

type pushedCommit struct {
	ID        string   `json:"id"`
	Tree      string   `json:"tree_id"`
	Distinct  bool     `json:"distinct"`
	Message   string   `json:"message"`
	Timestamp string   `json:"timestamp"`
	URL       string   `json:"url"`
	Author    pushedBy `json:"author"`
	Committer pushedBy `json:"committer"`
}

type pushedBy struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// pushPayload says what is known of a push. Who has pushed is not: that is kitops. What was applied
// before stands for what the ref was at before, and the commit for the object of an annotated tag:
// act has it as GITHUB_SHA.
func pushPayload(address string, run Run, told Told) pushed {
	before := run.Previous
	if run.Revision.IsTag() {
		before = run.Moved
	}
	repository := repositoryOf(address, told)
	web, _ := repository["html_url"].(string)
	commit := func(c git.Pushed) pushedCommit {
		return pushedCommit{
			ID: c.SHA, Tree: c.Tree, Distinct: true, Message: c.Message, Timestamp: c.Committer.When.Format(time.RFC3339), URL: web + "/commit/" + c.SHA,
			Author: pushedBy{c.Author.Name, c.Author.Email}, Committer: pushedBy{c.Committer.Name, c.Committer.Email},
		}
	}
	head := told.Push.Head
	head.SHA = run.Revision.SHA
	p := pushed{
		Ref: run.Revision.Ref, Before: cmp.Or(before, noSHA(run.Revision.SHA)), After: run.Revision.SHA,
		Created: before == "", Forced: before != "" && (run.Moved != "" || told.Push.Forced),
		Compare: web + "/compare/" + cmp.Or(before, run.Revision.Name()) + "..." + run.Revision.SHA,
		Commits: []pushedCommit{}, HeadCommit: commit(head), Repository: repository,
		Pusher: pushedBy{Name: "kitops"}, Sender: sender(),
	}
	if before == "" {
		p.Compare = web + "/compare/" + run.Revision.Name()
	}
	if !run.Revision.IsTag() {
		for _, c := range told.Push.Commits {
			p.Commits = append(p.Commits, commit(c))
		}
	}
	return p
}

// sender is kitops where GitHub names an account.
func sender() map[string]any {
	return map[string]any{"login": "kitops", "id": 0, "type": "Bot", "site_admin": false}
}

// repositoryOf is how the host describes the repository, or what its address tells.
func repositoryOf(address string, told Told) map[string]any {
	if told.Repository != nil {
		known := maps.Clone(told.Repository)
		if owner, ok := known["owner"].(map[string]any); ok && owner["name"] == nil { // which only a push has
			owner = maps.Clone(owner)
			owner["name"] = owner["login"]
			known["owner"] = owner
		}
		known["master_branch"] = cmp.Or(known["master_branch"], known["default_branch"])
		return known
	}
	web, full := webAddress(address)
	owner, name := path.Base(path.Dir(full)), path.Base(full)
	known := map[string]any{
		"name": name, "full_name": owner + "/" + name, "clone_url": address, "html_url": web, "url": web,
		"owner": map[string]any{"login": owner, "name": owner},
	}
	if told.DefaultBranch != "" {
		known["default_branch"], known["master_branch"] = told.DefaultBranch, told.DefaultBranch
	}
	return known
}

// webAddress is where people see a repository, as far as that can be told, and its path there.
func webAddress(address string) (web, full string) {
	u, err := git.ParseURL(address)
	if err != nil {
		return address, address
	}
	full = strings.TrimSuffix(strings.Trim(u.Path, "/"), ".git")
	switch {
	case u.Local():
		return "file:///" + full, full
	case u.Scheme == "ssh":
		return "https://" + u.Host + "/" + full, full
	}
	return u.Origin() + "/" + full, full
}
