package github

import (
	"encoding/json"

	"github.com/bittrance/kitops/poller"
)

const (
	// maxRemembered bounds how many refs with a deployment that has not succeeded are remembered.
	maxRemembered = 50
	// maxPulls bounds how many pull requests are remembered that are deployed.
	maxPulls = 500
)

// deployed is what is remembered of a task's deployments to one environment, in the state.
type deployed struct {
	Active int64              `json:"active,omitempty"` // the one that is there now
	Pulls  map[string]int64   `json:"pulls,omitempty"`  // of each pull request the one that is there now
	Refs   map[string]attempt `json:"refs,omitempty"`   // those that have not succeeded
}

// attempt is a deployment that goes on, or has failed and may be tried again.
type attempt struct {
	ID    int64  `json:"id"`
	Run   string `json:"run"` // that made it
	SHA   string `json:"sha"`
	State string `json:"state,omitempty"`
}

func (k deployed) String() string {
	if k.Active == 0 && len(k.Refs)+len(k.Pulls) == 0 {
		return ""
	}
	text, err := json.Marshal(k)
	if err != nil {
		return "" // numbers and texts always marshal
	}
	return string(text)
}

// remember keeps a bounded number of attempts, the newest.
func (k *deployed) remember(ref string, a attempt) {
	if k.Refs == nil {
		k.Refs = map[string]attempt{}
	}
	k.Refs[ref] = a
	for len(k.Refs) > maxRemembered {
		oldest := ref
		for other, known := range k.Refs {
			if known.ID < k.Refs[oldest].ID {
				oldest = other
			}
		}
		delete(k.Refs, oldest)
	}
}

// former is the deployment whose place that of a ref takes: pull requests have a place each.
func (k *deployed) former(ref string) int64 {
	if poller.IsPull(ref) {
		return k.Pulls[ref]
	}
	return k.Active
}

// replace remembers what is there now.
func (k *deployed) replace(ref string, id int64) {
	if !poller.IsPull(ref) {
		k.Active = id
		return
	}
	if k.Pulls == nil {
		k.Pulls = map[string]int64{}
	}
	k.Pulls[ref] = id
	for len(k.Pulls) > maxPulls {
		oldest := ref
		for other, known := range k.Pulls {
			if known < k.Pulls[oldest] {
				oldest = other
			}
		}
		delete(k.Pulls, oldest)
	}
}
