package apptest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Deployment is one as GitHub has it.
type Deployment struct {
	ID          int64
	SHA         string
	Environment string
	Payload     string // its JSON
	Transient   bool
	States      []DeploymentStatus // in the order they came

	ref, task, description string
	production             bool
	bot                    *Account
	created                time.Time
}

// DeploymentStatus is one of a deployment.
type DeploymentStatus struct {
	State, Description, LogURL, EnvironmentURL string

	id          int64
	environment string
	bot         *Account
	created     time.Time
}

// State is the newest one; "" for none.
func (d Deployment) State() string {
	if len(d.States) == 0 {
		return ""
	}
	return d.States[len(d.States)-1].State
}

// Deployments are those of the repository, in the order they came.
func (r *Repository) Deployments() []Deployment {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	all := make([]Deployment, 0, len(r.deployments))
	for _, d := range r.deployments {
		copied := *d
		copied.States = slices.Clone(d.States)
		all = append(all, copied)
	}
	return all
}

// FillDeployments adds n successful deployments of a commit as if others had made them.
func (r *Repository) FillDeployments(sha, environment string, n int) {
	r.g.change(func() error {
		for range n {
			r.deployments = append(r.deployments, &Deployment{
				ID: r.g.nextID(), SHA: sha, ref: sha, task: "deploy", Environment: environment, Payload: `""`, bot: r.owner, created: r.g.Now(), production: true,
				States: []DeploymentStatus{{State: "success", id: r.g.nextID(), environment: environment, bot: r.owner, created: r.g.Now()}},
			})
		}
		return nil
	})
}

func (g *GitHub) postDeployment(c *call, r *Repository) *answer {
	wanted := struct {
		Ref, Task, Environment, Description string
		AutoMerge                           bool            `json:"auto_merge"`
		RequiredContexts                    *[]string       `json:"required_contexts"`
		Payload                             json.RawMessage `json:"payload"`
		Transient                           bool            `json:"transient_environment"`
		Production                          *bool           `json:"production_environment"`
	}{Task: "deploy", Environment: "production", AutoMerge: true, Payload: json.RawMessage(`""`)}
	if a := c.decode(&wanted); a != nil {
		return a
	}
	if r.archived {
		return refuse(http.StatusForbidden, "Repository was archived so is read-only.")
	}
	return read(r, func(s *snapshot) (*answer, error) {
		found, err := s.resolve(wanted.Ref)
		switch {
		case err != nil:
			return nil, err
		case found == nil || r.unknown(found.sha):
			return refuse(http.StatusUnprocessableEntity, "No ref found for: "+wanted.Ref), nil
		case wanted.AutoMerge && found.sha != s.refs["refs/heads/"+r.defaultBranch.now]:
			return refuse(http.StatusConflict, "Conflict merging "+r.defaultBranch.now+" into "+wanted.Ref+"."), nil
		case wanted.RequiredContexts == nil && len(r.statuses[found.sha]) > 0 && combine(r.statuses[found.sha]) != "success":
			return refuse(http.StatusConflict, "Conflict: Commit status checks failed for "+wanted.Ref+"."), nil
		}
		app := c.who.token.installation.app
		d := &Deployment{
			ID: g.nextID(), SHA: found.sha, ref: wanted.Ref, task: wanted.Task, Environment: wanted.Environment, description: wanted.Description,
			Payload: string(wanted.Payload), Transient: wanted.Transient, production: wanted.Environment == "production",
			bot: &Account{ID: app.ID, Login: app.Slug + "[bot]", Type: "Bot"}, created: g.Now(),
		}
		if wanted.Production != nil {
			d.production = *wanted.Production
		}
		r.deployments = append(r.deployments, d)
		a := ok(g.describeDeployment(r, d))
		a.status = http.StatusCreated
		return a, nil
	})
}

// listDeployments has the newest first.
func (g *GitHub) listDeployments(c *call, r *Repository) *answer {
	query := c.URL.Query()
	fits := func(name, value string) bool {
		wanted := cmp.Or(query.Get(name), "none")
		return wanted == "none" || wanted == value
	}
	var all []*Deployment
	for _, d := range slices.Backward(r.deployments) {
		if fits("sha", d.SHA) && fits("ref", d.ref) && fits("task", d.task) && fits("environment", d.Environment) {
			all = append(all, d)
		}
	}
	return paged(g, c, all, func(page []*Deployment) any {
		return each(page, func(d *Deployment) fields { return g.describeDeployment(r, d) })
	})
}

