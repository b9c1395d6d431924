package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// BranchRules are what GitHub demands before something is merged into a branch, by rulesets and by the classic protection.
type BranchRules struct {
	Checks       []RequiredCheck
	MergeQueue   bool
	Environments []string // that must have been deployed to
	Hidden       bool     // there is a classic protection whose demands are not told
}

// RequiredCheck is a commit status or a check run without which nothing is merged.
type RequiredCheck struct {
	Context string
	App     int64 // that must have reported it; 0: any, and any user who may push
}

// Rules are those of a branch. The classic protection is read from the branch, which tells it to who reads the contents.
// https://docs.github.com/rest/repos/rules#get-rules-for-a-branch
func (r *Repository) Rules(ctx context.Context, branch string) (BranchRules, error) {
	var rules BranchRules
	for page := 1; page > 0; {
		path := fmt.Sprintf("%s/rules/branches/%s?per_page=100&page=%d", r.path(false), escape(branch), page)
		a, err := r.do(ctx, call{method: http.MethodGet, path: path, class: ordinary, needs: permission{"metadata", "read"}})
		if status, _ := answered(err); status == http.StatusNotFound { // of an Enterprise Server without rulesets
			break
		}
		if err != nil {
			return rules, err
		}
		if err := rules.add(a); err != nil {
			return rules, err
		}
		page = a.nextPage
	}
	return rules, r.classic(ctx, branch, &rules)
}

// add takes a page of rules over.
func (b *BranchRules) add(a answer) error {
	var page []struct {
		Type       string
		Parameters json.RawMessage
	}
	if err := a.decode(&page); err != nil {
		return err
	}
	for _, rule := range page {
		var p struct {
			Checks []struct {
				Context     string
				Integration int64 `json:"integration_id"`
			} `json:"required_status_checks"`
			Environments []string `json:"required_deployment_environments"`
		}
		if len(rule.Parameters) > 0 {
			if err := json.Unmarshal(rule.Parameters, &p); err != nil {
				continue // a rule of another kind may have anything there
			}
		}
		switch rule.Type {
		case "required_status_checks":
			for _, c := range p.Checks {
				b.Checks = append(b.Checks, RequiredCheck{c.Context, c.Integration})
			}
		case "merge_queue":
			b.MergeQueue = true
		case "required_deployments":
			b.Environments = append(b.Environments, p.Environments...)
		}
	}
	return nil
}

// classic adds what the protection of a branch demands.
func (r *Repository) classic(ctx context.Context, branch string, b *BranchRules) error {
	a, err := r.do(ctx, call{method: http.MethodGet, path: r.path(false) + "/branches/" + escape(branch), class: ordinary})
	if status, _ := answered(err); status == http.StatusNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	var told struct {
		Protected  bool
		Protection *struct {
			Enabled  bool
			Required *struct {
				Checks []struct {
					Context string
					App     *int64 `json:"app_id"`
				}
				Contexts []string
			} `json:"required_status_checks"`
		}
	}
	if err := a.decode(&told); err != nil {
		return err
	}
	if told.Protection == nil || told.Protection.Required == nil {
		b.Hidden = told.Protected && len(b.Checks) == 0 && !b.MergeQueue && len(b.Environments) == 0 // else the rulesets protect it
		return nil
	}
	seen := map[string]bool{}
	for _, c := range told.Protection.Required.Checks {
		seen[c.Context] = true
		one := RequiredCheck{Context: c.Context}
		if c.App != nil && *c.App > 0 { // -1 is any
			one.App = *c.App
		}
		b.Checks = append(b.Checks, one)
	}
	for _, context := range told.Protection.Required.Contexts {
		if !seen[context] {
			b.Checks = append(b.Checks, RequiredCheck{Context: context})
		}
	}
	return nil
}

// EnvironmentRules are the kinds of the protection rules of an environment; none where there is no such environment.
// Needs actions: read, which tokens have only from then on.
func (r *Repository) EnvironmentRules(ctx context.Context, name string) ([]string, error) {
	r.app.wantAlso("actions", "read")
	a, err := r.do(ctx, call{method: http.MethodGet, path: r.path(false) + "/environments/" + url.PathEscape(name), class: ordinary, needs: permission{"actions", "read"}})
	if status, _ := answered(err); status == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, r.finally(err, time.Time{})
	}
	var told struct {
		Rules []struct{ Type string } `json:"protection_rules"`
	}
	if err := a.decode(&told); err != nil {
		return nil, err
	}
	var kinds []string
	for _, rule := range told.Rules {
		kinds = append(kinds, rule.Type)
	}
	return kinds, nil
}

// Number is the App's id.
func (a *App) Number(ctx context.Context) (int64, error) {
	s, err := a.self(ctx)
	return s.ID, err
}
