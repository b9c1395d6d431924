package apptest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

func (g *GitHub) createSession(s *ScaleSet, _ *http.Request, body []byte) (int, any) {
	var wanted struct{ OwnerName string }
	if json.Unmarshal(body, &wanted) != nil || wanted.OwnerName == "" {
		return http.StatusBadRequest, exception("ArgumentException", "ownerName is needed")
	}
	if s.session != nil {
		return http.StatusConflict, exception("RunnerScaleSetSessionConflictException",
			fmt.Sprintf("The runner scale set %s already has an active session for owner %s.", s.Name, s.session.owner))
	}
	s.session = &runnerSession{id: newUUID(), owner: wanted.OwnerName, token: "queue-" + randomHex(20)}
	said := s.describeSession()
	if s.hollow > 0 {
		s.hollow--
		said["messageQueueUrl"] = ""
	}
	return http.StatusOK, said
}

func (s *ScaleSet) describeSession() fields {
	return fields{
		"sessionId": s.session.id, "ownerName": s.session.owner, "runnerScaleSet": s.describe(), "statistics": s.statistics(),
		"messageQueueUrl":         fmt.Sprintf("%s%s/queue/%d?sessionId=%s", s.g.URL, servicePath, s.ID, s.session.id),
		"messageQueueAccessToken": s.session.token,
	}
}

func noSession() (int, any) {
	return http.StatusNotFound, exception("RunnerScaleSetSessionNotFoundException", "The session doesn't exist in redis.")
}

func (g *GitHub) refreshSession(s *ScaleSet, r *http.Request, _ []byte) (int, any) {
	if s.session == nil || s.session.id != r.PathValue("session") || s.session.vanished {
		s.session = nil
		return noSession()
	}
	return http.StatusOK, s.describeSession()
}

func (g *GitHub) deleteSession(s *ScaleSet, r *http.Request, _ []byte) (int, any) {
	if s.session == nil || s.session.id != r.PathValue("session") {
		return noSession()
	}
	s.session = nil
	return http.StatusNoContent, nil
}

// holds tells whether a request carries the session's token.
func (s *ScaleSet) holds(r *http.Request) bool {
	return s.session != nil && bearer(r) == s.session.token
}

func (g *GitHub) acquireJobs(r *http.Request, body []byte) (int, any) {
	var ids []int64
	s := g.setOf(r)
	switch {
	case s == nil:
		return noScaleSet()
	case !s.holds(r):
		return http.StatusUnauthorized, exception("VssUnauthorizedException", "the token is not valid")
	case json.Unmarshal(body, &ids) != nil:
		return http.StatusBadRequest, exception("ArgumentException", "no list of ids")
	}
	got := []int64{}
	for _, j := range s.jobs {
		if slices.Contains(ids, j.ID) && j.state == "offered" {
			j.take(g.Now())
			s.tellAssigned(j)
			got = append(got, j.ID)
		}
	}
	return http.StatusOK, fields{"count": len(got), "value": got}
}

// pollQueue answers with the first message after the last one, or with 202 when its time is over.
func (g *GitHub) pollQueue(w http.ResponseWriter, r *http.Request) {
	limit := g.options.Runners.LongPoll
	if limit == 0 {
		limit = 50 * time.Second
	}
	over := time.NewTimer(limit)
	defer over.Stop()
	last, _ := strconv.ParseInt(r.URL.Query().Get("lastMessageId"), 10, 64)
	capacity, err := strconv.Atoi(r.Header.Get("X-ScaleSetMaxCapacity"))
	if err != nil {
		sayService(w, http.StatusBadRequest, exception("ArgumentException", "no capacity"))
		return
	}
	for {
		g.mu.Lock()
		changed, status, said := g.changed, 0, any(nil)
		s := g.setOf(r)
		switch {
		case s == nil:
			status, said = noScaleSet()
		case !s.holds(r):
			status, said = http.StatusUnauthorized, exception("VssUnauthorizedException", "the token has ended")
		default:
			s.assign(capacity)
			if i := slices.IndexFunc(s.messages, func(m runnerMessage) bool { return m.id > last }); i >= 0 {
				status, said = http.StatusOK, s.describeMessage(s.messages[i])
			}
		}
		g.mu.Unlock()
		if status != 0 {
			sayService(w, status, said)
			return
		}
		select {
		case <-changed:
		case <-time.After(20 * time.Millisecond): // jobs whose runner is lost come by time
		case <-over.C:
			w.WriteHeader(http.StatusAccepted)
			return
		case <-r.Context().Done():
			return
		}
	}
}

// Assign puts a job before the runners of the scale set that nobody has to take first.
func (s *ScaleSet) Assign(title, take string) *Job {
	j := &Job{Title: title, Take: take, set: s}
	s.g.change(func() error {
		j.ID = s.g.nextID()
		j.take(s.g.Now())
		s.jobs = append(s.jobs, j)
		return nil
	})
	return j
}

func (s *ScaleSet) describeMessage(m runnerMessage) fields {
	body, _ := json.Marshal(append([]fields{}, m.jobs...)) // numbers and text
	return fields{"messageId": m.id, "messageType": "RunnerScaleSetJobMessages", "body": string(body), "statistics": s.statistics()}
}

