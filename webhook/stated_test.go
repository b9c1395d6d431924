package webhook

import (
	"testing"
	"testing/synctest"
)

// TestWordsOnCommits: the last ones of others are hints on what a commit waits for, and no reason to look for heads.
func TestWordsOnCommits(t *testing.T) {
	const (
		sha  = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"
		repo = `"repository":{"id":7,"full_name":"acme/shop","clone_url":"https://github.com/acme/shop.git"}`
	)
	said := &Nudge{shopURL, 7, "", sha}
	for body, of := range map[string]struct {
		event string
		want  *Nudge
	}{
		`{"sha":"` + sha + `","state":"success","context":"ci",` + repo + `}`:                                                          {"status", said},
		`{"sha":"` + sha + `","state":"failure","context":"ci",` + repo + `}`:                                                          {"status", said},
		`{"sha":"` + sha + `","state":"pending","context":"ci",` + repo + `}`:                                                          {"status", nil},
		`{"sha":"../x","state":"success",` + repo + `}`:                                                                                {"status", nil},
		`{"action":"completed","check_run":{"id":5,"head_sha":"` + sha + `","check_suite":{"id":4}},` + repo + `}`:                     {"check_run", said},
		`{"action":"created","check_run":{"id":5,"head_sha":"` + sha + `","check_suite":{"id":4}},` + repo + `}`:                       {"check_run", nil},
		`{"action":"completed","check_suite":{"id":4,"head_sha":"` + sha + `"},` + repo + `}`:                                          {"check_suite", said},
		`{"action":"completed","check_suite":{"id":4,"head_sha":"` + sha + `"},"repository":{"id":7,"full_name":"x"}}`:                 {"check_suite", nil},
		`{"action":"completed","requested_action":{"identifier":"cancel"},"check_run":{"id":5,"head_sha":"` + sha + `"},` + repo + `}`: {"check_run", said},
	} {
		e, err := Parse(of.event, []byte(body))
		if (e.Said == nil) != (of.want == nil) || e.Said != nil && *e.Said != *of.want || len(e.Nudges) > 0 || e.Check != nil || e.matters() != (of.want != nil) {
			t.Errorf("%s: %+v, %v", body, e, err)
		}
	}
}

// TestWordsInTheLogCostNoPayload, however many there are.
func TestWordsInTheLogCostNoPayload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := read(t, nil)
		for i := range 50 {
			r.deliver(int64(i+1), "status", 0)
		}
		r.deliver(51, "push", 0)
		elapse(11 * 1e9)
		want(t, "payloads", r.count("/deliveries/"), 1)
		if len(r.events) != 51 || r.events[0].Said == nil || r.events[0].Said.RepositoryID != 7 || len(r.events[0].Nudges) > 0 {
			t.Errorf("%d events, first %+v", len(r.events), r.events[0])
		}
	})
}
