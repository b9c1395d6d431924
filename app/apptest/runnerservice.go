package apptest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Service is GitHub's service for runners, which its description of the REST API does not have.
const Service Kind = "service"

const servicePath = "/_services/pipelines"

// newUUID returns one of version 4.
func newUUID() string {
	h := randomHex(16)
	return fmt.Sprintf("%s-%s-4%s-a%s-%s", h[:8], h[8:12], h[13:16], h[17:20], h[20:])
}

// isService tells paths of the service from those of the API.
func isService(path string) bool {
	return path == "/actions/runner-registration" || strings.HasPrefix(path, servicePath+"/")
}

func (g *GitHub) serviceRoutes() http.Handler {
	mux := http.NewServeMux()
	answer := func(pattern string, f func(*http.Request, []byte) (int, any)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			g.mu.Lock()
			status, said := f(r, body)
			if r.Method != http.MethodGet {
				g.wake()
			}
			g.mu.Unlock()
			sayService(w, status, said)
		})
	}
	admin := func(f func(*http.Request, []byte, string) (int, any)) func(*http.Request, []byte) (int, any) {
		return func(r *http.Request, body []byte) (int, any) {
			scope, ok := g.adminTokens[bearer(r)]
			if !ok {
				return http.StatusUnauthorized, exception("VssUnauthorizedException", "the token is not valid")
			}
			if r.URL.Query().Get("api-version") == "" {
				return http.StatusBadRequest, exception("VssVersionNotSpecifiedException", "no api-version")
			}
			return f(r, body, scope)
		}
	}
	sets := servicePath + "/_apis/runtime/runnerscalesets"
	agents := servicePath + "/_apis/distributedtask/pools/0/agents"
	answer("POST /actions/runner-registration", g.registerRunners)
	answer("GET "+servicePath+"/_apis/runtime/runnergroups/", admin(g.listGroups))
	answer("GET "+sets, admin(g.listScaleSets))
	answer("POST "+sets, admin(g.createScaleSet))
	answer("POST "+sets+"/{set}/sessions", admin(g.onSet(g.createSession)))
	answer("PATCH "+sets+"/{set}/sessions/{session}", admin(g.onSet(g.refreshSession)))
	answer("DELETE "+sets+"/{set}/sessions/{session}", admin(g.onSet(g.deleteSession)))
	answer("POST "+sets+"/{set}/generatejitconfig", admin(g.onSet(g.generateConfig)))
	answer("POST "+sets+"/{set}/acquirejobs", g.acquireJobs)
	answer("GET "+agents, admin(g.listAgents))
	answer("DELETE "+agents+"/{agent}", admin(g.deleteAgent))
	answer("DELETE "+servicePath+"/queue/{set}/{message}", g.deleteMessage)
	mux.HandleFunc("GET "+servicePath+"/queue/{set}", g.pollQueue)
	mux.HandleFunc("POST "+servicePath+"/runner/next", g.runnerNext)
	mux.HandleFunc("POST "+servicePath+"/runner/work", g.runnerWork)
	return mux
}

func sayService(w http.ResponseWriter, status int, said any) {
	if said == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(said)
}

// exception is how the service says no.
func exception(kind, message string) fields {
	return fields{"typeName": "GitHub.Actions.Runtime.WebApi." + kind + ", GitHub.Actions.Runtime.WebApi", "message": message}
}

// Refuse answers as the service does: Refuse(409, "RunnerScaleSetSessionConflictException", "…").
func Refuse(status int, kind, message string) Effect {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler, _ <-chan struct{}) {
		sayService(w, status, exception(kind, message))
	}
}

// Nothing answers 200 and ends there.
func Nothing() Effect {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler, _ <-chan struct{}) {
		w.WriteHeader(http.StatusOK)
	}
}

func bearer(r *http.Request) string {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return token
}

// postRegistrationToken is of the REST API.
func (g *GitHub) postRegistrationToken(scope string) *answer {
	token := "A" + strings.ToUpper(randomHex(14))
	g.registrations[token] = scope
	return &answer{status: http.StatusCreated, body: fields{"token": token, "expires_at": stamp(g.Now().Add(time.Hour))}}
}

func (g *GitHub) postRepositoryRegistrationToken(_ *call, r *Repository) *answer {
	return g.postRegistrationToken(r.owner.Login + "/" + r.name)
}

