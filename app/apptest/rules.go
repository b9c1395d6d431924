package apptest

import (
	"net/http"
	"slices"
)

// Required is a status or check without which a branch takes no merge.
type Required struct {
	Context string
	App     int64 // that must report it; 0: any
}

// Rules are those of a branch. https://docs.github.com/rest/repos/rules#get-rules-for-a-branch
type Rules struct {
	Checks       []Required
	MergeQueue   bool
	Environments []string // that must have been deployed to
}

// SetRules sets what rulesets demand of a branch.
func (r *Repository) SetRules(branch string, rules Rules) {
	r.g.change(func() error {
		if r.rules == nil {
			r.rules = map[string]Rules{}
		}
		r.rules[branch] = rules
		return nil
	})
}

// Protect sets what the classic protection of a branch demands.
func (r *Repository) Protect(branch string, checks ...Required) {
	r.g.change(func() error {
		if r.protected == nil {
			r.protected = map[string][]Required{}
		}
		r.protected[branch] = checks
		return nil
	})
}

// SetEnvironment adds an environment, with the types of its protection rules: required_reviewers, wait_timer, branch_policy.
func (r *Repository) SetEnvironment(name string, protection ...string) {
	r.g.change(func() error {
		if r.environments == nil {
			r.environments = map[string][]string{}
		}
		r.environments[name] = protection
		return nil
	})
}

func (g *GitHub) listRules(c *call, r *Repository) *answer {
	rules := r.rules[c.PathValue("branch")]
	var all []fields
	add := func(kind string, parameters fields) {
		all = append(all, fields{"type": kind, "parameters": parameters, "ruleset_id": r.ID, "ruleset_source": r.fullName(), "ruleset_source_type": "Repository"})
	}
	if len(rules.Checks) > 0 {
		add("required_status_checks", fields{
			"strict_required_status_checks_policy": false,
			"required_status_checks": each(rules.Checks, func(one Required) fields {
				f := fields{"context": one.Context}
				if one.App != 0 {
					f["integration_id"] = one.App
				}
				return f
			}),
		})
	}
	if rules.MergeQueue {
		add("merge_queue", fields{
			"check_response_timeout_minutes": 60, "grouping_strategy": "ALLGREEN", "max_entries_to_build": 5, "max_entries_to_merge": 5,
			"merge_method": "MERGE", "min_entries_to_merge": 1, "min_entries_to_merge_wait_minutes": 5,
		})
	}
	if len(rules.Environments) > 0 {
		add("required_deployments", fields{"required_deployment_environments": slices.Clone(rules.Environments)})
	}
	return paged(g, c, all, func(page []fields) any { return append([]fields{}, page...) })
}

// protection is what a branch tells of its classic protection.
func (r *Repository) protection(branch string) fields {
	checks, there := r.protected[branch]
	level, contexts := "off", []string{}
	if there {
		level = "non_admins"
	}
	for _, one := range checks {
		contexts = append(contexts, one.Context)
	}
	return fields{
		"enabled": there,
		"required_status_checks": fields{
			"enforcement_level": level, "contexts": contexts,
			"checks": each(checks, func(one Required) fields {
				f := fields{"context": one.Context, "app_id": nil}
				if one.App != 0 {
					f["app_id"] = one.App
				}
				return f
			}),
		},
	}
}

func (g *GitHub) getEnvironment(c *call, r *Repository) *answer {
	name := c.PathValue("environment")
	protection, there := r.environments[name]
	if !there {
		return refuse(http.StatusNotFound, "Not Found")
	}
	url := g.APIURL + "/repos/" + r.fullName() + "/environments/" + name
	return ok(fields{
		"id": r.ID, "node_id": nodeID("Environment", r.ID), "name": name, "url": url, "html_url": g.URL + "/" + r.fullName() + "/deployments/activity_log?environments_filter=" + name,
		"created_at": stamp(r.created), "updated_at": stamp(r.created), "deployment_branch_policy": nil,
		"protection_rules": each(protection, func(kind string) fields { return fields{"id": r.ID, "node_id": nodeID("GateType", r.ID), "type": kind} }),
	})
}