func (g *GitHub) deleteMessage(r *http.Request, _ []byte) (int, any) {
	s := g.setOf(r)
	if s == nil || !s.holds(r) {
		return http.StatusUnauthorized, nil
	}
	id, _ := strconv.ParseInt(r.PathValue("message"), 10, 64)
	s.messages = slices.DeleteFunc(s.messages, func(m runnerMessage) bool { return m.id == id })
	return http.StatusNoContent, nil
}

func (g *GitHub) generateConfig(s *ScaleSet, _ *http.Request, body []byte) (int, any) {
	var wanted struct{ Name string }
	if json.Unmarshal(body, &wanted) != nil || wanted.Name == "" || len(wanted.Name) > 64 {
		return http.StatusBadRequest, exception("ArgumentException", "the name is needed")
	}
	if slices.ContainsFunc(s.runners, func(r *registeredRunner) bool { return r.name == wanted.Name && !r.gone }) {
		return http.StatusConflict, exception("AgentExistsException", "A runner exists with the same name")
	}
	r := &registeredRunner{id: g.nextID(), name: wanted.Name, secret: "jit" + randomHex(60)}
	s.runners = append(s.runners, r)
	g.configs[r.secret] = configured{s, r}
	return http.StatusOK, fields{"runner": fields{"id": r.id, "name": r.name, "runnerScaleSetId": s.ID}, "encodedJITConfig": r.secret}
}

// configured is a runner with its scale set.
type configured struct {
	set    *ScaleSet
	runner *registeredRunner
}

func (g *GitHub) agentsOf(scope string) (all []configured) {
	for _, c := range g.configs {
		if c.set.scope == scope && !c.runner.gone {
			all = append(all, c)
		}
	}
	return all
}

func (g *GitHub) listAgents(r *http.Request, _ []byte, scope string) (int, any) {
	found := []fields{}
	for _, c := range g.agentsOf(scope) {
		if c.runner.name == r.URL.Query().Get("agentName") {
			found = append(found, fields{"id": c.runner.id, "name": c.runner.name, "runnerScaleSetId": c.set.ID})
		}
	}
	return http.StatusOK, fields{"count": len(found), "value": found}
}

func (g *GitHub) deleteAgent(r *http.Request, _ []byte, scope string) (int, any) {
	id, _ := strconv.ParseInt(r.PathValue("agent"), 10, 64)
	for _, c := range g.agentsOf(scope) {
		if c.runner.id != id {
			continue
		}
		for _, j := range c.set.jobs {
			if j.runner == c.runner && j.state == "running" {
				return http.StatusBadRequest, exception("JobStillRunningException", fmt.Sprintf("Job %s is still running.", j.Title))
			}
		}
		c.runner.gone = true
		return http.StatusNoContent, nil
	}
	return http.StatusNotFound, exception("AgentNotFoundException", "No agent found")
}

// runnerNext has the runner of the tests wait for its one job. The body is its configuration.
func (g *GitHub) runnerNext(w http.ResponseWriter, r *http.Request) {
	secret, _ := io.ReadAll(r.Body)
	g.mu.Lock()
	known, ok := g.configs[string(secret)]
	if ok {
		known.runner.used++
	}
	g.mu.Unlock()
	for ok {
		g.mu.Lock()
		changed := g.changed
		if known.runner.gone || known.runner.used > 1 {
			g.mu.Unlock()
			break
		}
		for _, j := range known.set.jobs {
			if j.state == "assigned" && r.Context().Err() == nil {
				j.state, j.runner = "running", known.runner
				j.lost = g.Now().Add(unheard) // unless its runner is heard of until then
				j.started++
				j.took = append(j.took, g.Now().Sub(j.assigned))
				j.set.news(fields{"messageType": "JobStarted", "runnerRequestId": j.ID, "runnerName": known.runner.name, "runnerId": known.runner.id, "jobDisplayName": j.Title})
				g.wake()
				g.mu.Unlock()
				sayService(w, http.StatusOK, fields{"id": j.ID, "take": j.Take})
				return
			}
		}
		g.mu.Unlock()
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
	w.WriteHeader(http.StatusGone)
}

// unheard is how long a runner may take to say that it works on its job.
const unheard = 5 * time.Second

// runnerWork is open as long as the runner works on its job; the result is the last line of its body. Without one the runner is lost.
func (g *GitHub) runnerWork(w http.ResponseWriter, r *http.Request) {
	known := configured{}
	g.change(func() error {
		known = g.configs[bearer(r)]
		for _, j := range g.jobsOf(known) {
			j.lost = time.Time{}
		}
		return nil
	})
	result, err := io.ReadAll(r.Body)
	g.change(func() error {
		for _, j := range g.jobsOf(known) {
			if err != nil || len(result) == 0 {
				j.lost = g.Now()
			} else {
				j.complete(string(result))
			}
		}
		return nil
	})
	w.WriteHeader(http.StatusNoContent)
}

func (g *GitHub) jobsOf(c configured) (all []*Job) {
	if c.set == nil {
		return nil
	}
	for _, j := range c.set.jobs {
		if j.runner == c.runner && j.state == "running" {
			all = append(all, j)
		}
	}
	return all
}
