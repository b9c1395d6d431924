package apptest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Pull is a pull request of a repository.
type Pull struct {
	Number int
	Author *Account

	r         *Repository
	base      string
	from      *Repository // where the head is; nil: it was deleted
	branch    string
	sha       string
	draft     bool
	state     string
	merge     string // the SHA of refs/pull/N/merge, "" for none
	updated   time.Time
	created   time.Time
	reviews   []review
	mergeable *bool // nil: GitHub has yet to find out
}

// PullOptions describe a pull request to open.
type PullOptions struct {
	Branch string      // of the head
	From   *Repository // another repository that the head is in; nil: the same
	Base   string      // main when empty
	Draft  bool
	Files  map[string]string // that its commit adds to the base's
	SHA    string            // the head as it is, instead of a commit with Files
}

// OpenPull opens a pull request. Its head is at refs/pull/N/head, as at GitHub, and in a branch where it is of this repository.
func (r *Repository) OpenPull(author string, o PullOptions) *Pull {
	p := &Pull{r: r, base: cmp.Or(o.Base, "main"), from: o.From, branch: o.Branch, draft: o.Draft, state: "open"}
	r.g.change(func() (err error) {
		if p.Author, err = r.g.account(author); err != nil {
			return err
		}
		if p.from == nil {
			p.from = r
		}
		r.numbers++
		p.Number, p.created = r.numbers, r.g.Now()
		r.pulls = append(r.pulls, p)
		return p.push(o.Files, o.SHA)
	})
	return p
}

// Push moves the head by a commit that adds files, and returns its SHA.
func (p *Pull) Push(files map[string]string) string {
	p.r.g.change(func() error { return p.push(files, "") })
	return p.Head()
}

func (p *Pull) push(files map[string]string, sha string) error {
	s, err := p.r.snapshot()
	if err != nil {
		return err
	}
	if sha == "" && s.git != nil {
		parent := cmp.Or(p.sha, s.refs["refs/heads/"+p.base])
		message := fmt.Sprintf("pull request %d at %s\n", p.Number, p.r.g.Now().UTC().Format(time.RFC3339Nano))
		if sha, err = (committing{s.git}).commit(p.ref(), parent, message, p.r.g.Now(), files); err != nil {
			return fmt.Errorf("pull request of %s: %w", p.r.fullName(), err)
		}
	}
	p.sha, p.merge, p.mergeable = sha, "", nil
	if err := p.r.setRef(p.ref(), sha); err != nil {
		return err
	}
	if p.from == p.r {
		if err := p.r.setRef("refs/heads/"+p.branch, sha); err != nil {
			return err
		}
	}
	p.touch()
	return p.r.remember()
}

func (p *Pull) ref() string { return fmt.Sprintf("refs/pull/%d/head", p.Number) }

// touch makes it the newest of its repository.
func (p *Pull) touch() { p.updated = p.r.g.Now().Truncate(time.Second) }

// Head is its SHA now.
func (p *Pull) Head() string {
	p.r.g.mu.Lock()
	defer p.r.g.mu.Unlock()
	return p.sha
}

// Close closes it, without a merge. What it was stays at refs/pull/N/head.
func (p *Pull) Close() { p.set(func() { p.state = "closed" }) }

// Reopen opens it again, at the head that it has.
func (p *Pull) Reopen() { p.set(func() { p.state = "open" }) }

// SetDraft makes it a draft, or ready.
func (p *Pull) SetDraft(draft bool) { p.set(func() { p.draft = draft }) }

// DeleteHead deletes the repository that the head comes from.
func (p *Pull) DeleteHead() { p.set(func() { p.from = nil }) }

// SetMerge says what GitHub made of it and its base: a commit, or a conflict.
func (p *Pull) SetMerge(sha string, mergeable bool) {
	p.set(func() { p.merge, p.mergeable = sha, &mergeable })
	if sha != "" {
		p.r.SetRef(fmt.Sprintf("refs/pull/%d/merge", p.Number), sha)
	}
}

func (p *Pull) set(change func()) {
	p.r.g.change(func() error { change(); p.touch(); return nil })
}

