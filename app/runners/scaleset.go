package runners

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/bittrance/kitops/poller/secret"
)

const (
	setsPath   = "_apis/runtime/runnerscalesets"
	groupsPath = "_apis/runtime/runnergroups/"
	agentsPath = "_apis/distributedtask/pools/0/agents"

	// defaultGroup is the id of the group that is called Default, everywhere.
	defaultGroup = 1
)

// scaleSet is one as GitHub has it.
type scaleSet struct {
	ID            int64       `json:"id,omitempty"`
	Name          string      `json:"name"`
	Group         int64       `json:"runnerGroupId"`
	Labels        []label     `json:"labels,omitempty"`
	RunnerSetting setting     `json:"RunnerSetting"`
	Statistics    *statistics `json:"statistics,omitempty"`
}

type label struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

// setting keeps runners from replacing themselves: a single-use one cannot.
type setting struct {
	DisableUpdate bool `json:"disableUpdate"`
}

type statistics struct {
	Assigned   int `json:"totalAssignedJobs"` // those that run, too
	Running    int `json:"totalRunningJobs"`
	Registered int `json:"totalRegisteredRunners"`
}

type listing[T any] struct {
	Count int `json:"count"`
	Value []T `json:"value"`
}

// group finds the id of a runner group. A repository has only the default one.
func (s *service) group(ctx context.Context, name string) (int64, error) {
	if name == DefaultGroup {
		return defaultGroup, nil
	}
	var found listing[struct {
		ID   int64  `json:"id"`
		Name string `json:"name"`
	}]
	err := s.ask(ctx, request{method: http.MethodGet, path: groupsPath, query: url.Values{"groupName": {name}}, into: &found})
	if err != nil {
		return 0, err
	}
	if len(found.Value) != 1 {
		return 0, fmt.Errorf("GitHub knows %d runner groups named %q: correct group:, or make one in the organization's settings under Actions, Runner groups", len(found.Value), name)
	}
	return found.Value[0].ID, nil
}

// adopt returns the scale set of that name, made if there is none.
func (s *service) adopt(ctx context.Context, name, groupName string) (found scaleSet, made bool, err error) {
	group, err := s.group(ctx, groupName)
	if err != nil {
		return scaleSet{}, false, err
	}
	var all listing[scaleSet]
	query := url.Values{"runnerGroupId": {strconv.FormatInt(group, 10)}, "name": {name}}
	if err := s.ask(ctx, request{method: http.MethodGet, path: setsPath, query: query, into: &all}); err != nil {
		return scaleSet{}, false, err
	}
	if i := slices.IndexFunc(all.Value, func(other scaleSet) bool { return other.Name == name }); i >= 0 {
		return all.Value[i], false, nil
	}
	wanted := scaleSet{Name: name, Group: group, Labels: []label{{"System", name}}, RunnerSetting: setting{true}}
	err = s.ask(ctx, request{method: http.MethodPost, path: setsPath, body: wanted, into: &found})
	if err == nil && found.ID == 0 {
		err = errors.New("GitHub's service for runners made a scale set without an id")
	}
	return found, true, err
}

// registration is a runner as GitHub knows it.
type registration struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// configure registers a single-use runner and returns its configuration.
func (s *service) configure(ctx context.Context, set int64, name string) (registration, secret.Text, error) {
	var made struct {
		Runner  registration `json:"runner"`
		Encoded secret.Text  `json:"encodedJITConfig"`
	}
	body := map[string]string{"name": name, "workFolder": "_work"}
	path := fmt.Sprintf("%s/%d/generatejitconfig", setsPath, set)
	if err := s.ask(ctx, request{method: http.MethodPost, path: path, body: body, into: &made}); err != nil {
		return registration{}, secret.Text{}, err
	}
	if made.Runner.ID == 0 || !made.Encoded.Given() {
		return registration{}, secret.Text{}, errors.New("GitHub's service for runners registered a runner without a configuration")
	}
	return made.Runner, made.Encoded, nil
}

// find looks for a runner by its name; an id of 0 says that there is none.
func (s *service) find(ctx context.Context, name string) (registration, error) {
	var all listing[registration]
	err := s.ask(ctx, request{method: http.MethodGet, path: agentsPath, query: url.Values{"agentName": {name}}, into: &all})
	if err != nil {
		return registration{}, err
	}
	for _, found := range all.Value {
		if found.Name == name {
			return found, nil
		}
	}
	return registration{}, nil
}

// errBusy says that a runner has a job, so that it cannot be removed.
var errBusy = errors.New("the runner has a job")

// remove takes a runner's registration away. It returns false where there was none any more, as after a job.
func (s *service) remove(ctx context.Context, id int64) (there bool, err error) {
	err = s.ask(ctx, request{method: http.MethodDelete, path: fmt.Sprintf("%s/%d", agentsPath, id)})
	switch {
	case err == nil:
		return true, nil
	case refused(err, "JobStillRunning"):
		return true, errBusy
	case refused(err, "AgentNotFound"), statusOf(err) == http.StatusNotFound:
		return false, nil
	}
	return true, err
}

// dismiss is remove for a runner of which perhaps only the name is known.
func (s *service) dismiss(ctx context.Context, r Runner) (there bool, err error) {
	if r.ID == 0 {
		found, err := s.find(ctx, r.Name)
		if err != nil || found.ID == 0 {
			return false, err
		}
		r.ID = found.ID
	}
	return s.remove(ctx, r.ID)
}
