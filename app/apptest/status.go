package apptest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// GitHub's limits on commit statuses. https://docs.github.com/rest/commits/statuses
const (
	descriptionMost = 140
	contextMost     = 255
	statusesMost    = 1000 // for one SHA and context
)

// Status is a commit status as GitHub has it.
type Status struct {
	ID          int64
	State       string
	Context     string
	Description string
	TargetURL   string
	Creator     string // the App's bot
	Created     time.Time

	sha string
	bot *Account
}

// Statuses are those of one commit, in the order they came.
func (r *Repository) Statuses(sha string) []Status {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	return slices.Clone(r.statuses[sha])
}

// Statuses are those of one commit of owner/name, in the order they came; none when there is no such repository.
func (g *GitHub) Statuses(owner, name, sha string) []Status {
	if r := g.Repository(owner, name); r != nil {
		return r.Statuses(sha)
	}
	return nil
}

// FillStatuses adds n statuses of a context to a commit as if they had been posted: the way to the limit of 1,000.
func (r *Repository) FillStatuses(sha, context string, n int) {
	r.g.change(func() error {
		for range n {
			r.addStatus(Status{sha: sha, State: "pending", Context: context, Creator: r.owner.Login, bot: r.owner})
		}
		return nil
	})
}

func (r *Repository) addStatus(s Status) Status {
	s.ID, s.Created = r.g.nextID(), r.g.Now()
	r.statuses[s.sha] = append(r.statuses[s.sha], s)
	return s
}

func (g *GitHub) postStatus(c *call, r *Repository) *answer {
	var wanted struct {
		State       string
		Context     *string
		Description string
		TargetURL   string `json:"target_url"`
	}
	if a := c.decode(&wanted); a != nil {
		return a
	}
	if r.archived {
		return refuse(http.StatusForbidden, "Repository was archived so is read-only.")
	}
	s := Status{
		sha: c.PathValue("sha"), State: wanted.State, Context: "default",
		Description: wanted.Description, TargetURL: wanted.TargetURL,
	}
	if wanted.Context != nil {
		s.Context = *wanted.Context
	}
	if a := r.refuseStatus(s); a != nil {
		return a
	}
	app := c.who.token.installation.app
	s.bot = &Account{ID: app.ID, Login: app.Slug + "[bot]", Type: "Bot"}
	s.Creator = s.bot.Login
	s = r.addStatus(s)
	a := ok(g.describeStatus(r, s)).with("Location", g.statusURL(r, s.sha))
	a.status = http.StatusCreated
	return a
}

// refuseStatus is nil for a status that GitHub takes.
func (r *Repository) refuseStatus(s Status) *answer {
	switch {
	case !slices.Contains([]string{"error", "failure", "pending", "success"}, s.State):
		return invalid("state", "state is not included in the list")
	case utf8.RuneCountInString(s.Description) > descriptionMost:
		return invalid("description", "description is too long (maximum is 140 characters)")
	case s.Context == "" || utf8.RuneCountInString(s.Context) > contextMost:
		return invalid("context", "context must be 1 to 255 characters")
	case fourBytes(s.Description):
		return invalid("description", "description contains unicode characters above 0xffff")
	case fourBytes(s.Context):
		return invalid("context", "context contains unicode characters above 0xffff")
	case fourBytes(s.TargetURL):
		return invalid("target_url", "target_url contains unicode characters above 0xffff")
	case s.TargetURL != "" && !strings.HasPrefix(s.TargetURL, "http://") && !strings.HasPrefix(s.TargetURL, "https://"):
		return invalid("target_url", "target_url must use http(s) scheme")
	}
	snapshot, err := r.snapshot()
	if err != nil {
		return refuse(http.StatusInternalServerError, err.Error())
	}
	if !fullSHA.MatchString(s.sha) {
		return noCommit(s.sha)
	}
	if found, err := snapshot.commit(s.sha); err != nil || found == nil || r.unknown(s.sha) {
		return noCommit(s.sha)
	}
	same := 0
	for _, other := range r.statuses[s.sha] {
		if other.Context == s.Context {
			same++
		}
	}
	if same >= statusesMost {
		return invalid("sha", "This SHA and context has reached the maximum number of statuses.")
	}
	return nil
}

// fourBytes tells whether a text has characters that GitHub's tables of statuses cannot hold.
func fourBytes(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r > 0xFFFF })
}

func (g *GitHub) statusURL(r *Repository, sha string) string {
	return fmt.Sprintf("%s/repos/%s/statuses/%s", g.APIURL, r.fullName(), sha)
}

// describeStatus is the description's status, and with that also its simple-commit-status.
func (g *GitHub) describeStatus(r *Repository, s Status) fields {
	f := fields{
		"id": s.ID, "node_id": nodeID("StatusContext", s.ID), "url": g.statusURL(r, s.sha), "avatar_url": g.URL + "/avatars/in/1",
		"state": s.State, "context": s.Context, "description": nil, "target_url": nil,
		"creator": g.describeAccount(s.bot), "created_at": stamp(s.Created), "updated_at": stamp(s.Created),
	}
	if s.Description != "" {
		f["description"] = s.Description
	}
	if s.TargetURL != "" {
		f["target_url"] = s.TargetURL
	}
	return f
}

// listStatuses has the newest first.
func (g *GitHub) listStatuses(c *call, r *Repository) *answer {
	return read(r, func(s *snapshot) (*answer, error) {
		found, err := s.resolve(c.PathValue("ref"))
		if err != nil || found == nil {
			return noCommit(c.PathValue("ref")), err
		}
		all := slices.Clone(r.statuses[found.sha])
		slices.Reverse(all)
		return paged(g, c, all, func(page []Status) any {
			return each(page, func(s Status) fields { return g.describeStatus(r, s) })
		}), nil
	})
}

// getCombinedStatus counts the newest of each context.
func (g *GitHub) getCombinedStatus(c *call, r *Repository) *answer {
	return read(r, func(s *snapshot) (*answer, error) {
		found, err := s.resolve(c.PathValue("ref"))
		if err != nil || found == nil {
			return noCommit(c.PathValue("ref")), err
		}
		var newest []Status
		for _, s := range slices.Backward(r.statuses[found.sha]) {
			if !slices.ContainsFunc(newest, func(n Status) bool { return strings.EqualFold(n.Context, s.Context) }) {
				newest = append(newest, s)
			}
		}
		url := g.commitURL(r, found.sha)
		return paged(g, c, newest, func(page []Status) any {
			return fields{
				"state": combine(newest), "sha": found.sha, "total_count": len(newest), "repository": g.describeRepository(r),
				"statuses":   each(page, func(s Status) fields { return g.describeStatus(r, s) }),
				"commit_url": url, "url": url + "/status",
			}
		}), nil
	})
}

func combine(newest []Status) string {
	has := func(states ...string) bool {
		return slices.ContainsFunc(newest, func(s Status) bool { return slices.Contains(states, s.State) })
	}
	switch {
	case has("failure", "error"):
		return "failure"
	case len(newest) == 0, has("pending"):
		return "pending"
	}
	return "success"
}