// listPulls has those of a state, in the order that is asked for.
func (g *GitHub) listPulls(c *call, r *Repository) *answer {
	query := c.URL.Query()
	state := cmp.Or(query.Get("state"), "open")
	all := slices.DeleteFunc(slices.Clone(r.pulls), func(p *Pull) bool { return state != "all" && p.state != state })
	by := func(p *Pull) time.Time { return p.created }
	if query.Get("sort") == "updated" {
		by = func(p *Pull) time.Time { return p.updated }
	}
	slices.SortStableFunc(all, func(a, b *Pull) int { return by(a).Compare(by(b)) })
	if query.Get("direction") != "asc" {
		slices.Reverse(all)
	}
	return paged(g, c, all, func(page []*Pull) any {
		return each(page, func(p *Pull) fields { return g.describePull(p) })
	})
}

// pullNamed is the one of the path, or nil.
func (r *Repository) pullNamed(c *call) *Pull {
	for _, p := range r.pulls {
		if fmt.Sprint(p.Number) == c.PathValue("number") {
			return p
		}
	}
	return nil
}

func (g *GitHub) getPull(c *call, r *Repository) *answer {
	p := r.pullNamed(c)
	if p == nil {
		return notFound()
	}
	f := g.describePull(p)
	f["merged"], f["merged_by"], f["mergeable"], f["mergeable_state"] = false, nil, nil, "unknown"
	if p.mergeable != nil {
		f["mergeable"], f["mergeable_state"] = *p.mergeable, "clean"
	}
	f["rebaseable"], f["maintainer_can_modify"] = nil, false
	for _, count := range strings.Fields("comments review_comments commits additions deletions changed_files") {
		f[count] = 0
	}
	return ok(f)
}

// describePull is the description's pull-request-simple.
func (g *GitHub) describePull(p *Pull) fields {
	r := p.r
	url := fmt.Sprintf("%s/repos/%s/pulls/%d", g.APIURL, r.fullName(), p.Number)
	issue := fmt.Sprintf("%s/repos/%s/issues/%d", g.APIURL, r.fullName(), p.Number)
	html := fmt.Sprintf("%s/%s/pull/%d", g.URL, r.fullName(), p.Number)
	f := fields{
		"id": r.ID*1000 + int64(p.Number), "node_id": nodeID("PullRequest", int64(p.Number)), "number": p.Number, "state": p.state, "locked": false,
		"title": fmt.Sprintf("Pull request %d", p.Number), "body": nil, "user": g.describeAccount(p.Author), "draft": p.draft,
		"url": url, "html_url": html, "diff_url": html + ".diff", "patch_url": html + ".patch", "issue_url": issue,
		"commits_url": url + "/commits", "review_comments_url": url + "/comments", "review_comment_url": url + "/comments{/number}",
		"comments_url": issue + "/comments", "statuses_url": g.statusURL(r, p.sha),
		"created_at": stamp(p.created), "updated_at": stamp(p.updated), "closed_at": nil, "merged_at": nil, "merge_commit_sha": nil,
		"assignee": nil, "assignees": []fields{}, "requested_reviewers": []fields{}, "requested_teams": []fields{}, "labels": []fields{},
		"milestone": nil, "auto_merge": nil, "author_association": associationOf(p.Author, r),
	}
	if p.state == "closed" {
		f["closed_at"] = stamp(p.updated)
	}
	if p.merge != "" {
		f["merge_commit_sha"] = p.merge
	}
	links := fields{}
	for name, to := range map[string]string{
		"self": url, "html": html, "issue": issue, "comments": issue + "/comments", "review_comments": url + "/comments",
		"review_comment": url + "/comments{/number}", "commits": url + "/commits", "statuses": g.statusURL(r, p.sha),
	} {
		links[name] = fields{"href": to}
	}
	f["_links"] = links
	base := ""
	if s, err := r.snapshot(); err == nil {
		base = s.refs["refs/heads/"+p.base]
	}
	f["base"] = g.describeSide(r, p.base, base)
	f["head"] = g.describeSide(p.from, p.branch, p.sha)
	return f
}

// associationOf is what GitHub shows an author as, which tells nothing of what he may.
func associationOf(a *Account, r *Repository) string {
	switch {
	case r.owner == a:
		return "OWNER"
	case a.role(r).name != "":
		return "COLLABORATOR"
	}
	return "CONTRIBUTOR"
}

func (g *GitHub) describeSide(r *Repository, branch, sha string) fields {
	f := fields{"label": "unknown:" + branch, "ref": branch, "sha": sha, "user": nil, "repo": nil}
	if r != nil {
		f["label"], f["user"], f["repo"] = r.owner.Login+":"+branch, g.describeAccount(r.owner), g.describeRepository(r)
	}
	return f
}
