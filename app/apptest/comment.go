package apptest

import (
	"net/http"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// commentMost is what GitHub takes of a comment, in characters.
const commentMost = 65_536

// Comment is one below a pull request.
type Comment struct {
	ID   int64
	By   string // its author's login
	Body string

	Reactions []string // of Apps: +1, confused
}

// Comments are those below a pull request, in the order they came.
func (p *Pull) Comments() []Comment {
	p.r.g.mu.Lock()
	defer p.r.g.mu.Unlock()
	var all []Comment
	for _, c := range p.r.comments {
		if c.number == p.Number {
			all = append(all, Comment{c.id, c.author.Login, c.body, slices.Clone(c.reactions)})
		}
	}
	return all
}

// DeleteComment has somebody delete a comment.
func (r *Repository) DeleteComment(id int64) {
	r.g.change(func() error {
		r.comments = slices.DeleteFunc(r.comments, func(c *comment) bool { return c.id == id })
		return nil
	})
}

// listPullComments has the oldest first. https://docs.github.com/rest/issues/comments#list-issue-comments
func (g *GitHub) listPullComments(c *call, r *Repository) *answer {
	p := r.pullNamed(c)
	if p == nil {
		return notFound()
	}
	all := slices.DeleteFunc(slices.Clone(r.comments), func(m *comment) bool { return m.number != p.Number })
	return paged(g, c, all, func(page []*comment) any {
		return each(page, func(m *comment) fields { return g.describeComment(r, m) })
	})
}

// said is the body of a comment in a request.
func (c *call) said() (string, *answer) {
	var wanted struct{ Body string }
	if a := c.decode(&wanted); a != nil {
		return "", a
	}
	if wanted.Body == "" || utf8.RuneCountInString(wanted.Body) > commentMost {
		return "", refuse(http.StatusUnprocessableEntity, "Validation Failed: body is too long (maximum is 65536 characters)")
	}
	return wanted.Body, nil
}

func (g *GitHub) postComment(c *call, r *Repository) *answer {
	p := r.pullNamed(c)
	if p == nil {
		return notFound()
	}
	body, refused := c.said()
	if refused != nil {
		return refused
	}
	app, now := c.who.token.installation.app, g.Now().Truncate(time.Second)
	m := &comment{
		id: g.nextID(), number: p.Number, author: &Account{ID: app.ID, Login: app.Slug + "[bot]", Type: "Bot"}, body: body, created: now, updated: now, app: app,
	}
	r.comments = append(r.comments, m)
	a := ok(g.describeComment(r, m)).with("Location", g.APIURL+"/repos/"+r.fullName()+"/issues/comments/"+strconv.FormatInt(m.id, 10))
	a.status = http.StatusCreated
	return a
}

// getComments is of issues/NUMBER/comments, and of issues/comments/ID, which is no other pattern.
func (g *GitHub) getComments(c *call, r *Repository) *answer {
	switch {
	case c.PathValue("number") == "comments":
		return g.getComment(c, r)
	case c.PathValue("comment") == "comments":
		return g.listPullComments(c, r)
	}
	return notFound()
}

// getComment is one by its id. https://docs.github.com/rest/issues/comments#get-an-issue-comment
func (g *GitHub) getComment(c *call, r *Repository) *answer {
	for _, m := range r.comments {
		if strconv.FormatInt(m.id, 10) == c.PathValue("comment") {
			return ok(g.describeComment(r, m))
		}
	}
	return notFound()
}

func (g *GitHub) patchComment(c *call, r *Repository) *answer {
	body, refused := c.said()
	if refused != nil {
		return refused
	}
	for _, m := range r.comments {
		if strconv.FormatInt(m.id, 10) != c.PathValue("comment") {
			continue
		}
		if m.app != c.who.token.installation.app {
			return refuse(http.StatusForbidden, "Resource not accessible by integration")
		}
		m.body, m.updated = body, g.Now().Truncate(time.Second)
		return ok(g.describeComment(r, m))
	}
	return notFound()
}

// listPullsOfCommit are the open ones whose head it is. https://docs.github.com/rest/commits/commits#list-pull-requests-associated-with-a-commit
func (g *GitHub) listPullsOfCommit(c *call, r *Repository) *answer {
	all := slices.DeleteFunc(slices.Clone(r.pulls), func(p *Pull) bool { return p.sha != c.PathValue("ref") })
	return paged(g, c, all, func(page []*Pull) any {
		return each(page, func(p *Pull) fields { return g.describePull(p) })
	})
}

// postReaction adds one, unless the App has given it before.
// https://docs.github.com/rest/reactions/reactions#create-reaction-for-an-issue-comment
func (g *GitHub) postReaction(c *call, r *Repository) *answer {
	var wanted struct{ Content string }
	if a := c.decode(&wanted); a != nil {
		return a
	}
	for _, m := range r.comments {
		if strconv.FormatInt(m.id, 10) != c.PathValue("comment") {
			continue
		}
		app := c.who.token.installation.app
		a := ok(fields{
			"id": m.id*10 + int64(len(wanted.Content)), "node_id": nodeID("Reaction", m.id), "content": wanted.Content, "created_at": stamp(g.Now()),
			"user": g.describeAccount(&Account{ID: app.ID, Login: app.Slug + "[bot]", Type: "Bot"}),
		})
		if !slices.Contains(m.reactions, wanted.Content) {
			m.reactions, a.status = append(m.reactions, wanted.Content), http.StatusCreated
		}
		return a
	}
	return notFound()
}