func (r *Repository) deploymentNamed(c *call) *Deployment {
	id, _ := strconv.ParseInt(c.PathValue("deployment"), 10, 64)
	for _, d := range r.deployments {
		if d.ID == id {
			return d
		}
	}
	return nil
}

func (g *GitHub) postDeploymentStatus(c *call, r *Repository) *answer {
	d := r.deploymentNamed(c)
	if d == nil {
		return notFound()
	}
	wanted := struct {
		State, Description, Environment string
		LogURL                          string `json:"log_url"`
		EnvironmentURL                  string `json:"environment_url"`
		AutoInactive                    bool   `json:"auto_inactive"`
	}{AutoInactive: true}
	if a := c.decode(&wanted); a != nil {
		return a
	}
	switch {
	case utf8.RuneCountInString(wanted.Description) > descriptionMost:
		return invalid("description", "description is too long (maximum is 140 characters)")
	case !webURL(wanted.LogURL):
		return invalid("log_url", "log_url must use http(s) scheme")
	case !webURL(wanted.EnvironmentURL) || len(wanted.EnvironmentURL) > contextMost:
		return invalid("environment_url", "environment_url must use http(s) scheme")
	}
	app := c.who.token.installation.app
	s := DeploymentStatus{
		State: wanted.State, Description: wanted.Description, LogURL: wanted.LogURL, EnvironmentURL: wanted.EnvironmentURL, id: g.nextID(),
		environment: cmp.Or(wanted.Environment, d.Environment), bot: &Account{ID: app.ID, Login: app.Slug + "[bot]", Type: "Bot"}, created: g.Now(),
	}
	if wanted.AutoInactive && s.State == "success" {
		for _, o := range r.deployments {
			if o != d && o.Environment == d.Environment && !o.Transient && !o.production && o.State() == "success" {
				o.States = append(o.States, DeploymentStatus{State: "inactive", id: g.nextID(), environment: o.Environment, bot: s.bot, created: g.Now()})
			}
		}
	}
	d.States = append(d.States, s)
	a := ok(g.describeDeploymentStatus(r, d, s))
	a.status = http.StatusCreated
	return a
}

func webURL(text string) bool {
	return text == "" || strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://")
}

// listDeploymentStatuses has the newest first.
func (g *GitHub) listDeploymentStatuses(c *call, r *Repository) *answer {
	d := r.deploymentNamed(c)
	if d == nil {
		return notFound()
	}
	all := slices.Clone(d.States)
	slices.Reverse(all)
	return paged(g, c, all, func(page []DeploymentStatus) any {
		return each(page, func(s DeploymentStatus) fields { return g.describeDeploymentStatus(r, d, s) })
	})
}

func (g *GitHub) describeDeployment(r *Repository, d *Deployment) fields {
	url := g.APIURL + "/repos/" + r.fullName()
	own := fmt.Sprintf("%s/deployments/%d", url, d.ID)
	return fields{
		"id": d.ID, "node_id": nodeID("Deployment", d.ID), "sha": d.SHA, "ref": d.ref, "task": d.task, "payload": json.RawMessage(d.Payload),
		"environment": d.Environment, "original_environment": d.Environment, "description": d.description, "creator": g.describeAccount(d.bot),
		"created_at": stamp(d.created), "updated_at": stamp(d.created), "url": own, "statuses_url": own + "/statuses", "repository_url": url,
		"transient_environment": d.Transient, "production_environment": d.production,
	}
}

func (g *GitHub) describeDeploymentStatus(r *Repository, d *Deployment, s DeploymentStatus) fields {
	url := g.APIURL + "/repos/" + r.fullName()
	own := fmt.Sprintf("%s/deployments/%d", url, d.ID)
	return fields{
		"id": s.id, "node_id": nodeID("DeploymentStatus", s.id), "state": s.State, "description": s.Description, "environment": s.environment,
		"creator": g.describeAccount(s.bot), "target_url": s.LogURL, "log_url": s.LogURL, "environment_url": s.EnvironmentURL,
		"created_at": stamp(s.created), "updated_at": stamp(s.created), "deployment_url": own, "repository_url": url,
		"url": fmt.Sprintf("%s/statuses/%d", own, s.id),
	}
}
