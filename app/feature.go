package app

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// feature is what an App may be registered for beside looking at repositories and posting commit statuses.
type feature struct {
	permissions map[string]string
	events      []string // beside those that come with the permissions
	tick        string   // the permissions, as GitHub's form calls them
}

func features() map[string]feature {
	return map[string]feature{
		"checks":      {permissions: map[string]string{"checks": "write"}, events: []string{"check_run", "check_suite"}, tick: "Checks: Read and write"},
		"deployments": {permissions: map[string]string{"deployments": "write"}, tick: "Deployments: Read and write"},
		"comments":    {permissions: map[string]string{"pull_requests": "write"}, tick: "Pull requests: Read and write"},
		"pull-requests": {
			permissions: map[string]string{"pull_requests": "read", "issues": "read"}, events: []string{"pull_request", "pull_request_review", "issue_comment"},
			tick: "Pull requests: Read-only, Issues: Read-only (and the events Pull request, Pull request review, Issue comment)",
		},
		"requires": {permissions: map[string]string{"checks": "read", "statuses": "read"}, events: []string{"check_run", "status"}, tick: "Checks: Read-only, Commit statuses: Read-only at least (and the events Check run and Status)"},
		"runners":  {permissions: map[string]string{"organization_self_hosted_runners": "write"}, tick: "Self-hosted runners (of the organization): Read and write"},

		"repository-runners": {permissions: map[string]string{"administration": "write"}, tick: "Administration (of repositories): Read and write"},
	}
}

// Features are the names of what an App may be registered for.
func Features() []string { return slices.Sorted(maps.Keys(features())) }

// Tick is what a person ticks on GitHub's form for features.
func Tick(names []string) string {
	var all []string
	for _, name := range names {
		all = append(all, features()[name].tick)
	}
	return strings.Join(all, ", ")
}

// extend adds what features need to the fields of a manifest.
func extend(fields map[string]any, names []string) error {
	permissions, _ := fields["default_permissions"].(map[string]any)
	events, _ := fields["default_events"].([]any)
	for _, name := range names {
		f, known := features()[name]
		if !known {
			return fmt.Errorf("an App is registered for none of %q", name)
		}
		for permission, level := range f.permissions {
			if permissions[permission] != "write" {
				permissions[permission] = level
			}
		}
		for _, event := range f.events {
			if !slices.Contains(events, any(event)) {
				events = append(events, event)
			}
		}
	}
	fields["default_permissions"], fields["default_events"] = permissions, events
	return nil
}
