package apptest

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// listReviews has the oldest first.
func (g *GitHub) listReviews(c *call, r *Repository) *answer {
	p := r.pullNamed(c)
	if p == nil {
		return notFound()
	}
	return paged(g, c, p.reviews, func(page []review) any {
		return each(page, func(v review) fields { return g.describeReview(p, v) })
	})
}

// review is one of a pull request.
type review struct {
	id     int64
	author *Account
	sha    string
	state  string
	at     time.Time
}

// Review is what a person says of a commit: APPROVED, CHANGES_REQUESTED, COMMENTED. "" is the head's.
func (p *Pull) Review(author, state, sha string) {
	p.r.g.change(func() error {
		who, err := p.r.g.account(author)
		if err != nil {
			return err
		}
		p.reviews = append(p.reviews, review{p.r.g.nextID(), who, cmp.Or(sha, p.sha), state, p.r.g.Now()})
		p.touch()
		return nil
	})
}

// Dismiss takes the reviews of a person back.
func (p *Pull) Dismiss(author string) {
	p.set(func() {
		for i := range p.reviews {
			if p.reviews[i].author.Login == author {
				p.reviews[i].state = "DISMISSED"
			}
		}
	})
}

func (g *GitHub) describeReview(p *Pull, v review) fields {
	url := fmt.Sprintf("%s/repos/%s/pulls/%d", g.APIURL, p.r.fullName(), p.Number)
	html := fmt.Sprintf("%s/%s/pull/%d#pullrequestreview-%d", g.URL, p.r.fullName(), p.Number, v.id)
	return fields{
		"id": v.id, "node_id": nodeID("PullRequestReview", v.id), "user": g.describeAccount(v.author), "body": "", "state": v.state,
		"commit_id": v.sha, "html_url": html, "pull_request_url": url, "submitted_at": stamp(v.at), "author_association": "MEMBER",
		"_links": fields{"html": fields{"href": html}, "pull_request": fields{"href": url}},
	}
}

// comment is one below a pull request.
type comment struct {
	id               int64
	number           int
	author           *Account
	body             string
	created, updated time.Time
	app              *App // that wrote it for its author; nil: none
	reactions        []string
}

// Comment has somebody write below the pull request, and returns the comment's id.
func (p *Pull) Comment(author, body string) int64 {
	var id int64
	p.r.g.change(func() error {
		who, err := p.r.g.account(author)
		if err != nil {
			return err
		}
		now := p.r.g.Now().Truncate(time.Second)
		id = p.r.g.nextID()
		p.r.comments = append(p.r.comments, &comment{id: id, number: p.Number, author: who, body: body, created: now, updated: now})
		p.touch()
		return nil
	})
	return id
}

// EditComment has somebody change what a comment says: GitHub does not tell who that was.
func (r *Repository) EditComment(id int64, body string) {
	r.g.change(func() error {
		for _, c := range r.comments {
			if c.id == id {
				c.body, c.updated = body, r.g.Now().Truncate(time.Second).Add(time.Second)
				return nil
			}
		}
		return fmt.Errorf("no comment %d", id)
	})
}

// listComments are all of a repository. https://docs.github.com/rest/issues/comments#list-issue-comments-for-a-repository
func (g *GitHub) listComments(c *call, r *Repository) *answer {
	query := c.URL.Query()
	since, _ := time.Parse(time.RFC3339, query.Get("since"))
	all := slices.DeleteFunc(slices.Clone(r.comments), func(m *comment) bool { return m.updated.Before(since) })
	if query.Get("sort") == "updated" {
		slices.SortStableFunc(all, func(a, b *comment) int { return a.updated.Compare(b.updated) })
	}
	if query.Get("direction") == "desc" {
		slices.Reverse(all)
	}
	return paged(g, c, all, func(page []*comment) any {
		return each(page, func(m *comment) fields { return g.describeComment(r, m) })
	})
}

// describeComment is the description's issue-comment.
func (g *GitHub) describeComment(r *Repository, m *comment) fields {
	f := fields{
		"id": m.id, "node_id": nodeID("IssueComment", m.id), "user": g.describeAccount(m.author), "body": m.body,
		"url":        fmt.Sprintf("%s/repos/%s/issues/comments/%d", g.APIURL, r.fullName(), m.id),
		"html_url":   fmt.Sprintf("%s/%s/pull/%d#issuecomment-%d", g.URL, r.fullName(), m.number, m.id),
		"issue_url":  fmt.Sprintf("%s/repos/%s/issues/%d", g.APIURL, r.fullName(), m.number),
		"created_at": stamp(m.created), "updated_at": stamp(m.updated), "author_association": "NONE",
	}
	if m.app != nil {
		f["performed_via_github_app"] = g.describeApp(m.app)
	}
	return f
}
