package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Deployment is one of a commit to an environment, before GitHub knows it. https://docs.github.com/rest/deployments/deployments
type Deployment struct {
	SHA         string
	Environment string
	Task        string // of kitops, for people
	Run         string // by which it is found again
	Transient   bool   // the environment will not be there for long

	// Since is when the run began that this is about: GitHub may not know the commit for some minutes after.
	Since time.Time
}

// DeploymentStatus is how one stands, in GitHub's words.
type DeploymentStatus struct {
	State          string // in_progress, success, failure, error, inactive
	Environment    string
	Description    string // at most 140 characters
	LogURL         string // may be empty
	EnvironmentURL string // may be empty

	// Since is when the deployment was made, or its run began: GitHub may not know it everywhere for some minutes after.
	Since time.Time
}

// payload is what kitops keeps in a deployment.
type payload struct {
	Run  string `json:"kitops_run"`
	Task string `json:"kitops_task"`
}

func toDeploy() permission { return permission{"deployments", "write"} }

// CreateDeployment makes one and returns its id. GitHub takes no second call for the first: after a lost answer ask
// [Repository.FindDeployment]. A *RefusedError is final; with a *PermissionError inside, deployments are not granted.
func (r *Repository) CreateDeployment(ctx context.Context, d Deployment) (id int64, err error) {
	if err := r.granted(ctx, toDeploy()); err != nil {
		return 0, r.finally(err, d.Since)
	}
	// Left out, both would have GitHub refuse: it wants to merge the default branch first, and all statuses of the commit to be
	// successful, of which one is that of this run.
	body := map[string]any{
		"ref": d.SHA, "environment": d.Environment, "auto_merge": false, "required_contexts": []string{}, "description": "by kitops",
		"payload": payload{d.Run, d.Task}, "transient_environment": d.Transient,
	}
	a, err := r.do(ctx, call{method: http.MethodPost, path: r.path(false) + "/deployments", body: body, class: deploying, needs: toDeploy()})
	if err == nil && a.status != http.StatusCreated {
		err = &DownError{fmt.Errorf("it answered a deployment with %d instead of 201", a.status)}
	}
	if err != nil {
		return 0, r.finally(err, d.Since)
	}
	var made struct{ ID int64 }
	if err := a.decode(&made); err != nil {
		return 0, err
	}
	if made.ID == 0 {
		return 0, &DownError{errors.New("its deployment has no id")}
	}
	return made.ID, nil
}

// FindDeployment returns the id of the one that a run has made, 0 for none.
func (r *Repository) FindDeployment(ctx context.Context, d Deployment) (id int64, err error) {
	if err := r.granted(ctx, toDeploy()); err != nil {
		return 0, r.finally(err, d.Since)
	}
	query := url.Values{"sha": {d.SHA}, "environment": {d.Environment}, "per_page": {"100"}}
	a, err := r.do(ctx, call{method: http.MethodGet, path: r.path(false) + "/deployments?" + query.Encode(), class: ordinary, needs: toDeploy()})
	if err != nil {
		return 0, r.finally(err, d.Since)
	}
	var all []struct { // the newest first
		ID      int64
		Payload json.RawMessage
	}
	if err := a.decode(&all); err != nil {
		return 0, err
	}
	for _, one := range all {
		var p payload
		if err := json.Unmarshal(one.Payload, &p); err == nil && p.Run == d.Run {
			return one.ID, nil
		}
	}
	return 0, nil
}

// PostDeploymentStatus says how a deployment stands, once. Its errors are those of [Repository.CreateDeployment].
func (r *Repository) PostDeploymentStatus(ctx context.Context, id int64, s DeploymentStatus) error {
	if err := r.granted(ctx, toDeploy()); err != nil {
		return r.finally(err, s.Since)
	}
	body := map[string]any{"state": s.State, "auto_inactive": false} // GitHub's own would leave production environments active, and make those of others inactive
	for name, value := range map[string]string{"environment": s.Environment, "description": s.Description, "log_url": s.LogURL, "environment_url": s.EnvironmentURL} {
		if value != "" {
			body[name] = value
		}
	}
	a, err := r.do(ctx, call{method: http.MethodPost, path: r.deployment(id), body: body, class: deploying, needs: toDeploy()})
	if err == nil && a.status != http.StatusCreated {
		err = &DownError{fmt.Errorf("it answered a deployment's status with %d instead of 201", a.status)}
	}
	return r.finally(err, s.Since)
}

// DeploymentState is the newest state of a deployment, "" where it has none, or is gone.
func (r *Repository) DeploymentState(ctx context.Context, id int64) (string, error) {
	a, err := r.do(ctx, call{method: http.MethodGet, path: r.deployment(id) + "?per_page=1", class: ordinary, needs: toDeploy()})
	if status, _ := answered(err); status == http.StatusNotFound {
		return "", nil
	}
	if err != nil {
		return "", r.finally(err, time.Time{})
	}
	var newest []struct{ State string }
	if err := a.decode(&newest); err != nil || len(newest) == 0 {
		return "", err
	}
	return newest[0].State, nil
}

func (r *Repository) deployment(id int64) string {
	return fmt.Sprintf("%s/deployments/%d/statuses", r.path(false), id)
}

// granted returns a *PermissionError where the installation does not grant a permission. What is missing is asked for again once an hour.
func (r *Repository) granted(ctx context.Context, p permission) error {
	_, err := withInstallation(ctx, r, func(i *installation, ctx context.Context) (struct{}, error) {
		return struct{}{}, i.require(ctx, p.name, p.level, patience)
	})
	return err
}