// registerRunners trades a registration token for the service's address and a token for it.
func (g *GitHub) registerRunners(r *http.Request, body []byte) (int, any) {
	var wanted struct {
		URL   string `json:"url"`
		Event string `json:"runner_event"`
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	scope, ok := g.registrations[token]
	if scheme != "RemoteAuth" || !ok || json.Unmarshal(body, &wanted) != nil || wanted.URL != g.URL+"/"+scope || wanted.Event != "register" {
		return http.StatusForbidden, fields{"message": "Forbidden"}
	}
	now := g.Now()
	claims, _ := json.Marshal(fields{"exp": now.Add(time.Hour).Unix(), "nbf": now.Unix(), "jti": randomHex(8)}) // numbers and text
	admin := "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString(claims) + ".sig"
	g.adminTokens[admin] = scope
	return http.StatusOK, fields{"url": g.URL + servicePath + "/", "token": admin, "token_schema": "OAuthAccessToken"}
}

// RevokeRunnerTokens makes the service refuse all tokens that it gave away.
func (g *GitHub) RevokeRunnerTokens() {
	g.change(func() error { clear(g.adminTokens); return nil })
}

// setOf finds the scale set of a path.
func (g *GitHub) setOf(r *http.Request) *ScaleSet {
	id, _ := strconv.ParseInt(r.PathValue("set"), 10, 64)
	for _, s := range g.scaleSets {
		if s.ID == id && !s.gone {
			return s
		}
	}
	return nil
}

func noScaleSet() (int, any) {
	return http.StatusNotFound, exception("RunnerScaleSetNotFoundException", "No runner scale set found.")
}

func (g *GitHub) onSet(f func(*ScaleSet, *http.Request, []byte) (int, any)) func(*http.Request, []byte, string) (int, any) {
	return func(r *http.Request, body []byte, scope string) (int, any) {
		s := g.setOf(r)
		if s == nil || s.scope != scope {
			return noScaleSet()
		}
		return f(s, r, body)
	}
}

func (s *ScaleSet) describe() fields {
	return fields{
		"id": s.ID, "name": s.Name, "runnerGroupId": s.group, "labels": s.labels, "statistics": s.statistics(), "RunnerSetting": fields{"disableUpdate": true},
	}
}

func (g *GitHub) listScaleSets(r *http.Request, _ []byte, scope string) (int, any) {
	found := []fields{}
	if s := g.scaleSetNamed(scope, r.URL.Query().Get("name")); s != nil && r.URL.Query().Get("runnerGroupId") == strconv.FormatInt(s.group, 10) {
		found = append(found, s.describe())
	}
	return http.StatusOK, fields{"count": len(found), "value": found}
}

// MakeScaleSet registers one as another program does, in the default group.
func (g *GitHub) MakeScaleSet(scope, name string, labels ...string) {
	g.change(func() error {
		s := &ScaleSet{ID: g.nextID(), Name: name, g: g, scope: scope, group: 1}
		for _, label := range labels {
			s.labels = append(s.labels, fields{"type": "User", "name": label})
		}
		g.scaleSets = append(g.scaleSets, s)
		return nil
	})
}

func (g *GitHub) createScaleSet(_ *http.Request, body []byte, scope string) (int, any) {
	var wanted struct {
		Name   string
		Group  int64 `json:"runnerGroupId"`
		Labels []fields
	}
	if json.Unmarshal(body, &wanted) != nil || wanted.Name == "" || wanted.Group == 0 || len(wanted.Labels) == 0 {
		return http.StatusBadRequest, exception("ArgumentException", "name, runnerGroupId and labels are needed")
	}
	if g.scaleSetNamed(scope, wanted.Name) != nil {
		return http.StatusConflict, exception("RunnerScaleSetExistsException", wanted.Name+" exists")
	}
	s := &ScaleSet{ID: g.nextID(), Name: wanted.Name, g: g, scope: scope, group: wanted.Group, labels: wanted.Labels}
	if i := slices.IndexFunc(g.scaleSets, func(old *ScaleSet) bool { return old.scope == scope && old.Name == s.Name }); i >= 0 {
		s.jobs = g.scaleSets[i].jobs // they still wait for the name
		for _, j := range s.jobs {
			j.set = s
			if j.state == "assigned" {
				j.state = "queued"
			}
		}
	}
	g.scaleSets = append(g.scaleSets, s)
	return http.StatusOK, s.describe()
}
